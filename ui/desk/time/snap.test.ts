import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rest, seenBetween } from './snap.ts';

test('a dragged clip rests where its moments meet others of their kind', () => {
  const own = [{ at: 1000, kind: 'edge' as const }, { at: 1500, kind: 'onset' as const }];
  assert.deepEqual(rest(own, [{ at: 2003, kind: 'edge' }], 1000, 8), { by: 1003, at: 2003 });
  assert.equal(rest(own, [{ at: 2003, kind: 'edge' }], 1000, 2), null);
  // A sound does not rest on the end of another clip.
  assert.equal(rest([own[1]], [{ at: 2503, kind: 'edge' }], 1000, 8), null);
  // It does on the playhead and on a mark.
  assert.deepEqual(rest([own[1]], [{ at: 2503, kind: 'clock' }], 1000, 8), { by: 1003, at: 2503 });
  // Of two that are near, the sound wins unless it is twice as far.
  const two = [{ at: 2004, kind: 'edge' as const }, { at: 2506, kind: 'onset' as const }];
  assert.deepEqual(rest(own, two, 1000, 10), { by: 1006, at: 2506 });
  assert.deepEqual(rest(own, [{ at: 2002, kind: 'edge' }, { at: 2506, kind: 'onset' }], 1000, 10), { by: 1002, at: 2002 });
});

test('what a frame shows first happened after the frame before it and before its own end', () => {
  const frames = [0, 40, 90, 120];
  assert.deepEqual(seenBetween(frames, 95, 40), { frame: 2, from: 40, to: 120 });
  assert.deepEqual(seenBetween(frames, 0, 40), { frame: 0, from: -40, to: 40 });
  assert.deepEqual(seenBetween(frames, 500, 40), { frame: 3, from: 90, to: 160 });
  assert.deepEqual(seenBetween(null, 95, 40), { frame: 2, from: 40, to: 120 });
});
