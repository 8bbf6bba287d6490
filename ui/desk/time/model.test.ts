import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addition, interval, sameShot, standing, view, type Report } from './model.ts';

const T = 1557491000000;
const c = (id: string, from: string, to: string, min: number | null, max: number | null, evidence: string[], accounts?: string[]) => ({ id, from, to, min, max, evidence, strength: 'firm', ...(accounts ? { accounts } : {}) });
// A recording whose clock is known to half a minute, a shot 9 s into it, a post that came after it, and a communique.
const r: Report = {
  network: {
    points: [{ id: 'clock:A' }, { id: 'A.start' }, { id: 'E.start' }],
    constraints: [
      c('K1', 'clock:A', 'A.start', T, T + 999, ['A']),
      c('K2', 'z', 'clock:A', -30_000, 30_000, ['A']),
      c('K3', 'A.start', 'E.start', 8900, 9100, ['A']),
      c('K4', 'z', 'E.start', null, T + 12_000, ['P']),
      c('K5', 'z', 'E.start', T + 3_600_000, T + 3_659_999, ['D'], ['official']),
    ],
  },
  texts: {},
  views: [],
  conflicts: [
    { constraints: ['K4', 'K5'], accounts: ['official'], said: {}, claims: [], slack_ms: -3_588_000, cycle: [], sentence: {} },
    { constraints: ['K1', 'K2', 'K3', 'K5'], accounts: ['official'], said: {}, claims: [], slack_ms: -3_559_901, cycle: [], sentence: {} },
  ],
};
const none = { constraints: new Set<string>(), items: new Set<string>(), accounts: new Set<string>() };

test('integers of an addition give the bound, from the origin on', () => {
  const v = view(r, '');
  const e = v.bounds.get('E.start')!;
  assert.deepEqual([e.min, e.max], [T - 30_000 + 8900, T + 12_000]);
  for (const end of ['min', 'max'] as const) {
    const terms = addition(r, e, end);
    assert.equal(terms.reduce((s, t) => s + t.ms, 0), e[end]);
    assert.equal(terms.at(-1)!.sum, e[end]);
  }
  assert.deepEqual(addition(r, e, 'max').map((t) => [t.id, t.moment]), [['K4', true]]);
  assert.deepEqual(addition(r, e, 'min').map((t) => [t.id, t.moment]), [['K2', false], ['K1', true], ['K3', false]]);
});

test('a witness left out widens the interval; nothing left of it leaves the end open', () => {
  const without = view(r, '', { ...none, items: new Set(['P']) });
  assert.deepEqual(interval(without, { start: 'E.start' }), { min: T - 21_100, max: T + 30_000 + 999 + 9100 });
  const both = view(r, '', { ...none, items: new Set(['P']), constraints: new Set(['K2']) });
  assert.deepEqual(interval(both, { start: 'E.start' }), { min: null, max: null });
});

test('what contradicts is used by neither side, and comes back when the other is left out', () => {
  const v = view(r, 'official');
  assert.deepEqual([...v.disputed].sort(), ['K1', 'K2', 'K3', 'K4', 'K5']);
  assert.equal(standing(r, none).length, 2);
  const w = view(r, 'official', { ...none, items: new Set(['P', 'A']) });
  assert.equal(w.disputed.size, 0);
  assert.deepEqual(interval(w, { start: 'E.start' }), { min: T + 3_600_000, max: T + 3_659_999 });
  assert.equal(standing(r, { ...none, items: new Set(['P']) }).length, 1);
  assert.equal(standing(r, { ...none, accounts: new Set(['official']) }).length, 0);
});

test('one sound in two recordings is found by the lag; each onset is used once', () => {
  assert.deepEqual(sameShot([8.973, 10.46, 13.46], [0.956, 2.443], 8.017, 0.05), [[0, 0], [1, 1]]);
  assert.deepEqual(sameShot([1, 1.01], [1], 0, 0.05), [[0, 0]]);
  assert.deepEqual(sameShot([1], [3], 0, 0.05), []);
});
