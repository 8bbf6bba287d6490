import { Clock } from '../kernel/clock.ts';
import { Value } from '../kernel/observable.ts';
import type { Derivative, Document, Gap, Item, Observation } from '../document/types.ts';
import type { SceneHandle } from '../scene/handle.ts';
import type { TimelineHandle } from '../timeline/handle.ts';
import { api, CallError, follow, type CaseLine, type Command, type Job, type Live, type LiveEntry, type Me, type Ref } from './lib/api.ts';
import { conflicts, type Conflict } from './lib/conflicts.ts';
import { same } from './lib/same.ts';
import { applyFilter, haystack, NO_FILTER, type Filter } from './lib/facets.ts';
import { byId } from './lib/fold.ts';
import { hasClock, isoDay, sortKey, fromLocal } from './lib/time.ts';
import { t } from './words.svelte.ts';

export type ViewName = 'library' | 'place' | 'accounts' | 'story' | 'publish' | 'jobs';
export const VIEWS: readonly ViewName[] = ['library', 'place', 'accounts', 'story', 'publish', 'jobs'];

export interface Notice {
  kind: 'error' | 'info';
  text: string;
  action?: { label: string; perform(): void };
}

/** An edit that met a newer version: what was typed is kept until the person decides. */
export interface Clash {
  kind: string;
  id: string;
  mine: Record<string, unknown>;
  theirs: Record<string, unknown> | null;
  before: Record<string, unknown>;
  decide(useMine: boolean): void;
}

export interface Layout {
  nav: number;
  inspector: number;
  time: number;
  navOpen: boolean;
  inspectorOpen: boolean;
  timeOpen: boolean;
}

const LAYOUT: Layout = { nav: 296, inspector: 308, time: 264, navOpen: true, inspectorOpen: true, timeOpen: true };

/** The lists of a document by kind. */
export const LIST: Record<string, keyof Document> = {
  item: 'items', derivative: 'derivatives', observation: 'observations', entity: 'entities', finding: 'findings', event: 'events', claim: 'claims',
  account: 'accounts', constraint: 'constraints', layer: 'layers', gap: 'gaps', story: 'stories', edition: 'editions',
};

type Row = { id: string };
type Snapshot = Record<string, unknown> | null;

/** An edit of this window, with what it changed: null before is a new object, null after a withdrawn one. */
interface Done {
  seq: number;
  label: string;
  refs: Ref[];
  before: Snapshot[];
  after: Snapshot[];
}

/**
 * The state of one window of the desk. Everything that a person can change in
 * the case goes through [change], [create] or [withdraw]: one entry of the log
 * each, which undo takes back with another entry.
 */
export class Desk {
  me: Me | null = $state.raw(null);
  cases: CaseLine[] | null = $state.raw(null);
  caseId: string | null = $state(null);
  doc: Document | null = $state.raw(null);
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
  notice: Notice | null = $state.raw(null);
  /** Reaching the server: unknown at first, then what the live updates say. */
  online: boolean | null = $state(null);
  loading = $state('');
  failed = $state('');
  clash: Clash | null = $state.raw(null);
  jobs: Job[] = $state.raw([]);
  dialog: '' | 'palette' | 'help' | 'history' | 'add' | 'goto' = $state('');
  editing: '' | 'words' | 'time' | 'place' | 'axes' | 'public' | 'source' = $state('');
  undoable: readonly Done[] = $state.raw([]);
  redoable: readonly Done[] = $state.raw([]);
  /** The last thing done, read out by the live region. */
  said = $state('');

  scene: SceneHandle | null = $state.raw(null);
  timeline: TimelineHandle | null = $state.raw(null);

  #live: Live | null = null;
  #off: (() => void)[] = [];
  #revs: Record<string, number> = {};
  #own = new Set<number>();

  items = $derived.by(() => new Map((this.doc?.items ?? []).map((i) => [i.id, i])));
  claims = $derived.by(() => new Map((this.doc?.claims ?? []).map((c) => [c.id, c])));
  gaps = $derived.by(() => new Map((this.doc?.gaps ?? []).map((g) => [g.id, g])));
  accounts = $derived.by(() => [...(this.doc?.accounts ?? [])].sort((a, b) => a.order - b.order || byId(a.id, b.id)));
  derivatives = $derived.by(() => group(this.doc?.derivatives ?? [], (d: Derivative) => d.item));
  observations = $derived.by(() => group(this.doc?.observations ?? [], (o: Observation) => o.item));
  conflicts = $derived.by(() => (this.doc ? conflicts(this.doc) : []));
  #hay = $derived.by(() => (this.doc ? haystack(this.doc) : new Map<string, string>()));
  found = $derived.by(() => (this.doc ? applyFilter(this.doc, this.#hay, this.filter) : null));
  zone = $derived(this.doc?.case.zone || 'UTC');
  day = $derived.by(() => {
    const d = this.doc?.case.date ?? '';
    return /^\d{4}-\d{2}-\d{2}/.exec(d)?.[0] ?? '';
  });
  /** The items of the library in the chosen order. */
  sorted = $derived.by(() => {
    const list = [...(this.found?.items ?? [])];
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
  /** Items in the order of time, for "previous" and "next". */
  byTime = $derived.by(() => [...(this.found?.items ?? [])].sort((a, b) => sortKey(a.times?.[0]) - sortKey(b.times?.[0]) || byId(a.id, b.id)));
  story = $derived(this.doc?.stories[0] ?? null);
  exercise = $derived(!!this.doc?.case.exercise);

  constructor() {
    this.selection.subscribe((id) => {
      this.sel = id;
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

  async start(): Promise<void> {
    try {
      const [me, cases] = await Promise.all([api.me(), api.cases()]);
      this.me = me;
      this.cases = cases;
      this.failed = '';
    } catch (e) {
      this.failed = sentence(e);
    }
  }

  /** Opens a case: its document, revisions, live updates and clock. */
  async open(id: string): Promise<boolean> {
    if (this.caseId === id && this.doc) return true;
    this.close();
    this.caseId = id;
    this.loading = id;
    try {
      const [doc, revs, jobs] = await Promise.all([api.document(id), api.revs(id), api.jobs(id)]);
      if (this.caseId !== id) return false;
      this.#revs = revs;
      this.#setClock(whole(doc));
      this.columns = [...(doc.accounts ?? [])].sort((a, b) => a.order - b.order).slice(0, 3).map((a) => a.id);
      this.jobs = jobs ?? [];
      this.doc = whole(doc);
      this.failed = '';
      this.#live = follow(id, doc.head.size, {
        entry: (e) => void this.#entry(e),
        job: (j) => this.#job(j),
        state: (open) => {
          if (this.online === false && open) void this.refresh();
          this.online = open;
        },
      });
      return true;
    } catch (e) {
      this.failed = sentence(e);
      return false;
    } finally {
      this.loading = '';
    }
  }

  close(): void {
    this.#live?.close();
    this.#off.forEach((f) => f());
    this.#off = [];
    this.#live = null;
    this.caseId = null;
    this.doc = null;
    this.selection.set(null);
    this.chosen = new Set();
    this.pair = null;
    this.filter = NO_FILTER;
    this.undoable = [];
    this.redoable = [];
    this.step = 0;
    this.editing = '';
    this.failed = '';
    this.online = null;
  }

  #setClock(doc: Document): void {
    const zone = doc.case.zone || 'UTC';
    const day = /^\d{4}-\d{2}-\d{2}/.exec(doc.case.date ?? '')?.[0];
    const timed = doc.items.map((i) => i.times?.[0]).filter(hasClock);
    let from = day ? fromLocal(day, '00:00', zone) : null;
    let to = day ? fromLocal(day, '24:00', zone) : null;
    if (from === null || to === null) {
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
    if (id !== this.sel) this.editing = '';
    this.pair = null;
    this.selection.set(id);
  }

  selectPair(c: Conflict): void {
    this.editing = '';
    this.selection.set(c.a.items[0] ?? c.a.id);
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

  kindOf(id: string | null): string {
    if (!id || !this.doc) return '';
    if (this.items.has(id)) return 'item';
    if (this.claims.has(id)) return 'claim';
    if (this.gaps.has(id)) return 'gap';
    for (const kind of ['event', 'entity', 'observation', 'finding', 'account', 'layer', 'constraint', 'story'])
      if ((this.doc[LIST[kind]] as unknown as Row[]).some((o) => o.id === id)) return kind;
    return '';
  }

  object(kind: string, id: string): Record<string, unknown> | null {
    if (!this.doc) return null;
    if (kind === 'case') return this.doc.case as unknown as Record<string, unknown>;
    const l = this.doc[LIST[kind]] as unknown as Row[] | undefined;
    return (l?.find((o) => o.id === id) as unknown as Record<string, unknown>) ?? null;
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

  /** A working copy in the first of the roles that there is. */
  copy(item: string, ...roles: string[]): Derivative | undefined {
    const l = this.derivatives.get(item) ?? [];
    for (const r of roles) {
      const d = l.find((x) => x.role === r);
      if (d) return d;
    }
    return undefined;
  }

  say(text: string): void {
    this.said = text;
  }

  // --- edits ---

  /** Changes one object. False when it was given up after a conflict or refused; the caller then keeps its form open. */
  change<T>(label: string, kind: string, id: string, edit: (value: T) => void): Promise<boolean> {
    return this.changeAll(label, [{ kind, id, edit: edit as (v: never) => void }]);
  }

  /** Changes several objects in one entry of the log. */
  async changeAll(label: string, changes: { kind: string; id: string; edit: (value: never) => void }[]): Promise<boolean> {
    const c = this.caseId;
    if (!c) return false;
    const commands: Command[] = [];
    for (const ch of changes) {
      const old = this.object(ch.kind, ch.id);
      if (!old) continue;
      const value = structuredClone(old);
      ch.edit(value as never);
      if (JSON.stringify(value) === JSON.stringify(old)) continue;
      commands.push({ op: 'put', kind: ch.kind, id: ch.id, rev: this.#revs[`${ch.kind}/${ch.id}`] ?? 1, value });
    }
    if (!commands.length) return true;
    try {
      await this.#post(label, commands);
      return true;
    } catch (e) {
      if (e instanceof CallError && e.status === 409) return this.#clashed(label, changes, commands);
      this.report(e);
      return false;
    }
  }

  async #clashed(label: string, changes: { kind: string; id: string; edit: (v: never) => void }[], commands: Command[]): Promise<boolean> {
    const before = new Map(changes.map((ch) => [ch.id, this.object(ch.kind, ch.id)]));
    await this.refresh(changes);
    const first = changes.find((ch) => JSON.stringify(before.get(ch.id)) !== JSON.stringify(this.object(ch.kind, ch.id))) ?? changes[0];
    const mine = commands.find((m) => m.op === 'put' && m.id === first.id);
    return new Promise((resolve) => {
      this.clash = {
        kind: first.kind,
        id: first.id,
        before: before.get(first.id) ?? {},
        mine: (mine && 'value' in mine ? mine.value : {}) as Record<string, unknown>,
        theirs: this.object(first.kind, first.id),
        decide: (useMine) => {
          this.clash = null;
          if (useMine) void this.changeAll(label, changes).then(resolve);
          else resolve(false);
        },
      };
    });
  }

  /** Makes an object; the server gives it its id. Null when it was refused. */
  async create(label: string, kind: string, value: Record<string, unknown>, parent?: string): Promise<string | null> {
    try {
      const r = await this.#post(label, [{ op: 'new', kind, ...(parent ? { parent } : {}), value }]);
      return r.ids[0] ?? null;
    } catch (e) {
      this.report(e);
      return null;
    }
  }

  async withdraw(label: string, kind: string, id: string, reason: string): Promise<boolean> {
    try {
      await this.#post(label, [{ op: 'withdraw', kind, id, rev: this.#revs[`${kind}/${id}`] ?? 1, reason }]);
      this.notice = { kind: 'info', text: t('done.withdrawn', { id }), action: { label: t('act.undo'), perform: () => void this.undo() } };
      return true;
    } catch (e) {
      if (e instanceof CallError && e.status === 409) await this.refresh([{ kind, id }]);
      this.report(e);
      return false;
    }
  }

  async #post(label: string, commands: Command[]): Promise<{ seq: number; ids: string[] }> {
    const r = await api.edit(this.caseId!, label, commands);
    this.#own.add(r.seq);
    const refs = commands.map((m, i) => ({ kind: m.kind, id: r.ids?.[i] ?? ('id' in m ? (m.id ?? '') : '') }));
    const before = refs.map((x) => this.object(x.kind, x.id));
    commands.forEach((m, i) => {
      const { kind, id } = refs[i];
      if (m.op === 'withdraw') this.#apply(kind, id, null);
      else this.#apply(kind, id, { ...(m.value as object), id } as Record<string, unknown>);
      this.#revs[`${kind}/${id}`] = m.op === 'new' ? 1 : m.rev + 1;
    });
    this.#head(r.seq);
    this.undoable = [...this.undoable, { seq: r.seq, label, refs, before, after: refs.map((x) => this.object(x.kind, x.id)) }];
    this.redoable = [];
    this.say(label);
    return r;
  }

  async undo(): Promise<void> {
    const last = this.undoable.at(-1);
    if (!last) return;
    this.undoable = this.undoable.slice(0, -1);
    const back = await this.#revert(last);
    if (!back) return;
    this.redoable = [...this.redoable, back];
    this.notice = { kind: 'info', text: t('done.undone', { label: last.label }) };
  }

  async redo(): Promise<void> {
    const last = this.redoable.at(-1);
    if (!last) return;
    this.redoable = this.redoable.slice(0, -1);
    const again = await this.#revert(last);
    if (!again) return;
    this.undoable = [...this.undoable, again];
    this.notice = { kind: 'info', text: t('done.redone', { label: last.label }) };
  }

  /**
   * Takes an entry back with another entry. The server refuses where something
   * was written since; where that was only this window's own undoing, so that
   * the values are those the entry left, they are written back as an edit.
   */
  async #revert(e: Done): Promise<Done | null> {
    const turned = (seq: number): Done => ({ seq, label: e.label, refs: e.refs, before: e.after, after: e.before });
    try {
      const r = await api.undo(this.caseId!, e.seq);
      this.#own.add(r.seq);
      await this.refresh(e.refs);
      this.#head(r.seq);
      return turned(r.seq);
    } catch (err) {
      const untouched = e.refs.every((x, i) => same(this.object(x.kind, x.id), e.after[i]));
      if (!(err instanceof CallError) || err.status !== 409 || !untouched) {
        this.report(err);
        return null;
      }
    }
    try {
      const commands = e.refs.map((x, i): Command => {
        const rev = this.#revs[`${x.kind}/${x.id}`] ?? 1;
        const value = e.before[i];
        return value ? { op: 'put', ...x, rev, value } : { op: 'withdraw', ...x, rev, reason: t('label.undo', { label: e.label }) };
      });
      const r = await api.edit(this.caseId!, t('label.undo', { label: e.label }), commands);
      this.#own.add(r.seq);
      await this.refresh(e.refs);
      this.#head(r.seq);
      return turned(r.seq);
    } catch (err) {
      this.report(err);
      return null;
    }
  }

  // --- live updates ---

  async #entry(e: LiveEntry): Promise<void> {
    this.#head(e.seq);
    if (this.#own.delete(e.seq)) return;
    if (e.refs?.length) await this.refresh(e.refs);
  }

  #head(seq: number): void {
    if (this.doc && seq + 1 > this.doc.head.size) this.doc = { ...this.doc, head: { ...this.doc.head, size: seq + 1 } };
  }

  #job(j: Job): void {
    const k = this.jobs.findIndex((x) => x.id === j.id);
    this.jobs = k < 0 ? [...this.jobs, j] : this.jobs.map((x, i) => (i === k ? { ...x, ...j } : x));
  }

  async reloadJobs(): Promise<void> {
    if (!this.caseId) return;
    try {
      this.jobs = (await api.jobs(this.caseId)) ?? [];
    } catch (e) {
      this.report(e);
    }
  }

  #pending = new Map<string, Ref>();
  #timer: Promise<void> | null = null;

  /** Reads objects again; without refs, the whole case. Many at once are gathered into one reading. */
  refresh(refs?: readonly Ref[]): Promise<void> {
    if (!refs) this.#pending.set('*', { kind: '*', id: '*' });
    else for (const r of refs) this.#pending.set(`${r.kind}/${r.id}`, { kind: r.kind, id: r.id });
    this.#timer ??= new Promise((done) =>
      setTimeout(() => {
        const list = [...this.#pending.values()];
        this.#pending.clear();
        this.#timer = null;
        void this.#read(list).then(done);
      }, 40),
    );
    return this.#timer;
  }

  async #read(refs: Ref[]): Promise<void> {
    const c = this.caseId;
    if (!c) return;
    try {
      if (refs.length > 12 || refs.some((r) => r.kind === '*')) {
        const [doc, revs] = await Promise.all([api.document(c), api.revs(c)]);
        if (this.caseId !== c) return;
        this.#revs = revs;
        this.doc = whole(doc);
        return;
      }
      const read = await Promise.all(refs.map((r) => api.history(c, r.kind, r.id)));
      if (this.caseId !== c) return;
      read.forEach((h, i) => {
        const last = h.at(-1);
        if (!last) return;
        this.#revs[`${refs[i].kind}/${refs[i].id}`] = last.rev;
        this.#apply(refs[i].kind, refs[i].id, last.value);
      });
    } catch (e) {
      this.report(e);
    }
  }

  #apply(kind: string, id: string, value: Record<string, unknown> | null): void {
    if (!this.doc) return;
    if (kind === 'case') {
      if (value) this.doc = { ...this.doc, case: value as unknown as Document['case'] };
      return;
    }
    const key = LIST[kind];
    if (!key) return;
    const list = this.doc[key] as unknown as Row[];
    const k = list.findIndex((o) => o.id === id);
    let next: Row[];
    if (!value) next = list.filter((o) => o.id !== id);
    else if (k >= 0) next = list.map((o, i) => (i === k ? (value as unknown as Row) : o));
    else next = [...list, value as unknown as Row].sort((a, b) => byId(a.id, b.id));
    this.doc = { ...this.doc, [key]: next };
    if (!value && this.sel === id) this.select(null);
  }

  report(e: unknown): void {
    this.notice = { kind: 'error', text: sentence(e) };
  }
}

/** Lists that the server left out are empty. */
function whole(doc: Document): Document {
  const d = { ...doc } as unknown as Record<string, unknown>;
  for (const k of Object.values(LIST)) d[k] ??= [];
  return d as unknown as Document;
}

function group<T>(list: readonly T[], key: (x: T) => string): Map<string, T[]> {
  const m = new Map<string, T[]>();
  for (const x of list) {
    const k = key(x);
    const l = m.get(k);
    if (l) l.push(x);
    else m.set(k, [x]);
  }
  return m;
}

/** One clear sentence for a failure. */
export function sentence(e: unknown): string {
  if (e instanceof CallError) {
    if (e.code === 'offline') return t('error.offline');
    if (e.code === 'stopped') return t('error.stopped');
    if (e.status === 401) return t('error.session');
    if (e.status === 409 && !e.message) return t('error.conflict');
    return e.message.charAt(0).toUpperCase() + e.message.slice(1) + (/[.!?]$/.test(e.message) ? '' : '.');
  }
  return t('error.unexpected', { what: e instanceof Error ? e.message : String(e) });
}

export const desk = new Desk();

/** Local day of an instant in the zone of the case. */
export const localDay = (ms: number): string => isoDay(ms, desk.zone);
