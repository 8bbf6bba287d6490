// Where the names in a picture go: each beside its point, none over another,
// the important ones first. Greedy over a fixed ring of candidate places, so
// that labels do not jump about while the camera moves.

export interface LabelInput {
  id: string;
  /** The point that is named, in pixels. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** Higher is placed first. */
  weight: number;
}
export interface LabelPlace {
  id: string;
  left: number;
  top: number;
  /** End of the leader line, on the edge of the label. */
  toX: number;
  toY: number;
}
interface Rect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

const RING: readonly [number, number][] = [[1, -1], [1, 1], [-1, -1], [-1, 1], [1, 0], [-1, 0], [0, -1], [0, 1]];

/** taken: rectangles no label may cover. A label without room is left out. */
export function placeLabels(labels: readonly LabelInput[], width: number, height: number, taken: readonly Rect[] = [], kept: ReadonlyMap<string, number> = new Map()): (LabelPlace & { slot: number })[] {
  const used: Rect[] = [...taken];
  for (const l of labels) used.push({ x0: l.x - 5, y0: l.y - 5, x1: l.x + 5, y1: l.y + 5 });
  const out: (LabelPlace & { slot: number })[] = [];
  for (const l of [...labels].sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1))) {
    const slots = [28, 60, 110].flatMap((d, k) => RING.map(([sx, sy], i) => ({ d, sx, sy, slot: k * RING.length + i })));
    const last = kept.get(l.id);
    // The place it had in the last frame comes first.
    if (last !== undefined && slots[last]) slots.unshift(slots[last]!);
    for (const { d, sx, sy, slot } of slots) {
      const cx = l.x + sx * (d + l.width / 2);
      const cy = l.y + sy * (d * 0.7 + l.height / 2);
      const r = { x0: cx - l.width / 2, y0: cy - l.height / 2, x1: cx + l.width / 2, y1: cy + l.height / 2 };
      if (r.x0 < 4 || r.y0 < 4 || r.x1 > width - 4 || r.y1 > height - 4) continue;
      if (used.some((u) => u.x0 < r.x1 + 4 && u.x1 > r.x0 - 4 && u.y0 < r.y1 + 4 && u.y1 > r.y0 - 4)) continue;
      used.push(r);
      out.push({ id: l.id, left: r.x0, top: r.y0, toX: Math.min(Math.max(l.x, r.x0), r.x1), toY: Math.min(Math.max(l.y, r.y0), r.y1), slot });
      break;
    }
  }
  return out;
}
