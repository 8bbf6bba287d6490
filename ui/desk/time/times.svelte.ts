import type { Constraint, Event, Finding, Item, Time } from '../../document/types.ts';
import { CallError } from '../lib/api.ts';
import { fromLocal, isoDay } from '../lib/time.ts';
import { wallAt } from '../../kernel/zone.ts';
import { desk } from '../state.svelte.ts';
import { NOTHING_OFF, view, type Clip, type Off, type Times, type View } from './model.ts';
import { both } from './words.svelte.ts';

export interface SyncPair {
  a: number; b: number; lag_s: number | null; sd_s: number | null; score: number; drift_ppm: number | null; overlap_s: number;
  accepted: boolean; reason?: string; cue?: string; candidates: { lag_s: number; score: number; z: number; cue: string }[]; breaks: { at_s: number; jump_s: number }[];
}
export interface Tied { a: string; b: string; within_m: number; places: boolean; constraint: Constraint }
export interface SyncCase {
  items: string[];
  answer: { files: { id: number; duration_s: number; flags: { code: string; message: string }[] }[]; pairs: SyncPair[]; graph: { reference: number; offsets: { file: number; offset_s: number; sd_s: number }[]; closures: { files: number[]; error_s: number }[]; checked: boolean }[] };
  tied: Tied[];
  finding: Finding | null;
}
export interface Onset { t_s: number; sd_s: number; snr_db: number; p_impulse: number; group: number; hints: string[] }
export interface Onsets { file: string; onsets: Onset[]; refused: { code: string; message: string } | null }

const url = (rest: string) => `/api/cases/${encodeURIComponent(desk.caseId!)}/${rest}`;

async function ask<T>(rest: string, body?: unknown): Promise<T> {
  let res: Response;
  try {
    res = await fetch(rest.startsWith('/') ? rest : url(rest), body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw new CallError(0, '', 'offline');
  }
  const got = (await res.json().catch(() => ({}))) as { detail?: string; code?: string };
  if (!res.ok) throw new CallError(res.status, got.detail ?? res.statusText, got.code);
  return got as T;
}

/** Questions that take long answer in lines: progress, then the answer. */
async function listen<T>(body: unknown, progress: (done: number, of: number, what: string) => void, signal: AbortSignal): Promise<T> {
  const res = await fetch(url('listen'), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal });
  if (!res.ok || !res.body) {
    const e = (await res.json().catch(() => ({}))) as { detail?: string; code?: string };
    throw new CallError(res.status, e.detail ?? res.statusText, e.code);
  }
  const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
  let kept = '';
  for (;;) {
    const { done, value } = await reader.read();
    kept += value ?? '';
    const lines = kept.split('\n');
    kept = lines.pop()!;
    for (const l of lines) {
      const m = JSON.parse(l) as { done?: number; of?: number; what?: string; answer?: T; error?: string };
      if (m.error) throw new CallError(400, m.error);
      if (m.answer !== undefined) return m.answer;
      progress(m.done ?? 0, m.of ?? 1, m.what ?? '');
    }
    if (done) throw new CallError(0, '', 'offline');
  }
}

export type Tab = 'tracks' | 'why' | 'clocks' | 'sounds';

/** The state of the time view: what follows from the case, and what a person tries without keeping it. */
class TimesState {
  data: Times | null = $state.raw(null);
  fault = $state('');
  tab: Tab = $state('tracks');
  /** The point or subject whose derivation is open. */
  about: string | null = $state(null);
  account = $state('');
  off: Off = $state.raw(NOTHING_OFF);
  /** How long the last what-if took, ms. */
  took = $state(0);
  sync: SyncCase | null = $state.raw(null);
  onsets: Record<string, Onsets> = $state.raw({});
  working: { done: number; of: number; what: string } | null = $state.raw(null);
  /** Milliseconds by which a clip was moved by hand, alone or with those that are tied to it; a hypothesis until it is saved. */
  nudged: Record<string, { by: number; group: boolean }> = $state.raw({});
  /** What plays on the wall: up to four videos, and one sound. */
  wall: string[] = $state.raw([]);
  heard: string | null = $state(null);
  #stop: AbortController | null = null;
  #read = -1;

  now: View | null = $derived.by(() => {
    if (!this.data) return null;
    return view(this.data.report, this.account, this.off);
  });
  whole: View | null = $derived.by(() => (this.data ? view(this.data.report, this.account) : null));
  get changed(): boolean {
    return this.off.constraints.size + this.off.items.size + this.off.accounts.size > 0;
  }

  /** Clips where the case, a sync that is not saved and the hand put them. */
  clips: (Clip & { tried: boolean })[] = $derived.by(() => {
    const list = (this.data?.clips ?? []).map((c) => ({ ...c, tried: false }));
    const at = new Map(list.map((c) => [c.item, c]));
    const s = this.sync;
    const starts = list.map((c) => c.start_ms).sort((p, q) => p - q);
    const middle = starts[starts.length >> 1] ?? 0;
    if (s) {
      for (const g of s.answer.graph) {
        if (g.offsets.length < 2) continue;
        const ids = g.offsets.map((o) => s.items[o.file]);
        // One recording keeps its place on the clock: the one nearest to where most are, because a lone one may state a wrong day.
        const anchor = ids.map((i) => at.get(i)).filter((c) => !!c).sort((p, q) => Math.abs(p!.start_ms - middle) - Math.abs(q!.start_ms - middle))[0];
        if (!anchor) continue;
        const zero = anchor.start_ms - 1000 * g.offsets.find((o) => s.items[o.file] === anchor.item)!.offset_s;
        for (const o of g.offsets) {
          const id = s.items[o.file];
          const had = at.get(id);
          const dur = desk.items.get(id)?.duration_ms ?? 0;
          const c = { ...(had ?? { item: id, min_ms: null, max_ms: null, how: 'stated' as const, duration_ms: dur }), start_ms: zero + 1000 * o.offset_s, error_ms: 2000 * o.sd_s, reference: anchor.item, tried: id !== anchor.item };
          if (had) Object.assign(had, c);
          else {
            list.push(c);
            at.set(id, c);
          }
        }
      }
    }
    const reference = new Map(list.map((c) => [c.item, c.reference]));
    for (const [id, n] of Object.entries(this.nudged)) {
      if (!n.by) continue;
      for (const c of list) {
        if (c.item !== id && !(n.group && c.reference === reference.get(id))) continue;
        c.start_ms += n.by;
        c.tried = true;
      }
    }
    return list.sort((x, y) => x.start_ms - y.start_ms || (x.item < y.item ? -1 : 1));
  });

  /** Reads what follows from the case, unless it was read at this head already. */
  async load(): Promise<void> {
    const head = desk.doc?.head.size ?? 0;
    if (head === this.#read) return;
    this.#read = head;
    try {
      this.data = await ask<Times>('network');
      this.fault = '';
    } catch (e) {
      this.#read = -1;
      this.fault = e instanceof Error ? e.message : String(e);
    }
  }

  /** Opens the derivation of an item or event. */
  open(id: string): void {
    this.tab = 'why';
    this.about = id;
  }

  leave(): void {
    this.#stop?.abort();
    this.data = null;
    this.#read = -1;
    this.sync = null;
    this.onsets = {};
    this.off = NOTHING_OFF;
    this.nudged = {};
    this.wall = [];
    this.heard = null;
    this.about = null;
    this.account = '';
  }

  toggle(kind: keyof Off, id: string): void {
    const t0 = performance.now();
    const next = new Set(this.off[kind]);
    if (next.has(id)) next.delete(id);
    else next.add(id);
    this.off = { ...this.off, [kind]: next };
    void this.now;
    this.took = performance.now() - t0;
  }

  stop(): void {
    this.#stop?.abort();
  }

  async #long<T>(body: unknown): Promise<T | null> {
    if (this.working) return null;
    this.#stop = new AbortController();
    this.working = { done: 0, of: 1, what: '' };
    try {
      return await listen<T>(body, (done, of, what) => (this.working = { done, of, what }), this.#stop.signal);
    } catch (e) {
      if (!this.#stop.signal.aborted) desk.report(e);
      return null;
    } finally {
      this.working = null;
    }
  }

  async synchronise(items: string[], apart: number, temperature: number | null): Promise<void> {
    const got = await this.#long<SyncCase>({ do: 'sync', items, apart_m: apart, temperature_c: temperature });
    if (got) this.sync = got;
  }

  async findOnsets(items: string[]): Promise<void> {
    const got = await this.#long<Onsets[]>({ do: 'onsets', items });
    if (got) this.onsets = { ...this.onsets, ...Object.fromEntries(got.map((o) => [o.file, o])) };
  }

  /** Keeps what the sync found: a constraint for each recording that was tied, and the finding. */
  async saveSync(): Promise<void> {
    const s = this.sync;
    if (!s?.finding) return;
    for (const p of s.tied) if (!(await desk.create(`${p.a} – ${p.b}`, 'constraint', p.constraint as unknown as Record<string, unknown>))) return;
    if (!(await desk.create('sound.sync', 'finding', s.finding as unknown as Record<string, unknown>))) return;
    this.sync = null;
    await this.load();
  }

  /** Keeps a place that a clip was moved to by hand, against another clip, with the error that the person states. */
  async saveNudge(id: string, to: string, error: number): Promise<void> {
    const a = this.clips.find((c) => c.item === to);
    const b = this.clips.find((c) => c.item === id);
    if (!a || !b) return;
    const d = b.start_ms - a.start_ms;
    const text = await both('nudge.text', { a: to, b: id, ms: Math.round(d), e: error });
    if (!(await desk.create(`${to} – ${id}`, 'constraint', { from: to + '.start', to: id + '.start', min: Math.floor(d - error), max: Math.ceil(d + error), evidence: [to, id], strength: 'claim', text }))) return;
    const rest = { ...this.nudged };
    delete rest[id];
    this.nudged = rest;
    await this.load();
  }

  /** Keeps on which frame of a recording something is first seen, as a fact between the recording and an event; the event is made where it is new. */
  async saw(item: string, between: { frame: number; from: number; to: number }, event: string, fresh: boolean): Promise<string | null> {
    const id = fresh ? await desk.create(event, 'event', { title: { [desk.doc!.case.languages?.[0] ?? 'en']: event }, items: [item] }) : event;
    if (!id) return null;
    const text = await both('seen.text', { event: id, id: item, n: between.frame + 1, t: (between.to / 1000).toFixed(3) });
    const ok = await desk.create(`${item} – ${id}`, 'constraint', { from: item + '.start', to: id + '.start', min: Math.floor(between.from), max: Math.ceil(between.to), evidence: [item], strength: 'firm', text });
    await this.load();
    return ok ? id : null;
  }

  /** Writes the finding of an interval, and the interval into what it is about. */
  async saveInterval(about: string): Promise<void> {
    try {
      const d = await ask<{ time: Time; finding: Finding }>('network/derive', { about, account: this.account });
      const id = await desk.create(`time.solve ${about}`, 'finding', d.finding as unknown as Record<string, unknown>);
      if (!id) return;
      const time = { ...d.time, finding: id };
      const put = (x: Item | Event) => {
        x.times = [time, ...(x.times ?? []).filter((y) => !desk.doc?.findings.some((f) => f.id === y.finding && f.method === 'time.solve'))];
      };
      await desk.change<Item>(`time.solve ${about}`, desk.items.has(about) ? 'item' : 'event', about, put as (v: Item) => void);
      await this.load();
    } catch (e) {
      desk.report(e);
    }
  }

  /** An answer of a science, by its contract. */
  method<T>(name: string, problem: unknown): Promise<T> {
    return ask<T>('/api/methods/' + name, problem);
  }
}

export const times = new TimesState();

/** The wall clock of a moment to the millisecond: "09:23:49.067". */
export function fine(ms: number, zone: string, digits = 3): string {
  const v = wallAt(zone, Math.round(ms));
  const two = (n: number) => String(n).padStart(2, '0');
  const s = `${two(v.hour)}:${two(v.minute)}:${two(v.second)}`;
  return digits ? `${s}.${String(((Math.round(ms) % 1000) + 1000) % 1000).padStart(3, '0').slice(0, digits)}` : s;
}

/** Reads "09:15", "09:15:20" or "2019-05-10 09:15:20.5" in the zone of the case. */
export function readClock(s: string, near: number): number | null {
  const m = /^(?:(\d{4}-\d{2}-\d{2})[ T])?(\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)$/.exec(s.trim());
  return m ? fromLocal(m[1] ?? isoDay(near, desk.zone), m[2], desk.zone) : null;
}

/** A length with its sign, exact to the millisecond: "+8.017 s", "−30 min". */
export function signed(ms: number): string {
  const a = Math.abs(ms);
  const sign = ms < 0 ? '−' : '+';
  if (a >= 60_000 && a % 60_000 === 0) return `${sign}${a / 60_000} min`;
  if (a >= 3_600_000) return `${sign}${Math.floor(a / 3_600_000)} h ${Math.floor(a / 60_000) % 60} min ${(a % 60_000) / 1000} s`;
  if (a >= 60_000) return `${sign}${Math.floor(a / 60_000)} min ${(a % 60_000) / 1000} s`;
  return `${sign}${a / 1000} s`;
}
