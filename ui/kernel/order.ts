// The temporal network in the reader's browser: re-checks the proofs of an
// edition and answers "what if this constraint were left out". The definitions
// are those of package order; lengths are whole milliseconds within 2^53, so
// sums are exact. Bellman and Ford with a queue, which is enough for the
// network of a case; the program itself uses a faster method.

import type { Ms } from './units.ts';

export interface Difference {
  readonly from: string;
  readonly to: string;
  readonly min: Ms | null;
  readonly max: Ms | null;
}
export interface Constraint extends Difference {
  readonly id: string;
}
/** One link of a chain: max goes from from to to and adds max, min goes back and adds -min. */
export interface Link {
  readonly constraint: string;
  readonly side: 'min' | 'max';
}
export interface Bound {
  readonly point: string;
  readonly min: Ms | null;
  readonly max: Ms | null;
  readonly min_proof?: readonly Link[];
  readonly max_proof?: readonly Link[];
}
export type Solution =
  | { readonly consistent: true; readonly bounds: readonly Bound[] }
  | { readonly consistent: false; readonly cycle: readonly Link[]; readonly slack_ms: Ms };

/** The origin, 1970-01-01T00:00Z. */
export const ORIGIN = 'z';

interface Edge {
  from: number;
  to: number;
  w: number;
  link: Link;
}

/** Follows a chain and adds its integers; null where it is broken or not exact. */
export function sumChain(constraints: ReadonlyMap<string, Difference>, chain: readonly Link[], start: string, end: string): Ms | null {
  let at = start;
  let sum = 0;
  for (const { constraint, side } of chain) {
    const c = constraints.get(constraint);
    const length = c?.[side] ?? null;
    if (!c || length === null || at !== (side === 'max' ? c.from : c.to)) return null;
    at = side === 'max' ? c.to : c.from;
    sum += side === 'max' ? length : -length;
    if (!Number.isSafeInteger(sum)) return null;
  }
  return at === end ? sum : null;
}

/** Whether both ends of a bound follow from their proofs; an open end needs none. */
export function boundHolds(constraints: ReadonlyMap<string, Difference>, b: Bound): boolean {
  const max = b.max === null || sumChain(constraints, b.max_proof ?? [], ORIGIN, b.point) === b.max;
  const back = b.min === null ? null : sumChain(constraints, b.min_proof ?? [], b.point, ORIGIN);
  return max && (b.min === null || (back !== null && -back === b.min));
}

/** The tightest interval of every point with its proofs, or a contradiction that cannot be reduced. */
export function solve(points: readonly string[], constraints: readonly Constraint[]): Solution {
  const names = [ORIGIN, ...points];
  const index = new Map(names.map((n, i) => [n, i]));
  const edges: Edge[] = [];
  for (const c of constraints) {
    const from = index.get(c.from);
    const to = index.get(c.to);
    if (from === undefined || to === undefined) throw new Error(`constraint ${c.id} names a point that is not listed`);
    if (c.max !== null) edges.push({ from, to, w: c.max, link: { constraint: c.id, side: 'max' } });
    if (c.min !== null) edges.push({ from: to, to: from, w: -c.min, link: { constraint: c.id, side: 'min' } });
  }
  const all = relax(names.length, edges, names.map(() => 0));
  if (all.cycle) {
    return { consistent: false, cycle: all.cycle.map((e) => e.link), slack_ms: all.cycle.reduce((s, e) => s + e.w, 0) };
  }
  const root = names.map((_, i) => (i === 0 ? 0 : Infinity));
  const up = relax(names.length, edges, root);
  const down = relax(
    names.length,
    edges.map((e) => ({ ...e, from: e.to, to: e.from })),
    root,
  );
  const bounds = points.map((point, i): Bound => {
    const hi = up.label[i + 1]!;
    const lo = down.label[i + 1]!;
    return {
      point,
      min: lo === Infinity ? null : 0 - lo,
      max: hi === Infinity ? null : hi,
      ...(lo === Infinity ? {} : { min_proof: trail(down.via, i + 1) }),
      ...(hi === Infinity ? {} : { max_proof: trail(up.via, i + 1).reverse() }),
    };
  });
  return { consistent: true, bounds };
}

function trail(via: readonly (Edge | undefined)[], v: number): Link[] {
  const out: Link[] = [];
  for (let e = via[v]; e; e = via[e.from]) out.push(e.link);
  return out;
}

/** Lowers labels until no edge is violated, or a cycle of the tree shows that none can be. */
function relax(n: number, edges: readonly Edge[], start: readonly number[]): { label: number[]; via: (Edge | undefined)[]; cycle?: Edge[] } {
  const out: Edge[][] = Array.from({ length: n }, () => []);
  for (const e of edges) out[e.from]!.push(e);
  const label = [...start];
  const via: (Edge | undefined)[] = new Array<Edge | undefined>(n).fill(undefined);
  const queue = label.flatMap((l, i) => (l === Infinity ? [] : [i]));
  const queued = new Set(queue);
  for (let k = 0, since = 0; k < queue.length; k++) {
    const u = queue[k]!;
    queued.delete(u);
    for (const e of out[u]!) {
      const l = label[u]! + e.w;
      if (l >= label[e.to]!) continue;
      if (!Number.isSafeInteger(l)) throw new Error('a sum of lengths is beyond 2^53 ms');
      label[e.to] = l;
      via[e.to] = e;
      if (!queued.has(e.to)) {
        queued.add(e.to);
        queue.push(e.to);
      }
      if (++since >= n) {
        since = 0;
        const cycle = cycleIn(via);
        if (cycle) return { label, via, cycle };
      }
    }
  }
  return { label, via };
}

function cycleIn(via: readonly (Edge | undefined)[]): Edge[] | undefined {
  const seen = new Int32Array(via.length);
  for (let s = 0; s < via.length; s++) {
    let x = s;
    while (seen[x] === 0 && via[x]) {
      seen[x] = s + 1;
      x = via[x]!.from;
    }
    if (seen[x] !== s + 1 || !via[x]) continue;
    const cycle: Edge[] = [];
    let y = x;
    do {
      cycle.push(via[y]!);
      y = via[y]!.from;
    } while (y !== x);
    return cycle.reverse();
  }
  return undefined;
}
