// Counts instead of items: what the timeline draws of a stretch that holds
// more than can be told apart. Each lane has columns of one scale, so that
// lanes can be compared; a column that holds anything is seen.

import type { Px, UtcMs } from '../kernel/units.ts';
import { NO_LANE, lanesOf, type Lane, type LaneRule } from '../document/marks.ts';
import type { Document } from '../document/types.ts';
import type { StillInput } from './draw.ts';
import type { Density } from './handle.ts';

/** Lanes of the case in their order, those that hold something or are always shown; what belongs to none comes last. */
export function lanesOfCounts(doc: Document, rule: LaneRule, d: Density): Lane[] {
  const keys = new Set(d.lanes.filter((l) => l.total > 0).map((l) => l.key));
  const known = lanesOf({ ...doc, items: [] }, rule);
  if (rule === 'account') {
    const lanes = known.filter((l) => l.key !== NO_LANE);
    const own = new Set(lanes.map((l) => l.key));
    if ([...keys].some((k) => !own.has(k))) lanes.push({ key: NO_LANE, letter: '', title: 'no account', oneRecording: false, items: [] });
    return lanes;
  }
  return d.lanes.filter((l) => l.total > 0).map((l) => ({ key: l.key, letter: '', title: 'perspective ' + l.key, oneRecording: false, items: [] }));
}

/** The counts of a lane; those of values without a lane of their own are in the last. */
export function countsOf(d: Density, lane: string, lanes: readonly { key: string }[]): number[] {
  const own = new Set(lanes.map((l) => l.key));
  const out: number[] = [];
  for (const l of d.lanes) {
    if (l.key !== lane && !(lane === NO_LANE && !own.has(l.key))) continue;
    l.counts.forEach((n, k) => (out[k] = (out[k] ?? 0) + n));
  }
  return out;
}

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

/** How many a lane holds in view, in the digits of the language. */
export function totalOf(d: Density, lane: string, lanes: readonly { key: string }[], lang: string): string {
  const n = sum(countsOf(d, lane, lanes));
  return (d.capped ? '≥ ' : '') + n.toLocaleString(lang === 'en' ? 'en-GB' : 'es');
}

/** How many lie in the column at a time, over all lanes. */
export function columnAt(d: Density, at: UtcMs): number {
  const k = Math.floor((at - d.from) / d.step);
  return d.lanes.reduce((n, l) => n + (l.counts[k] ?? 0), 0);
}

export function drawDensity(g: CanvasRenderingContext2D, s: StillInput, d: Density, x: (t: UtcMs) => Px): void {
  const { layout: l, palette: p, frame: f } = s;
  const lists = l.lanes.map((lane) => countsOf(d, lane.key, s.labels));
  let most = 1;
  for (const list of lists) for (const n of list) if (n > most) most = n;
  g.fillStyle = p.dim;
  l.lanes.forEach((lane, i) => {
    const room = lane.height - 6;
    const floor = lane.y + lane.height - 2;
    lists[i]!.forEach((n, k) => {
      if (!n) return;
      const a = Math.max(f.left, x(d.from + k * d.step));
      const b = Math.min(f.right, x(d.from + (k + 1) * d.step));
      if (b <= a) return;
      const h = Math.max(2, (room * n) / most);
      g.fillRect(a, floor - h, Math.max(1, b - a - (b - a > 4 ? 1 : 0)), h);
    });
  });
}
