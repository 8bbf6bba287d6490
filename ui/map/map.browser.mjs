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
const two = (page) => page.evaluate(() => new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(() => ok()))));

test('the map draws pins, error ellipses, areas, cameras and lines of sight over its own ground, and asks nobody for it', async () => {
  const { page, faults, close } = await start('?only=map&sel=TV-050');
  await shot(page, 'map-1366');
  const drawn = await page.evaluate(() => Object.fromEntries(['.spot', '.ellipse', '.approx', '.cone', '.cone.stated', '.sight', '.approx.wide'].map((s) => [s, document.querySelectorAll('.map-over ' + s).length])));
  assert.ok(drawn['.spot'] >= 5, JSON.stringify(drawn));
  assert.equal(drawn['.ellipse'], 1, 'the solved camera has a derived ellipse');
  assert.ok(drawn['.approx'] >= 4, JSON.stringify(drawn));
  assert.equal(drawn['.approx.wide'], 1, 'the approximate place of the case is drawn around it');
  assert.ok(drawn['.cone'] >= 2 && drawn['.cone.stated'] === 1, JSON.stringify(drawn));
  assert.equal(drawn['.sight'], 1);
  // A derived error is a whole line, a belief a broken one.
  const dash = (s) => page.evaluate((q) => getComputedStyle(document.querySelector('.map-over ' + q)).strokeDasharray, s);
  assert.equal(await dash('.ellipse'), 'none');
  assert.notEqual(await dash('.approx:not(.wide)'), 'none');
  // The ellipse has the shape of its numbers: 1.7 by 0.4 m, so its outline is longer than it is broad by as much.
  const shape = await page.evaluate(() => {
    const p = document.querySelector('.map-over .ellipse');
    const d = p.getAttribute('d').match(/-?[\d.]+ -?[\d.]+/g).map((s) => s.split(' ').map(Number));
    const c = d.reduce((m, q) => [m[0] + q[0] / d.length, m[1] + q[1] / d.length], [0, 0]);
    const r = d.map((q) => Math.hypot(q[0] - c[0], q[1] - c[1]));
    return Math.max(...r) / Math.min(...r);
  });
  assert.ok(shape > 3 && shape < 5.5, `axes ${shape}`);
  // The area is the polygon that was entered.
  const corners = await page.evaluate(() => Math.max(0, ...[...document.querySelectorAll('.map-over .approx:not(.wide)')].filter((p) => p.tagName === 'path').map((p) => (p.getAttribute('d').match(/[ML]/g) ?? []).length).filter((n) => n < 10)));
  assert.equal(corners, 5, 'a closed outline of four corners');
  // Ground with relief, not one flat colour.
  const p = await pixels(page);
  const shades = new Set();
  count(p, (r) => (shades.add(r >> 2), false));
  assert.ok(shades.size > 12, `${shades.size} shades`);
  assert.deepEqual(faults, []);
  await close();
});

test('map and timeline stay in step, whichever is pressed', async () => {
  const { page, faults, close } = await start('?only=map&with=timeline&sel=');
  const pin = await page.locator('.map-over .spot[data-id="TV-017"] .target').boundingBox();
  await page.mouse.click(pin.x + pin.width / 2, pin.y + pin.height / 2);
  assert.equal(await page.evaluate(() => window.test.selection.get()), 'TV-017');
  await two(page);
  assert.equal(await page.locator('.map-over .spot.on').getAttribute('data-id'), 'TV-017');
  // Pressing the bar of the clip in the timeline marks its place on the map.
  const bar = await page.evaluate(() => {
    const r = window.test.timeline.range.get();
    const pane = document.querySelector('.timeline-pane').getBoundingClientRect();
    return { x: pane.x + 152 + ((pane.width - 12 - 152) * (Date.UTC(2018, 0, 15, 13, 37) - r.from)) / (r.to - r.from), y: pane.y + 51 };
  });
  await page.mouse.click(bar.x, bar.y);
  assert.equal(await page.evaluate(() => window.test.selection.get()), 'TV-019');
  await two(page);
  assert.match(await page.locator('.map-over .spot.on text.id').textContent(), /TV-019/);
  // A press on the map brings the timeline to the item.
  await page.evaluate(() => window.test.timeline.zoomTo({ from: Date.UTC(2018, 0, 15, 20), to: Date.UTC(2018, 0, 15, 21) }));
  await page.evaluate(() => window.test.selection.set('TV-058'));
  await two(page);
  const { from, to } = await page.evaluate(() => window.test.timeline.range.get());
  assert.ok(from < Date.UTC(2018, 0, 15, 14, 40) && to > Date.UTC(2018, 0, 15, 14, 15), 'the timeline shows the selected item');
  // The words beside both are written when there is time for it.
  await page.waitForFunction(() => ['#time', '#map'].every((x) => document.querySelector(x + ' ol.twin [aria-pressed=true]')?.getAttribute('data-id') === 'TV-058'));
  // The words beside the map select as well.
  await page.locator('#map ol.twin button', { hasText: 'TV-050' }).first().dispatchEvent('click');
  assert.equal(await page.evaluate(() => window.test.selection.get()), 'TV-050');
  assert.deepEqual(faults, []);
  await close();
});

test('the map pans by drag, zooms at the pointer, frames the selection by key, and fits a phone in Spanish', async () => {
  const { page, faults, close } = await start('?only=map&sel=TV-050');
  const where = () => page.evaluate(() => {
    const c = document.querySelector('.map-over .spot[data-id="TV-050"] .target');
    return [Number(c.getAttribute('cx')), Number(c.getAttribute('cy'))];
  });
  const a = await where();
  await page.mouse.move(200, 200);
  await page.mouse.down();
  await page.mouse.move(260, 240, { steps: 6 });
  await page.mouse.up();
  await two(page);
  const b = await where();
  assert.ok(Math.abs(b[0] - a[0] - 60) < 12 && Math.abs(b[1] - a[1] - 40) < 12, `${a} ${b}`);
  await page.mouse.move(b[0], b[1]);
  await page.mouse.wheel(0, -200);
  await two(page);
  const c = await where();
  assert.ok(Math.hypot(c[0] - b[0], c[1] - b[1]) < 1, 'what is under the pointer stays there');
  await page.locator('.map-over').focus();
  await page.keyboard.press('f');
  await two(page);
  const d = await where();
  assert.ok(Math.abs(d[0] - 683) < 40 && Math.abs(d[1] - 384) < 40, `framed at ${d}`);
  assert.deepEqual(faults, []);
  await close();
  const phone = await start('?only=map&lang=es&sel=TV-010', { width: 360, height: 740 });
  await shot(phone.page, 'map-360-es');
  assert.equal(await phone.page.evaluate(() => document.documentElement.scrollWidth), 360);
  assert.ok((await phone.page.locator('#map ol.twin button').allTextContents()).some((s) => s.includes('antes de las 06:45')));
  const out = await phone.page.evaluate(() => [...document.querySelectorAll('.map-over .spot text')].map((e) => e.getBoundingClientRect()).filter((r) => r.right > 362).length);
  assert.equal(out, 0, 'no name runs over the edge');
  assert.deepEqual(phone.faults, []);
  await phone.close();
});

test('ten thousand records: a step of the map makes a few hundred marks', async () => {
  const { page, faults, close } = await start('?only=map&items=10000&sel=');
  const n = await page.evaluate(() => document.querySelectorAll('.map-over *').length);
  assert.ok(n > 100 && n < 4000, `${n} marks`);
  assert.deepEqual(faults, []);
  await close();
});
