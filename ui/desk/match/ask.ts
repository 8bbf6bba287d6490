import { CallError } from '../lib/api.ts';

/** Asks a method of the program; an answer to a question that was given up never arrives. */
export async function ask<T>(method: string, problem: unknown, signal?: AbortSignal): Promise<T> {
  let res: Response;
  try {
    res = await fetch('/api/methods/' + method, { method: 'POST', headers: { 'Content-Type': 'application/json' }, credentials: 'same-origin', body: JSON.stringify(problem), ...(signal && { signal }) });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new CallError(0, '', 'offline');
  }
  const body = (await res.json()) as Record<string, unknown>;
  if (!res.ok) throw new CallError(res.status, String(body['detail'] ?? body['title'] ?? res.status), String(body['code'] ?? ''));
  return body as T;
}
