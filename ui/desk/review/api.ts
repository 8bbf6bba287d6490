import type { Gap, Place, Text, Time } from '../../document/types.ts';
import { CallError } from '../lib/api.ts';

export type State = 'none' | 'waiting' | 'answered' | 'self-checked' | 'agreed' | 'disputed' | 'other-value' | 'needs_re-review' | 'verified';
export interface Agreement { ok: boolean; comparable: boolean; distance_m?: number; tolerance_m?: number; apart_ms?: number; why: Text }
export interface Verdict {
  item: string; axis: string; state: State; says?: string; answers?: string[]; pair?: string[]; open?: string[]; stale?: string[];
  set_aside?: string[]; agreement?: Agreement; after?: Agreement; resolved?: string; why: Text; next?: Text;
}
export interface Person { id: string; name: string; role: string; sources?: boolean }
export interface Board { verdicts: Verdict[]; counts: Partial<Record<State, number>>; relied?: Record<string, { axis: string; because: string }[]>; me: string; blind: boolean; people: Person[] }
export interface Answer { place?: Place; time?: Time; status?: string }
export interface Said { seq: number; id: string; asked?: string[]; blind: boolean; verdict?: Verdict }
export interface Weight { source: string; links: string[]; strength: string; counted: number }
export interface Corroboration {
  claims: { id: string; for: Weight[]; against: Weight[]; suggest: string; why: Text; change?: Text[]; pivots?: string[] }[];
  contradictions: { by: string; refs: string[]; text: Text; size?: string }[];
  matrices: { question: string; hypotheses: { id: string; text: Text; against: number; for: number }[]; rows: { source: string; links: string[]; cells: number[]; diagnostic: number; consistency: string }[] }[];
  notes?: string[];
}
export interface Coverage {
  window: { min: number | null; max: number | null };
  spans: { item: string; from: number; to: number; perspective: string }[];
  gaps: { kind: string; gap: Omit<Gap, 'id'>; possible?: string[]; known?: string[] }[];
  covered_ms: number; notes?: string[];
}

async function call<T>(path: string, body?: unknown): Promise<T> {
  let res: Response;
  try {
    res = await fetch('/api' + path, body === undefined ? { credentials: 'same-origin' } : { method: 'POST', credentials: 'same-origin', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw new CallError(0, '', 'offline');
  }
  const out = (await res.json().catch(() => ({}))) as Record<string, unknown>;
  if (!res.ok) throw new CallError(res.status, String(out['detail'] ?? res.statusText), String(out['code'] ?? ''));
  return out as T;
}
const of = (c: string, rest: string) => `/cases/${encodeURIComponent(c)}/${rest}`;

/** The calls about reviews, people and computed reports. */
export const team = {
  board: (c: string) => call<Board>(of(c, 'review')),
  ask: (c: string, body: { about: string; axis: string; person?: string; answer?: Answer; did?: string[]; reason?: string; ask?: string[] }) => call<Said>(of(c, 'reviews'), body),
  answer: (c: string, id: string, body: { answer: Answer; did: string[]; reason: string }) => call<Said>(of(c, `reviews/${encodeURIComponent(id)}/answer`), body),
  cancel: (c: string, id: string, reason: string) => call<Said>(of(c, `reviews/${encodeURIComponent(id)}/cancel`), { reason }),
  setAside: (c: string, id: string, reason: string) => call<Said>(of(c, `reviews/${encodeURIComponent(id)}/set-aside`), { reason }),
  comment: (c: string, body: { about: string; axis?: string; text: string; at_ms?: number; reply_to?: string }) => call<{ id: string }>(of(c, 'comments'), body),
  resolve: (c: string, id: string, resolved: boolean) => call<unknown>(of(c, `comments/${encodeURIComponent(id)}/state`), { resolved }),
  corroboration: (c: string) => call<Corroboration>(of(c, 'reports/corroboration')),
  coverage: (c: string) => call<Coverage>(of(c, 'reports/coverage')),
  invite: (c: string, body: { name: string; role: string; sources: boolean }) => call<{ path: string; hours: number }>(of(c, 'people'), body),
  grant: (c: string, id: string, body: { role: string; sources: boolean }) => call<unknown>(of(c, 'people/' + encodeURIComponent(id)), body),
  signOut: () => call<unknown>('/sign-out', {}),
};

// --- passkeys (WebAuthn level 3): the server speaks JSON with base64url, the browser bytes ---

const bytes = (s: string) => Uint8Array.from(atob(s.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const text = (b: ArrayBuffer | null) => (b ? btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '') : undefined);
interface Named { id: string; type: PublicKeyCredentialType; transports?: AuthenticatorTransport[] }
interface Flow { flow: string; name?: string; options: Record<string, unknown> & { challenge: string } }
const list = (l: unknown) => ((l as Named[] | undefined) ?? []).map((x) => ({ ...x, id: bytes(x.id) }));

/** Signs in with a passkey of this device. */
export async function signIn(): Promise<void> {
  const f = await call<Flow>('/sign-in/begin', {});
  const key = (await navigator.credentials.get({ publicKey: { ...f.options, challenge: bytes(f.options.challenge), allowCredentials: list(f.options['allowCredentials']) } as PublicKeyCredentialRequestOptions })) as PublicKeyCredential;
  const r = key.response as AuthenticatorAssertionResponse;
  await call('/sign-in/finish', {
    flow: f.flow,
    credential: { id: key.id, rawId: text(key.rawId), type: key.type, clientExtensionResults: key.getClientExtensionResults(), authenticatorAttachment: key.authenticatorAttachment ?? undefined,
      response: { authenticatorData: text(r.authenticatorData), clientDataJSON: text(r.clientDataJSON), signature: text(r.signature), userHandle: text(r.userHandle) } },
  });
}

/** Makes a passkey on this device for an invitation. */
export async function join(token: string, name: string): Promise<void> {
  const f = await call<Flow>('/join/begin', { token, name });
  const user = f.options['user'] as { id: string; name: string; displayName: string };
  const key = (await navigator.credentials.create({ publicKey: { ...f.options, challenge: bytes(f.options.challenge), user: { ...user, id: bytes(user.id) }, excludeCredentials: list(f.options['excludeCredentials']) } as unknown as PublicKeyCredentialCreationOptions })) as PublicKeyCredential;
  const r = key.response as AuthenticatorAttestationResponse;
  await call('/join/finish', {
    flow: f.flow,
    credential: { id: key.id, rawId: text(key.rawId), type: key.type, clientExtensionResults: key.getClientExtensionResults(), authenticatorAttachment: key.authenticatorAttachment ?? undefined,
      response: { attestationObject: text(r.attestationObject), clientDataJSON: text(r.clientDataJSON), transports: r.getTransports?.() ?? [] } },
  });
}
