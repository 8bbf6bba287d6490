// A point of the model under the pointer. A person means the corner of the
// roof, not a spot two pixels beside it: named points come first, then
// corners, then edges, each only when the eye sees it; else what the ray meets.

import type { SceneDocument } from '../document/scene.ts';
import type { Enu } from '../kernel/units.ts';
import type { ModelPoint } from './handle.ts';

interface View {
  cast(x: number, y: number): { point: Enu; object: string; layer: string } | null;
  project(p: Enu): { x: number; y: number; inside: boolean };
  between(from: Enu, to: Enu, tolerance: number): unknown;
  wires(): { positions: ArrayLike<number>; object: string; layer: string }[];
  document(): SceneDocument | null;
  eye(): Enu;
}

/** How near the pointer has to be, in CSS pixels. */
const REACH = { named: 11, vertex: 9, edge: 6 };
/** So many of the nearest are asked whether they can be seen. */
const TRIES = 8;

export function makeModelPoint(v: View): (x: number, y: number, snap: boolean) => ModelPoint | null {
  const distance = (p: Enu) => Math.hypot(...p.map((c, i) => c - v.eye()[i]!));
  // A corner lies on its own walls: what is nearer to it than this does not hide it.
  const seen = (p: Enu) => !v.between(v.eye(), p, Math.max(0.05, distance(p) * 0.004));
  const layerOf = (object: string) => v.document()?.objects.find((o) => o.id === object)?.layer ?? '';

  return (x, y, snap) => {
    if (snap) {
      const near: (ModelPoint & { d: number })[] = [];
      const offer = (p: Enu, reach: number, rest: Omit<ModelPoint, 'point'>) => {
        const q = v.project(p);
        if (!q.inside) return;
        const d = Math.hypot(q.x - x, q.y - y);
        if (d <= reach) near.push({ point: p, d, ...rest });
      };
      for (const o of v.document()?.objects ?? []) for (const p of o.points ?? []) offer(p.at, REACH.named, { object: o.id, layer: layerOf(o.id), snap: 'named', name: p.id });
      for (const w of v.wires()) {
        for (let i = 0; i + 5 < w.positions.length; i += 6) {
          const at = (k: number): Enu => [w.positions[i + k]!, -w.positions[i + k + 2]!, w.positions[i + k + 1]!];
          const [a, b] = [at(0), at(3)];
          const from = { object: w.object, layer: w.layer };
          offer(a, REACH.vertex, { ...from, snap: 'vertex' });
          offer(b, REACH.vertex, { ...from, snap: 'vertex' });
          const [p, q] = [v.project(a), v.project(b)];
          const [dx, dy] = [q.x - p.x, q.y - p.y];
          const l2 = dx * dx + dy * dy;
          const k = l2 > 0 ? ((x - p.x) * dx + (y - p.y) * dy) / l2 : 0;
          if (!(k > 0 && k < 1) || !p.inside || !q.inside || Math.hypot(p.x + k * dx - x, p.y + k * dy - y) > REACH.edge) continue;
          // On the screen the foot of the perpendicular is k of the way, in space it is not: found by halving.
          let [lo, hi] = [0, 1];
          for (let n = 0; n < 24; n++) {
            const mid = (lo + hi) / 2;
            const m = v.project(mix(a, b, mid));
            if (((m.x - p.x) * dx + (m.y - p.y) * dy) / l2 < k) lo = mid;
            else hi = mid;
          }
          offer(mix(a, b, lo), REACH.edge, { ...from, snap: 'edge' });
        }
      }
      const rank = { named: 0, vertex: 1, edge: 2, surface: 3 };
      near.sort((p, q) => rank[p.snap] - rank[q.snap] || p.d - q.d);
      for (const c of near.slice(0, TRIES)) {
        if (!seen(c.point)) continue;
        const { d: _, ...point } = c;
        return point;
      }
    }
    const h = v.cast(x, y);
    return h && { ...h, snap: 'surface' };
  };
}

const mix = (a: Enu, b: Enu, k: number): Enu => [a[0] + (b[0] - a[0]) * k, a[1] + (b[1] - a[1]) * k, a[2] + (b[2] - a[2]) * k];
