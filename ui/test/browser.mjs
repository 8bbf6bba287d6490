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
const r = spawnSync(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=300000', ...chosen.map((t) => join(ui, t))], { cwd: ui, stdio: 'inherit' });
process.exit(r.status ?? 1);
