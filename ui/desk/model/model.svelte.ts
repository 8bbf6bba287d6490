import type { SceneDocument, SceneLayer, SceneObject } from '../../document/scene.ts';
import { desk, sentence } from '../state.svelte.ts';
import { CallError } from '../lib/api.ts';
import { ask } from '../match/ask.ts';
import { moved, newPart, nextId, turned, type Kind, type ModelDocument, type Part } from './parts.ts';

/** A model as the case keeps it. */
export interface Kept { id: string; document: ModelDocument; versions: { sha256: string; at: string; by: string }[] }
interface Built { layer: SceneLayer; objects: SceneObject[]; glb_base64?: string }

async function call<T>(body?: unknown): Promise<T> {
  const r = await fetch(`/api/cases/${encodeURIComponent(desk.caseId!)}/models`, { credentials: 'same-origin', ...(body ? { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {}) });
  const a = (await r.json()) as Record<string, unknown>;
  if (!r.ok) throw new CallError(r.status, String(a['detail'] ?? r.status), String(a['code'] ?? ''));
  return a as T;
}

/** The model that is being worked on, and what it would be in the scene. */
export class Modeller {
  kept: Kept[] | null = $state.raw(null);
  doc: ModelDocument | null = $state.raw(null);
  active = $state(-1);
  built: (Built & { glb: ArrayBuffer }) | null = $state.raw(null);
  fault = $state('');
  asking = $state(false);
  saving = $state(false);
  scene: SceneDocument | null = $state.raw(null);
  #saved = $state('');
  #undo: string[] = $state.raw([]);
  #redo: string[] = $state.raw([]);
  #timer = 0;
  #asked: AbortController | null = null;

  get part(): Part | null {
    return this.doc?.parts[this.active] ?? null;
  }
  get changed(): boolean {
    return !!this.doc && JSON.stringify(this.doc) !== this.#saved;
  }
  get canUndo(): boolean {
    return this.#undo.length > 0;
  }
  get canRedo(): boolean {
    return this.#redo.length > 0;
  }

  async load(): Promise<void> {
    this.kept = await call<Kept[]>();
  }
  open(k: Kept): void {
    this.#start(k.document);
    this.#saved = JSON.stringify(this.doc);
    this.active = k.document.parts.length ? 0 : -1;
  }
  begin(title: string): void {
    const taken = [...(desk.doc?.layers ?? []).map((l) => l.id), ...(this.scene?.layers ?? []).map((l) => l.id)];
    this.#start({ format: 'sightline.scene.model/1', id: nextId('M', taken), title: Object.fromEntries(desk.languages.map((l) => [l, title])), class: 'conjectural', licence: 'own work', ...(this.scene ? { frame: this.scene.id } : {}), parts: [] });
    this.#saved = '';
    this.active = -1;
  }
  #start(d: ModelDocument): void {
    this.doc = structuredClone(d);
    this.#undo = [];
    this.#redo = [];
    this.built = null;
    this.fault = '';
    this.ask();
  }
  close(): void {
    this.#asked?.abort();
    clearTimeout(this.#timer);
    this.doc = null;
    this.built = null;
    this.fault = '';
  }

  /** Keeps the present state, so that what follows can be taken back as one step. */
  mark(): void {
    if (!this.doc) return;
    this.#undo = [...this.#undo.slice(-99), JSON.stringify(this.doc)];
    this.#redo = [];
  }
  undo(): void {
    this.#go('undo');
  }
  redo(): void {
    this.#go('redo');
  }
  #go(way: 'undo' | 'redo'): void {
    const from = way === 'undo' ? this.#undo : this.#redo;
    const then = from.at(-1);
    if (then === undefined || !this.doc) return;
    const now = JSON.stringify(this.doc);
    if (way === 'undo') {
      this.#undo = from.slice(0, -1);
      this.#redo = [...this.#redo, now];
    } else {
      this.#redo = from.slice(0, -1);
      this.#undo = [...this.#undo, now];
    }
    this.doc = JSON.parse(then) as ModelDocument;
    this.active = Math.min(this.active, this.doc.parts.length - 1);
    this.ask();
  }

  set(d: Partial<ModelDocument>): void {
    this.doc = { ...this.doc!, ...d };
    this.ask();
  }
  change(i: number, p: Part): void {
    this.set({ parts: this.doc!.parts.map((x, k) => (k === i ? p : x)) });
  }
  add(kind: Kind, at: readonly [number, number]): void {
    this.mark();
    const id = nextId('S', [...(this.scene?.objects ?? []).map((o) => o.id), ...this.doc!.parts.map((p) => p.id ?? '')]);
    this.set({ parts: [...this.doc!.parts, newPart(kind, id, at)] });
    this.active = this.doc!.parts.length - 1;
  }
  double(): void {
    const p = this.part;
    if (!p) return;
    this.mark();
    const id = nextId('S', [...(this.scene?.objects ?? []).map((o) => o.id), ...this.doc!.parts.map((x) => x.id ?? '')]);
    this.set({ parts: [...this.doc!.parts, moved({ ...structuredClone(p), id }, 2, -2)] });
    this.active = this.doc!.parts.length - 1;
  }
  remove(): void {
    if (!this.part) return;
    this.mark();
    this.set({ parts: this.doc!.parts.filter((_, i) => i !== this.active) });
    this.active = Math.min(this.active, this.doc!.parts.length - 1);
  }
  nudge(de: number, dn: number): void {
    if (!this.part) return;
    this.mark();
    this.change(this.active, moved(this.part, de, dn));
  }
  turn(deg: number): void {
    if (!this.part) return;
    this.mark();
    this.change(this.active, turned(this.part, deg));
  }

  /** Asks what the model would be; a later question replaces an earlier one. */
  ask(): void {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    const d = this.doc;
    if (!d) return;
    if (!d.parts.length) {
      this.built = null;
      this.fault = '';
      return;
    }
    this.#timer = window.setTimeout(() => void this.#build(d), 80);
  }
  async #build(d: ModelDocument): Promise<void> {
    const mine = new AbortController();
    this.#asked = mine;
    this.asking = true;
    try {
      const b = await ask<Built>('scene.model', { scene: desk.caseId, model: d }, mine.signal);
      if (mine.signal.aborted) return;
      const bytes = Uint8Array.from(atob(b.glb_base64 ?? ''), (c) => c.charCodeAt(0));
      this.built = { ...b, glb: bytes.buffer };
      this.fault = '';
    } catch (e) {
      if (!mine.signal.aborted) this.fault = sentence(e);
    } finally {
      if (this.#asked === mine) this.asking = false;
    }
  }

  async save(reason: string): Promise<boolean> {
    return this.#write({ document: this.doc, reason }, () => (this.#saved = JSON.stringify(this.doc)));
  }
  async discard(id: string, reason: string): Promise<boolean> {
    return this.#write({ remove: id, reason }, () => this.close());
  }
  async #write(body: unknown, done: () => void): Promise<boolean> {
    this.saving = true;
    try {
      await call(body);
      done();
      await desk.refresh();
      await this.load();
      return true;
    } catch (e) {
      this.fault = sentence(e);
      return false;
    } finally {
      this.saving = false;
    }
  }
}
