import { untrack } from 'svelte';
import { Clock } from '../kernel/clock.ts';
import { Frame } from '../kernel/enu.ts';
import { Value } from '../kernel/observable.ts';
import type { Document, Gap, Item } from '../document/types.ts';
import type { SceneHandle } from '../scene/handle.ts';
import type { TimelineHandle } from '../timeline/handle.ts';
import type { Conflict } from './lib/conflicts.ts';
import { BLANK, clean, merge } from './lib/draft.ts';
import { applyFilter, indexOf, NO_FILTER, type Filter, type Found } from './lib/facets.ts';
import { byId } from './lib/fold.ts';
import { hasClock, isoDay, sortKey, fromLocal } from './lib/time.ts';
import { Draft, Guard } from './drafts.svelte.ts';
import { Edits } from './edits.svelte.ts';
import { api, CallError, type Ref } from './lib/api.ts';
import { isLarge, type Objects, type Sort } from './large/calls.ts';
import { absorb, Uses, windowOf } from './large/held.ts';
import type { Large } from './large/large.svelte.ts';
import { listShelf, type Shelf } from './large/shelf.ts';
import { whole } from './record.svelte.ts';
import { t } from './words.svelte.ts';

export { LIST, sentence, type Notice } from './record.svelte.ts';
export type { Clash } from './edits.svelte.ts';

export type ViewName = 'collect' | 'inbox' | 'triage' | 'library' | 'place' | 'time' | 'match' | 'model' | 'review' | 'accounts' | 'story' | 'publish' | 'jobs';
export const VIEWS: readonly ViewName[] = ['collect', 'inbox', 'triage', 'library', 'place', 'time', 'match', 'model', 'review', 'accounts', 'story', 'publish', 'jobs'];

export interface Layout {
  nav: number;
  inspector: number;
  time: number;
  navOpen: boolean;
  inspectorOpen: boolean;
  timeOpen: boolean;
}

const LAYOUT: Layout = { nav: 296, inspector: 308, time: 264, navOpen: true, inspectorOpen: true, timeOpen: true };

/**
 * The state of one window of the desk: the case (record.svelte.ts), the edits
 * of this window (edits.svelte.ts), and here what is shown of it: view,
 * selection, filter, playhead, exposure, and the form that is open.
 */
export class Desk extends Edits {
  view: ViewName = $state('place');
  /** Followed by scene, timeline and map; `sel` is the same for panels. */
  readonly selection = new Value<string | null>(null);
  sel: string | null = $state(null);
  chosen: ReadonlySet<string> = $state.raw(new Set());
  clock: Clock = new Clock(0, { from: 0, to: 1 });
  now = $state(0);
  playing = $state(false);
  rate = $state(1);

  filter: Filter = $state.raw(NO_FILTER);
  sort: { by: string; down: boolean } = $state({ by: 'time', down: false });
  libraryAs: 'grid' | 'table' | 'both' = $state('both');
  compact = $state(false);
  pair: Conflict | null = $state.raw(null);
  columns: string[] = $state.raw([]);
  lanes: 'account' | 'perspective' = $state('account');
  stageAs: '3d' | 'map' | 'both' = $state('3d');
  gapsOn = $state(true);
  snap = $state(false);
  skipGaps = $state(false);
  step = $state(0);
  storyEdit = $state(false);

  grey = $state(true);
  blur = $state(true);
  mute = $state(true);
  /** Items shown in the clear until the tab closes; never stored. */
  revealed: ReadonlySet<string> = $state.raw(new Set());

  layout: Layout = $state({ ...LAYOUT });
  dialog: '' | 'palette' | 'help' | 'history' | 'add' | 'goto' | 'case' = $state('');
  /** The section of an item's page that is being edited in its place. */
  editing: '' | 'words' | 'time' | 'place' | 'axes' | 'public' | 'source' | 'observation' = $state('');
  /** The form in the inspector; it stays while other things are selected, so that they can be linked. */
  draft: Draft | null = $state.raw(null);
  /** Typed text of story steps by "story/step"; kept while other steps and views are shown. */
  stepDrafts: Record<string, Draft> = $state.raw({});
  withdrawing: { kind: string; id: string } | null = $state.raw(null);
  readonly guard = new Guard();
  /** A stretch marked on the clock, UTC ms; a gap or an event can be made of it. */
  stretch: { from: number | null; to: number | null } = $state.raw({ from: null, to: null });

  /** The windows of a large case; null where the case is held whole. */
  large: Large | null = $state.raw(null);
  #uses = new Uses();

  scene: SceneHandle | null = $state.raw(null);
  timeline: TimelineHandle | null = $state.raw(null);

  #off: (() => void)[] = [];

  // Every item in the chosen order and in that of time: made when the case or the order changes, not with each letter of a search.
  #ordered = $derived.by(() => {
    const list = [...(this.doc?.items ?? [])];
    const { by, down } = this.sort;
    const key: (i: Item) => string | number =
      by === 'time' ? (i) => sortKey(i.times?.[0])
      : by === 'media' ? (i) => i.media
      : by === 'perspective' ? (i) => i.source.perspective
      : by === 'size' ? (i) => i.size
      : (i) => i.id;
    list.sort((a, b) => {
      const x = key(a);
      const y = key(b);
      const d = typeof x === 'number' && typeof y === 'number' ? (x === y ? 0 : x - y) : byId(String(x), String(y));
      return (down ? -d : d) || byId(a.id, b.id);
    });
    return list;
  });
  #timed = $derived.by(() => [...(this.doc?.items ?? [])].sort((a, b) => sortKey(a.times?.[0]) - sortKey(b.times?.[0]) || byId(a.id, b.id)));
  // Observations change seldom: an item that is edited does not make the whole text be read again.
  #index = $derived.by(() => indexOf(this.#ordered, this.doc?.observations ?? []));
  /** What the filter leaves, in the chosen order, and the counts of the facets. */
  found = $derived.by((): Found | null => {
    if (!this.doc) return null;
    return this.large ? { items: this.#timed, counts: this.large.counts } : applyFilter(this.#index, this.filter);
  });
  /** The items of the library in the chosen order. */
  sorted = $derived.by((): readonly Item[] => this.found?.items ?? []);
  shelf = $derived.by((): Shelf => this.large?.shelf ?? listShelf(this.sorted));
  /** Items in the case. */
  total = $derived(this.large?.count ?? this.doc?.items.length ?? 0);
  /** What the timeline and what the scene are given: the case, or of a large one what is in their view. */
  timeDoc = $derived.by(() => (this.doc && this.large ? (this.#timeDoc = windowOf(this.#timeDoc, this.doc, this.large.inTime ?? [], [])) : this.doc));
  placeDoc = $derived.by(() => (this.doc && this.large ? (this.#placeDoc = windowOf(this.#placeDoc, this.doc, this.large.nearIds, this.large.groups)) : this.doc));
  #timeDoc: Document | null = null;
  #placeDoc: Document | null = null;
  /** Items in the order of time, for "previous" and "next". */
  byTime = $derived.by((): readonly Item[] => {
    const { sorted } = this;
    if (sorted.length === this.#timed.length) return this.#timed;
    const kept = new Set(sorted);
    return this.#timed.filter((i) => kept.has(i));
  });

  constructor() {
    super();
    this.selection.subscribe((id) => {
      const cell = this.large?.cell(id);
      if (cell) {
        // A group of a large case is no object: choosing it goes nearer.
        const held = this.sel;
        queueMicrotask(() => {
          this.selection.set(held);
          this.nearer(cell.box);
        });
        return;
      }
      // The scene and the timeline select by themselves: text that is being typed about another item is asked for first.
      if (id !== this.sel && this.guard.dirty) {
        const held = this.sel;
        queueMicrotask(() => {
          this.selection.set(held);
          this.guard.leave(true, () => this.select(id));
        });
        return;
      }
      if (id !== this.sel) this.editing = '';
      this.sel = id;
      if (id && this.large && !this.kindOf(id)) void this.large.need([id]).catch((e: unknown) => this.report(e));
    });
    try {
      const kept = JSON.parse(localStorage.getItem('sightline.layout') ?? '{}') as Partial<Layout>;
      for (const k of Object.keys(LAYOUT) as (keyof Layout)[]) if (typeof kept[k] === typeof LAYOUT[k]) Object.assign(this.layout, { [k]: kept[k] });
    } catch {
      // Sizes of a closed storage are the usual ones.
    }
  }

  keepLayout(): void {
    try {
      localStorage.setItem('sightline.layout', JSON.stringify(this.layout));
    } catch {
      // Not remembered.
    }
  }

  protected override opened(doc: Document): void {
    this.#setClock(doc);
    this.columns = [...(doc.accounts ?? [])].sort((a, b) => a.order - b.order).slice(0, 3).map((a) => a.id);
  }

  protected override gone(id: string): void {
    if (this.sel === id) this.select(null);
  }

  // --- a large case ---

  protected override async readCase(id: string): Promise<{ doc: Document; revs: Record<string, number> }> {
    if (!isLarge(this.cases?.find((c) => c.id === id))) return super.readCase(id);
    // Only who opens a large case loads what shows it.
    const [{ asks }, { Large }] = await Promise.all([import('./large/calls.ts'), import('./large/large.svelte.ts')]);
    let outline;
    try {
      outline = await asks.outline(id);
    } catch (e) {
      // Who may not see a part of the case is sent what is theirs, whole.
      if (e instanceof CallError && e.status === 403) return super.readCase(id);
      throw e;
    }
    if (this.caseId !== id) throw new CallError(0, '', 'stopped');
    const doc = whole(outline);
    if (this.large) {
      // Read again: what is in use comes again at once, the rest when it is looked at.
      const kept = [...new Set([...(this.sel ? [this.sel] : []), ...this.chosen])].filter((x) => this.items.has(x)).slice(0, 200);
      const o = kept.length ? await asks.items(id, kept) : null;
      this.large.stale();
      return { doc: o ? absorb(doc, o) : doc, revs: { ...this.revs, ...o?.revs } };
    }
    const large = new Large(this, id, outline);
    this.large = large;
    this.sort = { by: 'time', down: false };
    this.#off.push($effect.root(() => {
      $effect(() => {
        const { filter, asked } = this;
        untrack(() => large.ask(filter, asked));
      });
    }));
    return { doc, revs: {} };
  }

  absorb(o: Objects, needed: readonly string[]): void {
    if (!this.doc) return;
    Object.assign(this.revs, o.revs);
    this.#uses.touch(needed);
    const keep = new Set([...this.chosen, ...(this.large?.inTime ?? []), ...(this.large?.nearIds ?? []), ...needed]);
    if (this.sel) keep.add(this.sel);
    this.doc = this.#uses.shed(absorb(this.doc, o), keep);
  }

  protected override concerned(refs: readonly Ref[]): readonly Ref[] {
    if (!this.large) return refs;
    const mine = refs.filter((r) => (r.kind === 'item' ? this.items.has(r.id) : !!this.object(r.kind, r.id) || !['derivative', 'observation', 'finding', 'event'].includes(r.kind)));
    // Something new may hang on what is looked at.
    if (mine.length < refs.length && this.sel && this.items.has(this.sel)) void this.large.need([this.sel], true).catch((e: unknown) => this.report(e));
    return mine;
  }

  protected override head(seq: number): void {
    super.head(seq);
    this.large?.stale();
  }

  protected override async ready(refs: readonly Ref[]): Promise<boolean> {
    const { large, caseId } = this;
    if (!large || !caseId) return true;
    try {
      await large.need(refs.filter((r) => r.kind === 'item').map((r) => r.id));
      const unknown = refs.filter((r) => this.revs[`${r.kind}/${r.id}`] === undefined);
      for (const r of unknown) {
        const last = (await api.history(caseId, r.kind, r.id)).at(-1);
        if (last) this.revs[`${r.kind}/${r.id}`] = last.rev;
      }
      return true;
    } catch (e) {
      this.report(e);
      return false;
    }
  }

  /** The order in which a large case is asked for. */
  get asked(): Sort {
    const { by, down } = this.sort;
    if (by === 'time') return down ? '-time' : 'time';
    if (by === 'title') return 'title';
    return down ? '-added' : 'added';
  }

  /** Looks at a part of the ground from above it. */
  nearer(box: readonly [number, number, number, number]): void {
    const s = this.scene;
    const o = s?.document?.frame.origin;
    if (!s || !o) return;
    const frame = new Frame(o);
    const [x0, y0] = frame.toEnu({ lat: box[1], lon: box[0], h: o.h });
    const [x1, y1] = frame.toEnu({ lat: box[3], lon: box[2], h: o.h });
    const wide = Math.max(30, Math.hypot(x1 - x0, y1 - y0));
    const target: [number, number, number] = [(x0 + x1) / 2, (y0 + y1) / 2, 0];
    void s.flyTo({ eye: [target[0], target[1] - wide * 0.5, wide * 0.8], target, vfov_deg: 45 });
  }

  override close(): void {
    super.close();
    this.large?.close();
    this.large = null;
    this.#timeDoc = this.#placeDoc = null;
    this.#off.forEach((f) => f());
    this.#off = [];
    this.editing = '';
    this.draft = null;
    this.stepDrafts = {};
    this.stretch = { from: null, to: null };
    this.selection.set(null);
    this.chosen = new Set();
    this.pair = null;
    this.filter = NO_FILTER;
    this.step = 0;
  }

  /** True while something is typed that is not in the log. */
  get unsaved(): boolean {
    return this.guard.dirty || !!this.draft?.dirty || Object.values(this.stepDrafts).some((d) => d.dirty);
  }

  /** Leaves the case; typed text is asked for first. */
  leaveCase(go: () => void): void {
    this.guard.leave(this.unsaved, () => {
      this.draft = null;
      this.stepDrafts = {};
      go();
    });
  }

  #setClock(doc: Document): void {
    const zone = doc.case.zone || 'UTC';
    const day = this.large ? undefined : /^\d{4}-\d{2}-\d{2}/.exec(doc.case.date ?? '')?.[0];
    const timed = doc.items.map((i) => i.times?.[0]).filter(hasClock);
    let from = day ? fromLocal(day, '00:00', zone) : null;
    let to = day ? fromLocal(day, '24:00', zone) : null;
    if (this.large?.span) {
      from = this.large.span.min;
      to = this.large.span.max + 1;
    } else if (from === null || to === null) {
      const ends = timed.flatMap((x) => [x!.min, x!.max]).filter((x): x is number => typeof x === 'number');
      from = ends.length ? Math.min(...ends) - 3_600_000 : Date.now() - 86_400_000;
      to = ends.length ? Math.max(...ends) + 3_600_000 : Date.now();
    }
    const first = Math.min(...timed.map((x) => sortKey(x)).filter((x) => x >= from! && x <= to!));
    this.clock = new Clock(Number.isFinite(first) ? first : from, { from, to });
    this.#off.push(
      this.clock.run((f) => requestAnimationFrame(f)),
      this.clock.subscribe((x) => (this.now = x)),
      this.clock.playing.subscribe((x) => (this.playing = x)),
      this.clock.rate.subscribe((x) => (this.rate = x)),
    );
  }

  setSkipGaps(on: boolean): void {
    this.skipGaps = on;
    const spans = (this.doc?.gaps ?? []).map((g: Gap) => g.time).filter((x) => x && x.min !== null && x.max !== null);
    this.clock.skip.set(on ? spans.map((x) => ({ from: x!.min!, to: x!.max! })) : []);
  }

  // --- selection ---

  select(id: string | null): void {
    if (id !== this.sel && this.guard.dirty) return this.guard.leave(true, () => this.select(id));
    if (id !== this.sel) this.editing = '';
    this.pair = null;
    this.selection.set(id);
  }

  selectPair(c: Conflict): void {
    this.select(c.a.items[0] ?? c.a.id);
    if (this.guard.asking) return;
    this.pair = c;
    if (c.shared) this.clock.seek((c.shared.min + c.shared.max) / 2);
  }

  /** Selects and brings the playhead to where the object is in time. */
  goTo(id: string): void {
    this.select(id);
    const at = this.timeOf(id);
    if (at !== null) this.clock.seek(at);
  }

  timeOf(id: string): number | null {
    const x = this.items.get(id)?.times?.[0] ?? this.claims.get(id)?.time ?? this.gaps.get(id)?.time ?? this.doc?.events.find((e) => e.id === id)?.times?.[0];
    if (!x || !hasClock(x)) return null;
    return x.best ?? (x.min !== null && x.max !== null ? (x.whole ? x.min : (x.min + x.max) / 2) : (x.min ?? x.max));
  }

  choose(id: string, on?: boolean): void {
    const next = new Set(this.chosen);
    if (on ?? !next.has(id)) next.add(id);
    else next.delete(id);
    this.chosen = next;
  }

  reveal(id: string): void {
    this.revealed = new Set(this.revealed).add(id);
  }

  /** True where an item's picture must not be seen before the person asks for it. */
  veiled(i: Item): boolean {
    return this.blur && !!i.sensitivity && i.sensitivity !== 'none' && !this.revealed.has(i.id);
  }

  // --- forms ---

  /** Opens the form of an object, or with id "" of a new one that starts with `seed`. `form` names another form of the same kind. */
  write(kind: string, id = '', seed: Record<string, unknown> = {}, form = kind): void {
    const base = id ? this.object(kind, id) : BLANK[kind]?.();
    if (!base) return;
    this.guard.leave(this.guard.dirty || !!this.draft?.dirty, () => {
      this.editing = '';
      this.draft = new Draft(kind, id, id ? base : { ...base, ...(kind === 'account' ? this.#lastAccount() : {}), ...seed }, form);
      this.layout.inspectorOpen = true;
    });
  }

  /** A new account comes last, with the first letter that is free. */
  #lastAccount(): Record<string, unknown> {
    const taken = this.accounts.map((a) => a.letter.toUpperCase());
    return { letter: [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((l) => !taken.includes(l)) ?? '', order: Math.max(0, ...this.accounts.map((a) => a.order)) + 1 };
  }

  /** Writes the open form to the log and shows what it is about. */
  async keep(): Promise<boolean> {
    const d = this.draft;
    if (!d) return true;
    const what = t('kind.' + d.form);
    const last = this.undoable.length;
    let id: string | null = d.id;
    if (d.id) {
      const mine = $state.snapshot(d.value) as Record<string, unknown>;
      const done = await this.change<Record<string, unknown>>(t('label.change', { what, id: d.id }), d.kind, d.id, (v) => merge(d.kind, v, d.base, mine));
      if (!done) return false;
    } else {
      id = await this.create(t('label.new', { what }), d.kind, clean(d.kind, $state.snapshot(d.value) as Record<string, unknown>));
      if (!id) return false;
    }
    if (this.undoable.length > last) this.notice = { kind: 'info', text: t('done.saved', { label: this.undoable.at(-1)!.label }), action: this.takeBack() };
    if (d.kind !== 'case' && d.kind !== 'story') this.select(id);
    return true;
  }

  /** The stretch as a time, where at least one end is marked. */
  stretchTime(): Record<string, unknown> | undefined {
    const { from, to } = this.stretch;
    if (from === null && to === null) return undefined;
    return { min: from, max: to, zone: this.zone, precision: from === null ? 'before' : to === null ? 'after' : 'interval', status: 'estimated', whole: from !== null && to !== null };
  }

  mark(end: 'from' | 'to' | null): void {
    if (!end) {
      this.stretch = { from: null, to: null };
      return;
    }
    const next = { ...this.stretch, [end]: Math.round(this.clock.get()) };
    // An end before the start turns the two round: a stretch always runs forwards.
    this.stretch = next.from !== null && next.to !== null && next.from > next.to ? { from: next.to, to: next.from } : next;
  }
}

export const desk = new Desk();

/** Local day of an instant in the zone of the case. */
export const localDay = (ms: number): string => isoDay(ms, desk.zone);
