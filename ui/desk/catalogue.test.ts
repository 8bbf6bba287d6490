import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import en from './text/en.json';
import es from './text/es.json';

/** Keys that the sources name: whole ones, and prefixes of those put together at run time. */
function used(): { whole: Set<string>; prefixes: Set<string> } {
  const whole = new Set<string>();
  const prefixes = new Set<string>();
  const dir = join(process.cwd(), 'desk');
  for (const f of readdirSync(dir, { recursive: true }) as string[]) {
    if (!/\.(svelte|ts)$/.test(f) || f.endsWith('.test.ts')) continue;
    const s = readFileSync(join(dir, f), 'utf8');
    for (const m of s.matchAll(/\bt\(\s*'([^']+)'\s*(\+)?/g)) (m[2] ? prefixes : whole).add(m[1]!);
    for (const m of s.matchAll(/\bt\((?:[^()]|\([^()]*\))*?\?\s*'([^']+)'\s*:\s*'([^']+)'/g)) whole.add(m[1]!).add(m[2]!);
    // A sentence that is made in every language of the case gets its reader as an argument.
    for (const m of s.matchAll(/\bsay\('([a-z_]+\.[a-z_.]+)'\s*(\+)?/g)) (m[2] ? prefixes : whole).add(m[1]!);
    for (const m of s.matchAll(/\btn\(\s*'([^']+)'\s*(\+)?/g)) {
      if (m[2]) prefixes.add(m[1]!);
      else whole.add(m[1] + '.one').add(m[1] + '.other');
    }
    for (const m of s.matchAll(/\bword\(\s*'([^']+)'/g)) prefixes.add(m[1] + '.');
  }
  return { whole, prefixes };
}

test('every string that the desk names is in both catalogues, and none is idle', () => {
  const { whole, prefixes } = used();
  assert.ok(whole.size > 300, 'the search for keys found too few to be right');
  const keys = Object.keys(en);
  for (const k of whole) assert.ok(k in en && k in es, `"${k}" is used but absent`);
  for (const p of prefixes) assert.ok(keys.some((k) => k.startsWith(p)), `no string begins with "${p}"`);
  const idle = keys.filter((k) => !whole.has(k) && ![...prefixes].some((p) => k.startsWith(p)));
  assert.deepEqual(idle, []);
});

test('English and Spanish have the same keys and differ where they should', () => {
  assert.deepEqual(Object.keys(es).sort(), Object.keys(en).sort());
  const same = Object.entries(en).filter(([k, v]) => v === (es as Record<string, string>)[k] && / \w+ /.test(v));
  assert.deepEqual(same, [], 'whole sentences left untranslated');
});
