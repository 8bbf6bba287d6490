import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MarkIndex, TARGET, endOf, extent, holdSpan, hit, layout, startOf, ticks, timeOf, xOf, zoomSpan, type LayoutSize, type Mark, type MarkKind } from './layout.ts';
import { HOUR } from './units.ts';

const size: LayoutSize = { left: 152, right: 1354, rowHeight: 15, pad: 4, maxRows: 5, labelWidth: (s) => s.length * 7.2 };
const day = { from: 0, to: 12 * HOUR };
let seed = 7;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const kinds: MarkKind[] = ['during', 'possible', 'inferred', 'before', 'after', 'pin'];

function some(n: number): Mark[] {
  return Array.from({ length: n }, (_, i) => {
    const kind = kinds[Math.floor(random() * kinds.length)]!;
    const min = Math.floor(random() * 12 * HOUR);
    const max = min + Math.floor(random() ** 4 * 3 * HOUR);
    return { ids: ['EJ-' + i], lane: 'ABC'[i % 3]!, kind, min: kind === 'before' ? null : min, max: kind === 'after' ? null : max };
  });
}

test('the index finds exactly what a scan finds', () => {
  const marks = some(500);
  const index = new MarkIndex(marks);
  for (let i = 0; i < 200; i++) {
    const from = random() * 12 * HOUR;
    const range = { from, to: from + random() * HOUR };
    for (const lane of 'ABC') {
      const got = index.touching(lane, range).map((m) => m.ids[0]).sort();
      const want = marks.filter((m) => m.lane === lane && startOf(m) <= range.to && endOf(m) >= range.from).map((m) => m.ids[0]).sort();
      assert.deepEqual(got, want);
    }
  }
});

test('marks with labels never overlap within a row', () => {
  const l = layout(new MarkIndex(some(40)), [{ key: 'A' }, { key: 'B' }, { key: 'C' }], day, { ...size, maxRows: 100 });
  assert.ok(l.boxes.length >= 40);
  for (const a of l.boxes) for (const b of l.boxes) {
    if (a === b || a.lane !== b.lane || a.row !== b.row || a.x0 > b.x0) continue;
    const end = a.labelAt === 'right' ? a.labelX + a.label.length * 7.2 : a.x1;
    const start = b.labelAt === 'left' ? b.labelX : b.x0;
    assert.ok(end <= start + 21, `${a.label} ends ${end}, ${b.label} begins ${start}`);
  }
});

test('a crowded lane becomes clusters that lose nobody and keep the size of a target', () => {
  const marks = some(3000);
  const l = layout(new MarkIndex(marks), [{ key: 'A' }, { key: 'B' }, { key: 'C' }], day, size);
  for (const lane of l.lanes) assert.ok(lane.rows <= size.maxRows);
  const shown = new Set(l.boxes.flatMap((b) => (b.cluster ?? [b.mark]).flatMap((m) => m.ids)));
  const inside = marks.filter((m) => extent(m, day, size.left, size.right)[0] <= size.right).map((m) => m.ids[0]!);
  assert.ok(inside.length > 2900);
  assert.deepEqual([...shown].sort(), inside.sort());
  for (const b of l.boxes) if (b.cluster) assert.equal(b.x1 - b.x0, TARGET);
});

test('reports of one recording with one interval are one mark with both names', () => {
  const hour: number = HOUR;
  const one = { lane: 'L', kind: 'during' as const, min: hour, max: 2 * hour, group: 'radio' };
  const l = layout(new MarkIndex([{ ...one, ids: ['EJ-024'] }, { ...one, ids: ['EJ-025'] }, { ...one, max: 3 * hour, ids: ['EJ-026'] }]), [{ key: 'L' }], day, size);
  assert.deepEqual(l.boxes.map((b) => b.label), ['EJ-026', 'EJ-024 EJ-025']);
  assert.equal(new Set(l.boxes.map((b) => b.row)).size, 2);
});

test('an empty lane keeps its height and a mark is hit within its target', () => {
  const l = layout(new MarkIndex([{ ids: ['EJ-1'], lane: 'B', kind: 'pin', min: 3.6e6, max: 3.6e6 }]), [{ key: 'A' }, { key: 'B' }], day, size);
  assert.deepEqual(l.lanes.map((x) => x.height), [23, 23]);
  const b = l.boxes[0]!;
  assert.equal(hit(l, (b.x0 + b.x1) / 2, b.y, 15), b);
  assert.equal(hit(l, (b.x0 + b.x1) / 2, b.y - 20, 15), null);
});

test('ticks are round in the local clock, also half-hour zones', () => {
  const off = -4.5 * HOUR;
  const { step, at } = ticks({ from: 0, to: 10 * HOUR }, 1000, () => off);
  assert.equal(step, HOUR);
  for (const t of at) assert.equal(Math.abs((t + off) % HOUR), 0);
  assert.equal(at.length, 10);
});

test('place and time are inverse; zoom keeps the time under the pointer', () => {
  for (let i = 0; i < 100; i++) {
    const t = random() * 12 * HOUR;
    assert.ok(Math.abs(timeOf(xOf(t, day, 152, 1354), day, 152, 1354) - t) < 1e-5);
    const f = 0.2 + random() * 5;
    const z = zoomSpan(day, f, t, 24 * HOUR);
    assert.ok(Math.abs(xOf(t, z, 0, 1000) - xOf(t, day, 0, 1000)) < 1e-6);
  }
  const tiny = zoomSpan({ from: 0, to: 1500 }, 10, 700, 24 * HOUR);
  assert.equal(tiny.to - tiny.from, 1000);
  const held = holdSpan({ from: 20 * HOUR, to: 22 * HOUR }, day);
  assert.deepEqual(held, { from: 11 * HOUR, to: 13 * HOUR });
});
