import type { Derivative, Document, Event, Finding, Item, Observation, Text } from '../../document/types.ts';
import { at, call, post, type CaseLine } from '../lib/api.ts';
import type { Facet } from '../lib/facets.ts';

// The calls that ask a large case: docs/formats/find.md.

export type Box = readonly [number, number, number, number];

export interface Find {
  q?: string;
  facets?: Partial<Record<Facet, string[]>>;
  box?: Box;
  from?: number;
  to?: number;
  timed?: boolean;
  placed?: boolean;
  sort?: Sort;
  offset?: number;
  limit?: number;
  count?: readonly Facet[];
}
export type Sort = 'time' | '-time' | 'title' | 'added' | '-added';

export interface Row { id: string; rev: number }
export interface FoundPage {
  total: number;
  /** Numbers are then "at least". */
  capped: boolean;
  head: number;
  rows: Row[];
  facets?: Partial<Record<Facet, { value: string; count: number }[]>>;
}

export interface Overview {
  from: number;
  step: number;
  head: number;
  total: number;
  untimed: number;
  before: number;
  after: number;
  capped: boolean;
  lanes: { key: string; total: number; counts: number[] }[];
}

export interface Cell { lon: number; lat: number; count: number; box: Box }
export interface Near { total: number; capped: boolean; head: number; places: { id: string }[]; cells: Cell[] }

export interface Objects {
  items: Item[];
  derivatives: Derivative[];
  observations: Observation[];
  events: Event[];
  findings: Finding[];
  revs: Record<string, number>;
  missing: string[];
  head: number;
}

export interface Outline extends Document {
  outline: true;
  counts: Record<string, number>;
  span: { min: number; max: number } | null;
  box: Box | null;
}

export interface Hit { kind: string; id: string; title?: Text | string }

/** Whether a case is shown by windows: the server says so, or it has more items than one window should hold. */
export const isLarge = (c: CaseLine | undefined): boolean => c?.large ?? (c?.items ?? 0) > 20_000;

/** The most ids one call takes. */
export const IDS = 200;

const query = (o: Record<string, unknown>): string => {
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries(o)) {
    if (v === undefined || v === '') continue;
    for (const one of Array.isArray(v) ? v : [v]) p.append(k, String(one));
  }
  const s = p.toString();
  return s && '?' + s;
};

export const asks = {
  outline: (c: string) => call<Outline>(at(c, 'outline')),
  find: (c: string, f: Find) => call<FoundPage>(at(c, 'find'), post(f)),
  overview: (c: string, f: Find, lane: string, buckets: number) => call<Overview>(at(c, 'overview') + query({ q: f.q, ...f.facets, from: f.from, to: f.to, lane, buckets })),
  near: (c: string, f: Find, limit: number) => call<Near>(at(c, 'near') + query({ q: f.q, ...f.facets, box: f.box?.map((x) => x.toFixed(7)).join(','), limit })),
  items: (c: string, ids: readonly string[]) => call<Objects>(at(c, 'items') + '?ids=' + ids.map(encodeURIComponent).join(',')),
  search: (c: string, q: string) => call<Hit[]>(at(c, 'search') + query({ q })),
};
export type Asks = typeof asks;
