import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Redaction } from '../../document/types.ts';
import { cornersAt, freshId, moved, Past, placed, redactionDigest, ring, scaled, unplaced } from './model.ts';

const rect = (): Redaction => ({ id: 'R1', kind: 'region', shape: 'rect', keys: [{ at_ms: 0, points: [[0.1, 0.1], [0.3, 0.3]] }, { at_ms: 1000, points: [[0.5, 0.1], [0.7, 0.5]] }] });

test('a region moves in a straight line between two positions and stands still outside them', () => {
  const near = (a: unknown, b: unknown) => assert.deepEqual(JSON.parse(JSON.stringify(a), (_, v) => (typeof v === 'number' ? Math.round(v * 1e6) / 1e6 : v)), b);
  near(cornersAt(rect(), -5), [[0.1, 0.1], [0.3, 0.3]]);
  near(cornersAt(rect(), 500), [[0.3, 0.1], [0.5, 0.4]]);
  near(cornersAt(rect(), 1000), [[0.5, 0.1], [0.7, 0.5]]);
  near(cornersAt(rect(), 9000), [[0.5, 0.1], [0.7, 0.5]]);
  assert.equal(cornersAt({ ...rect(), from_ms: 100 }, 50), null);
  assert.equal(ring(rect(), 0)?.length, 4);
});

test('placing at the playhead makes one position in its order, and in a picture there is one', () => {
  const r = placed(rect(), 400.4, [[0, 0], [0.2, 0.2]], true);
  assert.deepEqual(r.keys?.map((k) => k.at_ms), [0, 400, 1000]);
  assert.deepEqual(placed(r, 400, [[0.1, 0], [0.2, 0.2]], true).keys?.[1].points, [[0.1, 0], [0.2, 0.2]]);
  assert.equal(placed(r, 400, [[0, 0], [1, 1]], false).keys?.length, 1);
  assert.deepEqual(unplaced(r, 400).keys?.map((k) => k.at_ms), [0, 1000]);
  assert.equal(unplaced(placed(r, 0, [[0, 0], [1, 1]], false), 0).keys?.length, 1, 'the last position stays');
});

test('a shape keeps its middle in the picture and never vanishes', () => {
  const m = moved([[0.8, 0.8], [1, 1]], 5, -5);
  assert.deepEqual([(m[0][0] + m[1][0]) / 2, (m[0][1] + m[1][1]) / 2].map((x) => Math.round(x * 1e9) / 1e9), [1, 0]);
  const s = scaled([[0.4, 0.4], [0.5, 0.6]], -3, 0.2);
  assert.ok(s[1][0] > s[0][0] && Math.abs(s[1][1] - s[0][1] - 0.4) < 1e-9);
});

test('names are fresh, and what was done can be taken back and done again', () => {
  assert.equal(freshId([rect(), { id: 'R3', kind: 'voice' }]), 'R2');
  const p = new Past(1);
  p.do(2);
  p.do(3);
  assert.deepEqual([p.undo(), p.undo(), p.undo(), p.redo(), p.canRedo], [2, 1, 1, 2, true]);
  p.do(9);
  assert.deepEqual([p.redo(), p.canRedo, p.undo()], [9, false, 2]);
});

// The value was printed by Item.RedactionDigest of the server for the same item.
test('the digest of redactions is the one the server names copies by', async () => {
  const item = { sha256: 'ab', redactions: [{ ...rect(), reason: { en: 'A face' }, by: 'Ana' }, { id: 'R2', kind: 'range' as const, from_ms: 5, to_ms: 70, fill: 'tone' as const, caption: { es: 'Un ñandú', en: 'A bird' } }] };
  assert.equal(await redactionDigest(item), 'c03f468ef2d014dd42f31d648ffeb1d02de78672a69aaa9de716b6bfa3827b25');
  assert.equal(await redactionDigest({ sha256: 'ab', redactions: [] }), '');
});
