// The part of lane A that holds secrets and does the work, away from the page:
// keys, sealing, sending, opening. Asked by app.ts with one message each.
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';
import { bundle, hex, type Digest, type Entry, type Join } from './bundle.ts';
import { look, type Hidden } from './hidden.ts';
import { stretch, type Keys } from './keys.ts';
import { Refused, Upload, json, refusal, xhr } from './upload.ts';

export interface Sending {
  code: Uint8Array;
  call: string;
  /** Text of call.keys. */
  keys: string;
  message: string;
  files: { name: string; mime: string; modified: string; blob: Blob; strip: boolean }[];
  join: Omit<Join, 'reply_to' | 'call' | 'at'>;
}

export interface Reply {
  day: string;
  lang: string;
  text: string;
}

export type Ask =
  | { op: 'look'; blob: Blob }
  | { op: 'send'; what: Sending; lang: string }
  | { op: 'open'; code: Uint8Array; call: string; slot: number; lang: string }
  | { op: 'erase'; code: Uint8Array; call: string; lang: string };

export type Seen = Omit<Hidden, 'strip'> & { strippable: boolean };
export type Told = { making: number } | { sent: number } | { waiting: true };
export type Answer = { ok: unknown } | { refused: string; status: number } | { failed: string } | { told: Told };

const scope = self as unknown as { onmessage: ((e: MessageEvent<{ id: number; ask: Ask }>) => void) | null; postMessage(m: { id: number; answer: Answer }): void };

let last: { of: string; keys: Promise<Keys> } | null = null;

function keysOf(code: Uint8Array, call: string, tell: (t: Told) => void): Promise<Keys> {
  const of = call + ' ' + hex(code);
  if (last?.of !== of) last = { of, keys: stretch(code, call, (making) => tell({ making })) };
  return last.keys;
}

/** A name for a copy that says what it is and nothing else. */
const plainName = (name: string, i: number): string => `stripped-${i + 1}${/\.[a-z0-9]{1,5}$/i.exec(name)?.[0].toLowerCase() ?? ''}`;

async function send(s: Sending, lang: string, tell: (t: Told) => void): Promise<Digest[]> {
  const keys = await keysOf(s.code, s.call, tell);
  const files: Entry[] = await Promise.all(
    s.files.map(async (f, i) => {
      if (!f.strip) return f;
      const copy = await (await look(f.blob)).strip?.();
      // Never the original where a copy was asked for.
      if (!copy) throw new Error('the copy without hidden data could not be made');
      return { name: plainName(f.name, i), mime: f.mime, modified: '', blob: copy };
    }),
  );
  const seal = new Encrypter();
  for (const line of s.keys.split('\n')) if (/^age1/.test(line.trim())) seal.addRecipient(line.trim());
  const digests: Digest[] = [];
  const join: Join = { ...s.join, call: s.call, reply_to: await identityToRecipient(keys.identity), at: new Date().toISOString() };
  const pieces = bundle(s.message, files, join, digests);
  const plain = new ReadableStream<Uint8Array>(
    {
      async pull(to) {
        const next = await pieces.next();
        if (next.done) to.close();
        else to.enqueue(next.value);
      },
    },
    { highWaterMark: 0 },
  );
  const up = new Upload(hex(crypto.getRandomValues(new Uint8Array(16))), xhr(lang), { sent: (sent) => tell({ sent }), waiting: () => tell({ waiting: true }) });
  const sealed = (await seal.encrypt(plain)).getReader();
  for (;;) {
    const { done, value } = await sealed.read();
    if (done) break;
    await up.write(value);
  }
  await up.done(keys.box, keys.authHash);
  return digests;
}

const SLOT_MAGIC = 'SLREPLY1\n';

/** Reads a slot's plaintext; null for what is none. */
function reply(b: Uint8Array): Reply | null {
  const top = SLOT_MAGIC.length;
  if (b.length < top + 2 || new TextDecoder('latin1').decode(b.subarray(0, top)) !== SLOT_MAGIC) return null;
  const n = (b[top]! << 8) | b[top + 1]!;
  const v = JSON.parse(new TextDecoder().decode(b.subarray(top + 2, top + 2 + n))) as Reply;
  return { day: String(v.day), lang: String(v.lang), text: String(v.text) };
}

async function open(code: Uint8Array, call: string, slot: number, lang: string, tell: (t: Told) => void): Promise<Reply[]> {
  const keys = await keysOf(code, call, tell);
  const r = await xhr(lang)('POST', '/box', JSON.stringify({ box: keys.box, auth: keys.auth }), json);
  if (r.status !== 200) throw refusal(r);
  const out: Reply[] = [];
  for (let o = 0; o + slot <= r.body.length; o += slot) {
    const d = new Decrypter();
    d.addIdentity(keys.identity);
    let b: Uint8Array;
    try {
      b = await d.decrypt(r.body.subarray(o, o + slot));
    } catch {
      continue; // an empty slot is one sealed to nobody
    }
    const one = reply(b);
    if (one) out.push(one);
  }
  return out;
}

async function erase(code: Uint8Array, call: string, lang: string, tell: (t: Told) => void): Promise<true> {
  const keys = await keysOf(code, call, tell);
  const r = await xhr(lang)('POST', '/box/erase', JSON.stringify({ box: keys.box, auth: keys.auth }), json);
  if (r.status !== 200) throw refusal(r);
  last = null;
  return true;
}

async function answer(ask: Ask, tell: (t: Told) => void): Promise<unknown> {
  switch (ask.op) {
    case 'look': {
      const { strip, ...seen } = await look(ask.blob);
      return { ...seen, strippable: !!strip } satisfies Seen;
    }
    case 'send':
      return send(ask.what, ask.lang, tell);
    case 'open':
      return open(ask.code, ask.call, ask.slot, ask.lang, tell);
    case 'erase':
      return erase(ask.code, ask.call, ask.lang, tell);
  }
}

scope.onmessage = async ({ data: { id, ask } }) => {
  const say = (a: Answer) => scope.postMessage({ id, answer: a });
  try {
    say({ ok: await answer(ask, (told) => say({ told })) });
  } catch (e) {
    say(e instanceof Refused ? { refused: e.text, status: e.status } : { failed: String((e as Error)?.message ?? e) });
  }
};
