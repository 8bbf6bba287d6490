import type { Derivative, Document, Observation } from '../document/types.ts';
import { api, CallError, follow, type CaseLine, type Job, type Live, type LiveEntry, type Me, type Ref } from './lib/api.ts';
import { conflicts } from './lib/conflicts.ts';
import { byId } from './lib/fold.ts';
import { t } from './words.svelte.ts';

export interface Notice {
  kind: 'error' | 'info';
  text: string;
  action?: { label: string; perform(): void };
}

/** The lists of a document by kind. */
export const LIST: Record<string, keyof Document> = {
  item: 'items', derivative: 'derivatives', observation: 'observations', entity: 'entities', finding: 'findings', event: 'events', claim: 'claims',
  account: 'accounts', constraint: 'constraints', layer: 'layers', gap: 'gaps', story: 'stories', edition: 'editions', review: 'reviews', comment: 'comments',
};
const NAMED = ['event', 'entity', 'observation', 'finding', 'account', 'layer', 'constraint', 'story'];

type Row = { id: string };

/**
 * The copy of a case that this window holds: its document, the revision of
 * each object, the indexes that panels look things up in, and the live updates
 * that keep it in step with the log. Nothing here changes the case; edits.svelte.ts does.
 */
export class CaseCopy {
  me: Me | null = $state.raw(null);
  cases: CaseLine[] | null = $state.raw(null);
  caseId: string | null = $state(null);
  doc: Document | null = $state.raw(null);
  jobs: Job[] = $state.raw([]);
  /** Reaching the server: unknown at first, then what the live updates say. */
  online: boolean | null = $state(null);
  loading = $state('');
  failed = $state('');
  /** True on a desk of a team that does not know this browser. */
  signIn = false;
  notice: Notice | null = $state.raw(null);
  /** The last thing done, read out by the live region. */
  said = $state('');

  protected revs: Record<string, number> = {};
  /** Entries that this window wrote: their live update brings nothing new. */
  protected own = new Set<number>();
  #live: Live | null = null;

  items = $derived.by(() => new Map((this.doc?.items ?? []).map((i) => [i.id, i])));
  claims = $derived.by(() => new Map((this.doc?.claims ?? []).map((c) => [c.id, c])));
  gaps = $derived.by(() => new Map((this.doc?.gaps ?? []).map((g) => [g.id, g])));
  accounts = $derived.by(() => [...(this.doc?.accounts ?? [])].sort((a, b) => a.order - b.order || byId(a.id, b.id)));
  derivatives = $derived.by(() => group(this.doc?.derivatives ?? [], (d: Derivative) => d.item));
  observations = $derived.by(() => group(this.doc?.observations ?? [], (o: Observation) => o.item));
  conflicts = $derived.by(() => (this.doc ? conflicts(this.doc) : []));
  zone = $derived(this.doc?.case.zone || 'UTC');
  day = $derived.by(() => /^\d{4}-\d{2}-\d{2}/.exec(this.doc?.case.date ?? '')?.[0] ?? '');
  languages = $derived.by(() => (this.doc?.case.languages?.length ? this.doc.case.languages : ['en', 'es']));
  story = $derived(this.doc?.stories[0] ?? null);
  exercise = $derived(!!this.doc?.case.exercise);

  /** Called with a document that was just read, before panels see it. */
  protected opened(_doc: Document): void {}
  /** Called when an object left the case. */
  protected gone(_id: string): void {}

  async start(): Promise<void> {
    try {
      const [me, cases] = await Promise.all([api.me(), api.cases()]);
      this.me = me;
      this.cases = cases;
      this.failed = '';
    } catch (e) {
      this.signIn = e instanceof CallError && e.code === 'sign_in';
      this.failed = sentence(e);
    }
  }

  /** Opens a case: its document, revisions and live updates. */
  async open(id: string): Promise<boolean> {
    if (this.caseId === id && this.doc) return true;
    this.close();
    this.caseId = id;
    this.loading = id;
    try {
      const [{ doc, revs }, jobs] = await Promise.all([this.readCase(id), api.jobs(id).catch(() => [])]);
      if (this.caseId !== id) return false;
      this.revs = revs;
      this.opened(doc);
      this.jobs = jobs ?? [];
      this.doc = doc;
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

  /** The case with its revisions; a large one is read by windows instead. */
  protected async readCase(id: string): Promise<{ doc: Document; revs: Record<string, number> }> {
    const [read, revs] = await Promise.all([api.document(id), api.revs(id)]);
    return { doc: whole(read), revs };
  }
  /** What of a live update concerns this copy. */
  protected concerned(refs: readonly Ref[]): readonly Ref[] {
    return refs;
  }

  close(): void {
    this.#live?.close();
    this.#live = null;
    this.caseId = null;
    this.doc = null;
    this.failed = '';
    this.online = null;
  }

  kindOf(id: string | null): string {
    if (!id || !this.doc) return '';
    if (this.items.has(id)) return 'item';
    if (this.claims.has(id)) return 'claim';
    if (this.gaps.has(id)) return 'gap';
    for (const kind of NAMED) if ((this.doc[LIST[kind]] as unknown as Row[]).some((o) => o.id === id)) return kind;
    return '';
  }

  object(kind: string, id: string): Record<string, unknown> | null {
    if (!this.doc) return null;
    if (kind === 'case') return this.doc.case as unknown as Record<string, unknown>;
    const l = this.doc[LIST[kind]] as unknown as Row[] | undefined;
    return (l?.find((o) => o.id === id) as unknown as Record<string, unknown>) ?? null;
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

  report(e: unknown): void {
    this.notice = { kind: 'error', text: sentence(e) };
  }

  // --- keeping in step ---

  async #entry(e: LiveEntry): Promise<void> {
    this.head(e.seq);
    if (this.own.delete(e.seq)) return;
    const refs = this.concerned(e.refs ?? []);
    if (refs.length) await this.refresh(refs);
  }

  protected head(seq: number): void {
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
        const { doc, revs } = await this.readCase(c);
        if (this.caseId !== c) return;
        this.revs = revs;
        this.doc = doc;
        return;
      }
      const read = await Promise.all(refs.map((r) => api.history(c, r.kind, r.id).catch((e: unknown) => { if (e instanceof CallError && e.status === 403) return []; throw e; })));
      if (this.caseId !== c) return;
      read.forEach((h, i) => {
        const last = h.at(-1);
        if (!last) return;
        this.revs[`${refs[i].kind}/${refs[i].id}`] = last.rev;
        this.apply(refs[i].kind, refs[i].id, last.value);
      });
    } catch (e) {
      this.report(e);
    }
  }

  protected apply(kind: string, id: string, value: Record<string, unknown> | null): void {
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
    if (!value) this.gone(id);
  }
}

/** Lists that the server left out are empty. */
export function whole(doc: Document): Document {
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
