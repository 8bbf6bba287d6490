import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cameras, networkSums, proofFault, rootFrom } from './proofs.ts';
import { project } from '../kernel/camera.ts';

const enc = new TextEncoder();
type Bytes = Uint8Array<ArrayBuffer>;
const bytes = (s: string): Bytes => enc.encode(s) as Bytes;
const join = (...p: Uint8Array[]): Bytes => Uint8Array.from(p.flatMap((x) => [...x]));
const sha = async (b: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest('SHA-256', b));
const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');
const b64 = (b: Uint8Array): string => Buffer.from(b).toString('base64');

/** Merkle root and audit path by the definition of RFC 9162, 2.1.1 and 2.1.3.1. */
async function tree(leaves: Bytes[]): Promise<Bytes> {
  if (leaves.length === 1) return sha(join(Uint8Array.of(0), leaves[0]!));
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(join(Uint8Array.of(1), await tree(leaves.slice(0, k)), await tree(leaves.slice(k))));
}
async function path(m: number, leaves: Bytes[]): Promise<Bytes[]> {
  if (leaves.length === 1) return [];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return m < k ? [...(await path(m, leaves.slice(0, k))), await tree(leaves.slice(k))] : [...(await path(m - k, leaves.slice(k))), await tree(leaves.slice(0, k))];
}

test('audit paths of every tree up to 20 leaves', async () => {
  for (let n = 1; n <= 20; n++) {
    const leaves = Array.from({ length: n }, (_, i) => Uint8Array.of(i));
    const root = hex(await tree(leaves));
    for (let i = 0; i < n; i++) {
      const p = await path(i, leaves);
      assert.equal(hex((await rootFrom(leaves[i]!, i, n, p))!), root, `${i} of ${n}`);
      if (p.length > 0) {
        assert.equal(await rootFrom(leaves[i]!, i, n, p.slice(1)), null, 'a path cut short');
        const other = await rootFrom(leaves[i]!, i, n, [p[0]!.map((x) => x ^ 1), ...p.slice(1)]);
        assert.notEqual(hex(other!), root, 'a path with a changed bit');
      }
    }
  }
});

async function folder(): Promise<{ digest: string; files: Map<string, Bytes> }> {
  const pair = async () => (await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])) as CryptoKeyPair;
  const [actor, log] = [await pair(), await pair()];
  const raw = async (k: CryptoKeyPair): Promise<Bytes> => new Uint8Array(await crypto.subtle.exportKey('raw', k.publicKey));
  const pem = async (k: CryptoKeyPair): Promise<Bytes> => bytes(`-----BEGIN PUBLIC KEY-----\n${b64(new Uint8Array(await crypto.subtle.exportKey('spki', k.publicKey)))}\n-----END PUBLIC KEY-----\n`);
  const sign = async (k: CryptoKeyPair, m: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.sign({ name: 'Ed25519' }, k.privateKey, m));
  const item = bytes('a record');
  const digest = hex(await sha(item));
  const keyid = 'ed25519:' + hex(await sha(await raw(actor)));
  const leaf = bytes(JSON.stringify({ seq: 2, log: 'test/case', actor: { key: keyid }, item: { sha256: digest, size: item.length } }));
  const type = 'application/vnd.sightline.entry+json';
  const leaves = [bytes('a'), bytes('b'), leaf, bytes('d'), bytes('e')];
  const text = `test/case\n5\n${b64(await tree(leaves))}\n`;
  const hint = (await sha(join(bytes('test/case\n'), Uint8Array.of(1), await raw(log)))).slice(0, 4);
  const checkpoint = `${text}\n\u2014 test/case ${b64(join(hint, await sign(log, bytes(text))))}\n`;
  const sig = await sign(actor, join(bytes(`DSSEv1 ${type.length} ${type} ${leaf.length} `), leaf));
  return {
    digest,
    files: new Map([
      ['item', item], ['leaf.json', leaf], ['actor.pub.pem', await pem(actor)], ['log.pub.pem', await pem(log)], ['checkpoint', bytes(checkpoint)],
      ['leaf.dsse.json', bytes(JSON.stringify({ payload: b64(leaf), payloadType: type, signatures: [{ keyid, sig: b64(sig) }] }))],
      ['inclusion.tlog-proof', bytes(`c2sp.org/tlog-proof@v1\nindex 2\n${(await path(2, leaves)).map(b64).join('\n')}\n\n${checkpoint}`)],
    ]),
  };
}

test('a proof folder holds, and no changed byte of it does', async () => {
  const { digest, files } = await folder();
  const read = (m: Map<string, Bytes>) => async (n: string) => m.get(n)?.buffer ?? null;
  assert.deepEqual(await proofFault(digest, read(files)), { fault: '', signatures: true });
  for (const [name, b] of files) {
    for (const at of [0, b.length >> 1, b.length - 3]) {
      const changed = new Map(files);
      const c = b.slice();
      c[at] = c[at]! ^ 4;
      changed.set(name, c);
      const r = await proofFault(digest, read(changed));
      // Armour and field names of a PEM file are not part of the key.
      if (name.endsWith('.pem') && at !== b.length >> 1) continue;
      assert.notEqual(r.fault, '', `byte ${at} of ${name}`);
    }
    if (name !== 'item') {
      const without = new Map(files);
      without.delete(name);
      assert.notEqual((await proofFault(digest, read(without))).fault, '', `without ${name}`);
    }
  }
});

test('sums of the time network', () => {
  const network = () => ({
    network: { constraints: [{ id: 'K-1', from: 'z', to: 'a', min: 100, max: 200 }, { id: 'K-2', from: 'a', to: 'b', min: 1, max: 10 }, { id: 'K-3', from: 'z', to: 'b', min: null, max: 90 }] },
    views: [{ account: '', disputed: [] as string[], bounds: [{ point: 'b', min: 101, max: 210, min_proof: [{ constraint: 'K-2', side: 'min' as const }, { constraint: 'K-1', side: 'min' as const }], max_proof: [{ constraint: 'K-1', side: 'max' as const }, { constraint: 'K-2', side: 'max' as const }] }] }],
    conflicts: [{ constraints: ['K-1', 'K-2', 'K-3'], cycle: [{ constraint: 'K-3', side: 'max' as const }, { constraint: 'K-2', side: 'min' as const }, { constraint: 'K-1', side: 'min' as const }], slack_ms: -11 }],
  });
  assert.deepEqual(networkSums(network()), { good: 3, unchecked: [], faults: [] });
  const forged = network();
  forged.views[0]!.bounds[0]!.max = 209;
  assert.deepEqual(networkSums(forged).faults, ['b: latest']);
  const disputed = network();
  disputed.views[0]!.disputed = ['K-2'];
  assert.equal(networkSums(disputed).faults.length, 2);
  const fact = network();
  fact.network.constraints[0]!.min = 101;
  assert.deepEqual(networkSums(fact).faults, ['b: earliest', 'K-1, K-2, K-3']);
});

test('a camera that was moved after it was solved is found', () => {
  const pose = { width: 1000, height: 800, focal_px: 900, principal_point: [500, 400] as [number, number], k1: -0.05, position: [1, -20, 2] as const, rotation: [Math.SQRT1_2, Math.SQRT1_2, 0, 0] as const };
  const world = [[0, 0, 0], [3, 1, 2], [-2, 4, 5], [2, 6, 1], [-3, 2, 0]] as const;
  const finding = (position: readonly [number, number, number]) => ({
    id: 'F-001', method: 'camera.solve',
    problem: { image: { width: 1000, height: 800 }, points: world.map((w, i) => ({ id: `p${i}`, px: [project(pose, w)!.u + 0.5, project(pose, w)!.v - 0.25] as [number, number], world: w })) },
    answer: { status: 'solved', position, rotation: pose.rotation, focal_px: 900, principal_point: pose.principal_point, k1: -0.05, residuals: world.map((_, i) => ({ id: `p${i}`, px: [0.5, -0.25] as [number, number], inlier: true })) },
  });
  assert.deepEqual(cameras([finding([1, -20, 2])]), { good: 1, unchecked: [], faults: [] });
  assert.equal(cameras([finding([1, -20, 2.1])]).faults.length, 1);
});
