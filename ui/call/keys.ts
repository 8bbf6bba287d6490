// What derives from a code within one call: the same bytes as package tip of
// the server derives for people without scripts.
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bech32 } from '@scure/base';
import { hex } from './bundle.ts';

export interface Keys {
  /** Names the mailbox; hexadecimal, 16 bytes. */
  box: string;
  /** Opens it; hexadecimal, 32 bytes. */
  auth: string;
  /** SHA-256 of auth's bytes: what the server may store. */
  authHash: string;
  /** AGE-SECRET-KEY-PQ-1...: replies are sealed to its recipient. */
  identity: string;
}

const utf8 = new TextEncoder();

/** Argon2id (RFC 9106) with 3 passes over 64 MiB; `progress` is told 0 to 1. */
export async function stretch(code: Uint8Array, call: string, progress?: (part: number) => void): Promise<Keys> {
  const master = await argon2idAsync(code, utf8.encode(call), { t: 3, m: 65_536, p: 1, dkLen: 32, asyncTick: 50, ...(progress ? { onProgress: progress } : {}) });
  const derive = (what: string, n: number) => hkdf(sha256, master, undefined, utf8.encode(`sightline/tip/${what}/v1`), n);
  const box = derive('box', 16);
  const auth = derive('auth', 32);
  const seed = derive('seed', 32);
  master.fill(0);
  const keys = { box: hex(box), auth: hex(auth), authHash: hex(sha256(auth)), identity: bech32.encodeFromBytes('AGE-SECRET-KEY-PQ-', seed).toUpperCase() };
  seed.fill(0);
  return keys;
}
