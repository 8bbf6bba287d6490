import type { Text } from '../../document/types.ts';
import { CallError } from '../lib/api.ts';

export interface TipFile { n: number; size: number; sha256: string; type?: string; fault?: string }
export interface Tip {
  id: string; source?: string; state: 'new' | 'opened' | 'accepted' | 'declined' | 'withdrawn' | 'forgotten'; day: string; size: number; channel?: string; test?: boolean;
  lang?: string; lane?: string; request?: string; incomplete?: string; files?: TipFile[]; items?: string[]; opened?: string[]; replies?: string[]; decided?: string; note?: string;
  here: boolean; held: boolean; can_reply: boolean; due?: boolean; waits?: boolean;
}
export interface Report { tips: Tip[]; keys: { name: string }[]; two_people: boolean; server: boolean; call: boolean; keep_days: number; templates: Record<string, Text>; channels: string[] }
export interface Content { message: string; wish?: string; form?: Record<string, unknown>; at?: string }
export interface Answer { tip?: Tip; content?: Content; help?: unknown; items?: string[]; known?: string[]; refused?: string[]; fresh: number; gone?: string[]; failed?: string[]; source?: string }
export type Act = 'pull' | 'open' | 'content' | 'assist' | 'accept' | 'decline' | 'reply' | 'merge' | 'forget' | 'close';

const at = (c: string, rest: string) => `/api/cases/${encodeURIComponent(c)}/${rest}`;

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  let res: Response;
  try {
    res = await fetch(path, { ...init, credentials: 'same-origin' });
  } catch {
    throw new CallError(0, '', 'offline');
  }
  const body = (await res.json().catch(() => ({}))) as Record<string, unknown>;
  if (!res.ok) throw new CallError(res.status, String(body['detail'] ?? res.statusText), String(body['code'] ?? ''));
  return body as T;
}

export const inboxApi = {
  list: (c: string) => call<Report>(at(c, 'inbox')),
  act: (c: string, act: Act, ask: Record<string, unknown>) =>
    call<Answer>(at(c, `inbox/${act}`), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(ask) }),
  form: (c: string, form: Record<string, unknown>, files: readonly File[]) => {
    const f = new FormData();
    f.append('form', JSON.stringify(form)); // first: the files are read as they come
    for (const x of files) f.append('file', x, x.name);
    return call<Answer>(at(c, 'inbox-form'), { method: 'POST', body: f });
  },
};

/** A size that says no more than the inbox knows, in megabytes or gigabytes; 0 is less than one megabyte. */
export function bucket(bytes: number): { n: number; unit: 'MB' | 'GB' } {
  if (bytes < 1 << 30) return { n: bytes / (1 << 20), unit: 'MB' };
  return { n: Math.round((bytes / (1 << 30)) * 10) / 10, unit: 'GB' };
}

/** What may still be done with a tip. */
export function may(t: Tip): { open: boolean; accept: boolean; decline: boolean; reply: boolean; forget: boolean } {
  const over = t.state === 'withdrawn' || t.state === 'forgotten';
  return {
    open: t.held && !over && !t.here && !t.test,
    accept: t.here && !over && !t.test,
    decline: (t.state === 'new' || t.state === 'opened') && !t.test,
    reply: t.can_reply && !over,
    forget: t.held,
  };
}
