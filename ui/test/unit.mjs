// Bundles every *.test.ts and runs them with node's own test runner. Arguments
// choose tests by a part of their path.
import * as esbuild from 'esbuild';
import { spawnSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ui = resolve(dirname(fileURLToPath(import.meta.url)), '..');
// Inside node_modules, so that packages resolve and git does not see it.
const dir = join(ui, 'node_modules/.cache/unit-' + process.pid);
const wanted = process.argv.slice(2);

const tests = [];
for (const folder of ['kernel', 'document', 'scene', 'timeline', 'map', 'desk', 'edition', 'call', 'test']) {
  try {
    for (const f of await readdir(join(ui, folder), { recursive: true })) if (f.endsWith('.test.ts')) tests.push(join(folder, f));
  } catch {
    // The folder is not there.
  }
}
const chosen = wanted.length ? tests.filter((t) => wanted.some((w) => t.includes(w))) : tests;
if (chosen.length === 0) {
  console.error('no unit test matches ' + wanted.join(' '));
  process.exit(1);
}
let code = 1;
try {
  await esbuild.build({
    absWorkingDir: ui,
    entryPoints: chosen,
    outdir: dir,
    outbase: '.',
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
    outExtension: { '.js': '.mjs' },
    loader: { '.css': 'empty' },
  });
  const files = chosen.map((t) => join(dir, t.replace(/\.ts$/, '.mjs')));
  const r = spawnSync(process.execPath, ['--enable-source-maps', '--test', '--test-concurrency=2', ...files], { cwd: ui, stdio: 'inherit' });
  code = r.status ?? 1;
} catch (e) {
  console.error(e.message);
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exit(code);
