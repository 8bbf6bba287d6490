import type { Pose } from '../../kernel/camera.ts';
import type { Enu } from '../../kernel/units.ts';
import type { Finding, Item, Place, Text } from '../../document/types.ts';
import type { SceneDocument } from '../../document/scene.ts';
import { api, derivativeUrl, type Command } from '../lib/api.ts';
import { desk, sentence } from '../state.svelte.ts';
import { solvedAt } from '../lib/media.ts';
import { ask } from './ask.ts';
import { frameOf } from './picture.ts';
import { complete, compare, cropSuspected, nextId, pairsOf, pastOf, poseOf, problemOf, sigmaOf, statedFocal, used, type Answer, type Pair, type Settings } from './problem.ts';
import { inEach, w } from './words.svelte.ts';

interface Kept { pairs: Pair[]; settings: Settings; active: number }

/** One attempt at one picture: what is marked, what the solver says, what is saved. */
export class Match {
  readonly item: Item;
  /** Milliseconds into a video; null for a picture. */
  readonly ms: number | null;
  image: { width: number; height: number } = $state.raw({ width: 0, height: 0 });
  url: string | null = $state.raw(null);
  pairs: Pair[] = $state.raw([]);
  active = $state(-1);
  settings: Settings = $state.raw({ focal: 'free', focal_px: null, cropped: 'unknown', lens: false });
  stated: number | null = $state.raw(null);
  answer: Answer | null = $state.raw(null);
  /** The same problem with the scene counted: warnings, and which click would help. */
  report: Answer | null = $state.raw(null);
  fault = $state('');
  solving = $state(false);
  saving = $state(false);
  /** A second look by somebody who has not seen the first. */
  blind = $state(false);
  scene: SceneDocument | null = $state.raw(null);
  #undo: string[] = $state.raw([]);
  #redo: string[] = $state.raw([]);
  #timer = 0;
  #later = 0;
  #asked: AbortController | null = null;

  constructor(item: Item, ms: number | null) {
    this.item = item;
    this.ms = ms;
  }

  get id(): string {
    return this.item.id + (this.ms === null ? '' : ` ${(this.ms / 1000).toFixed(3)} s`);
  }
  get pose(): Pose | null {
    return poseOf(this.answer?.status === 'refused' ? null : this.answer, this.image);
  }
  get past(): Finding[] {
    return pastOf(desk.doc?.findings ?? [], this.item.id);
  }
  get count(): number {
    return this.pairs.filter(used).length;
  }
  get canUndo(): boolean {
    return this.#undo.length > 0;
  }
  get canRedo(): boolean {
    return this.#redo.length > 0;
  }

  /** Called when the picture's size is known: the marks of before come back. */
  begin(image: { width: number; height: number }, url: string): void {
    this.image = image;
    this.url = url;
    this.stated = statedFocal(this.item, image);
    this.settings = { focal: this.stated ? 'known' : 'free', focal_px: this.stated, cropped: cropSuspected(this.item, image) ? 'suspected' : 'no', lens: false };
    // The marks of the camera in force; else the newest.
    const mine = this.past.filter((f) => (f.problem as { id?: string }).id === this.id);
    const last = mine.find((f) => this.item.places?.some((p) => p.finding === f.id)) ?? mine.at(-1);
    const draft = this.#draft();
    if (draft) this.#take(draft);
    else if (last && !this.blind) this.load(last);
    this.ask();
  }

  load(f: Finding): void {
    const { pairs, settings } = pairsOf(f.problem);
    this.pairs = pairs;
    this.settings = { ...this.settings, ...settings };
    this.active = -1;
    this.ask();
  }

  #key(): string {
    return `sightline.match ${desk.caseId} ${this.id}${this.blind ? ' blind' : ''}`;
  }
  #draft(): Kept | null {
    try {
      return JSON.parse(localStorage.getItem(this.#key()) ?? 'null') as Kept | null;
    } catch {
      return null;
    }
  }
  /** Marks of a session that was closed before they were saved are kept by the browser. */
  #keep(): void {
    try {
      localStorage.setItem(this.#key(), this.#state());
    } catch {
      // A closed storage keeps nothing.
    }
  }
  #state(): string {
    return JSON.stringify({ pairs: this.pairs, settings: this.settings, active: this.active });
  }
  #take(k: Kept): void {
    this.pairs = k.pairs;
    this.settings = k.settings;
    this.active = Math.min(k.active, k.pairs.length - 1);
  }

  // --- marking ---

  /** Before a change that undo takes back. A drag calls it once, when it begins. */
  mark(): void {
    this.#undo = [...this.#undo.slice(-199), this.#state()];
    this.#redo = [];
  }
  undo(): void {
    const s = this.#undo.at(-1);
    if (!s) return;
    this.#undo = this.#undo.slice(0, -1);
    this.#redo = [...this.#redo, this.#state()];
    this.#take(JSON.parse(s) as Kept);
    this.ask();
  }
  redo(): void {
    const s = this.#redo.at(-1);
    if (!s) return;
    this.#redo = this.#redo.slice(0, -1);
    this.#undo = [...this.#undo, this.#state()];
    this.#take(JSON.parse(s) as Kept);
    this.ask();
  }

  #name(wanted = ''): string {
    const taken = new Set(this.pairs.map((p) => p.name));
    if (wanted && !taken.has(wanted)) return wanted;
    for (let n = this.pairs.length + 1; ; n++) if (!taken.has(String(n))) return String(n);
  }

  change(i: number, part: Partial<Pair>): void {
    if (!this.pairs[i]) return;
    this.pairs = this.pairs.map((p, k) => (k === i ? { ...p, ...part } : p));
    this.ask();
  }
  /** Renames a pair; a name that another has is refused with a sentence. */
  rename(i: number, name: string): string {
    const n = name.trim();
    if (!n) return w('name_empty');
    if (this.pairs.some((p, k) => k !== i && p.name === n)) return w('name_taken', { name: n });
    this.mark();
    this.change(i, { name: n });
    return '';
  }

  /** A click in the photo: it completes the open pair, or begins one. */
  clickPhoto(px: [number, number]): void {
    this.mark();
    const open = this.pairs[this.active];
    if (open && !complete(open)) this.change(this.active, { px });
    else this.#add({ px, world: null });
  }
  /** A click in the scene, or a point of the list. */
  clickModel(world: Enu, object: string, layer: string, name?: string): void {
    this.mark();
    const sigma_m = sigmaOf(this.scene, object, layer, name);
    const open = this.pairs[this.active];
    if (open && !complete(open)) {
      const named = name && /^\d+$/.test(open.name) ? this.#name(name) : open.name;
      this.change(this.active, { world, sigma_m, ...(name && named === name && { name }) });
    } else this.#add({ px: null, world, sigma_m, ...(name && { name: this.#name(name) }) });
  }
  #add(p: Partial<Pair>): void {
    this.pairs = [...this.pairs, { name: this.#name(), px: null, world: null, sigma_px: 2, sigma_m: 1, out: false, ...p }];
    this.active = this.pairs.length - 1;
    this.ask();
  }
  start(): void {
    this.active = -1;
  }
  remove(i: number): void {
    if (!this.pairs[i]) return;
    this.mark();
    this.pairs = this.pairs.filter((_, k) => k !== i);
    this.active = Math.min(this.active, this.pairs.length - 1);
    this.ask();
  }
  toggleOut(i: number): void {
    if (!this.pairs[i]) return;
    this.mark();
    this.change(i, { out: !this.pairs[i]!.out });
  }
  set(part: Partial<Settings>): void {
    this.mark();
    this.settings = { ...this.settings, ...part };
    this.ask();
  }
  lockFocal(): void {
    const f = this.settings.focal_px ?? this.answer?.focal_px ?? null;
    if (this.settings.focal === 'locked') this.set({ focal: this.stated ? 'known' : 'free', focal_px: this.stated });
    else if (f) this.set({ focal: 'locked', focal_px: f });
  }

  // --- solving ---

  problem() {
    return problemOf(this.id, this.image, this.pairs, this.settings, this.scene);
  }

  /** Asks for the newest state; what was asked before and not yet answered is given up. */
  ask(): void {
    this.#keep();
    clearTimeout(this.#timer);
    clearTimeout(this.#later);
    this.#asked?.abort();
    this.report = null;
    if (this.count < 4) {
      this.answer = null;
      this.fault = '';
      this.solving = false;
      return;
    }
    this.solving = true;
    this.#timer = window.setTimeout(() => void this.#solve(), 25);
  }

  async #solve(): Promise<void> {
    const own = new AbortController();
    this.#asked = own;
    const problem = this.problem();
    try {
      const a = await ask<Answer>('camera.solve', problem, own.signal);
      if (own.signal.aborted) return;
      this.answer = a;
      this.fault = '';
      this.solving = false;
      if (a.status === 'refused') return;
      this.#later = window.setTimeout(() => {
        ask<Answer>('camera.report', { ...problem, ...(this.scene && { scene: desk.caseId }) }, own.signal).then((r) => { if (!own.signal.aborted) this.report = r; }, () => {});
      }, 300);
    } catch (e) {
      if (own.signal.aborted) return;
      this.answer = null;
      this.solving = false;
      this.fault = sentence(e);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#later);
    this.#asked?.abort();
  }

  // --- saving ---

  /** One edit: the finding, and the place of the item with its pose. */
  async save(considered: Text, open: boolean): Promise<boolean> {
    const old = desk.items.get(this.item.id);
    const a = this.answer;
    if (!old || !a || a.status === 'refused') return false;
    this.saving = true;
    try {
      const id = nextId((desk.doc?.findings ?? []).map((f) => f.id), 'F-');
      const langs = desk.doc?.case.languages ?? ['en'];
      const text: Text = { ...considered };
      const add = async (key: string, vars: Record<string, string | number>) => {
        const more = await inEach(langs, key, vars);
        for (const l of Object.keys(more)) text[l] = [text[l], more[l]].filter(Boolean).join(' ');
      };
      const out = this.pairs.filter((p) => complete(p) && p.out).map((p) => p.name);
      if (out.length) await add('kept_out', { names: out.join(', ') });
      const first = this.past[0];
      const against = this.blind && first ? compare(first.answer as Answer, a) : null;
      if (against) await add(against.agree ? 'kept_blind_agrees' : 'kept_blind_differs', { id: first!.id, metres: against.metres.toFixed(1), limit: against.limit.toFixed(1) });
      const me = await api.me();
      const made = await ask<{ finding: Finding; place: Place }>('camera.finding', { id, item: this.item.id, analyst: me.name, alternatives_considered: text, problem: this.problem() });
      // What protects whoever stood there goes over to the solved place.
      const guards = (old.places ?? []).filter((p) => p.role === 'camera');
      const fuzz = Math.max(0, ...guards.map((p) => p.fuzz_m ?? 0));
      const place: Place = { ...made.place, ...(fuzz > 0 && { fuzz_m: fuzz }), ...(guards.some((p) => p.withheld) && { withheld: true }), ...(guards.some((p) => p.approx) && { approx: true }) };
      const commands: Command[] = [{ op: 'new', kind: 'finding', id, value: { ...made.finding, public: open } }];
      // A blind second answer checks the first and does not replace it.
      if (!(this.blind && first)) {
        const value = structuredClone($state.snapshot(old)) as Item;
        value.places = [place, ...(value.places ?? []).filter((p) => !(p.role === 'camera' && p.finding))];
        commands.push({ op: 'put', kind: 'item', id: this.item.id, rev: 1, value });
      }
      const done = await desk.together(w(this.blind ? 'label_blind' : 'label_save', { id: this.item.id }), commands);
      if (done) {
        try {
          localStorage.removeItem(this.#key());
        } catch {
          // Nothing was kept.
        }
        this.blind = false;
      }
      return done;
    } catch (e) {
      desk.report(e);
      return false;
    } finally {
      this.saving = false;
    }
  }
}

/** Frames of videos at the time at which their camera was solved, by item. */
const frames = new Map<string, string>();

/** The time in its video at which the camera in force was solved; null for a picture. */
function timeOf(i: Item): number | null {
  const id = i.places?.find((p) => p.camera)?.finding;
  return i.media === 'video' ? (solvedAt(desk.doc?.findings.find((f) => f.id === id)?.problem) ?? 0) : null;
}
/** Makes ready what [pictureOf] gives: a poster would show another moment, from another place. */
export async function prepare(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const i = desk.items.get(id);
    const ms = i ? timeOf(i) : null;
    const key = `${desk.caseId} ${id} ${ms}`;
    if (i && ms !== null && !frames.has(key)) frames.set(key, (await frameOf(i, ms)).url);
  }
}

/** The picture of an item that may be shown now, or null. */
export function pictureOf(id: string): string | null {
  const i = desk.items.get(id);
  if (!i || desk.veiled(i)) return null;
  const ms = timeOf(i);
  if (ms !== null) return frames.get(`${desk.caseId} ${id} ${ms}`) ?? null;
  return derivativeUrl(desk.caseId!, desk.copy(id, 'preview', 'poster')?.sha256) ?? null;
}
