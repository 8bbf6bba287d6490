import { api, CallError, type Command, type Ref } from './lib/api.ts';
import { same } from './lib/same.ts';
import { CaseCopy } from './record.svelte.ts';
import { t } from './words.svelte.ts';

/** An edit that met a newer version: what was typed is kept until the person decides. */
export interface Clash {
  kind: string;
  id: string;
  mine: Record<string, unknown>;
  theirs: Record<string, unknown> | null;
  before: Record<string, unknown>;
  decide(useMine: boolean): void;
}

type Snapshot = Record<string, unknown> | null;

/** An edit of this window, with what it changed: null before is a new object, null after a withdrawn one. */
interface Done {
  seq: number;
  label: string;
  refs: Ref[];
  before: Snapshot[];
  after: Snapshot[];
}

export interface Change {
  kind: string;
  id: string;
  edit: (value: never) => void;
}

/**
 * Everything that a person can change in the case goes through [change],
 * [create] or [withdraw]: one entry of the log each, which undo takes back
 * with another entry. An edit on a version that is no longer the newest is
 * never written before the person has compared both.
 */
export class Edits extends CaseCopy {
  clash: Clash | null = $state.raw(null);
  undoable: readonly Done[] = $state.raw([]);
  redoable: readonly Done[] = $state.raw([]);

  /** Makes sure that objects and their revisions are here before they are changed; false, with a report, where they cannot be had. */
  protected async ready(_refs: readonly Ref[]): Promise<boolean> {
    return true;
  }

  override close(): void {
    super.close();
    this.undoable = [];
    this.redoable = [];
  }

  /** Changes one object. False when it was given up after a conflict or refused; the caller then keeps its form open. */
  change<T>(label: string, kind: string, id: string, edit: (value: T) => void): Promise<boolean> {
    return this.changeAll(label, [{ kind, id, edit: edit as (v: never) => void }]);
  }

  /** Changes several objects in one entry of the log. */
  async changeAll(label: string, changes: Change[]): Promise<boolean> {
    const c = this.caseId;
    if (!c) return false;
    const commands: Command[] = [];
    if (!(await this.ready(changes))) return false;
    for (const ch of changes) {
      const old = this.object(ch.kind, ch.id);
      if (!old) continue;
      const value = structuredClone(old);
      ch.edit(value as never);
      if (JSON.stringify(value) === JSON.stringify(old)) continue;
      commands.push({ op: 'put', kind: ch.kind, id: ch.id, rev: this.revs[`${ch.kind}/${ch.id}`] ?? 1, value });
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

  async #clashed(label: string, changes: Change[], commands: Command[]): Promise<boolean> {
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

  /** Writes several commands that belong together as one entry of the log, on the versions that this window knows. False when the server refused; what is newer there is then fetched. */
  async together(label: string, wanted: Command[]): Promise<boolean> {
    if (!(await this.ready(wanted.flatMap((m) => ('rev' in m ? [{ kind: m.kind, id: m.id }] : []))))) return false;
    const commands = wanted.map((m) => ('rev' in m ? { ...m, rev: this.revs[`${m.kind}/${m.id}`] ?? 1 } : m));
    try {
      await this.#post(label, commands);
      return true;
    } catch (e) {
      if (e instanceof CallError && e.status === 409) await this.refresh(commands.flatMap((m) => ('rev' in m ? [{ kind: m.kind, id: m.id }] : [])));
      this.report(e);
      return false;
    }
  }

  async withdraw(label: string, kind: string, id: string, reason: string): Promise<boolean> {
    if (!(await this.ready([{ kind, id }]))) return false;
    try {
      await this.#post(label, [{ op: 'withdraw', kind, id, rev: this.revs[`${kind}/${id}`] ?? 1, reason }]);
      this.notice = { kind: 'info', text: t('done.withdrawn', { id }), action: this.takeBack() };
      return true;
    } catch (e) {
      if (e instanceof CallError && e.status === 409) await this.refresh([{ kind, id }]);
      this.report(e);
      return false;
    }
  }

  /** What a notice offers beside the thing that was just done. */
  takeBack(): { label: string; perform(): void } {
    return { label: t('act.undo'), perform: () => void this.undo() };
  }

  async #post(label: string, commands: Command[]): Promise<{ seq: number; ids: string[] }> {
    const r = await api.edit(this.caseId!, label, commands);
    this.own.add(r.seq);
    const refs = commands.map((m, i) => ({ kind: m.kind, id: r.ids?.[i] ?? ('id' in m ? (m.id ?? '') : '') }));
    const before = refs.map((x) => this.object(x.kind, x.id));
    commands.forEach((m, i) => {
      const { kind, id } = refs[i];
      if (m.op === 'withdraw') this.apply(kind, id, null);
      else this.apply(kind, id, { ...(m.value as object), id } as Record<string, unknown>);
      this.revs[`${kind}/${id}`] = m.op === 'new' ? 1 : m.rev + 1;
    });
    this.head(r.seq);
    this.undoable = [...this.undoable, { seq: r.seq, label, refs, before, after: refs.map((x) => this.object(x.kind, x.id)) }];
    this.redoable = [];
    this.say(label);
    // What the rules of review made of it stands in the same entry: it is read, not guessed.
    if (r.concluded?.length) await this.refresh(r.concluded);
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
      this.own.add(r.seq);
      await this.refresh([...e.refs, ...(r.concluded ?? [])]);
      this.head(r.seq);
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
        const rev = this.revs[`${x.kind}/${x.id}`] ?? 1;
        const value = e.before[i];
        return value ? { op: 'put', ...x, rev, value } : { op: 'withdraw', ...x, rev, reason: t('label.undo', { label: e.label }) };
      });
      const r = await api.edit(this.caseId!, t('label.undo', { label: e.label }), commands);
      this.own.add(r.seq);
      await this.refresh([...e.refs, ...(r.concluded ?? [])]);
      this.head(r.seq);
      return turned(r.seq);
    } catch (err) {
      this.report(err);
      return null;
    }
  }
}
