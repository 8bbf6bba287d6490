import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGlb } from './glb.ts';
import { Ground } from './scene.ts';
import { testScene } from '../test/fixture/scene.ts';

const { files } = testScene();

test('a scene file is read with its objects and its ground', () => {
  const models = readGlb(files['models.glb']!);
  assert.deepEqual(models.map((p) => p.extras['object'] ?? p.extras['kind']), ['S-01', 'S-02', 'S-03', 'S-04', 'road']);
  const ground = new Ground();
  ground.add(readGlb(files['terrain.glb']!));
  assert.ok(Math.abs(ground.at(0, 0)!) < 0.5);
  assert.equal(ground.at(5000, 0), null);
});

test('damage is refused with a sentence, never with a crash', () => {
  const good = new Uint8Array(files['models.glb']!);
  let seed = 17;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  let refused = 0;
  for (let i = 0; i < 400; i++) {
    const bad = good.slice(0, random() < 0.3 ? Math.floor(random() * good.length) : good.length);
    for (let k = 0; k < 1 + random() * 20; k++) bad[Math.floor(random() ** 3 * bad.length)] = Math.floor(random() * 256);
    try {
      for (const p of readGlb(bad.buffer as ArrayBuffer)) {
        for (const x of p.indices) assert.ok(x < p.positions.length / 3);
        for (const x of p.positions) assert.ok(Number.isFinite(x));
      }
    } catch (e) {
      refused++;
      assert.match(String((e as Error).message), /^the model cannot be read: /, String((e as Error).stack));
    }
  }
  assert.ok(refused > 200, String(refused));
});
