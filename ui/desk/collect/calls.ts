import { CallError } from '../lib/api.ts';

export interface Line { job: string; url: string; state: 'waiting' | 'running' | 'done' | 'failed'; why?: string; tries: number; asked: string; ended?: string }
export interface Asked { queued: { url: string; job: string }[]; refused: { url: string; why: string }[] }
export interface Bad { file?: string; row: number; column?: string; value?: string; why: string }
export interface RecordLine { number: number; kind: string; time: { value: string; written: string; zone: string | null } | null; author?: string; title?: string; text: string; attachments: { name: string; held: boolean }[] }
export interface ExportPreview { as: string; file: string; encoding?: string; records: RecordLine[]; total: number; attachments: number; held: number; bad_rows: Bad[]; questions: { about: string; ask: string; options?: string[] }[]; notes: string[] }
export interface TablePreview { as: 'records'; file: string; name: string; header: string[]; rows: string[][]; total: number; columns: Record<string, string[]>; targets: string[]; bad_rows: Bad[]; why?: string }
export type Preview = ExportPreview | TablePreview;
export interface Answers { dates?: string; zone?: string; mapping?: unknown; reason?: string; rows?: number }
export interface Imported { added: { id: string; name: string }[]; known: { id: string; name: string }[]; refused: { name: string; why: string }[]; bad_rows: Bad[] }

export const isTable = (p: Preview): p is TablePreview => 'header' in p;

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

function form(file: File, as: string, a: Answers): RequestInit {
  const f = new FormData();
  f.append('as', as);
  f.append('answers', JSON.stringify(a));
  f.append('file', file, file.name);
  return { method: 'POST', body: f };
}

export const collectApi = {
  queue: (c: string) => call<Line[]>(at(c, 'collect')),
  ask: (c: string, body: { urls: string[]; reason: string; persona: string; access: string; seal: boolean }) =>
    call<Asked>(at(c, 'collect'), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  seen: (c: string) => call<{ compared: number; found: number; left: number; failed: string[] }>(at(c, 'alike'), { method: 'POST' }),
  formats: (c: string) => call<string[]>(at(c, 'formats')),
  preview: (c: string, file: File, as: string, a: Answers) => call<Preview>(at(c, 'preview'), form(file, as, a)),
  take: (c: string, file: File, as: string, a: Answers) => call<Imported>(at(c, 'import'), form(file, as, a)),
};

/** The addresses in a pasted text, in their order and once each: one a line, or anywhere in it. */
export function addresses(text: string): string[] {
  const out: string[] = [];
  for (const m of text.matchAll(/https?:\/\/[^\s<>"']+/gi)) {
    // A full stop or a bracket after an address belongs to the sentence.
    const u = m[0].replace(/[.,;:!?)\]}»”]+$/, (end) => (end.startsWith(')') && m[0].includes('(') ? ')' : ''));
    if (!out.includes(u)) out.push(u);
  }
  return out;
}
