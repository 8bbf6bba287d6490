// The bundle SLTIP1 of docs/formats/tip.md, written frame by frame: the
// plaintext of one age file. Nothing is held but the piece at hand.
import { sha256 } from '@noble/hashes/sha2.js';

export const MAX_FRAME = 65_536;
const TOP = 5;
const MIN_PLAIN = 65_536;
/** Bytes read from a file at once: sixteen frames. */
const READ = 16 * MAX_FRAME;

export interface Entry {
  name: string;
  mime: string;
  /** RFC 3339, or empty where a stripped copy is sent. */
  modified: string;
  blob: Blob;
}

export interface Join {
  lang: string;
  at: string;
  reply_to: string;
  call: string;
  follows?: boolean;
  wish?: string;
  request?: string;
}

export interface Digest {
  name: string;
  size: number;
  sha256: string;
}

export const hex = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');

/** The padded length of n bytes (Nikitin et al., PoPETs 2019); exact to 2^53. */
export function padme(n: number): number {
  if (n < 2) return n;
  const e = Math.floor(Math.log2(n));
  const exp = 2 ** e > n ? e - 1 : 2 ** (e + 1) <= n ? e + 1 : e;
  if (exp === 0) return n;
  const last = exp - (Math.floor(Math.log2(exp)) + 1);
  if (last <= 0) return n;
  const step = 2 ** last;
  return Math.ceil(n / step) * step;
}

/** The length that a bundle of n bytes is padded to: what is left must hold a frame. */
export function padTo(n: number): number {
  let t = padme(Math.max(n, MIN_PLAIN));
  while (t - n > 0 && t - n < TOP) t = padme(t + 1);
  return t;
}

function frame(kind: string, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(TOP + body.length);
  out[0] = kind.charCodeAt(0);
  new DataView(out.buffer).setUint32(1, body.length);
  out.set(body, TOP);
  return out;
}

const utf8 = new TextEncoder();
const object = (kind: string, v: object): Uint8Array => frame(kind, utf8.encode(JSON.stringify(v)));

/** How long the sealed bundle will be, for the figure of the progress; names and the end are estimated by their real frames. */
export function estimate(message: string, files: { size: number }[]): number {
  let n = 7 + utf8.encode(message).length + 2_600;
  for (const f of files) n += f.size + Math.ceil(f.size / MAX_FRAME) * TOP + 300;
  const plain = padTo(n);
  return plain + Math.ceil(plain / MAX_FRAME) * 16;
}

/** All bytes of a bundle in order. The digests of the files are added to `digests` as each ends. */
export async function* bundle(message: string, files: Entry[], join: Join, digests: Digest[]): AsyncGenerator<Uint8Array> {
  let n = 0;
  const out = (b: Uint8Array) => {
    n += b.length;
    return b;
  };
  yield out(utf8.encode('SLTIP1\n'));
  const text = utf8.encode(message);
  for (let o = 0; o < text.length; o += MAX_FRAME) yield out(frame('M', text.subarray(o, o + MAX_FRAME)));
  for (const f of files) {
    const head: Record<string, string> = {};
    if (f.name) head['name'] = f.name;
    if (f.mime) head['mime'] = f.mime;
    if (f.modified) head['modified'] = f.modified;
    yield out(object('H', head));
    const sum = sha256.create();
    let size = 0;
    for (let o = 0; o < f.blob.size; o += READ) {
      const piece = new Uint8Array(await f.blob.slice(o, o + READ).arrayBuffer());
      sum.update(piece);
      size += piece.length;
      const frames = Math.ceil(piece.length / MAX_FRAME);
      const packed = new Uint8Array(piece.length + frames * TOP);
      const view = new DataView(packed.buffer);
      for (let i = 0, at = 0; i < frames; i++) {
        const body = piece.subarray(i * MAX_FRAME, (i + 1) * MAX_FRAME);
        packed[at] = 0x44; // D
        view.setUint32(at + 1, body.length);
        packed.set(body, at + TOP);
        at += TOP + body.length;
      }
      yield out(packed);
    }
    const digest = { name: f.name, size, sha256: hex(sum.digest()) };
    digests.push(digest);
    yield out(object('E', { size, sha256: digest.sha256 }));
  }
  // In the order of package tip, and without what is empty: both sides write the same bytes.
  const j: Record<string, unknown> = { v: 1, lang: join.lang, at: join.at, reply_to: join.reply_to, call: join.call, lane: 'A' };
  if (join.follows) j['follows'] = true;
  if (join.wish) j['wish'] = join.wish;
  if (join.request) j['request'] = join.request;
  yield out(object('J', j));
  let gap = padTo(n) - n;
  while (gap > 0) {
    let len = Math.min(gap - TOP, MAX_FRAME);
    const left = gap - TOP - len;
    if (left > 0 && left < TOP) len -= TOP;
    yield frame('P', new Uint8Array(len));
    gap -= TOP + len;
  }
}
