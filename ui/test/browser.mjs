// Runs every *.browser.mjs beside the code it tests, with node's test runner,
// one after the other: two browsers on two cores would only slow each other.
import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { browserMissing, ui } from './harness.mjs';

const missing = browserMissing();
if (missing) {
  console.log('browser tests skipped: ' + missing);
  process.exit(0);
}
const wanted = process.argv.slice(2);
const tests = [];
for (const folder of ['test', 'scene', 'timeline', 'map', 'desk', 'edition', 'call']) {
  try {
    for (const f of await readdir(join(ui, folder), { recursive: true })) if (f.endsWith('.browser.mjs')) tests.push(join(folder, f));
  } catch {
    // The folder is not there.
  }
}
const chosen = wanted.length ? tests.filter((t) => wanted.some((w) => t.includes(w))) : tests;
if (!chosen.length) {
  console.error('no browser test matches ' + wanted.join(' '));
  process.exit(1);
}
const run = (f) => spawnSync(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=300000', join(ui, f)], { cwd: ui, stdio: 'inherit' }).status === 0;
let failed = chosen.filter((f) => !run(f));
// On a machine that others load at the same time a page may be later than any
// wait: a file that failed is run once more there, alone, and both are said.
if (failed.length && process.env.CI) {
  console.log(`# failed, run once more: ${failed.join(' ')}`);
  const still = failed.filter((f) => !run(f));
  for (const f of failed) console.log(`# ${f}: ${still.includes(f) ? 'failed twice' : 'FAILED AT FIRST, passed at the second run'}`);
  failed = still;
}
if (failed.length) console.error(`browser tests failed: ${failed.join(' ')}`);
process.exit(failed.length ? 1 : 0);
