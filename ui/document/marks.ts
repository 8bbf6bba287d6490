// From the case document to what the timeline draws: which shape a time has,
// which lane an item belongs to, what cannot be put on a clock, what
// contradicts what.

import type { Mark, MarkKind } from '../kernel/layout.ts';
import type { Span } from '../kernel/clock.ts';
import { HOUR, MINUTE } from '../kernel/units.ts';
import { natural } from '../kernel/natural.ts';
import type { Claim, Document, Item, Time } from './types.ts';

/** A time this wide, or given as a day, has no place on the clock of one day. */
const DAY_LIKE = 18 * HOUR;

export function isClocked(t: Time | undefined): t is Time {
  if (!t || (t.min === null && t.max === null)) return false;
  if (t.precision === 'day' || t.precision === 'unknown') return false;
  return t.min === null || t.max === null || t.max - t.min < DAY_LIKE;
}

/** The shape of a time, or null where it cannot be put on a clock. */
export function shapeOf(t: Time): { kind: MarkKind; soft: boolean } | null {
  if (!isClocked(t)) return null;
  const soft = t.precision === 'about' || t.precision === 'estimate';
  if (t.min === null) return { kind: 'before', soft: false };
  if (t.max === null) return { kind: 'after', soft: false };
  if (t.inferred || t.precision === 'derived') return { kind: 'inferred', soft };
  // A printed time without a stated error: the minute or second it names is not its error.
  const printed = t.precision === 'about' || t.precision === 'minute' || t.precision === 'estimate' || !t.precision;
  if (!t.whole && printed && t.max - t.min < 2 * MINUTE) return { kind: 'pin', soft };
  if (t.whole) return { kind: 'during', soft };
  return { kind: 'possible', soft };
}

export function markOf(id: string, lane: string, t: Time | undefined, group?: string): Mark | null {
  const shape = t && shapeOf(t);
  if (!t || !shape) return null;
  return {
    ids: [id], lane, kind: shape.kind, min: t.min, max: t.max,
    ...(shape.soft && { soft: true }), ...(t.best !== undefined && { best: t.best }), ...(group && { group }),
  };
}

export type LaneRule = 'account' | 'perspective';

export interface Lane {
  key: string;
  letter: string;
  /** Texts of the case, or the key of an interface string for a perspective. */
  title: Record<string, string> | string;
  /** All its items report one recording. */
  oneRecording: boolean;
  items: Item[];
}

export const NO_LANE = '-';
const PERSPECTIVES = ['official', 'security_forces', 'victim', 'citizen', 'press', 'satellite', 'unknown'];

export function laneKey(item: Item, rule: LaneRule): string {
  if (rule === 'perspective') return item.source.perspective || 'unknown';
  return item.lane || NO_LANE;
}

/** Lanes in the order of the accounts, each with what it holds; a lane for the rest comes last and only if needed. */
export function lanesOf(doc: Document, rule: LaneRule): Lane[] {
  const lanes: Lane[] = [];
  if (rule === 'account') {
    for (const a of [...doc.accounts].sort((p, q) => p.order - q.order || natural(p.id, q.id))) {
      if (a.lane) lanes.push({ key: a.id, letter: a.letter, title: a.title, oneRecording: false, items: [] });
    }
  } else {
    for (const p of PERSPECTIVES) lanes.push({ key: p, letter: '', title: 'perspective ' + p, oneRecording: false, items: [] });
  }
  const by = new Map(lanes.map((l) => [l.key, l]));
  for (const i of doc.items) {
    let lane = by.get(laneKey(i, rule));
    if (!lane) {
      lane = by.get(NO_LANE);
      if (!lane) {
        lane = { key: NO_LANE, letter: '', title: 'no account', oneRecording: false, items: [] };
        by.set(NO_LANE, lane);
        lanes.push(lane);
      }
    }
    lane.items.push(i);
  }
  for (const l of lanes) {
    const first = l.items[0]?.source.recording;
    l.oneRecording = !!first && l.items.length > 1 && l.items.every((i) => i.source.recording === first);
  }
  return rule === 'perspective' ? lanes.filter((l) => l.items.length) : lanes;
}

/** Marks of the items and of the events that no item stands for. */
export function marksOf(doc: Document, rule: LaneRule, filter?: ReadonlySet<string>): { marks: Mark[]; unclocked: Item[] } {
  const marks: Mark[] = [];
  const unclocked: Item[] = [];
  const known = new Set(lanesOf(doc, rule).map((l) => l.key));
  for (const i of doc.items) {
    if (filter && !filter.has(i.id)) continue;
    const key = laneKey(i, rule);
    const m = markOf(i.id, known.has(key) ? key : NO_LANE, i.times?.[0], i.source.recording);
    if (m) marks.push(m);
    else unclocked.push(i);
  }
  return { marks, unclocked };
}

export interface Contradiction {
  a: string;
  b: string;
  overlap: Span | null;
  claim?: string;
}

function meeting(a: Time | undefined, b: Time | undefined): Span | null {
  if (!isClocked(a) || !isClocked(b)) return null;
  const from = Math.max(a.min ?? -Infinity, b.min ?? -Infinity);
  const to = Math.min(a.max ?? Infinity, b.max ?? Infinity);
  return Number.isFinite(from) && Number.isFinite(to) && from <= to ? { from, to } : null;
}

/** Pairs of items or claims that cannot both be so, from the "against" links of the claims; each pair once. */
export function contradictions(doc: Document): Contradiction[] {
  const items = new Map(doc.items.map((i) => [i.id, i]));
  const claims = new Map(doc.claims.map((c) => [c.id, c]));
  const observed = new Map(doc.observations.map((o) => [o.id, o.item]));
  const timeOfClaim = (c: Claim) => c.time ?? items.get(c.items[0] ?? '')?.times?.[0];
  const seen = new Map<string, Contradiction>();
  for (const c of doc.claims) {
    for (const l of c.against ?? []) {
      const other = claims.get(l.to);
      const b = other ? (other.items[0] ?? other.id) : (observed.get(l.to) ?? l.to);
      const a = c.items[0] ?? c.id;
      if (a === b) continue;
      const key = [a, b].sort(natural).join(' ');
      const overlap = meeting(timeOfClaim(c), other ? timeOfClaim(other) : items.get(b)?.times?.[0]);
      const kept = seen.get(key);
      if (!kept) seen.set(key, { a, b, overlap, claim: c.id });
      else if (!kept.overlap && overlap) seen.set(key, { ...kept, overlap });
    }
  }
  return [...seen.values()].sort((p, q) => natural(p.a, q.a) || natural(p.b, q.b));
}

/** The stretch a case is about: its clocked items, widened to whole hours; the whole day where nothing has a clock time. */
export function caseSpan(doc: Document): Span {
  let from = Infinity;
  let to = -Infinity;
  const take = (t: Time | undefined) => {
    if (!isClocked(t)) return;
    for (const x of [t.min, t.max]) {
      if (x === null) continue;
      from = Math.min(from, x);
      to = Math.max(to, x);
    }
  };
  for (const i of doc.items) take(i.times?.[0]);
  for (const g of doc.gaps) take(g.time);
  if (!(from <= to)) {
    for (const i of doc.items) {
      const t = i.times?.[0];
      if (t && t.min !== null && t.max !== null) {
        from = Math.min(from, t.min);
        to = Math.max(to, t.max);
      }
    }
  }
  if (!(from <= to)) {
    const day = Date.parse((doc.case.date ?? '').slice(0, 10));
    from = Number.isFinite(day) ? day : 0;
    to = from + 24 * HOUR;
  }
  return { from: Math.floor(from / HOUR) * HOUR, to: Math.ceil((to + 1) / HOUR) * HOUR };
}

/**
 * The stretch that is shown first: where most of the clocked items lie, so
 * that one straggler does not press the day into a corner. The tenth part of
 * the items may lie outside; what does is counted beside the axis.
 */
export function denseSpan(doc: Document): Span {
  const all = caseSpan(doc);
  const at = doc.items.map((i) => i.times?.[0]).filter(isClocked).flatMap((t) => [t.min ?? t.max!, t.max ?? t.min!]).sort((a, b) => a - b);
  if (at.length < 8) return all;
  const need = Math.ceil(at.length * 0.9);
  let best = all;
  for (let i = 0; i + need <= at.length; i++) {
    const from = at[i]!;
    const to = at[i + need - 1]!;
    if (to - from < best.to - best.from) best = { from, to };
  }
  const air = Math.max((best.to - best.from) * 0.06, 10 * MINUTE);
  return { from: Math.max(all.from, best.from - air), to: Math.min(all.to, best.to + air) };
}
