import assert from 'node:assert/strict';
import { test } from 'node:test';
import { natural } from './natural.ts';

test('numbers count as numbers', () => {
  assert.deepEqual(['EJ-10', 'EJ-9', 'C-07', 'EJ-009', 'EJ-9.2', 'EJ-9.10'].sort(natural), ['C-07', 'EJ-009', 'EJ-9', 'EJ-9.2', 'EJ-9.10', 'EJ-10']);
  assert.deepEqual(['a12345678901234567890', 'a12345678901234567891'].sort(natural), ['a12345678901234567890', 'a12345678901234567891']);
});

test('it is an order', () => {
  const ids = ['', '0', '00', '1', '01', 'a', 'a1', 'a01', '1a', 'b', 'EJ-1', 'EJ-01'];
  for (const a of ids) for (const b of ids) {
    assert.equal(Math.sign(natural(a, b)), -Math.sign(natural(b, a)) || 0, `${a} ${b}`);
    for (const c of ids) if (natural(a, b) < 0 && natural(b, c) < 0) assert.ok(natural(a, c) < 0, `${a} ${b} ${c}`);
  }
});
