import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faces, fewerCorners, footprint, grips, inward, KINDS, moreCorners, moved, newPart, nextId, number, outward, pull, SIZES, turned, withDimension } from './parts.ts';

const near = (a: readonly number[], b: readonly number[], eps = 1e-9) => a.forEach((x, i) => assert.ok(Math.abs(x - b[i]!) <= eps, `${a} is not ${b}`));

test('the axes of a part: x to the right, y to the front, headings clockwise from north', () => {
  const p = { ...newPart('house', 'S-01', [100, 200]), heading_deg: 90 };
  // Facing east: the front lies east of the middle, the right side south of it.
  near(outward(p, 0, 5), [105, 200]);
  near(outward(p, 4, 0), [100, 196]);
  for (const h of [0, 17, 123.4, 271]) near(inward({ ...p, heading_deg: h }, ...outward({ ...p, heading_deg: h }, 3.2, -1.5)), [3.2, -1.5]);
});

test('what is pulled follows the hand', () => {
  for (const kind of KINDS) {
    const p = newPart(kind, 'S-01', [10, -20]);
    for (const { grip, at } of grips(p)) {
      const still = pull(p, grip, ...at);
      footprint(still).forEach((q, i) => near(q, footprint(p)[i]!, 0.011));
      const to: [number, number] = [at[0] + 1.5, at[1] + 2.25];
      const q = pull(p, grip, ...to);
      if (grip.kind === 'corner') near(footprint(q)[grip.index]!, to, 0.011);
      if (grip.kind === 'turn') near([Math.atan2(outward(q, 0, 1)[0] - 10, outward(q, 0, 1)[1] + 20)], [Math.atan2(to[0] - 10, to[1] + 20)], 0.002);
      if (grip.kind === 'length') assert.equal(q.length_m, p.length_m! + 4.5);
    }
    const m = moved(p, 3, -4);
    footprint(m).forEach((q, i) => near(q, [footprint(p)[i]![0] + 3, footprint(p)[i]![1] - 4], 0.011));
  }
  assert.equal(turned(newPart('box', 'a', [0, 0]), -1).heading_deg, 359);
});

test('corners are added on the longest side and never fall below what a body needs', () => {
  let b = newPart('block', 'S-01', [0, 0]);
  b = moreCorners(b);
  assert.deepEqual(b.outline, [[-4, -3], [0, -3], [4, -3], [4, 3], [-4, 3]]);
  assert.deepEqual(faces(b), ['1', '2', '3', '4', '5']);
  for (let i = 0; i < 9; i++) b = fewerCorners(b, 0);
  assert.equal(b.outline!.length, 3);
  const w = fewerCorners(newPart('wall', 'S-02', [0, 0]), 0);
  assert.equal(w.points!.length, 2);
  assert.deepEqual(moreCorners({ ...w, points: [[0, 0, 1], [10, 0, 3]] }).points, [[0, 0, 1], [5, 0, 2], [10, 0, 3]]);
});

test('ids, numbers and dimensions', () => {
  assert.equal(nextId('S', ['S-01', 'S-03']), 'S-02');
  assert.equal(number(' 2,8 '), 2.8);
  assert.equal(number(''), null);
  assert.ok(Number.isNaN(number('two')));
  let p = newPart('house', 'S-01', [0, 0]);
  p = withDimension(p, 'height_m', { sigma: 0.3 }, 'from_plans');
  assert.deepEqual(p.dims, { height_m: { sigma: 0.3, class: 'from_plans' } });
  p = withDimension(p, 'height_m', { class: 'conjectural' }, 'from_plans');
  assert.deepEqual(p.dims!['height_m'], { sigma: 0.3, class: 'conjectural' });
  assert.equal('dims' in withDimension(p, 'height_m', null, 'derived'), false);
  for (const k of KINDS) for (const s of SIZES[k]) if (s !== 'floor_m' && s !== 'deck_m' && s !== 'overhang_m') assert.ok(newPart(k, 'x', [0, 0])[s]! > 0, `${k} starts without ${s}`);
});
