import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { format, instantOfDigits, span, timeText } from './when.ts';

const CARACAS = 'America/Caracas';
const at = (h: number, m: number, s = 0, ms = 0) => Date.UTC(2018, 0, 15, h + 4, m, s, ms);

// From the rules in the documentation of when.Format.
test('the forms of one day', () => {
  const d = { zone: CARACAS, lang: 'en' };
  assert.equal(format({ min: at(9, 7), max: at(9, 7, 59, 999) }, d), '09:07');
  assert.equal(format({ min: at(9, 7), max: at(9, 7, 59, 999) }, { ...d, approx: true }), '~09:07');
  assert.equal(format({ min: at(11, 15), max: at(11, 32, 59, 999) }, d), '11:15–11:32');
  assert.equal(format({ min: at(11, 15), max: null }, d), 'after 11:15');
  assert.equal(format({ min: null, max: at(6, 45) }, { ...d, lang: 'es' }), 'antes de las 06:45');
  assert.equal(format({ min: null, max: null }, d), 'time not known');
  assert.equal(format({ min: 2, max: 1 }, { ...d, lang: 'es' }), 'ninguna hora encaja');
  assert.equal(format({ min: at(9, 5), max: at(9, 9) }, { ...d, utc: true }), '09:07 (13:07Z) ± 2 min');
  assert.equal(format({ min: at(0, 0), max: at(23, 59, 59, 999) }, d), '15 January 2018');
});

test('the golden vectors that Go agrees with', (t) => {
  const file = '../when/testdata/display.json';
  if (!existsSync(file)) return t.skip('no golden vectors in this tree');
  const raw = JSON.parse(readFileSync(file, 'utf8')) as unknown;
  const rows = (Array.isArray(raw) ? raw : Object.values(raw as Record<string, unknown>).find(Array.isArray)) as Record<string, unknown>[];
  assert.ok(rows.length > 10);
  for (const r of rows) {
    const d = { zone: String(r['zone'] ?? ''), lang: String(r['lang'] ?? 'en'), approx: !!r['approx'], day: !!r['day'], utc: !!r['utc'] };
    const iv = { min: (r['min'] as number | null | undefined) ?? null, max: (r['max'] as number | null | undefined) ?? null };
    assert.equal(format(iv, d), r['want'] ?? r['text'], JSON.stringify(r));
  }
});

test('the date is named on every day but the case’s own', () => {
  const t = { min: at(9, 7), max: at(9, 7, 59, 999) };
  assert.equal(timeText(t, CARACAS, 'en', { caseDay: '2018-01-15' }), '09:07');
  assert.equal(timeText(t, CARACAS, 'en', { caseDay: '2018-01-16' }), '15 January 2018, 09:07');
});

test('lengths and typed times', () => {
  assert.equal(span(5_987_655, 'en'), '1 h 39 min 47.655 s');
  assert.equal(span(-5_987_655, 'es'), '1 h 39 min 47,655 s');
  assert.equal(span(0, 'en'), '0 s');
  assert.equal(instantOfDigits('0907', CARACAS, at(3, 0)), at(9, 7));
  assert.equal(instantOfDigits('9:07:12', CARACAS, at(3, 0)), at(9, 7, 12));
  assert.equal(instantOfDigits('2560', CARACAS, at(3, 0)), null);
  assert.equal(instantOfDigits('9', CARACAS, at(3, 0)), null);
});
