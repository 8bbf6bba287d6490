import type { Document, Text } from '../../document/types.ts';

/** What went wrong with a call, in one sentence for a person. */
export class CallError extends Error {
  status: number;
  code: string;
  /** The value that is current on the server, after a conflict. */
  current: unknown;
  constructor(status: number, detail: string, code = '', current?: unknown) {
    super(detail);
    this.status = status;
    this.code = code;
    this.current = current;
  }
}

export interface CaseLine { id: string; title: Text; exercise: boolean; items: number; head: number; large?: boolean }
export interface Me { name: string; role: string; version: string; sandbox: boolean; platformNotes: string[]; newCase?: boolean }
export interface Ref { kind: string; id: string }
export type Command =
  | { op: 'put'; kind: string; id: string; rev: number; value: unknown }
  | { op: 'new'; kind: string; id?: string; parent?: string; value: unknown }
  | { op: 'withdraw'; kind: string; id: string; rev: number; reason: string };
export interface Revision { rev: number; seq: number; at: string; by: string; value: Record<string, unknown> | null; reason?: string }
export interface CustodyLine {
  seq: number; at: string; kind: string; actor: { key: string; role: string };
  tool?: { name: string; version: string }; result: string; leaf: string; text: Text;
}
export interface Job {
  id: string; kind: string; lane: string; item?: string; version: string; state: 'waiting' | 'running' | 'done' | 'failed';
  tries: number; progress: number; error?: string; queued: string; started?: string; ended?: string;
}
export interface Problem { ref: Ref; code: string; text: Text; fix: Text }
export interface Published { edition?: string; folder?: string; problems: Problem[] }
export interface CheckReport { ok: boolean; faults: { what: string; where: string; remedy: string }[]; checked: Record<string, number> }
export interface Taken { added: { id: string; name: string }[]; known: { id: string; name: string }[]; refused: { name: string; why: string }[] }
export interface LiveEntry { seq: number; at: string; kind: string; by: string; refs: Ref[] }

export async function call<T>(path: string, init?: RequestInit): Promise<T> {
  let res: Response;
  try {
    res = await fetch('/api' + path, { ...init, credentials: 'same-origin' });
  } catch {
    throw new CallError(0, '', 'offline');
  }
  if (!res.ok) throw await failure(res);
  return (await res.json()) as T;
}

async function failure(res: Response): Promise<CallError> {
  let body: Record<string, unknown> = {};
  try {
    body = (await res.json()) as Record<string, unknown>;
  } catch {
    // An answer without a body still has its status.
  }
  const detail = String(body['detail'] ?? body['title'] ?? `${res.status} ${res.statusText}`);
  return new CallError(res.status, detail, String(body['code'] ?? ''), body['current'] ?? body['value']);
}

export const post = (body: unknown): RequestInit => ({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
export const at = (c: string, rest: string) => `/cases/${encodeURIComponent(c)}/${rest}`;

/** The calls of the desk, one for each line of the interface of package web. */
export const api = {
  me: () => call<Me>('/me'),
  cases: () => call<CaseLine[]>('/cases'),
  newCase: (body: { title: string; place: string; date: string; zone: string; languages: string[] }) => call<{ id: string }>('/cases', post(body)),
  document: (c: string) => call<Document>(at(c, 'document')),
  revs: (c: string) => call<Record<string, number>>(at(c, 'revs')),
  edit: (c: string, label: string, commands: Command[]) => call<{ seq: number; ids: string[]; concluded?: { kind: string; id: string }[] }>(at(c, 'edits'), post({ label, commands })),
  undo: (c: string, seq: number) => call<{ seq: number; concluded?: { kind: string; id: string }[] }>(at(c, 'undo'), post({ seq })),
  history: (c: string, kind: string, id: string) => call<Revision[]>(at(c, `history/${kind}/${encodeURIComponent(id)}`)),
  custody: (c: string, item: string) => call<CustodyLine[]>(at(c, `custody/${encodeURIComponent(item)}`)),
  jobs: (c: string) => call<Job[]>(at(c, 'jobs')),
  retry: (c: string, job: string) => call<unknown>(at(c, `jobs/${encodeURIComponent(job)}/retry`), post({})),
  search: (c: string, q: string) => call<Ref[]>(at(c, 'search?q=' + encodeURIComponent(q))),
  preflight: (c: string) => call<{ problems: Problem[]; advice?: Problem[] }>(at(c, 'preflight')),
  publish: (c: string, notes: Text) => call<Published>(at(c, 'publish'), post({ notes })),
  check: (c: string) => call<CheckReport>(at(c, 'check'), post({})),
};

/** Address of a derivative's bytes; undefined without one. */
export function derivativeUrl(c: string, sha256: string | undefined): string | undefined {
  return sha256 && '/api' + at(c, 'derivatives/' + sha256);
}

/** Address of the original as an attachment of another origin; opening it is recorded. */
export const originalUrl = (c: string, item: string) => '/api' + at(c, 'original/' + encodeURIComponent(item));
export const exportUrl = (c: string, file: string) => '/api' + at(c, 'export/' + file);
export const sceneBase = (c: string) => '/api' + at(c, 'scene/');

/** Sends files with progress (0..1): fetch cannot tell how much has left, so this is an older call. */
export function upload(c: string, files: File[], reason: string, progress: (part: number) => void): { done: Promise<Taken>; stop(): void } {
  const x = new XMLHttpRequest();
  const done = new Promise<Taken>((resolve, reject) => {
    const form = new FormData();
    form.append('reason', reason);
    for (const f of files) form.append('files', f, f.name);
    x.open('POST', '/api' + at(c, 'files'));
    x.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    x.onerror = () => reject(new CallError(0, '', 'offline'));
    x.onabort = () => reject(new CallError(0, '', 'stopped'));
    x.onload = () => {
      let body: unknown;
      try {
        body = JSON.parse(x.responseText);
      } catch {
        body = {};
      }
      if (x.status >= 200 && x.status < 300) resolve(body as Taken);
      else reject(new CallError(x.status, String((body as { detail?: string }).detail ?? x.statusText), (body as { code?: string }).code));
    };
    x.send(form);
  });
  return { done, stop: () => x.abort() };
}

export interface Live { close(): void }

/** Follows the log of a case. The browser reconnects by itself; after a break every entry since the last one is asked for again. */
export function follow(c: string, known: number, on: { entry(e: LiveEntry): void; job(j: Job): void; state(open: boolean): void }): Live {
  let last = known;
  let source: EventSource;
  let closed = false;
  let timer = 0;
  const open = () => {
    source = new EventSource('/api' + at(c, 'events?after=' + last));
    source.onopen = () => on.state(true);
    source.onmessage = (m) => {
      const e = parse<LiveEntry>(m.data);
      if (!e) return;
      last = Math.max(last, e.seq + 1);
      on.entry(e);
    };
    source.addEventListener('job', (m) => {
      const j = parse<Job>((m as MessageEvent<string>).data);
      if (j) on.job(j);
    });
    source.onerror = () => {
      on.state(false);
      source.close();
      if (!closed) timer = window.setTimeout(open, 2000);
    };
  };
  open();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      source.close();
    },
  };
}

function parse<T>(s: string): T | null {
  try {
    return JSON.parse(s) as T;
  } catch {
    return null;
  }
}
