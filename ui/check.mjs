// Before each commit: types, the import rule, translations, unit tests.
import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { catalogueFaults } from './test/catalogues.mjs';
import { importFaults } from './test/imports.mjs';

const ui = dirname(fileURLToPath(import.meta.url));
let bad = false;
const report = (what, faults) => {
  if (!faults.length) return;
  bad = true;
  console.error(what + ':\n  ' + faults.join('\n  '));
};
const run = (what, bin, args) => {
  const r = spawnSync(process.execPath, [join(ui, bin), ...args], { cwd: ui, encoding: 'utf8' });
  if (r.status !== 0) report(what, (r.stdout + r.stderr).trim().split('\n'));
};

report('import rule', await importFaults(ui));
report('translations', await catalogueFaults(ui));
run('types', 'node_modules/typescript/bin/tsc', ['--noEmit', '-p', '.']);
let panels = [];
try {
  panels = (await readdir(join(ui, 'desk'), { recursive: true })).filter((f) => f.endsWith('.svelte'));
} catch {
  // No desk in this tree.
}
if (panels.length) run('svelte', 'node_modules/svelte-check/bin/svelte-check', ['--tsconfig', './tsconfig.json', '--threshold', 'error', '--output', 'human']);
const unit = spawnSync(process.execPath, [join(ui, 'test/unit.mjs')], { cwd: ui, encoding: 'utf8' });
if (unit.status !== 0) report('unit tests', (unit.stdout + unit.stderr).trim().split('\n'));
else console.log('interface: types, import rule, translations and ' + (/^# pass (\d+)/m.exec(unit.stdout)?.[1] ?? '0') + ' unit tests pass');
process.exit(bad ? 1 : 0);
