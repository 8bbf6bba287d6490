// What the desk knows about time, and what follows when something is left out.
// The network is solved again here in the browser, by the definitions of
// package order: nothing is sent and nothing is stored while a person asks.
import type { Constraint as DocConstraint, Gap, Text } from '../../document/types.ts';
import { solve, type Bound, type Link } from '../../kernel/order.ts';

export interface NetConstraint {
  id: string;
  from: string;
  to: string;
  min: number | null;
  max: number | null;
  evidence?: string[];
  accounts?: string[];
  strength: string;
}
export interface Conflict {
  constraints: string[];
  accounts: string[];
  said: Record<string, string[]>;
  claims: string[];
  slack_ms: number;
  cycle: Link[];
  sentence: Text;
}
export interface Report {
  network: { points: { id: string; label?: string }[]; accounts?: { id: string; label?: string }[]; constraints: NetConstraint[] };
  texts: Record<string, Text>;
  views: { account: string; consistent: boolean; disputed: string[]; bounds: Bound[] }[];
  conflicts: Conflict[];
  incomplete?: boolean;
}
export interface Clip {
  item: string;
  start_ms: number;
  duration_ms: number;
  error_ms: number;
  reference: string;
  min_ms: number | null;
  max_ms: number | null;
  how: 'network' | 'stated';
}
export interface Clock { point: string; device: string; items: string[] }
export interface Hypothesis { item: string; kind: 'reading' | 'posted' | 'length'; printed?: string; constraint: DocConstraint; taken?: string }
export interface Times { head: number; report: Report; clips: Clip[]; clocks: Clock[]; hypotheses: Hypothesis[]; gaps: Proposal[] }
/** A stretch that no recording certainly covers. */
export interface Proposal { kind: string; gap: Gap; possible?: string[]; known?: string[] }

/** What is left out: constraints by id, items (all that rests on them) and accounts. */
export interface Off {
  constraints: ReadonlySet<string>;
  items: ReadonlySet<string>;
  accounts: ReadonlySet<string>;
}
export const NOTHING_OFF: Off = { constraints: new Set(), items: new Set(), accounts: new Set() };

export interface View {
  bounds: Map<string, Bound>;
  /** Contradicted here, so that none of them was used. */
  disputed: Set<string>;
  /** In force before contradictions were taken out. */
  active: Set<string>;
}

export function inForce(c: NetConstraint, account: string, off: Off): boolean {
  if (off.constraints.has(c.id) || c.evidence?.some((e) => off.items.has(e))) return false;
  if (!c.accounts?.length) return true;
  return account !== '' && !off.accounts.has(account) && c.accounts.includes(account);
}

/** The tightest intervals under an account ("" is the shared evidence) with something left out. */
export function view(r: Report, account: string, off: Off = NOTHING_OFF): View {
  const active = new Set(r.network.constraints.filter((c) => inForce(c, account, off)).map((c) => c.id));
  const disputed = new Set<string>();
  for (const k of r.conflicts) if (k.constraints.every((id) => active.has(id))) k.constraints.forEach((id) => disputed.add(id));
  const points = r.network.points.map((p) => p.id);
  for (;;) {
    const s = solve(points, r.network.constraints.filter((c) => active.has(c.id) && !disputed.has(c.id)));
    if (s.consistent) return { bounds: new Map(s.bounds.map((b) => [b.point, b])), disputed, active };
    // Only where the listing of contradictions was cut short.
    for (const l of s.cycle) disputed.add(l.constraint);
  }
}

/** Contradictions that stand with this left out, for all accounts that are not. */
export function standing(r: Report, off: Off): Conflict[] {
  const by = new Map(r.network.constraints.map((c) => [c.id, c]));
  return r.conflicts.filter(
    (k) => !k.accounts.some((a) => off.accounts.has(a)) && k.constraints.every((id) => !off.constraints.has(id) && !by.get(id)?.evidence?.some((e) => off.items.has(e))),
  );
}

/** One line of an addition: the constraint, the integer that it gives, and the sum so far. */
export interface Term {
  id: string;
  side: 'min' | 'max';
  ms: number;
  sum: number;
  /** Longer than any length of a case: a moment, or what a clock showed. */
  moment: boolean;
}

/** Ten years: an integer beyond it is read as a date, ms. */
const MOMENT = 10 * 365 * 86_400_000;

/** The addition that gives one end of an interval; it starts at the origin. */
export function addition(r: Report, b: Bound, end: 'min' | 'max'): Term[] {
  const by = new Map(r.network.constraints.map((c) => [c.id, c]));
  const chain = end === 'max' ? (b.max_proof ?? []) : [...(b.min_proof ?? [])].reverse();
  let sum = 0;
  return chain.map((l) => {
    const c = by.get(l.constraint);
    const length = (l.side === 'max' ? c?.max : -(c?.min ?? 0)) ?? 0;
    const ms = end === 'max' ? length : 0 - length;
    sum += ms;
    return { id: l.constraint, side: l.side, ms, sum, moment: Math.abs(ms) > MOMENT };
  });
}

/** Items and events that the network says something about, with their points. */
export function subjects(r: Report): { id: string; start?: string; end?: string }[] {
  const out = new Map<string, { id: string; start?: string; end?: string }>();
  for (const p of r.network.points) {
    const m = /^(.*)\.(start|end)$/.exec(p.id);
    const id = m ? m[1] : p.id;
    const s = out.get(id) ?? { id };
    if (m?.[2] === 'end') s.end = p.id;
    else s.start = p.id;
    out.set(id, s);
  }
  return [...out.values()];
}

/** The interval of an item or event: its earliest start and its latest end. */
export function interval(v: View, s: { start?: string; end?: string }): { min: number | null; max: number | null } {
  const a = v.bounds.get(s.start ?? s.end ?? '');
  const b = v.bounds.get(s.end ?? s.start ?? '');
  return { min: a?.min ?? null, max: b?.max ?? null };
}

/** Onsets of two recordings that are one sound: same order, intervals that agree within the tolerance once the lag is taken out. */
export function sameShot(a: readonly number[], b: readonly number[], lag: number, tolerance: number): [number, number][] {
  const out: [number, number][] = [];
  const used = new Set<number>();
  a.forEach((x, i) => {
    let best = -1;
    b.forEach((y, j) => {
      // lag is the start of b less the start of a: a sound at x in a is at x - lag in b.
      if (!used.has(j) && Math.abs(y + lag - x) <= tolerance && (best < 0 || Math.abs(y + lag - x) < Math.abs(b[best] + lag - x))) best = j;
    });
    if (best >= 0) {
      used.add(best);
      out.push([i, best]);
    }
  });
  return out;
}
