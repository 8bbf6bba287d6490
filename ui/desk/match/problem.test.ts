import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item } from '../../document/types.ts';
import type { SceneDocument } from '../../document/scene.ts';
import { solvedAt } from '../lib/media.ts';
import { compare, cropSuspected, ellipsoid, nextId, pairsOf, problemOf, sigmaOf, statedFocal, type Answer, type Pair, type Settings } from './problem.ts';

const pair = (name: string, more: Partial<Pair> = {}): Pair => ({ name, px: [10.126, 20], world: [1, 2, 3], sigma_px: 2, sigma_m: 0.1, out: false, ...more });
const settings: Settings = { focal: 'known', focal_px: 480.123, cropped: 'no', lens: false };

test('only complete pairs that are not left out become points, and a saved problem gives the same pairs back', () => {
  const p = problemOf('EX-1', { width: 640, height: 480 }, [pair('a'), pair('b', { out: true }), pair('c', { world: null }), pair('d', { px: null })], settings, null);
  assert.deepEqual(p.points, [{ id: 'a', px: [10.13, 20], world: [1, 2, 3], sigma_px: 2, sigma_m: 0.1 }]);
  assert.deepEqual(p.focal, { px: 480.12 });
  assert.equal('frame' in p, false);
  const back = pairsOf(JSON.parse(JSON.stringify(p)));
  assert.equal(back.pairs.length, 1);
  assert.deepEqual(back.settings, { focal: 'known', focal_px: 480.12, cropped: 'no', lens: false });
  assert.deepEqual(problemOf('EX-1', p.image, back.pairs, { ...settings, ...back.settings }, null), p);
  assert.deepEqual(problemOf('x', p.image, [], { ...settings, focal: 'locked' }, null).focal, { px: 480.12, fixed: true });
});

test('the error of a model point is its own, else of its layer, else of its class', () => {
  const scene = { objects: [{ id: 'h', layer: 'L', class: 'derived', points: [{ id: 'h.a', at: [0, 0, 0], sigma_m: 0.02 }, { id: 'h.b', at: [0, 0, 0] }] }], layers: [{ id: 'L', class: 'derived', accuracy_m: 0.4 }, { id: 'M', class: 'conjectural' }] } as unknown as SceneDocument;
  assert.equal(sigmaOf(scene, 'h', 'L', 'h.a'), 0.02);
  assert.equal(sigmaOf(scene, 'h', 'L', 'h.b'), 0.4);
  assert.equal(sigmaOf(scene, '', 'M'), 2);
  assert.equal(sigmaOf(null, '', ''), 2);
});

test('the stated focal length counts on the diagonal; an odd shape or no lens is a suspected crop', () => {
  const item = (v?: string, media = 'photo') => ({ media, facts: v ? [{ field: 'ExifIFD:FocalLengthIn35mmFormat', value: v }] : [] }) as unknown as Item;
  const size = { width: 640, height: 480 };
  assert.ok(Math.abs(statedFocal(item('26'), size)! - 480.74034) < 1e-3); // the exercise's own truth for this lens
  assert.equal(statedFocal(item('0'), size), null);
  assert.equal(cropSuspected(item('26'), size), false);
  assert.equal(cropSuspected(item(), size), true);
  assert.equal(cropSuspected(item('26'), { width: 320, height: 520 }), true);
  assert.equal(cropSuspected(item('26'), { width: 480, height: 640 }), false);
});

test('two answers agree within 15 m or within both radii together', () => {
  const a = (x: number, r: number) => ({ position: [x, 0, 0], ellipsoid95: { semi_axes_m: [r, 1, 1], axes: [[1, 0, 0], [0, 1, 0], [0, 0, 1]] } }) as unknown as Answer;
  assert.deepEqual(compare(a(0, 1), a(14, 1)), { metres: 14, limit: 15, agree: true });
  assert.equal(compare(a(0, 1), a(16, 1))!.agree, false);
  const wide = compare(a(0, 30), a(45, 40))!;
  assert.equal(wide.limit, 50);
  assert.equal(wide.agree, true);
  const ring = ellipsoid(a(5, 3))[0]!;
  assert.ok(ring.every((p) => Math.abs(((p[0] - 5) / 3) ** 2 + p[1] ** 2 - 1) < 1e-9 && p[2] === 0));
});

test('ids go on after the highest', () => {
  assert.equal(nextId(['F-001', 'F-012', 'G-99'], 'F-'), 'F-013');
  assert.equal(nextId([], 'F-'), 'F-001');
});

test('the moment of a video is read from the name of its problem', () => {
  assert.equal(solvedAt({ id: 'EX-011 12.345 s' }), 12345);
  assert.equal(solvedAt({ id: 'EX-011 0.000 s' }), 0);
  assert.equal(solvedAt({ id: 'EX-011' }), null);
  assert.equal(solvedAt(undefined), null);
});
