import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bundle, count, launch, open, pixels, serve, shot } from '../test/harness.mjs';

let browser;
let site;
before(async () => {
  browser = await launch();
  site = await serve(await bundle('test/fixture/page.ts'));
});
after(async () => {
  await browser?.close();
  await site?.close();
});
const start = async (query, size) => {
  const o = await open(browser, site.url + query, size);
  await o.page.evaluate(() => window.sightline.settled);
  return o;
};

test('the model, the evidence and its labels are drawn; approximate places say so', async () => {
  const { page, faults, close } = await start('?only=scene&q=low');
  await shot(page, 'scene-low');
  const p = await pixels(page);
  // Houses are the light surfaces, the ground the dark ones, the selection white.
  const light = count(p, (r, g, b) => r > 150 && Math.abs(r - g) < 12 && Math.abs(g - b) < 14);
  const dark = count(p, (r, g, b) => r > 20 && r < 110 && Math.abs(r - g) < 14);
  assert.ok(light > 1500, `${light} light pixels`);
  assert.ok(dark > 0.4 * p.width * p.height, `${dark} ground pixels`);
  const labels = await page.locator('.scene-label:not([hidden])').allInnerTexts();
  assert.ok(labels.some((l) => l.includes('TV-016') && l.includes('approx.')), labels.join('|'));
  assert.ok(labels.every((l) => !/TV-0(10|16|17|19|57)/.test(l) || l.includes('approx.')), labels.join('|'));
  const twin = await page.evaluate(() => window.test.scene.twin());
  assert.ok(twin.some((t) => t.id === 'TV-016' && /m away to the/.test(t.text)), JSON.stringify(twin));
  const { calls } = await page.evaluate(() => window.test.scene.stats);
  assert.ok(calls <= 60, `${calls} draw calls`);
  assert.deepEqual(faults, []);
  await close();
});

test('looking through a solved camera puts the model where its numbers say', async () => {
  const { page, faults, close } = await start('?only=scene&q=low&sel=TV-050', { width: 900, height: 600 });
  assert.equal(await page.evaluate(() => window.test.scene.lookThrough('TV-016')), false);
  const before = await page.evaluate(() => window.test.scene.view());
  assert.equal(await page.evaluate(() => window.test.scene.lookThrough('TV-050')), true);
  await page.evaluate(() => window.test.scene.option('photoOpacity', 1));
  await page.waitForTimeout(500);
  await shot(page, 'scene-through');
  // The photo is four quarters of known colour; its middle stands where the lens model puts it.
  const p = await pixels(page);
  const at = (x, y) => [...p.data.subarray(4 * (Math.round(y) * p.width + Math.round(x)), 4 * (Math.round(y) * p.width + Math.round(x)) + 3)];
  const near = (c, want) => c.every((v, i) => Math.abs(v - want[i]) < 16);
  const s = 900 / 1500;
  assert.ok(near(at(750 * s - 12, 500 * s - 12), [0xc8, 0x1e, 0x1e]), at(750 * s - 12, 500 * s - 12).join());
  assert.ok(near(at(750 * s + 12, 500 * s - 12), [0x1e, 0xc8, 0x1e]));
  assert.ok(near(at(750 * s - 12, 500 * s + 12), [0x1e, 0x1e, 0xc8]));
  assert.ok(near(at(750 * s + 12, 500 * s + 12), [0xc8, 0xc8, 0x1e]));
  await page.evaluate(() => window.test.scene.option('photoOpacity', 0));
  await page.waitForTimeout(200);
  // A point of the model on the screen, by the camera's own numbers and by a ray through that pixel.
  const point = await page.evaluate(async () => {
    const got = [];
    const off = window.test.scene.onPick((q) => got.push(q.point));
    const c = document.querySelector('#scene canvas');
    const fire = (type, x, y) => c.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: y, button: 0, bubbles: true, pointerId: 1, pointerType: 'mouse' }));
    for (const [x, y] of [[430, 330], [480, 360]]) {
      fire('pointerdown', x, y);
      fire('pointerup', x, y);
    }
    off();
    return got;
  });
  const doc = await page.evaluate(() => window.test.doc.items.find((i) => i.id === 'TV-050').places[0].camera);
  assert.equal(point.length, 2);
  [[430, 330], [480, 360]].forEach(([x, y], i) => {
    const [w, a, b, c] = doc.rotation;
    const R = [[1 - 2 * (b * b + c * c), 2 * (a * b - w * c), 2 * (a * c + w * b)], [2 * (a * b + w * c), 1 - 2 * (a * a + c * c), 2 * (b * c - w * a)], [2 * (a * c - w * b), 2 * (b * c + w * a), 1 - 2 * (a * a + b * b)]];
    const d = point[i].map((v, k) => v - doc.position[k]);
    const cam = R.map((row) => row[0] * d[0] + row[1] * d[1] + row[2] * d[2]);
    const u = (doc.focal_px * cam[0]) / cam[2] + doc.principal_point[0];
    const v = (doc.focal_px * cam[1]) / cam[2] + doc.principal_point[1];
    assert.ok(Math.abs(u * s - x) < 0.6 && Math.abs(v * s - y) < 0.6, `${u * s},${v * s} instead of ${x},${y}`);
  });
  await page.locator('#scene canvas').focus();
  await page.keyboard.press('Escape');
  const after = await page.evaluate(() => window.test.scene.view());
  for (const k of ['eye', 'target']) before[k].forEach((v, i) => assert.ok(Math.abs(v - after[k][i]) < 1e-6, k));
  assert.deepEqual(faults, []);
  await close();
});

test('a photo is thrown on what its camera saw and on nothing behind it', async () => {
  const { page, faults, close } = await start('?only=scene&q=low&sel=', { width: 640, height: 427 });
  const cam = await page.evaluate(async () => {
    const s = window.test.scene;
    s.option('labels', false);
    s.option('ellipses', false);
    s.option('photoOpacity', 1);
    s.option('projectors', ['TV-050']);
    const c = window.test.doc.items.find((i) => i.id === 'TV-050').places[0].camera;
    await s.flyTo({ eye: c.position, target: [0, 2, 4], vfov_deg: (2 * Math.atan(c.height / 2 / c.focal_px) * 180) / Math.PI }, 0);
    await new Promise((ok) => setTimeout(ok, 500));
    return c;
  });
  await shot(page, 'scene-projected');
  const front = await pixels(page);
  const at = (p, x, y) => [...p.data.subarray(4 * (y * p.width + x), 4 * (y * p.width + x) + 3)];
  const want = [[0xc8, 0x1e, 0x1e], [0x1e, 0xc8, 0x1e], [0x1e, 0x1e, 0xc8], [0xc8, 0xc8, 0x1e]];
  const like = (c) => want.findIndex((w) => w.every((v, i) => Math.abs(v - c[i]) <= 16));
  // All that is not sky, away from the seams of the four quarters, carries its quarter's colour.
  let model = 0;
  let right = 0;
  for (let y = 4; y < 423; y++) for (let x = 4; x < 636; x++) {
    if (Math.abs(x - 320) < 6 || Math.abs(y - 213) < 6) continue;
    const c = at(front, x, y);
    const quarter = (x > 320 ? 1 : 0) + (y > 213 ? 2 : 0);
    if (c[0] < 0x20 && c[1] < 0x20 && c[2] < 0x22 && like(c) < 0) continue;
    model++;
    if (like(c) === quarter) right++;
  }
  assert.ok(model > 100_000, String(model));
  console.log(`projected from its own camera: ${((100 * right) / model).toFixed(2)} % of ${model} model pixels within 16/255`);
  assert.ok(right / model >= 0.97, `${right} of ${model}`);
  // The far roof of the house was never seen by that camera.
  await page.evaluate(async () => {
    await window.test.scene.flyTo({ eye: [0, 22, 14], target: [0, 3, 3.6], vfov_deg: 20 }, 0);
    await new Promise((ok) => setTimeout(ok, 300));
  });
  await shot(page, 'scene-projected-behind');
  const behind = await pixels(page);
  let painted = 0;
  for (let y = 190; y < 236; y++) for (let x = 260; x < 380; x++) if (like(at(behind, x, y)) >= 0) painted++;
  assert.equal(painted, 0);
  assert.ok(cam.k1 < 0);
  assert.deepEqual(faults, []);
  await close();
});

test('walking stays on the ground, top looks down, a marker is picked, a view is restored', async () => {
  const { page, faults, close } = await start('?only=scene&q=low&sel=');
  const view = await page.evaluate(() => window.test.scene.view());
  await page.evaluate(() => window.test.scene.mode('walk'));
  await page.locator('#scene canvas').focus();
  await page.keyboard.down('w');
  await page.waitForTimeout(700);
  await page.keyboard.up('w');
  await shot(page, 'scene-walk');
  const walk = await page.evaluate(() => window.test.scene.view());
  assert.ok(Math.abs(walk.target[2] - walk.eye[2]) < 0.01, 'looks level');
  await page.evaluate(() => window.test.scene.mode('top'));
  // The view is drawn when there is time for it: waited for, not timed.
  await page.waitForFunction(() => {
    const v = window.test.scene.view();
    return v.eye[2] - v.target[2] > 15 && Math.hypot(v.eye[0] - v.target[0], v.eye[1] - v.target[1]) < 1;
  });
  await page.evaluate((v) => {
    window.test.scene.mode('orbit');
    return window.test.scene.flyTo(v, 0);
  }, view);
  const back = await page.evaluate(() => window.test.scene.view());
  for (const k of ['eye', 'target']) view[k].forEach((v, i) => assert.ok(Math.abs(v - back[k][i]) < 0.02, `${k} ${v} ${back[k][i]}`));
  await page.locator('.scene-label:not([hidden])').first().click();
  assert.ok(await page.evaluate(() => window.test.selection.get()));
  assert.deepEqual(faults, []);
  await close();
});

test('ten thousand items stay within 60 draw calls, and a missing model is said', async () => {
  const many = await start('?only=scene&q=low&items=10000&sel=');
  const { calls } = await many.page.evaluate(() => window.test.scene.stats);
  console.log(`draw calls with 10,000 items: ${calls}`);
  assert.ok(calls <= 60, `${calls} draw calls`);
  assert.deepEqual(many.faults, []);
  await many.close();
  const broken = await start('?only=scene&q=low&broken=models.glb');
  assert.match(await broken.page.locator('.scene-note').innerText(), /models\.glb is missing/);
  assert.ok((await broken.page.evaluate(() => window.test.scene.twin())).length > 3);
  assert.deepEqual(broken.faults, []);
  await broken.close();
});

test('a lost graphics context comes back with the same picture', async () => {
  const { page, close } = await start('?only=scene&q=low', { width: 640, height: 360 });
  const ground = async () => count(await pixels(page), (r, g, b) => r > 20 && r < 110 && Math.abs(r - g) < 14);
  const before = await ground();
  await page.evaluate(async () => {
    const gl = document.querySelector('#scene canvas').getContext('webgl2');
    const lose = gl.getExtension('WEBGL_lose_context');
    lose.loseContext();
    await new Promise((ok) => setTimeout(ok, 100));
    lose.restoreContext();
    await new Promise((ok) => setTimeout(ok, 800));
  });
  const after = await ground();
  assert.ok(Math.abs(after - before) < before * 0.02, `${before} and ${after}`);
  await close();
});

test('a phone and Spanish: labels fit, nothing spills', async () => {
  const { page, faults, close } = await start('?q=low&lang=es', { width: 360, height: 740 });
  await shot(page, 'both-360-es');
  assert.ok((await page.locator('.scene-head').innerText()).includes('Lugar aproximado'));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  assert.deepEqual(faults, []);
  await close();
});
