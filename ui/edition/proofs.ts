// What a reader's browser can derive again from an edition, beside the digests
// of its files: the place of every item in the signed log, the sums of the time
// network, and whether each published camera sees its clicked points where they
// were clicked. Pure functions: the caller reads the files. The formats are
// those of docs/formats/log.md and edition.md.
import { project, type Pose } from '../kernel/camera.ts';
import type { Enu, Quaternion } from '../kernel/units.ts';

export type Files = (name: string) => Promise<ArrayBuffer | null>;
export interface Outcome {
  good: number;
  /** What could not be checked in this browser, and why. */
  unchecked: string[];
  faults: string[];
}

const utf8 = new TextDecoder();
const bytes = (s: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(s) as Uint8Array<ArrayBuffer>;

function fromBase64(s: string): Uint8Array<ArrayBuffer> {
  const bin = atob(s.trim());
  const out = new Uint8Array(bin.length);
  for (let i = 0; i < bin.length; i++) out[i] = bin.charCodeAt(i);
  return out;
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

async function sha256(b: Uint8Array<ArrayBuffer> | ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', b));
}

const hex = (b: Uint8Array): string => [...b].map((x) => x.toString(16).padStart(2, '0')).join('');
const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/** The raw Ed25519 key in a PEM file. */
function rawKey(pem: string): Uint8Array<ArrayBuffer> {
  return fromBase64(pem.split('\n').filter((l) => l && !l.startsWith('-')).join('')).slice(-32);
}

/** undefined where this browser has no Ed25519. */
async function signed(key: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>, message: Uint8Array<ArrayBuffer>): Promise<boolean | undefined> {
  try {
    const k = await crypto.subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify']);
    return await crypto.subtle.verify({ name: 'Ed25519' }, k, signature, message);
  } catch {
    return undefined;
  }
}

/** Root of a Merkle tree from a leaf and its audit path (RFC 9162, 2.1.3.2); null when the path has another length. */
export async function rootFrom(leaf: Uint8Array<ArrayBuffer>, index: number, size: number, path: readonly Uint8Array[]): Promise<Uint8Array | null> {
  let node = await sha256(join(Uint8Array.of(0), leaf));
  let i = index;
  let last = size - 1;
  for (const p of path) {
    if (last === 0) return null;
    const left = i % 2 === 1 || i === last;
    node = await sha256(left ? join(Uint8Array.of(1), p, node) : join(Uint8Array.of(1), node, p));
    while (left && i !== 0 && i % 2 === 0) {
      i = Math.floor(i / 2);
      last = Math.floor(last / 2);
    }
    i = Math.floor(i / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? node : null;
}

interface Leaf {
  seq: number;
  log: string;
  actor: { key: string };
  item?: { sha256: string; size: number };
}

/** Checks one proof folder: "" when it holds, else what does not. `signatures` is false where the browser cannot check them. */
export async function proofFault(digest: string, read: Files): Promise<{ fault: string; signatures: boolean }> {
  let signatures = true;
  const wrong = (fault: string): { fault: string; signatures: boolean } => ({ fault, signatures });
  const text = async (name: string): Promise<string> => {
    const b = await read(name);
    if (!b) throw new Error(`${name} is missing`);
    return utf8.decode(b);
  };
  try {
    const raw = await read('leaf.json');
    if (!raw) return wrong('leaf.json is missing');
    const leaf = new Uint8Array(raw);
    const entry = JSON.parse(utf8.decode(leaf)) as Leaf;
    if (entry.item?.sha256 !== digest) return wrong('the entry is of another item');
    const item = await read('item');
    if (item && (hex(await sha256(item)) !== digest || item.byteLength !== entry.item.size)) return wrong('the item is not the one that the entry names');
    const dsse = JSON.parse(await text('leaf.dsse.json')) as { payload: string; payloadType: string; signatures: { keyid: string; sig: string }[] };
    const actor = rawKey(await text('actor.pub.pem'));
    const sig = dsse.signatures[0];
    if (!sig || !same(fromBase64(dsse.payload), leaf)) return wrong('the signed envelope holds another entry');
    if (entry.actor.key !== sig.keyid || sig.keyid !== 'ed25519:' + hex(await sha256(actor))) return wrong('the key is not the one that the entry names');
    const pae = join(bytes(`DSSEv1 ${bytes(dsse.payloadType).length} ${dsse.payloadType} ${leaf.length} `), leaf);
    const byActor = await signed(actor, fromBase64(sig.sig), pae);
    if (byActor === false) return wrong('the signature of the entry does not hold');
    const checkpoint = await text('checkpoint');
    const proof = await text('inclusion.tlog-proof');
    const cut = proof.indexOf('\n\n');
    const [kind, place = '', ...path] = proof.slice(0, cut).split('\n');
    if (kind !== 'c2sp.org/tlog-proof@v1' || proof.slice(cut + 2) !== checkpoint) return wrong('the path leads to another checkpoint');
    const [origin = '', size = '', root = ''] = checkpoint.split('\n');
    const index = Number(place.replace('index ', ''));
    if (index !== entry.seq || !(index < Number(size)) || origin !== entry.log) return wrong('place and log are not those of the entry');
    const found = await rootFrom(leaf, index, Number(size), path.map(fromBase64));
    if (!found || !same(found, fromBase64(root))) return wrong('the audit path does not lead from the entry to the root');
    const log = rawKey(await text('log.pub.pem'));
    const lines = checkpoint.trimEnd().split('\n');
    const [name, note] = (lines[lines.length - 1] ?? '').replace('\u2014 ', '').split(' ');
    const blob = fromBase64(note ?? '');
    const hint = await sha256(join(bytes(`${origin}\n`), Uint8Array.of(1), log));
    if (name !== origin || !same(blob.slice(0, 4), hint.slice(0, 4))) return wrong('the checkpoint is signed by another key');
    const byLog = await signed(log, blob.slice(4), bytes(checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1)));
    if (byLog === false) return wrong('the signature of the checkpoint does not hold');
    signatures = byActor === true && byLog === true;
    return wrong('');
  } catch (e) {
    return wrong(e instanceof Error ? e.message : String(e));
  }
}

interface Term {
  constraint: string;
  side: 'min' | 'max';
}
interface NetworkFile {
  network: { constraints: { id: string; from: string; to: string; min?: number | null; max?: number | null; accounts?: string[] | null }[] };
  views: { account: string; disputed: string[]; bounds: { point: string; min: number | null; max: number | null; min_proof?: Term[]; max_proof?: Term[] }[] }[];
  conflicts: { constraints: string[]; cycle: Term[]; slack_ms: number }[];
}

/** Adds up every interval and every contradiction of data/network.json again, in whole milliseconds. */
export function networkSums(n: NetworkFile): Outcome {
  const facts = new Map(n.network.constraints.map((k) => [k.id, k]));
  const out: Outcome = { good: 0, unchecked: [], faults: [] };
  const walk = (from: string, terms: readonly Term[], may: (id: string, accounts: readonly string[]) => boolean): { at: string; ms: number; ok: boolean } => {
    let at = from;
    let ms = 0;
    for (const t of terms) {
      const k = facts.get(t.constraint);
      const length = t.side === 'max' ? k?.max : k?.min;
      if (!k || length === null || length === undefined || !may(k.id, k.accounts ?? []) || at !== (t.side === 'max' ? k.from : k.to)) return { at, ms, ok: false };
      at = t.side === 'max' ? k.to : k.from;
      ms += t.side === 'max' ? length : -length;
    }
    return { at, ms, ok: true };
  };
  for (const v of n.views) {
    const may = (id: string, accounts: readonly string[]): boolean => !v.disputed.includes(id) && (accounts.length === 0 || accounts.includes(v.account));
    for (const b of v.bounds) {
      const name = `${v.account ? v.account + ' ' : ''}${b.point}`;
      if (b.max !== null) {
        const w = walk('z', b.max_proof ?? [], may);
        if (w.ok && w.at === b.point && w.ms === b.max) out.good++;
        else out.faults.push(`${name}: latest`);
      }
      if (b.min !== null) {
        const w = walk(b.point, b.min_proof ?? [], may);
        if (w.ok && w.at === 'z' && w.ms === -b.min) out.good++;
        else out.faults.push(`${name}: earliest`);
      }
    }
  }
  for (const c of n.conflicts) {
    const first = c.cycle[0];
    const k = first ? facts.get(first.constraint) : undefined;
    const start = k ? (first?.side === 'max' ? k.from : k.to) : '';
    const w = walk(start, c.cycle, () => true);
    if (k && w.ok && w.at === start && w.ms === c.slack_ms && c.slack_ms < 0) out.good++;
    else out.faults.push(c.constraints.join(', '));
  }
  return out;
}

interface CameraFinding {
  id: string;
  method: string;
  problem?: { image: { width: number; height: number }; points?: { id: string; px: [number, number]; world: Enu }[] };
  answer?: { status: string; position?: Enu; rotation?: Quaternion; focal_px?: number; principal_point?: [number, number]; k1?: number; residuals?: { id: string; px: [number, number]; inlier: boolean }[] };
}

/** How far a residual may be from the published one, in pixels: the printed digits and the browser's arithmetic. */
const RESIDUAL_PX = 0.05;

/**
 * Projects the points of every solved camera again. A camera that was moved,
 * turned or zoomed after it was solved, or a click that was changed, no longer
 * gives the published residuals; one that never fitted has no inliers to give.
 */
export function cameras(findings: readonly CameraFinding[]): Outcome {
  const out: Outcome = { good: 0, unchecked: [], faults: [] };
  for (const f of findings) {
    if (f.method !== 'camera.solve') continue;
    const a = f.answer;
    const q = f.problem;
    if (!a || !q || a.status === 'refused' || !a.position || !a.rotation || !a.focal_px || !a.residuals) {
      out.unchecked.push(f.id);
      continue;
    }
    const { width, height } = q.image;
    const pose: Pose = { width, height, focal_px: a.focal_px, principal_point: a.principal_point ?? [width / 2, height / 2], k1: a.k1 ?? 0, position: a.position, rotation: a.rotation };
    const points = new Map((q.points ?? []).map((p) => [p.id, p]));
    let worst = 0;
    let fits = 0;
    for (const r of a.residuals) {
      const p = points.get(r.id);
      if (!p) continue;
      const at = project(pose, p.world);
      if (!at) {
        if (r.inlier) worst = Infinity;
        continue;
      }
      if (r.inlier) fits++;
      worst = Math.max(worst, Math.hypot(p.px[0] - at.u - r.px[0], p.px[1] - at.v - r.px[1]));
    }
    if (worst <= RESIDUAL_PX && fits >= 3) out.good++;
    else out.faults.push(`${f.id}: ${Number.isFinite(worst) ? worst.toFixed(2) : '∞'} px`);
  }
  return out;
}
