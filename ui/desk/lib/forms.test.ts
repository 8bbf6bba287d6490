import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from '../../document/types.ts';
import { joinPoint, rangeWords, relationOf, splitPoint } from './constraint.ts';
import { changed, clean, merge } from './draft.ts';
import { parseLength, printLength } from './length.ts';
import { referrers } from './references.ts';

test('lengths of time are read exactly, and what is printed reads back as the same', () => {
  for (const [words, ms] of [['90 s', 90_000], ['2 min', 120_000], ['1 h 5 min', 3_900_000], ['-2 min', -120_000], ['−2 min', -120_000], ['1:30', 90_000], ['0.5 s', 500], ['0,5 s', 500], ['1.001 s', 1001], ['0', 0], ['-0 s', 0], ['3 d', 259_200_000], ['250 ms', 250]] as const)
    assert.equal(parseLength(words), ms, words);
  for (const words of ['', 'soon', '2', '2 minutes', '1:75', '--2 s', '5 min x', 'min', '1e3 s', '9'.repeat(20) + ' d']) assert.equal(parseLength(words), null, words);
  for (const ms of [0, 1, -1, 999, 1000, 90_061_001, -3_723_004, 86_400_000, 123_456_789]) assert.equal(parseLength(printLength(ms)), ms, printLength(ms));
  assert.ok(Object.is(parseLength('-0 min'), 0), 'minus nothing is nothing');
});

test('the points of a constraint say what kind of sentence it is', () => {
  assert.deepEqual(splitPoint('EJ-014.3.start'), { id: 'EJ-014.3', side: 'start' });
  assert.deepEqual(splitPoint('clock:phone'), { id: 'clock:phone', side: '' });
  assert.equal(joinPoint('E-001', 'end'), 'E-001.end');
  assert.equal(relationOf('z', 'E-001.start'), 'clock');
  assert.equal(relationOf('E-001.start', 'E-001.end'), 'lasts');
  assert.equal(relationOf('E-001.end', 'E-001.start'), 'between');
  assert.equal(relationOf('E-001.start', 'E-002.end'), 'between');
});

test('a range is told by the signs of its ends, never with a minus in the sentence', () => {
  const m = 60_000;
  for (const [min, max, key] of [
    [null, null, 'open'], [0, 0, 'same'], [m, m, 'exactly_after'], [-m, -m, 'exactly_before'], [0, null, 'not_before'], [m, null, 'at_least_after'], [-m, null, 'no_earlier'],
    [null, 0, 'not_after'], [null, m, 'at_most_after'], [null, -m, 'at_least_before'], [m, 2 * m, 'between_after'], [0, m, 'between_after'], [-2 * m, -m, 'between_before'], [-m, m, 'around'],
  ] as const) {
    const r = rangeWords(min, max);
    assert.equal(r.key, key, `${min} ${max}`);
    assert.ok(!/-/.test(r.a + r.b));
  }
  // The nearer end comes first in "between ... before".
  assert.deepEqual(rangeWords(-120_000, -60_000), { key: 'between_before', a: '1 min', b: '2 min' });
});

test('a form writes only what it changed, and leaves out what is blank', () => {
  const base = { id: 'C-01', account: 'a', text: { en: 'x' }, items: ['EJ-001'], status: 'unsupported', public: false };
  assert.equal(changed('claim', base, { ...base, reason: {}, places: [], not_shown: { en: ' ' } }), false, 'fields that were opened and left blank are no change');
  const newest: Record<string, unknown> = { ...base, status: 'contested', note: 'theirs' };
  merge('claim', newest, base, { ...base, text: { en: 'y', es: '' } });
  assert.deepEqual(newest, { ...base, status: 'contested', note: 'theirs', text: { en: 'y' } });
  const had: Record<string, unknown> = { ...base, reason: { en: 'r' } };
  merge('claim', had, had, { ...base, reason: { en: '' } });
  assert.ok(!('reason' in had), 'a text that was emptied is taken out');
  merge('claim', had, base, { ...base, items: [], public: true });
  assert.deepEqual([had['items'], had['public']], [[], true]);
  assert.deepEqual(clean('gap', { id: '', title: { en: 'a' }, public: false, items: [], asked: {}, time: undefined }), { id: '', title: { en: 'a' }, public: false });
});

test('whatever still names an object is found before it is withdrawn', () => {
  const doc = {
    claims: [{ id: 'C-01', account: 'gov', items: ['EJ-001'], against: [{ to: 'C-02' }] }, { id: 'C-02', account: 'gov', items: [] }],
    items: [{ id: 'EJ-001', entities: ['N-01'], lane: 'gov' }], observations: [{ id: 'EJ-001.1', item: 'EJ-001' }], entities: [{ id: 'N-01', items: ['EJ-001'] }],
    events: [{ id: 'E-001', entities: ['N-01'], items: [] }], gaps: [{ id: 'G-01', items: ['EJ-001'] }], findings: [{ id: 'F-001', about: ['EJ-001'] }],
    constraints: [{ id: 'K-001', from: 'z', to: 'E-001.start', evidence: ['EJ-001'] }], stories: [{ id: 'S-01', steps: [{ text: { en: 'So it was [C-02].' }, view: {} }] }],
  } as unknown as Document;
  assert.deepEqual(referrers(doc, 'EJ-001').sort(), ['C-01', 'EJ-001.1', 'F-001', 'G-01', 'K-001', 'N-01']);
  assert.deepEqual(referrers(doc, 'C-02').sort(), ['C-01', 'S-01']);
  assert.deepEqual(referrers(doc, 'E-001'), ['K-001']);
  assert.deepEqual(referrers(doc, 'gov').sort(), ['C-01', 'C-02', 'EJ-001']);
  assert.deepEqual(referrers(doc, 'N-01').sort(), ['E-001', 'EJ-001']);
});
