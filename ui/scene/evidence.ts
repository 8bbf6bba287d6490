// What the scene draws for the evidence itself: frusta of cameras with their
// ghosts, lines of sight, and the regions in which a place lies, solid where
// an error was derived and broken where somebody only believes it.

import { Color } from 'three';
import { corners, ghosts } from '../kernel/camera.ts';
import { clamp, type Enu } from '../kernel/units.ts';
import type { Palette } from '../document/dom.ts';
import { ring, type Site } from '../document/places.ts';
import type { Line } from './lines.ts';

/** So many frusta and regions of what is not selected are drawn, those nearest the eye: more would be a carpet. */
const NEAREST_FRUSTA = 1000;
const NEAREST_REGIONS = 300;

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

export interface Drawn {
  lines: Line[];
  /** Triangles: positions in drawing axes, and a colour with an alpha for each. */
  fill: number[];
  shade: number[];
}

/** What is not selected; it changes with the case and with where one stands, not with the selection. */
export function backdrop(v: EvidenceView): Drawn {
  const out: Drawn = { lines: [], fill: [], shade: [] };
  const by = v.sites.map((s) => ({ s, d: Math.hypot(s.at[0] - v.eye[0], s.at[1] - v.eye[1]) })).sort((a, b) => a.d - b.d);
  for (const { s } of by.filter(({ s }) => s.pose).slice(0, NEAREST_FRUSTA)) if (v.through !== s.id) frustum(out.lines, s.pose!, 7, v.colours.dim, 1.1, s.solved ? 0 : 5, 0.75);
  for (const s of v.sites) if (s.place.target) sight(out, v, s, v.colours.dim);
  if (!v.ellipses) return out;
  const drawn = new Set<string>();
  const few = v.sites.length <= 60;
  for (const { s } of by) {
    if (!(reach(s) <= WIDEST)) continue;
    // Sites with one place and one error share their region.
    const key = [...s.at, ...Object.values(s.ellipse ?? {}), s.place.area?.length ?? 0, s.approx].join();
    if (drawn.has(key)) continue;
    if (drawn.size === NEAREST_REGIONS) break;
    drawn.add(key);
    region(out, v, s, { colour: v.colours.dim, width: 1.2, alpha: 0.65, inner: few ? 0.1 : 0, most: few ? 160 : 48 });
  }
  return out;
}

/** What is selected, drawn over the backdrop. */
export function foreground(v: EvidenceView): Drawn {
  const out: Drawn = { lines: [], fill: [], shade: [] };
  const { select, dim } = v.colours;
  for (const s of v.sites) {
    if (!v.isSelected(s)) continue;
    if (s.pose && v.through !== s.id) {
      frustum(out.lines, s.pose, 14, select, 1.8, s.solved ? 0 : 5, 1);
      for (const g of ghosts(s.pose, s.covariance, 5)) frustum(out.lines, g, 14, dim, 0.8, 0, 0.4);
    }
    if (s.place.target) sight(out, v, s, select);
    if (v.ellipses && reach(s) <= WIDEST) region(out, v, s, { colour: select, width: 2, alpha: 1, inner: 0.2, most: 160 });
  }
  return out;
}

/** A region wider than this many metres is said in words and drawn in the inset, not over everything. */
const WIDEST = 600;

/** How far a region reaches from its middle, metres; not a number where there is none. */
function reach(s: Site): number {
  if (s.place.area && s.place.area.length > 2) return Math.max(...s.place.area.map(([e, n]) => Math.hypot(e - s.at[0], n - s.at[1])));
  return s.ellipse?.semi_major_m ?? NaN;
}

function sight(out: Drawn, v: EvidenceView, s: Site, colour: string): void {
  out.lines.push({ a: s.onGround ? [s.at[0], s.at[1], v.groundAt(s.at[0], s.at[1])] : s.at, b: s.place.target!, colour, width: 1.2, dash: 2.5, alpha: 0.8 });
}

function region(out: Drawn, v: EvidenceView, s: Site, style: { colour: string; width: number; alpha: number; inner: number; most: number }): void {
  // The sides of an area are cut to two metres, so that they follow the ground.
  const r = s.place.area && s.place.area.length > 2 ? cut(ring(s), 2) : ring(s, clamp(Math.round(reach(s) * 3), 48, style.most));
  const on = r.map(([e, n]) => [e, n, v.groundAt(e, n) + 0.12] as Enu);
  for (let i = 1; i < on.length; i++) {
    if (s.approx && i % 2 === 0) continue;
    out.lines.push({ a: on[i - 1]!, b: on[i]!, colour: style.colour, width: style.width, alpha: style.alpha });
  }
  if (!style.inner) return;
  // The fill fades outwards: nobody knows that it was in the middle, but the edge is no wall either.
  const c = new Color(v.colours.text);
  for (let k = 0; k < 4; k++) {
    const f0 = k / 4;
    const f1 = (k + 1) / 4;
    for (let i = 1; i < on.length; i++) {
      const q = (j: number, f: number) => {
        const e = s.at[0] + (on[j]![0] - s.at[0]) * f;
        const n = s.at[1] + (on[j]![1] - s.at[1]) * f;
        return { v: [e, v.groundAt(e, n) + 0.1, -n], a: style.inner * (1 - f) + 0.01 };
      };
      const [p0, p1, p2, p3] = [q(i - 1, f0), q(i, f0), q(i, f1), q(i - 1, f1)];
      for (const p of [p0, p1, p2, p0, p2, p3]) {
        out.fill.push(...p.v);
        out.shade.push(c.r, c.g, c.b, p.a);
      }
    }
  }
}

function cut(line: [number, number][], step: number): [number, number][] {
  return line.flatMap((p, i) => {
    const q = line[i + 1];
    if (!q) return [p];
    const n = clamp(Math.ceil(Math.hypot(q[0] - p[0], q[1] - p[1]) / step), 1, 60);
    return Array.from({ length: n }, (_, k) => [p[0] + ((q[0] - p[0]) * k) / n, p[1] + ((q[1] - p[1]) * k) / n] as [number, number]);
  });
}

function frustum(out: Line[], p: Parameters<typeof corners>[0], depth: number, colour: string, width: number, dash: number, alpha: number): void {
  const c = corners(p, depth);
  for (let i = 0; i < 4; i++) {
    out.push({ a: p.position, b: c[i]!, colour, width, dash, alpha });
    out.push({ a: c[i]!, b: c[(i + 1) % 4]!, colour, width, dash, alpha });
  }
}
