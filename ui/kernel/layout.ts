// Layout of the timeline: marks, a range and a size in, boxes out. Pure, so
// that it is tested without a browser and can be asked for a thousand times.

import type { Span } from './clock.ts';
import { DAY, HOUR, MINUTE, SECOND, clamp, type Ms, type Px, type UtcMs } from './units.ts';

/**
 * How a time is drawn. A shape says what is known:
 *   during    it lasted the whole interval: solid
 *   possible  it happened somewhere inside: fading from its middle, ticks at both ends
 *   inferred  the interval is ours, made from other times: hatched
 *   before    only a latest time is known: arrow to the left
 *   after     only an earliest time is known: arrow to the right
 *   pin       one printed time without a stated error: a pin with dotted arms, not to scale
 */
export type MarkKind = 'during' | 'possible' | 'inferred' | 'before' | 'after' | 'pin';

export interface Mark {
  /** Ids shown by this mark: more than one where reports of one recording give one interval. */
  ids: readonly string[];
  lane: string;
  kind: MarkKind;
  min: UtcMs | null;
  max: UtcMs | null;
  best?: UtcMs;
  /** The source says "about": the ends fade, not to scale. */
  soft?: boolean;
  /** Recording whose reports share one lane and count once. */
  group?: string;
}

export interface LaneInput {
  key: string;
  /** Rows the lane keeps even when it is empty. */
  minRows?: number;
}

export interface LayoutSize {
  /** Where the plot begins and ends, in CSS pixels. */
  left: Px;
  right: Px;
  rowHeight: Px;
  pad: Px;
  /** Rows of a lane before small marks are gathered into clusters. */
  maxRows: number;
  /** Width of a label's text, in CSS pixels. */
  labelWidth: (text: string) => Px;
}

export interface Box {
  mark: Mark;
  /** Set for a cluster: the marks it stands for. */
  cluster?: readonly Mark[];
  lane: string;
  row: number;
  /** Drawn extent, clipped to a little outside the plot. */
  x0: Px;
  x1: Px;
  /** Centre line. */
  y: Px;
  /** The interval goes on beyond the plot. */
  cutLeft: boolean;
  cutRight: boolean;
  label: string;
  labelX: Px;
  labelAt: 'right' | 'left' | 'inside' | 'none';
}

export interface LaneBox {
  key: string;
  y: Px;
  height: Px;
  rows: number;
}

export interface Layout {
  lanes: LaneBox[];
  boxes: Box[];
  height: Px;
}

/** Half the length of a pin's dotted arms, and the length of an open end, in CSS pixels. */
export const ARM: Px = 9;
export const OPEN: Px = 92;
export const SOFT: Px = 8;
/** Smallest target a pointer can be asked to hit (WCAG 2.2, 2.5.8). */
export const TARGET: Px = 24;

export const startOf = (m: Mark): UtcMs => m.min ?? m.max ?? 0;
export const endOf = (m: Mark): UtcMs => m.max ?? m.min ?? 0;

/** Marks of one lane, sorted by start, with the running maximum of their ends. */
interface Sorted {
  marks: Mark[];
  starts: Float64Array;
  reach: Float64Array;
}

export class MarkIndex {
  readonly lanes = new Map<string, Sorted>();
  readonly byId = new Map<string, Mark>();
  readonly span: Span | null;

  constructor(marks: readonly Mark[]) {
    const merged = mergeReports(marks);
    const lists = new Map<string, Mark[]>();
    let from = Infinity;
    let to = -Infinity;
    for (const m of merged) {
      for (const id of m.ids) this.byId.set(id, m);
      let list = lists.get(m.lane);
      if (!list) lists.set(m.lane, (list = []));
      list.push(m);
      from = Math.min(from, startOf(m));
      to = Math.max(to, endOf(m));
    }
    for (const [lane, list] of lists) {
      list.sort((a, b) => startOf(a) - startOf(b) || endOf(b) - endOf(a) || (a.ids[0]! < b.ids[0]! ? -1 : 1));
      const starts = new Float64Array(list.length);
      const reach = new Float64Array(list.length);
      let far = -Infinity;
      list.forEach((m, i) => {
        starts[i] = startOf(m);
        far = Math.max(far, endOf(m));
        reach[i] = far;
      });
      this.lanes.set(lane, { marks: list, starts, reach });
    }
    this.span = from <= to ? { from, to } : null;
  }

  /** Marks of a lane that touch the range widened by margin on both sides, in order of their start. */
  touching(lane: string, range: Span, margin: Ms = 0): Mark[] {
    const s = this.lanes.get(lane);
    if (!s) return [];
    const last = upper(s.starts, range.to + margin);
    const from = range.from - margin;
    // The running maximum never falls, so everything before its first value inside the range has ended.
    const out: Mark[] = [];
    for (let i = upper(s.reach, from, true); i < last; i++) if (endOf(s.marks[i]!) >= from) out.push(s.marks[i]!);
    return out;
  }
}

/** First index whose value is above x (or not below it). */
function upper(a: Float64Array, x: number, orEqual = false): number {
  let lo = 0;
  let hi = a.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (orEqual ? a[mid]! >= x : a[mid]! > x) hi = mid;
    else lo = mid + 1;
  }
  return lo;
}

/** Reports of one recording that give the same interval are one mark with several ids. */
function mergeReports(marks: readonly Mark[]): Mark[] {
  const seen = new Map<string, { at: number; ids: string[] }>();
  const out: Mark[] = [];
  for (const m of marks) {
    if (!m.group) {
      out.push(m);
      continue;
    }
    const key = [m.lane, m.group, m.kind, m.min, m.max, m.soft].join('|');
    const kept = seen.get(key);
    if (kept) {
      kept.ids.push(...m.ids);
      out[kept.at] = { ...out[kept.at]!, ids: kept.ids };
    } else {
      seen.set(key, { at: out.length, ids: [...m.ids] });
      out.push(m);
    }
  }
  return out;
}

export const xOf = (t: UtcMs, range: Span, left: Px, right: Px): Px => left + ((right - left) * (t - range.from)) / (range.to - range.from);
export const timeOf = (x: Px, range: Span, left: Px, right: Px): UtcMs => range.from + ((range.to - range.from) * (x - left)) / (right - left);

/** Drawn extent of a mark in pixels, before clipping. */
export function extent(m: Mark, range: Span, left: Px, right: Px): [Px, Px] {
  const x0 = m.min === null ? NaN : xOf(m.min, range, left, right);
  // Intervals include their last millisecond, so the drawn end is one later.
  const x1 = m.max === null ? NaN : xOf(m.max + 1, range, left, right);
  switch (m.kind) {
    case 'pin': {
      const x = m.best !== undefined ? xOf(m.best, range, left, right) : x0;
      return [Math.min(x0, x - ARM), Math.max(x1, x + ARM)];
    }
    case 'before':
      return [x1 - OPEN, x1];
    case 'after':
      return [x0, x0 + OPEN];
    default: {
      const soft = m.soft ? SOFT : 0;
      const wide = Math.max(x1, x0 + 3);
      return [x0 - soft, wide + soft];
    }
  }
}

interface Placed {
  mark: Mark;
  x0: Px;
  x1: Px;
  row: number;
  label: string;
  labelX: Px;
  labelAt: Box['labelAt'];
  cluster?: Mark[];
}

/** Puts marks into rows; returns null when more than maxRows would be needed. */
function pack(items: { mark: Mark; x0: Px; x1: Px }[], size: LayoutSize, maxRows: number): { placed: Placed[]; rows: number } | null {
  const ends: Px[] = [];
  const placed: Placed[] = [];
  for (const { mark, x0, x1 } of items) {
    const label = mark.ids.length > 3 ? mark.ids[0] + ' +' + (mark.ids.length - 1) : mark.ids.join(' ');
    const w = size.labelWidth(label);
    const c0 = Math.max(x0, size.left);
    const c1 = Math.min(x1, size.right);
    let from = x0;
    let to = x1;
    let labelAt: Box['labelAt'] = 'right';
    let labelX = c1 + 6;
    if ((mark.kind === 'during' && c1 - c0 > w + 80) || x1 > size.right) {
      // A long bar carries its name inside, on its own ground.
      labelAt = c1 - c0 > w + 40 ? 'inside' : 'none';
      labelX = c0 + Math.min(30, (c1 - c0 - w) / 2);
    } else if (c1 + 6 + w > size.right && x0 - 6 - w >= size.left) {
      labelAt = 'left';
      labelX = c0 - 6 - w;
      from = labelX;
    } else {
      to = c1 + 6 + w;
    }
    let row = ends.findIndex((e) => e + 6 <= from);
    if (row < 0) {
      row = ends.length;
      if (row >= maxRows) return null;
      ends.push(-Infinity);
    }
    ends[row] = to;
    placed.push({ mark, x0, x1, row, label, labelX, labelAt });
  }
  return { placed, rows: ends.length };
}

/** Gathers marks that are nearer than a target's width; what is long keeps a row of its own while there is one. */
function gather(items: { mark: Mark; x0: Px; x1: Px }[], size: LayoutSize): { placed: Placed[]; rows: number } {
  const long = items.filter((i) => Math.min(i.x1, size.right) - Math.max(i.x0, size.left) > 3 * TARGET);
  const short = items.filter((i) => !long.includes(i));
  const rowsForLong = Math.max(1, size.maxRows - 1);
  let kept = long;
  let packed = pack(kept, size, rowsForLong);
  // Too many long bars as well: the longest keep their rows.
  while (!packed) {
    kept = [...kept].sort((a, b) => b.x1 - b.x0 - (a.x1 - a.x0)).slice(0, Math.max(1, Math.floor(kept.length / 2)));
    kept.sort((a, b) => a.x0 - b.x0);
    packed = pack(kept, size, rowsForLong);
  }
  const rest = kept.length === long.length ? short : [...short, ...long.filter((i) => !kept.includes(i))];
  const bins = new Map<number, Mark[]>();
  // The last cell takes what is left of the width, so none is narrower than a target.
  const last = Math.max(0, Math.floor((size.right - size.left) / TARGET) - 1);
  for (const i of rest) {
    const middle = clamp((i.x0 + i.x1) / 2, size.left, size.right - 1);
    const bin = Math.min(last, Math.floor((middle - size.left) / TARGET));
    const b = bins.get(bin);
    if (b) b.push(i.mark);
    else bins.set(bin, [i.mark]);
  }
  const row = packed.rows;
  const placed = packed.placed;
  for (const [bin, marks] of [...bins].sort((a, b) => a[0] - b[0])) {
    const x0 = size.left + bin * TARGET;
    placed.push({ mark: marks[0]!, cluster: marks, x0, x1: x0 + TARGET, row, label: marks.length === 1 ? '' : String(marks.length), labelX: x0 + TARGET / 2, labelAt: 'none' });
  }
  return { placed, rows: row + (bins.size ? 1 : 0) };
}

export function layout(index: MarkIndex, lanes: readonly LaneInput[], range: Span, size: LayoutSize): Layout {
  const out: Layout = { lanes: [], boxes: [], height: 0 };
  const margin = ((range.to - range.from) * OPEN) / Math.max(1, size.right - size.left);
  let y = 0;
  for (const lane of lanes) {
    const items = [];
    for (const mark of index.touching(lane.key, range, margin)) {
      const [x0, x1] = extent(mark, range, size.left, size.right);
      if (x1 >= size.left && x0 <= size.right) items.push({ mark, x0, x1 });
    }
    const { placed, rows } = pack(items, size, size.maxRows) ?? gather(items, size);
    const n = Math.max(rows, lane.minRows ?? 1);
    for (const p of placed) {
      const m = p.mark;
      out.boxes.push({
        mark: m,
        ...(p.cluster && { cluster: p.cluster }),
        lane: lane.key,
        row: p.row,
        x0: Math.max(p.x0, size.left - 20),
        x1: Math.min(p.x1, size.right + 20),
        y: y + size.pad + p.row * size.rowHeight + size.rowHeight / 2,
        cutLeft: p.x0 < size.left,
        cutRight: p.x1 > size.right,
        label: p.label,
        labelX: p.labelX,
        labelAt: p.labelAt,
      });
    }
    const height = n * size.rowHeight + 2 * size.pad;
    out.lanes.push({ key: lane.key, y, height, rows: n });
    y += height;
  }
  out.height = y;
  return out;
}

/** The box under a point, the smaller one where two overlap; slack widens thin marks to a target's size. */
export function hit(l: Layout, x: Px, y: Px, rowHeight: Px): Box | null {
  let best: Box | null = null;
  for (const b of l.boxes) {
    if (Math.abs(y - b.y) > rowHeight / 2) continue;
    const slack = Math.max(3, (TARGET - (b.x1 - b.x0)) / 2);
    const labelEnd = b.labelAt === 'right' ? b.labelX + b.label.length * 7.2 : b.x1 + slack;
    const labelStart = b.labelAt === 'left' ? b.labelX : b.x0 - slack;
    if (x < labelStart || x > Math.max(labelEnd, b.x1 + slack)) continue;
    if (!best || b.x1 - b.x0 < best.x1 - best.x0) best = b;
  }
  return best;
}

const STEPS: readonly Ms[] = [
  100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 28 * DAY, 364 * DAY,
];

/** Marks of the axis at round local times, at least `apart` pixels from each other. */
export function ticks(range: Span, width: Px, offset: (t: UtcMs) => Ms, apart: Px = 84): { step: Ms; at: UtcMs[] } {
  const per = (range.to - range.from) / Math.max(1, width);
  const step = STEPS.find((s) => s / per >= apart) ?? STEPS[STEPS.length - 1]!;
  const at: UtcMs[] = [];
  const shift = offset(range.from);
  let t = Math.ceil((range.from + shift) / step) * step - shift;
  while (t <= range.to && at.length < 1000) {
    // A change of the zone inside the range moves the round times with it.
    const moved = offset(t) - shift;
    const local = t - (((t + shift + moved) % step) + step) % step;
    if (local >= range.from && local <= range.to && at[at.length - 1] !== local) at.push(local);
    t += step;
  }
  return { step, at };
}

/** Shortest and longest stretch the timeline shows. */
export const SHORTEST: Ms = SECOND;

export function zoomSpan(span: Span, factor: number, at: UtcMs, longest: Ms): Span {
  const width = clamp((span.to - span.from) / factor, SHORTEST, longest);
  const share = clamp((at - span.from) / (span.to - span.from), 0, 1);
  const from = at - width * share;
  return { from, to: from + width };
}

/** Keeps a span's length and brings it back so that its middle stays inside the bounds. */
export function holdSpan(span: Span, bounds: Span): Span {
  const half = (span.to - span.from) / 2;
  const middle = clamp(span.from + half, bounds.from, bounds.to);
  return { from: middle - half, to: middle + half };
}
