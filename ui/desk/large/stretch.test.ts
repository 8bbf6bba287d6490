import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TALLEST, followed, measure, placed } from './stretch.ts';

test('a list that fits is scrolled as it is', () => {
  const m = measure(28 * 1000, 600);
  assert.deepEqual(followed({ at: 10, scroll: 10 }, 4000, m), { at: 4000, scroll: 4000 });
  assert.deepEqual(placed(5000, m), { at: 5000, scroll: 5000 });
  assert.deepEqual(placed(1e9, m), { at: 28 * 1000 - 600, scroll: 28 * 1000 - 600 });
  assert.deepEqual(placed(50, measure(28, 600)), { at: 0, scroll: 0 });
});

test('a million rows: both ends are reached, the wheel moves by rows, the bar by proportion', () => {
  const m = measure(28e6, 600);
  assert.equal(m.real, TALLEST);
  assert.equal(followed({ at: 9e6, scroll: 2.5e6 }, 0, m).at, 0);
  assert.equal(followed({ at: 9e6, scroll: 2.5e6 }, TALLEST - 600, m).at, 28e6 - 600);
  assert.equal(followed({ at: 9e6, scroll: 2.5e6 }, 2.5e6 + 100, m).at, 9e6 + 100);
  assert.equal(followed({ at: 9e6, scroll: 2.5e6 }, 4e6, m).at, (4e6 / (TALLEST - 600)) * (28e6 - 600));
  // Every row can be put at the top, and the bar told so stands for it within a row's share.
  for (const row of [0, 1, 17, 123_456, 500_000, 999_000]) {
    const w = placed(row * 28, m);
    assert.equal(w.at, row * 28);
    assert.ok(Math.abs((w.scroll / (TALLEST - 600)) * (28e6 - 600) - w.at) <= 28);
    // The browser's own event for it changes nothing.
    assert.equal(followed(w, w.scroll, m).at === w.at || w.scroll <= 0, true);
  }
});

test('wheeling back to the start from anywhere ends at the first row', () => {
  const m = measure(28e6, 600);
  let w = placed(300 * 28, m);
  for (let i = 0; i < 200 && w.at > 0; i++) {
    w = followed(w, Math.max(0, w.scroll - 120), m);
    if (i % 5 === 0) w = placed(w.at, m);
  }
  assert.equal(w.at, 0);
});
