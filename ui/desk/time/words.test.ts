import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import en from './text/en.json';
import es from './text/es.json';

test('every string of the time view is in both catalogues, and none is idle', () => {
  const whole = new Set<string>();
  const prefixes = new Set<string>();
  const dir = join(process.cwd(), 'desk/time');
  for (const f of readdirSync(dir)) {
    if (!/\.(svelte|ts)$/.test(f) || f.endsWith('.test.ts')) continue;
    const s = readFileSync(join(dir, f), 'utf8');
    for (const m of s.matchAll(/\b(?:w|both)\(\s*'([^']+)'\s*(\+)?/g)) (m[2] ? prefixes : whole).add(m[1]!);
    for (const m of s.matchAll(/\bw\(`([a-z_]+\.)/g)) prefixes.add(m[1]!);
    for (const m of s.matchAll(/\bw\([^()']*\?\s*'([^']+)'\s*:\s*'([^']+)'/g)) whole.add(m[1]!).add(m[2]!);
  }
  assert.ok(whole.size > 80);
  for (const k of whole) assert.ok(k in en && k in es, `"${k}" is used but absent`);
  assert.deepEqual(Object.keys(en).filter((k) => !whole.has(k) && ![...prefixes].some((p) => k.startsWith(p))), []);
  const same = Object.entries(en).filter(([k, v]) => v === (es as Record<string, string>)[k] && / [a-z]+ /.test(v));
  assert.deepEqual(same, [], 'sentences left untranslated');
});
