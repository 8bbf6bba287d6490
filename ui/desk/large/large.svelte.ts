import type { Document, Event, Item } from '../../document/types.ts';
import { FACETS, type Facet, type Filter } from '../lib/facets.ts';
import { asks, IDS, type Asks, type Box, type Cell, type Find, type Near, type Objects, type Outline, type Overview, type Sort } from './calls.ts';
import { Pages } from './pages.ts';
import type { Shelf } from './shelf.ts';

/** What the windows need of the desk that they belong to. */
export interface Holder {
  readonly doc: Document | null;
  readonly items: ReadonlyMap<string, Item>;
  readonly sel: string | null;
  /** Takes objects into the document, and lets go of what was not needed for longest. */
  absorb(o: Objects, needed: readonly string[]): void;
  report(e: unknown): void;
}

const PAGE = 100;
/** Up to this many items the timeline draws each, and the scene each place; past it they draw counts. */
export const FEW = 300;
/** Rows that one range of the library can choose at once. */
const MOST = 2000;
const COLUMNS = 300;

/**
 * A case too large to be held whole, as this window sees it: the outline is
 * in the document, and what a list, the timeline or the scene shows is asked
 * for and taken into it. Counts, search and order are the server's, over the
 * whole case. The contract is docs/formats/find.md.
 */
export class Large {
  readonly caseId: string;
  readonly count: number;
  readonly span: Outline['span'];
  readonly box: Outline['box'];
  total = $state(0);
  /** Totals and counts are "at least". */
  capped = $state(false);
  counts: Record<Facet, Map<string, number>> = $state.raw(noCounts());
  /** Decisions about publishing over the whole case, whatever the filter. */
  decisions: Map<string, number> | null = $state.raw(null);
  /** True until the first answer: a list that is empty is then not known to be. */
  asking = $state(true);
  /** Counts what came: lists that read the pages follow it. */
  came = $state(0);
  overview: Overview | null = $state.raw(null);
  /** Density over the whole case, for the strip beside the library. */
  strip: Overview | null = $state.raw(null);
  /** What the timeline draws one by one; null while it draws counts. */
  inTime: readonly string[] | null = $state.raw(null);
  near: Near | null = $state.raw(null);
  nearIds: readonly string[] = $state.raw([]);
  groups: readonly Event[] = $state.raw([]);
  /** Ids that the server does not know. */
  gone: ReadonlySet<string> = $state.raw(new Set());

  #desk: Holder;
  #asks: Asks;
  #pages: Pages;
  #filter: Find = {};
  #sort: Sort = 'time';
  /** What each list has on the screen. */
  #seen = new Map<string, [number, number]>([['first', [0, 40]]]);
  #coming = new Map<string, Promise<void>>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #rounds = new Map<string, number>();
  #range: { from: number; to: number; lane: string } | null = null;
  #boxed: Box | null = null;
  #closed = false;
  #staleAsked = false;

  constructor(desk: Holder, caseId: string, outline: Outline, calls: Asks = asks) {
    this.#desk = desk;
    this.#asks = calls;
    this.caseId = caseId;
    this.count = outline.counts['item'] ?? 0;
    this.span = outline.span;
    this.box = outline.box;
    this.#pages = this.#newPages();
  }

  #newPages(): Pages {
    const question = { ...this.#filter, sort: this.#sort };
    return new Pages(PAGE, async (offset, limit) => (await this.#asks.find(this.caseId, { ...question, offset, limit })).rows.map((r) => r.id));
  }

  close(): void {
    this.#closed = true;
    for (const t of this.#timers.values()) clearTimeout(t);
  }

  // --- the library ---

  shelf = $derived.by((): Shelf => {
    void this.came;
    const pages = this.#pages;
    const items = this.#desk.items;
    const id = (i: number) => pages.at(i);
    return {
      count: this.total,
      at: (i) => items.get(id(i) ?? ''),
      placeOf: (x) => (x === null ? -1 : pages.placeOf(x)),
      reach: async (i) => {
        try {
          await pages.want(i, i);
          const x = id(i);
          if (x === undefined) return undefined;
          await this.need([x]);
          this.came++;
          return this.#desk.items.get(x);
        } catch (e) {
          this.#desk.report(e);
          return undefined;
        }
      },
      ids: async (from, to) => {
        try {
          const end = Math.min(to, from + MOST - 1);
          await pages.want(from, end);
          return pages.among(from, end);
        } catch (e) {
          this.#desk.report(e);
          return [];
        }
      },
      seeing: (from, to, who) => this.seeing(from, to, who),
    };
  });

  /** The library is asked again: the filter or the order changed. */
  ask(f: Filter, sort: Sort): void {
    this.#filter = { ...(f.text.trim() && { q: f.text.trim() }), facets: Object.fromEntries(Object.entries(f.on).filter(([, v]) => v?.length)) };
    this.#sort = sort;
    this.#later('find', this.asking ? 0 : 140, () => this.#find());
    if (this.#range) this.look(this.#range, this.#range.lane);
    if (this.#boxed) this.around(this.#boxed);
  }

  async #find(): Promise<void> {
    const current = this.#round('find');
    const whole = !this.#filter.q && !Object.keys(this.#filter.facets ?? {}).length;
    const page = await this.#asks.find(this.caseId, { ...this.#filter, sort: this.#sort, offset: 0, limit: PAGE, count: FACETS });
    if (!current()) return;
    // The list that stands is left standing until what is on the screen of the new one is known.
    const pages = this.#newPages();
    pages.put(0, page.rows.map((r) => r.id));
    const ids: string[] = [];
    for (const [a, b] of this.#seen.values()) {
      const [from, to] = [Math.max(0, Math.min(a, page.total - 1)), Math.min(b, page.total - 1)];
      if (to < from) continue;
      await pages.want(from, to);
      ids.push(...pages.among(from, to));
    }
    await this.need(ids);
    if (!current()) return;
    this.#pages = pages;
    const counts = noCounts();
    for (const f of FACETS) for (const { value, count } of page.facets?.[f] ?? []) counts[f].set(value, count);
    this.total = page.total;
    this.capped = page.capped;
    this.counts = counts;
    if (whole) this.decisions = counts.public;
    this.asking = false;
    this.came++;
    this.#later('strip', 300, async () => {
      this.strip = await this.#asks.overview(this.caseId, this.#filter, '', 500);
    });
  }

  /** What stands on the screen of the library is fetched when the scrolling rests for a moment. */
  seeing(from: number, to: number, who = ''): void {
    const end = Math.min(to, this.total - 1);
    this.#seen.delete('first');
    this.#seen.set(who, [from, to]);
    if (end < from) return;
    const pages = this.#pages;
    this.#later('seeing ' + who, pages.has(from, end) ? 0 : 60, async () => {
      await pages.want(from, end);
      if (await this.need(pages.among(from, end))) this.came++;
    });
  }

  // --- objects ---

  /** Loads items with what hangs on them; true when something came. `anew` loads what is there as well. */
  async need(ids: readonly string[], anew = false): Promise<boolean> {
    const wanted = ids.filter((id) => anew || (!this.#desk.items.has(id) && !this.gone.has(id)));
    const waits = new Set<Promise<void>>();
    const ask: string[] = [];
    for (const id of wanted) {
      const c = anew ? undefined : this.#coming.get(id);
      if (c) waits.add(c);
      else ask.push(id);
    }
    for (let k = 0; k < ask.length; k += IDS) {
      const part = ask.slice(k, k + IDS);
      const p = this.#asks.items(this.caseId, part).then(
        (o) => {
          for (const id of part) this.#coming.delete(id);
          if (this.#closed) return;
          if (o.missing?.length) this.gone = new Set([...this.gone, ...o.missing]);
          this.#desk.absorb(o, ids);
        },
        (e: unknown) => {
          for (const id of part) this.#coming.delete(id);
          throw e;
        },
      );
      for (const id of part) this.#coming.set(id, p);
      waits.add(p);
    }
    await Promise.all(waits);
    return waits.size > 0;
  }

  /** The log went on beyond this window: what is shown is asked for again. */
  stale(): void {
    if (this.#staleAsked) return;
    this.#staleAsked = true;
    this.#later('stale', 800, async () => {
      this.#staleAsked = false;
      this.gone = new Set();
      await this.#find();
      if (this.#range) this.look(this.#range, this.#range.lane);
      if (this.#boxed) this.around(this.#boxed);
    });
  }

  // --- timeline ---

  /** The timeline shows this stretch, with one lane for each value of `lane`. */
  look(range: { from: number; to: number }, lane: string): void {
    this.#range = { from: Math.floor(range.from), to: Math.ceil(range.to), lane };
    this.#later('look', 110, async () => {
      const current = this.#round('look');
      const r = this.#range!;
      const within = { ...this.#filter, from: r.from, to: r.to };
      const o = await this.#asks.overview(this.caseId, within, r.lane, COLUMNS);
      if (!current()) return;
      let ids: string[] | null = null;
      if (o.lanes.reduce((n, l) => n + l.counts.reduce((a, b) => a + b, 0), 0) <= FEW) {
        const page = await this.#asks.find(this.caseId, { ...within, timed: true, sort: 'time', limit: FEW });
        if (page.total <= FEW) {
          ids = page.rows.map((x) => x.id);
          await this.need(ids);
        }
        if (!current()) return;
      }
      this.overview = o;
      this.inTime = ids;
    });
  }

  // --- scene ---

  /** The scene and the map look at this part of the ground. */
  around(box: Box): void {
    this.#boxed = box;
    this.#later('around', 150, async () => {
      const current = this.#round('around');
      const near = await this.#asks.near(this.caseId, { ...this.#filter, box }, FEW);
      const ids = near.places.map((p) => p.id);
      await this.need(ids);
      if (!current()) return;
      this.near = near;
      this.nearIds = ids;
      this.groups = near.cells.map(groupOf);
    });
  }

  /** The cell that a group of the scene stands for. */
  cell(id: string | null): Cell | undefined {
    const k = this.groups.findIndex((g) => g.id === id);
    return k < 0 ? undefined : this.near?.cells[k];
  }

  // --- one at a time ---

  #round(what: string): () => boolean {
    const n = (this.#rounds.get(what) ?? 0) + 1;
    this.#rounds.set(what, n);
    return () => !this.#closed && this.#rounds.get(what) === n;
  }

  #later(what: string, ms: number, run: () => Promise<void>): void {
    clearTimeout(this.#timers.get(what));
    this.#timers.set(what, setTimeout(() => void run().catch((e: unknown) => !this.#closed && this.#desk.report(e)), ms));
  }
}

function noCounts(): Record<Facet, Map<string, number>> {
  return Object.fromEntries(FACETS.map((f) => [f, new Map<string, number>()])) as Record<Facet, Map<string, number>>;
}

/** A cell of the ground as the scene draws it: one open ring that says how many it stands for. */
function groupOf(c: Cell, k: number): Event {
  const n = c.count.toLocaleString('en-GB');
  const half = Math.hypot((c.box[2] - c.box[0]) * Math.cos((c.lat * Math.PI) / 180), c.box[3] - c.box[1]) * 55_660;
  return {
    id: `group-${k}`, title: { en: `${n} items`, es: `${c.count.toLocaleString('es')} piezas` },
    places: [{ role: 'group', form: 'point', geo: { lat: c.lat, lon: c.lon }, radius_m: Math.max(1, half), approx: true, label: { en: `${n} items`, es: `${c.count.toLocaleString('es')} piezas` } }],
  };
}
