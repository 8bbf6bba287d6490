import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contours, hillshade } from './relief.ts';

test('contours of a cone are circles at their heights', () => {
  const n = 81;
  const heights = new Float32Array(n * n);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) heights[j * n + i] = 40 - Math.hypot(i - 40, j - 40);
  const { interval, lines } = contours({ nx: n, ny: n, heights, step: 1 });
  assert.ok(lines.length >= 5 && interval > 0);
  for (const l of lines) {
    if (l.height < 1 || l.height > 38) continue;
    for (const [x0, y0] of l.segments) assert.ok(Math.abs(Math.hypot(x0 - 40, y0 - 40) - (40 - l.height)) < 0.3);
  }
  const flat = contours({ nx: 2, ny: 2, heights: new Float32Array([1, 1, 1, 1]), step: 1 });
  assert.equal(flat.lines.length, 0);
});

test('a slope to the north-west is lighter than one to the south-east, and a hole stays empty', () => {
  const n = 5;
  const slope = (s: number) => Float32Array.from({ length: n * n }, (_, k) => s * ((k % n) + Math.floor(k / n)));
  const a = hillshade({ nx: n, ny: n, heights: slope(1), step: 1 }, '#808080', true);
  const b = hillshade({ nx: n, ny: n, heights: slope(-1), step: 1 }, '#808080', true);
  assert.ok(a[4 * 12]! > b[4 * 12]!);
  const hole = slope(0);
  hole[12] = NaN;
  assert.equal(hillshade({ nx: n, ny: n, heights: hole, step: 1 }, '#808080', true)[4 * 12 + 3], 0);
});
