// What the scene draws for the evidence itself: frusta of cameras with their
// ghosts, lines of sight, and the regions in which a place lies, solid where
// an error was derived and broken where somebody only believes it.

import { Color } from 'three';
import { corners, ghosts } from '../kernel/camera.ts';
import { clamp, type Enu } from '../kernel/units.ts';
import type { Palette } from '../document/dom.ts';
import { ring, type Site } from '../document/places.ts';
import type { Line } from './lines.ts';

const NEAREST_FRUSTA = 1000;

export interface EvidenceView {
  sites: readonly Site[];
  eye: Enu;
  /** The item through whose camera one looks: its frustum would frame the picture. */
  through: string | null;
  ellipses: boolean;
  colours: Palette;
  isSelected(s: Site): boolean;
  groundAt(e: number, n: number): number;
}

/** Lines in metres of the frame, and a fill of triangles as positions in drawing axes with a colour and an alpha each. */
export function evidence(v: EvidenceView): { lines: Line[]; fill: number[]; shade: number[] } {
  const out: Line[] = [];
  const fill: number[] = [];
  const shade: number[] = [];
  const eye = v.eye;
  const posed = v.sites.filter((s) => s.pose).map((s) => ({ s, d: Math.hypot(s.at[0] - eye[0], s.at[1] - eye[1]) })).sort((a, b) => a.d - b.d).slice(0, NEAREST_FRUSTA);
  for (const { s } of posed) {
    if (v.through === s.id) continue;
    const chosen = v.isSelected(s);
    const colour = chosen ? v.colours.select : v.colours.dim;
    frustum(out, s.pose!, chosen ? 14 : 7, colour, chosen ? 1.8 : 1.1, s.solved ? 0 : 5, chosen ? 1 : 0.75);
    if (chosen) for (const g of ghosts(s.pose!, s.covariance, 5)) frustum(out, g, 14, v.colours.dim, 0.8, 0, 0.4);
  }
  const drawn = new Set<string>();
  for (const s of v.sites) {
    const chosen = v.isSelected(s);
    if (s.place.target) out.push({ a: (s.onGround ? [s.at[0], s.at[1], v.groundAt(s.at[0], s.at[1])] : s.at), b: s.place.target, colour: chosen ? v.colours.select : v.colours.dim, width: 1.2, dash: 2.5, alpha: 0.8 });
    if (!v.ellipses || !s.ellipse) continue;
    // A region wider than the scene is said in words and drawn in the inset, not over everything.
    if (s.ellipse.semi_major_m > 600) continue;
    const key = s.at.join() + JSON.stringify(s.ellipse);
    if (drawn.has(key) && !chosen) continue;
    drawn.add(key);
    const r = ring(s, clamp(Math.round(s.ellipse.semi_major_m * 3), 48, 160));
    const on = r.map(([e, n]) => [e, n, v.groundAt(e, n) + 0.12] as Enu);
    const centre: Enu = [s.at[0], s.at[1], v.groundAt(s.at[0], s.at[1]) + 0.12];
    for (let i = 1; i < on.length; i++) {
      if (s.approx && i % 2 === 0) continue;
      out.push({ a: on[i - 1]!, b: on[i]!, colour: chosen ? v.colours.select : v.colours.dim, width: chosen ? 2 : 1.2, alpha: chosen ? 1 : 0.65 });
    }
    if (!chosen && v.sites.length > 60) continue;
    // The fill fades outwards: nobody knows that it was in the middle, but the edge is no wall either.
    const c = new Color(v.colours.text);
    const inner = chosen ? 0.2 : 0.1;
    for (let ringNo = 0; ringNo < 4; ringNo++) {
      const f0 = ringNo / 4;
      const f1 = (ringNo + 1) / 4;
      for (let i = 1; i < on.length; i++) {
        const q = (k: number, f: number) => {
          const e = centre[0] + (on[k]![0] - centre[0]) * f;
          const n = centre[1] + (on[k]![1] - centre[1]) * f;
          return { v: [e, v.groundAt(e, n) + 0.1, -n], a: inner * (1 - f) + 0.01 };
        };
        const [p0, p1, p2, p3] = [q(i - 1, f0), q(i, f0), q(i, f1), q(i - 1, f1)];
        for (const p of [p0, p1, p2, p0, p2, p3]) {
          fill.push(...p.v);
          shade.push(c.r, c.g, c.b, p.a);
        }
      }
    }
  }
  return { lines: out, fill, shade };
}

function frustum(out: Line[], p: Parameters<typeof corners>[0], depth: number, colour: string, width: number, dash: number, alpha: number): void {
  const c = corners(p, depth);
  for (let i = 0; i < 4; i++) {
    out.push({ a: p.position, b: c[i]!, colour, width, dash, alpha });
    out.push({ a: c[i]!, b: c[(i + 1) % 4]!, colour, width, dash, alpha });
  }
}
