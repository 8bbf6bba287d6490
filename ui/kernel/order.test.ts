import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { boundHolds, solve, sumChain, type Constraint } from './order.ts';

interface Row {
  points: string[];
  constraints: Constraint[];
  consistent: boolean;
  bounds: [number | null, number | null][];
}

const rows = JSON.parse(readFileSync('../order/testdata/networks.json', 'utf8')) as Row[];

test('every network agrees with the program, with proofs that add up', () => {
  assert.equal(rows.length, 60);
  for (const row of rows) {
    const byId = new Map(row.constraints.map((c) => [c.id, c]));
    const s = solve(row.points, row.constraints);
    assert.equal(s.consistent, row.consistent);
    if (s.consistent) {
      assert.deepEqual(
        s.bounds.map((b) => [b.min, b.max]),
        row.bounds,
      );
      for (const b of s.bounds) assert.ok(boundHolds(byId, b), b.point);
      continue;
    }
    const first = s.cycle[0]!;
    const c = byId.get(first.constraint)!;
    const start = first.side === 'max' ? c.from : c.to;
    assert.ok(s.slack_ms < 0);
    assert.equal(sumChain(byId, s.cycle, start, start), s.slack_ms);
    const ids = new Set(s.cycle.map((l) => l.constraint));
    for (const id of ids) {
      const rest = row.constraints.filter((k) => ids.has(k.id) && k.id !== id);
      assert.ok(solve(row.points, rest).consistent, `${id} can be left out`);
    }
  }
});

test('a proof with one changed integer, side or order is refused', () => {
  const row = rows.find((r) => r.consistent && r.bounds.some((b) => b[1] !== null))!;
  const byId = new Map(row.constraints.map((c) => [c.id, c]));
  const s = solve(row.points, row.constraints);
  assert.ok(s.consistent);
  const b = s.bounds.find((x) => x.max !== null && x.max_proof!.length > 0)!;
  assert.ok(boundHolds(byId, b));
  assert.ok(!boundHolds(byId, { ...b, max: b.max! + 1 }));
  assert.ok(!boundHolds(byId, { ...b, max_proof: b.max_proof!.slice(1) }));
  assert.ok(!boundHolds(byId, { ...b, max_proof: [{ constraint: 'none', side: 'max' }] }));
});
