import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeLabels } from './labels.ts';

test('labels stay inside, cover neither each other nor what is taken, and the heaviest comes first', () => {
  let seed = 5;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let k = 0; k < 50; k++) {
    const labels = Array.from({ length: 30 }, (_, i) => ({ id: 'L' + i, x: random() * 800, y: random() * 450, width: 60 + random() * 140, height: 36, weight: i }));
    const taken = [{ x0: 640, y0: 0, x1: 800, y1: 130 }];
    const out = placeLabels(labels, 800, 450, taken);
    const rect = (p: { id: string; left: number; top: number }) => ({ x0: p.left, y0: p.top, x1: p.left + labels.find((l) => l.id === p.id)!.width, y1: p.top + 36 });
    const rects = [...taken, ...out.map(rect)];
    rects.forEach((a, i) => rects.forEach((b, j) => {
      if (i < j) assert.ok(a.x1 <= b.x0 || b.x1 <= a.x0 || a.y1 <= b.y0 || b.y1 <= a.y0);
    }));
    for (const r of out.map(rect)) assert.ok(r.x0 >= 4 && r.y0 >= 4 && r.x1 <= 796 && r.y1 <= 446);
  }
  const two = placeLabels([{ id: 'a', x: 50, y: 50, width: 60, height: 30, weight: 1 }, { id: 'b', x: 50, y: 50, width: 60, height: 30, weight: 2 }], 170, 100);
  assert.equal(two[0]!.id, 'b');
});

test('a label keeps its place while there is room', () => {
  const l = { id: 'a', x: 400, y: 200, width: 100, height: 36, weight: 1 };
  const again = placeLabels([{ ...l, x: 405 }], 800, 450, [], new Map([['a', 3]]));
  assert.equal(again[0]!.slot, 3);
});
