import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Value, derive } from './observable.ts';

test('a follower is told at once, on change, and not after it stops', () => {
  const v = new Value(1);
  const seen: number[] = [];
  const off = v.subscribe((x) => seen.push(x));
  v.set(1);
  v.set(2);
  off();
  v.set(3);
  assert.deepEqual(seen, [1, 2]);
});

test('a follower that stops another during a change is honoured', () => {
  const v = new Value(0);
  const seen: string[] = [];
  let offB = () => {};
  v.subscribe((x) => {
    seen.push('a' + x);
    if (x === 1) offB();
  });
  offB = v.subscribe((x) => seen.push('b' + x));
  v.set(1);
  assert.deepEqual(seen, ['a0', 'b0', 'a1']);
});

test('derived values tell only real changes', () => {
  const v = new Value(1);
  const seen: boolean[] = [];
  derive(v, (x) => x > 2).subscribe((x) => seen.push(x));
  v.set(2);
  v.set(3);
  v.set(4);
  assert.deepEqual(seen, [false, true]);
});
