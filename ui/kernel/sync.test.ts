import assert from 'node:assert/strict';
import { test } from 'node:test';
import { correct, frameAt, mediaTime } from './sync.ts';

test('a drifting video is brought within 40 ms without a seek', () => {
  for (const speed of [0.98, 1, 1.02]) {
    let media = 300;
    let clock = 0;
    let worst = 0;
    let seeks = 0;
    for (let i = 0; i < 600; i++) {
      const c = correct(media - clock, 1);
      if (c.seek) seeks++;
      clock += 33;
      media += 33 * c.rate * speed;
      if (i > 150) worst = Math.max(worst, Math.abs(media - clock));
    }
    assert.equal(seeks, 0);
    assert.ok(worst < 40, `${speed}: ${worst}`);
  }
  assert.equal(correct(400, 1).seek, true);
  assert.equal(correct(NaN, 1).seek, true);
  assert.equal(correct(5, 2).rate, 2);
});

test('media time follows the anchors on both sides and between', () => {
  const a = [{ media: 'm', t_media: 1000, t_utc: 50_000, sigma: 30 }, { media: 'm', t_media: 11_010, t_utc: 60_000, sigma: 40 }];
  assert.equal(mediaTime(a, 49_000)!.at, 0);
  assert.equal(mediaTime(a, 55_000)!.at, 6005);
  assert.equal(mediaTime(a, 61_000)!.at, 12_010);
  assert.equal(mediaTime([], 0), null);
});

test('frames of variable length are met in their middle', () => {
  const times = [0, 33, 66, 140, 173];
  assert.deepEqual(frameAt(times, 139), { index: 2, middle: 103 });
  assert.deepEqual(frameAt(times, 140), { index: 3, middle: 156.5 });
  assert.equal(frameAt(times, 9999).index, 4);
  assert.equal(frameAt(times, -5).index, 0);
});
