import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from '../document/types.ts';
import { columnAt, countsOf, lanesOfCounts, totalOf } from './density.ts';

const doc = { accounts: [{ id: 'A-1', letter: 'G', title: { en: 'Government' }, order: 1, lane: true }, { id: 'A-2', letter: 'P', title: { en: 'Press' }, order: 2, lane: false }], items: [] } as unknown as Document;
const d = { from: 1000, step: 500, lanes: [{ key: 'none', total: 9, counts: [4, 0, 5] }, { key: 'A-1', total: 3, counts: [0, 3, 0] }, { key: 'A-2', total: 2, counts: [1, 1, 0] }] };

test('lanes keep the order of the accounts; what has no lane of its own is counted in the last', () => {
  const lanes = lanesOfCounts(doc, 'account', d);
  assert.deepEqual(lanes.map((l) => l.key), ['A-1', '-']);
  assert.deepEqual(countsOf(d, '-', lanes), [5, 1, 5]);
  assert.deepEqual(countsOf(d, 'A-1', lanes), [0, 3, 0]);
  // Nothing is lost and nothing counted twice.
  assert.equal(lanes.flatMap((l) => countsOf(d, l.key, lanes)).reduce((a, b) => a + b, 0), 14);
});

test('perspectives are the lanes that hold something', () => {
  const by = { ...d, lanes: [{ key: 'citizen', total: 2, counts: [1, 1] }, { key: 'press', total: 0, counts: [0, 0] }] };
  assert.deepEqual(lanesOfCounts(doc, 'perspective', by).map((l) => l.key), ['citizen']);
});

test('a column is found by its time, and "at least" is said', () => {
  assert.equal(totalOf(d, '-', [{ key: 'A-1' }, { key: '-' }], 'en'), '11');
  assert.equal(columnAt(d, 1000), 5);
  assert.equal(columnAt(d, 1499), 5);
  assert.equal(columnAt(d, 1500), 4);
  assert.equal(columnAt(d, 999), 0);
  assert.equal(columnAt(d, 9999), 0);
  assert.equal(totalOf({ ...d, lanes: [{ key: 'A-1', total: 1234, counts: [1234] }], capped: true }, 'A-1', [{ key: 'A-1' }], 'en'), '≥ 1,234');
});
