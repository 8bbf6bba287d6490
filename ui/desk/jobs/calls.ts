import { CallError, type Job } from '../lib/api.ts';

export interface Count { state: Job['state']; lane: string; kind: string; count: number }
export interface Queued extends Job { worker?: string; priority: number }
/** The queue of a case as package web gives it; `now` is the clock of the server, UTC ms. */
export interface Queue { now: number; counts: Count[]; running: Queued[]; failed: Queued[]; waiting: Queued[]; done: Queued[] }

async function call<T>(c: string, rest: string, init?: RequestInit): Promise<T> {
  let res: Response;
  try {
    res = await fetch(`/api/cases/${encodeURIComponent(c)}/${rest}`, { ...init, credentials: 'same-origin' });
  } catch {
    throw new CallError(0, '', 'offline');
  }
  const body = (await res.json().catch(() => ({}))) as Record<string, unknown>;
  if (!res.ok) throw new CallError(res.status, String(body['detail'] ?? res.statusText), String(body['code'] ?? ''));
  return body as T;
}

const post = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };
export const queue = (c: string): Promise<Queue> => call<Queue>(c, 'queue');
export const retryAll = (c: string): Promise<{ retried: number }> => call(c, 'queue/retry', post);
export const retryOne = (c: string, job: string): Promise<unknown> => call(c, `jobs/${encodeURIComponent(job)}/retry`, post);

export interface Sum { waiting: number; running: number; failed: number; done: number; total: number }
/** How many jobs are in each state. */
export function sum(counts: readonly Count[]): Sum {
  const s: Sum = { waiting: 0, running: 0, failed: 0, done: 0, total: 0 };
  for (const c of counts) {
    s[c.state] += c.count;
    s.total += c.count;
  }
  return s;
}

/** Waiting jobs by kind, the most first. */
export function byKind(counts: readonly Count[], state: Job['state']): { kind: string; lane: string; n: number }[] {
  return counts.filter((c) => c.state === state).map((c) => ({ kind: c.kind, lane: c.lane, n: c.count })).sort((a, b) => b.n - a.n || a.kind.localeCompare(b.kind));
}

/** "host/pid/lane/n" of a worker, apart. */
export function machine(worker: string | undefined): { host: string; slot: string } {
  const p = (worker ?? '').split('/');
  return p.length < 4 ? { host: worker ?? '', slot: '' } : { host: p.slice(0, -3).join('/'), slot: p.slice(-3).join('/') };
}

/** News of a job over what was read: state and progress change, a job that ended leaves the list of running ones. */
export function follow(q: Queue, j: Pick<Job, 'id' | 'state' | 'progress' | 'error'>): Queue {
  const k = q.running.findIndex((x) => x.id === j.id);
  if (k < 0 || (j.state === 'running' && j.progress === q.running[k].progress)) return q;
  const running = j.state === 'running' ? q.running.map((x, i) => (i === k ? { ...x, progress: j.progress } : x)) : q.running.filter((_, i) => i !== k);
  return { ...q, running };
}
