import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucket, may, type Tip } from './calls.ts';

const tip = (more: Partial<Tip>): Tip => ({ id: 'T-001', state: 'new', day: '2026-11-24', size: 0, here: false, held: true, can_reply: false, ...more });

test('a size says no more than its bucket', () => {
  assert.deepEqual(bucket(0), { n: 0, unit: 'MB' });
  assert.deepEqual(bucket(20 << 20), { n: 20, unit: 'MB' });
  assert.deepEqual(bucket(3 * 2 ** 30 + 5e7), { n: 3, unit: 'GB' });
});

test('what a person may do follows the state of a tip', () => {
  const yes = (t: Tip) => Object.entries(may(t)).filter(([, v]) => v).map(([k]) => k).sort().join(' ');
  assert.equal(yes(tip({})), 'decline forget open');
  assert.equal(yes(tip({ state: 'opened', here: true, can_reply: true })), 'accept decline forget reply');
  assert.equal(yes(tip({ state: 'opened' })), 'decline forget open', 'opened on another machine');
  assert.equal(yes(tip({ state: 'accepted', can_reply: true })), 'forget open reply');
  // Whoever took something back is not opened and not answered.
  assert.equal(yes(tip({ state: 'withdrawn', here: true, can_reply: true })), 'forget');
  assert.equal(yes(tip({ state: 'forgotten', held: false, can_reply: true })), '');
  assert.equal(yes(tip({ test: true })), 'forget');
});
