// Sends ciphertext in chunks that survive cut lines: each chunk is repeated
// until the server has it, and after a cut the server is asked first. Two
// chunks are in memory, one on its way and one that is being filled; nothing is
// stored on the device.
import { sha256 } from '@noble/hashes/sha2.js';

export const CHUNK = 4 << 20;
export const SLOW_CHUNK = 256 << 10;
/** A chunk that takes longer makes the following ones small (intake.md 4). */
const SLOW_AFTER = 60_000;
/** Without any progress for so long a request counts as cut; the server gives up at 120 s. */
const IDLE = 100_000;

/** The server said no, in the source's language. */
export class Refused extends Error {
  constructor(readonly status: number, readonly text: string) {
    super(text);
  }
}

export interface Wire {
  /** One request. Throws when the line is cut. */
  (method: 'PUT' | 'POST', path: string, body: Uint8Array | string, head: Record<string, string>, progress?: (sent: number) => void): Promise<{ status: number; body: Uint8Array }>;
}

export const json = { 'content-type': 'application/json' };

/** XMLHttpRequest, because fetch does not say how much of a body has left. */
export const xhr = (lang: string): Wire => (method, path, body, head, progress) =>
  new Promise((done, cut) => {
    const x = new XMLHttpRequest();
    let watch: ReturnType<typeof setTimeout>;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => x.abort(), IDLE);
    };
    x.open(method, path);
    x.responseType = 'arraybuffer';
    x.setRequestHeader('accept-language', lang);
    for (const [k, v] of Object.entries(head)) x.setRequestHeader(k, v);
    x.upload.onprogress = (e) => {
      alive();
      progress?.(e.loaded);
    };
    x.onprogress = alive;
    x.onload = () => {
      clearTimeout(watch);
      done({ status: x.status, body: new Uint8Array(x.response as ArrayBuffer) });
    };
    x.onerror = x.onabort = () => {
      clearTimeout(watch);
      cut(new Error('the line was cut'));
    };
    alive();
    x.send(body as XMLHttpRequestBodyInit);
  });

/** The digest of a chunk: by the browser's own code where a page has it (not over plain http). */
async function digestOf(b: Uint8Array): Promise<Uint8Array> {
  if (globalThis.crypto?.subtle) {
    try {
      return new Uint8Array(await crypto.subtle.digest('SHA-256', b as BufferSource));
    } catch {
      // Then by ours.
    }
  }
  return sha256(b);
}

const base64 = (b: Uint8Array): string => btoa(String.fromCharCode(...b));

export function refusal(r: { status: number; body: Uint8Array }): Refused {
  try {
    const v = JSON.parse(new TextDecoder().decode(r.body)) as { title?: string; text?: string };
    return new Refused(r.status, v.text ?? v.title ?? '');
  } catch {
    return new Refused(r.status, '');
  }
}

/** Too busy, or a fault that may pass: worth another try. */
const passing = (status: number): boolean => status === 408 || status === 425 || status === 429 || status === 502 || status === 504;

export interface Watch {
  sent(bytes: number): void;
  waiting(): void;
}

export class Upload {
  private n = 0;
  private size = CHUNK;
  private sent = 0;
  private held = new Uint8Array(CHUNK);
  private spare = new Uint8Array(CHUNK);
  private used = 0;
  /** The chunk that is on its way while the next one is sealed. */
  private going: Promise<void> = Promise.resolve();

  constructor(
    private readonly id: string,
    private readonly wire: Wire,
    private readonly watch: Watch,
    private readonly sleep: (ms: number) => Promise<void> = (ms) => new Promise((f) => setTimeout(f, ms)),
    private readonly now: () => number = () => Date.now(),
  ) {}

  /** Chunks that the server has. */
  get chunks(): number {
    return this.n;
  }

  /** Takes sealed bytes; a full chunk goes to the server while the next is filled. */
  async write(b: Uint8Array): Promise<void> {
    while (b.length) {
      const room = Math.min(b.length, CHUNK - this.used);
      this.held.set(b.subarray(0, room), this.used);
      this.used += room;
      b = b.subarray(room);
      if (this.used === CHUNK) await this.start();
    }
  }

  /** Sends what is held, as soon as the chunk before it has arrived. */
  private async start(): Promise<void> {
    await this.going;
    const whole = this.held.subarray(0, this.used);
    [this.held, this.spare] = [this.spare, this.held];
    this.used = 0;
    this.going = this.all(whole);
    // A refusal is met by whoever waits for it, here or in the end.
    this.going.catch(() => {});
  }

  private async all(whole: Uint8Array): Promise<void> {
    let at = 0;
    while (at < whole.length) {
      const n = await this.chunk(whole.subarray(at));
      at += n;
      this.sent += n;
      this.n++;
      this.watch.sent(this.sent);
    }
  }

  async flush(): Promise<void> {
    if (this.used) await this.start();
    await this.going;
  }

  private async put(b: Uint8Array): Promise<number> {
    const digest = await digestOf(b);
    const r = await this.wire('PUT', `/t/${this.id}/${this.n}`, b, { 'content-digest': `sha-256=:${base64(digest)}:`, 'content-type': 'application/octet-stream' }, (sent) => this.watch.sent(this.sent + Math.min(sent, b.length)));
    if (r.status >= 200 && r.status < 300) return 204;
    // 422: bytes were changed on the way; 409: another cut of this chunk is here already.
    if (r.status === 409 || r.status === 422 || passing(r.status)) return r.status;
    throw refusal(r);
  }

  /** Brings the beginning of `rest` to the server as the next chunk; gives how many bytes that was. */
  private async chunk(rest: Uint8Array): Promise<number> {
    const tried = new Set<number>();
    for (let attempt = 0; ; attempt++) {
      const len = Math.min(this.size, rest.length);
      const began = this.now();
      try {
        tried.add(len);
        const status = await this.put(rest.subarray(0, len));
        if (status === 204) {
          if (this.now() - began > SLOW_AFTER) this.size = SLOW_CHUNK;
          return len;
        }
        if (status === 409) {
          // An earlier attempt with another length arrived although its answer did not.
          for (const n of tried) if (n !== len && (await this.put(rest.subarray(0, n))) === 204) return n;
          throw new Refused(409, '');
        }
      } catch (e) {
        if (e instanceof Refused) throw e;
      }
      // Cut: small pieces lose less. The wait grows to half a minute.
      if (this.now() - began > SLOW_AFTER || attempt >= 2) this.size = SLOW_CHUNK;
      this.watch.waiting();
      await this.sleep(Math.min(30_000, 1000 * 2 ** Math.min(attempt, 5)));
      try {
        const have = await this.wire('POST', `/t/${this.id}/have`, '', {});
        if (have.status === 200 && ((have.body[this.n >> 3] ?? 0) >> (this.n & 7)) & 1) {
          if (tried.size === 1) return len;
          for (const n of tried) if ((await this.put(rest.subarray(0, n))) === 204) return n;
        }
      } catch (e) {
        if (e instanceof Refused) throw e;
      }
    }
  }

  /** Closes the tip; repeated until the server acknowledges, which is safe. */
  async done(box: string, authHash: string): Promise<void> {
    await this.flush();
    for (let attempt = 0; ; attempt++) {
      try {
        const r = await this.wire('POST', `/t/${this.id}/done`, JSON.stringify({ n: this.n, box, auth: authHash }), json);
        if (r.status >= 200 && r.status < 300) return;
        if (!passing(r.status)) throw refusal(r);
      } catch (e) {
        if (e instanceof Refused) throw e;
      }
      this.watch.waiting();
      await this.sleep(Math.min(30_000, 1000 * 2 ** Math.min(attempt, 5)));
    }
  }
}
