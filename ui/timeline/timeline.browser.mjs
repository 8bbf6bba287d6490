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
const amber = (r, g, b) => Math.abs(r - 0xff) < 12 && Math.abs(g - 0xb0) < 16 && b < 40;

test('lanes, shapes, gap and playhead are drawn, and only the playhead is amber', async () => {
  const { page, faults, close } = await open(browser, site.url + '?only=timeline');
  await page.evaluate(() => window.sightline.settled);
  await shot(page, 'timeline-1366');
  const before = await pixels(page);
  const n = count(before, amber);
  assert.ok(n > 150 && n < 900, `${n} amber pixels`);
  // The playhead is one upright line: its amber pixels above the axis lie in one column.
  const columns = new Set();
  count(before, (r, g, b, x, y) => (y < 200 && amber(r, g, b) ? columns.add(x) : 0));
  assert.ok(columns.size <= 2, `${columns.size} columns`);
  await page.evaluate(() => window.test.clock.seek(window.test.clock.get() + 3_600_000));
  await page.waitForTimeout(100);
  const moved = new Set();
  count(await pixels(page), (r, g, b, x, y) => (y < 200 && amber(r, g, b) ? moved.add(x) : 0));
  assert.ok(Math.min(...moved) > Math.max(...columns) + 40);
  const list = await page.locator('#time ol.twin button').allTextContents();
  assert.ok(list.some((s) => s.includes('TV-016') && s.includes('~09:07')), list.join('\n'));
  assert.ok(list.some((s) => s.includes('G-02')));
  assert.deepEqual(faults, []);
  await close();
});

test('pressing selects, the axis scrubs, keys move, digits go to a time', async () => {
  const { page, faults, close } = await open(browser, site.url + '?only=timeline&sel=');
  await page.evaluate(() => window.sightline.settled);
  const box = await page.evaluate(() => {
    const t = window.test;
    const r = t.timeline.range.get();
    const x = (ms) => 152 + ((1366 - 12 - 152) * (ms - r.from)) / (r.to - r.from);
    return { clip: x(Date.UTC(2018, 0, 15, 13, 37)), ten: x(Date.UTC(2018, 0, 15, 14, 0)) };
  });
  await page.mouse.click(box.clip, 51);
  assert.equal(await page.evaluate(() => window.test.selection.get()), 'TV-019');
  await page.mouse.click(box.ten, 260 - 10);
  const at = await page.evaluate(() => window.test.clock.get());
  assert.ok(Math.abs(at - Date.UTC(2018, 0, 15, 14, 0)) < 60_000);
  await page.keyboard.type('0907');
  assert.equal(await page.evaluate(() => window.test.clock.get()), Date.UTC(2018, 0, 15, 13, 7));
  await page.keyboard.press('Shift+ArrowRight');
  assert.equal(await page.evaluate(() => window.test.clock.get()), Date.UTC(2018, 0, 15, 13, 7, 1));
  await page.keyboard.press('.');
  const next = await page.evaluate(() => window.test.selection.get());
  assert.notEqual(next, 'TV-019');
  await page.keyboard.press('Space');
  await page.waitForTimeout(300);
  await page.keyboard.press('Space');
  assert.ok((await page.evaluate(() => window.test.clock.get())) > Date.UTC(2018, 0, 15, 13, 7, 1));
  assert.deepEqual(faults, []);
  await close();
});

test('the end of a selected interval is dragged and reported as a whole time', async () => {
  const { page, faults, close } = await open(browser, site.url + '?only=timeline&sel=TV-024');
  await page.evaluate(() => window.sightline.settled);
  const x = await page.evaluate(() => {
    const r = window.test.timeline.range.get();
    return 152 + ((1366 - 12 - 152) * (Date.UTC(2018, 0, 15, 15, 32) - r.from)) / (r.to - r.from);
  });
  const shapes = await pixels(page);
  // The handle is the brightest upright block at that place.
  let y = -1;
  for (let row = 40; row < 120 && y < 0; row++) {
    const i = 4 * (row * shapes.width + Math.round(x));
    const j = 4 * ((row + 5) * shapes.width + Math.round(x));
    if (shapes.data[i] > 240 && shapes.data[j] > 240) y = row + 5;
  }
  assert.ok(y > 0, 'a handle is drawn');
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 30, y, { steps: 4 });
  await page.mouse.up();
  const edits = await page.evaluate(() => window.test.edits);
  assert.equal(edits.length, 1);
  assert.equal(edits[0][0], 'TV-024');
  assert.equal(edits[0][1].min, Date.UTC(2018, 0, 15, 15, 15));
  assert.ok(edits[0][1].max > Date.UTC(2018, 0, 15, 15, 33));
  assert.equal(edits[0][1].whole, true);
  assert.deepEqual(faults, []);
  await close();
});

test('a conflict of the selection is a tinted overlap with its chip; a phone and Spanish fit', async () => {
  const one = await open(browser, site.url + '?only=timeline&sel=TV-005');
  await one.page.evaluate(() => window.sightline.settled);
  await shot(one.page, 'timeline-conflict');
  const violet = count(await pixels(one.page), (r, g, b) => Math.abs(r - 0x5e) < 6 && Math.abs(g - 0x15) < 6 && Math.abs(b - 0x75) < 6);
  assert.ok(violet > 60, `${violet} violet pixels`);
  assert.equal(await one.page.evaluate(() => window.test.timeline.conflicts.length), 2);
  await one.close();
  const phone = await open(browser, site.url + '?only=timeline&lang=es', { width: 360, height: 740 });
  await phone.page.evaluate(() => window.sightline.settled);
  await shot(phone.page, 'timeline-360');
  assert.ok((await phone.page.locator('#time ol.twin button').allTextContents()).some((s) => s.includes('antes de las 06:45')));
  assert.deepEqual(phone.faults, []);
  await phone.close();
  const light = await open(browser, site.url + '?only=timeline&theme=light&sel=TV-024');
  await light.page.evaluate(() => window.sightline.settled);
  await shot(light.page, 'timeline-light');
  await light.close();
});

test('ten thousand items: a scrub stays within 16 ms of script a frame', async () => {
  const { page, faults, close } = await open(browser, site.url + '?only=timeline&items=10000');
  await page.evaluate(() => window.sightline.settled);
  await shot(page, 'timeline-10000');
  const spent = await page.evaluate(async () => {
    const { clock } = window.test;
    const real = window.requestAnimationFrame.bind(window);
    const times = [];
    // Script time of a frame: what the seek does plus what the frame callbacks do.
    for (let i = 0; i < 90; i++) {
      let sum = 0;
      window.requestAnimationFrame = (f) => real((t) => {
        const a = performance.now();
        f(t);
        sum += performance.now() - a;
      });
      const a = performance.now();
      clock.seek(clock.get() + 20_000);
      sum += performance.now() - a;
      await new Promise((ok) => real(() => real(ok)));
      times.push(sum);
    }
    window.requestAnimationFrame = real;
    times.sort((p, q) => p - q);
    return { median: times[45], p95: times[85] };
  });
  console.log(`scrub with 10,000 items: median ${spent.median.toFixed(2)} ms, p95 ${spent.p95.toFixed(2)} ms of script a frame`);
  assert.ok(spent.median <= 16, `median ${spent.median} ms`);
  assert.deepEqual(faults, []);
  await close();
});
