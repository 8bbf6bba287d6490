// Measures the interface in headless Chromium (software graphics): with a
// case of 10,000 synthetic records made through the program's own verbs, and
// with the demonstration case El Junquito.
//
//   node bench/interface.mjs SIGHTLINE            SIGHTLINE is the binary
//   ITEMS=1000 node bench/interface.mjs ...       a smaller case
//   DIR=folder ...                                keeps the cases for the next run
//   PARTS=demo,ten ...                            only some of the parts demo, ten, large
//   LARGE=folder PARTS=large ...                  a case of go run ./bench/million make --case folder
//
// Prints one line a figure. What is measured and how: docs/methods/interface.md.
// Script of a frame is the processor time of the outermost script events of the
// page's main thread in the browser's own trace, from the commit of one frame to that
// of the next. Exit status 1 when a goal of the design is missed.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { launch } = await import(pathToFileURL(join(root, 'ui/test/harness.mjs')));
const program = resolve(process.argv[2] ?? join(root, 'bin/sightline'));
const N = Number(process.env.ITEMS ?? 10_000);
const dir = process.env.DIR ? resolve(process.env.DIR) : mkdtempSync(join(tmpdir(), 'sightline-interface-'));
mkdirSync(dir, { recursive: true });
const parts = (process.env.PARTS ?? 'demo,ten,large').split(',');
const part = (name) => parts.includes(name) && (name !== 'large' || !!process.env.LARGE);
const run = (...args) => execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'], maxBuffer: 1 << 28 });
const missed = [];
function figure(what, value, unit, goal) {
  const over = goal !== undefined && value > goal;
  if (over) missed.push(what);
  const print = (x) => (unit === 'kB' || unit === '' ? Math.round(x).toLocaleString('en') : x < 10 ? x.toFixed(1) : x.toFixed(0));
  console.log(`${what.padEnd(58)} ${print(value).padStart(9)} ${unit.padEnd(3)}${goal === undefined ? '' : `  goal ${print(goal)}${over ? '  MISSED' : ''}`}`);
}

// The case -------------------------------------------------------------------

/** A fixed sequence: the same case on every machine. */
let seed = 20180115;
const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32);
const one = (list) => list[Math.floor(random() * list.length)];

function makeTable(to) {
  const media = ['video', 'photo', 'audio', 'post', 'document', 'record'];
  const perspectives = ['citizen', 'security_forces', 'victim', 'press', 'official', 'satellite', 'unknown'];
  const seen = ['a house with an open roof', 'smoke above the slope', 'two cars on the road', 'voices behind a wall', 'a person at the window', 'nothing but the ridge', 'shots, then silence', 'a mast and a water tower'];
  const lines = ['id,title_en,title_es,seen_en,seen_es,media,who,cite,perspective,sensitivity,from,to,lat,lon,err'];
  const midnight = Date.UTC(2018, 0, 15, 4);
  for (let i = 1; i <= N; i++) {
    const what = one(seen);
    const from = midnight + Math.floor(random() * 86_400) * 1000;
    const to = from + Math.floor(random() ** 3 * 7200) * 1000 + 999;
    const timed = random() < 0.85;
    const placed = random() < 0.7;
    const row = [`T-${String(i).padStart(5, '0')}`, `Record ${i}: ${what}`, `Registro ${i}: ${what}`, `Synthetic record ${i} that tells of ${what}.`, `Registro sintético ${i}.`, one(media), `source ${Math.floor(random() * 400)}`, `synthetic list, row ${i}`, one(perspectives), random() < 0.1 ? 'graphic' : 'none',
      timed ? new Date(from).toISOString() : '', timed ? new Date(to).toISOString() : '', placed ? (10.4633 + (random() - 0.5) * 0.004).toFixed(6) : '', placed ? (-67.0794 + (random() - 0.5) * 0.004).toFixed(6) : '', placed ? String(3 + Math.floor(random() * 60)) : ''];
    lines.push(row.map((c) => (/[",]/.test(c) ? `"${c}"` : c)).join(','));
  }
  writeFileSync(to, lines.join('\n') + '\n');
  writeFileSync(to + '.map.json', JSON.stringify({
    format: 'sightline.map/1', zone: 'America/Caracas', coordinates: 'subject',
    columns: { id: 'id', title_en: 'title.en', title_es: 'title.es', seen_en: 'seen.en', seen_es: 'seen.es', media: 'media', who: 'source.name.en', cite: 'source.citation', perspective: 'source.perspective', sensitivity: 'sensitivity', from: '@time.utc_from', to: '@time.utc_to', lat: '@place.lat', lon: '@place.lon', err: '@place.radius_m' },
  }));
}

const big = join(dir, 'ten-thousand');
const demo = join(dir, 'demo');
if (part('demo') && !existsSync(join(demo, 'el-junquito', 'case.db'))) run('demo', '--build', '--dir', demo);
if (part('ten') && !existsSync(join(big, 'case.db'))) {
  run('new', big, '--title', 'Ten thousand records', '--prefix', 'T', '--zone', 'America/Caracas', '--date', '2018-01-15', '--place', '10.4633,-67.0794');
  const table = join(dir, 'records.csv');
  makeTable(table);
  const begun = Date.now();
  run('add', '--case', big, '--as', 'records', '--map', table + '.map.json', '--reason', 'synthetic records to measure the interface', table);
  figure(`${N.toLocaleString('en')} records added from a table`, (Date.now() - begun) / 1000, 's');
  run('scene', 'build', join(root, 'demo/el-junquito/scene.json'), '-o', join(dir, 'scene'));
  run('add', '--case', big, '--as', 'scene', '--reason', 'a scene to measure the interface', join(dir, 'scene'));
}

async function serve(folder) {
  const server = spawn(program, ['serve', folder, '--addr', '127.0.0.1:0', '--no-work'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await new Promise((found, failed) => {
    let said = '';
    const hear = (b) => {
      said += b;
      const m = /http:\/\/\S+\/open\?token=\S+/.exec(said);
      if (m) found(m[0]);
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    server.on('exit', (code) => failed(new Error(`the desk ended with status ${code}: ${said}`)));
  });
  return { url, close: () => (server.removeAllListeners('exit'), new Promise((done) => (server.once('exit', done), server.kill('SIGINT')))) };
}

// Measuring ------------------------------------------------------------------

const SCRIPT = new Set(['EvaluateScript', 'v8.evaluateModule', 'FunctionCall', 'FireAnimationFrame', 'TimerFire', 'RunMicrotasks', 'EventDispatch', 'FireIdleCallback', 'MajorGC', 'MinorGC']);
const LAYOUT = new Set(['UpdateLayoutTree', 'Layout', 'PrePaint', 'Paint']);

/** Script, and style with layout and paint, per frame while `act` runs: percentiles over the frames in which something was done. */
async function perFrame(browser, page, act) {
  await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] });
  await act();
  const trace = JSON.parse((await browser.stopTracing()).toString());
  // A frame ends where the page's main thread commits it; that thread is the one that commits most.
  const isFrame = (e) => e.name === 'Commit' && e.ph === 'X';
  const commits = new Map();
  for (const e of trace.traceEvents) if (isFrame(e)) commits.set(e.pid + ' ' + e.tid, (commits.get(e.pid + ' ' + e.tid) ?? 0) + 1);
  const main = [...commits].sort((a, b) => b[1] - a[1])[0]?.[0];
  const events = trace.traceEvents.filter((e) => e.pid + ' ' + e.tid === main);
  const frames = events.filter(isFrame).map((e) => e.ts + e.dur).sort((a, b) => a - b);
  const sum = (names) => {
    const of = frames.map(() => 0);
    let end = 0;
    let k = 0;
    for (const e of events.filter((x) => x.ph === 'X' && names.has(x.name)).sort((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      if (e.ts + e.dur <= end) continue; // inside one that is counted
      end = e.ts + e.dur;
      while (k < frames.length && frames[k] <= e.ts) k++;
      // Time of the processor, not of the clock: a busy machine does not make the interface dearer.
      if (k < frames.length) of[k] += (e.tdur ?? e.dur) / 1000;
    }
    return of;
  };
  const script = sum(SCRIPT);
  const layout = sum(LAYOUT);
  const busy = script.filter((x) => x > 0.05).sort((a, b) => a - b);
  const at = (list, q) => list[Math.min(list.length - 1, Math.floor(list.length * q))] ?? 0;
  const laid = layout.filter((x) => x > 0.05).sort((a, b) => a - b);
  return { frames: busy.length, median: at(busy, 0.5), p95: at(busy, 0.95), worst: busy.at(-1) ?? 0, layout: at(laid, 0.95) };
}
function say(what, r, goal = 16) {
  figure(`${what}: script a frame, p95 of ${r.frames}`, r.p95, 'ms', goal);
  console.log(`${''.padEnd(4)}median ${r.median.toFixed(1)}, worst ${r.worst.toFixed(1)} ms; style, layout and paint p95 ${r.layout.toFixed(1)} ms`);
}

/** A page with nothing cached, signed in, and the bytes it takes over the wire. */
async function fresh(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, reducedMotion: 'reduce' });
  const sign = await context.newPage();
  await sign.goto(url);
  await sign.waitForFunction(() => location.pathname === '/');
  const origin = new URL(sign.url()).origin;
  await sign.close();
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const cdp = await context.newCDPSession(page);
  await cdp.send('Network.enable');
  await cdp.send('Network.setCacheDisabled', { cacheDisabled: true });
  const bytes = { all: 0, by: new Map(), urls: new Map() };
  cdp.on('Network.responseReceived', (e) => bytes.urls.set(e.requestId, e.response.url));
  cdp.on('Network.loadingFinished', (e) => {
    bytes.all += e.encodedDataLength;
    const u = bytes.urls.get(e.requestId);
    if (u) bytes.by.set(new URL(u).pathname, (bytes.by.get(new URL(u).pathname) ?? 0) + e.encodedDataLength);
  });
  return { context, page, origin, bytes };
}
const firstPaint = (page) => page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN);
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const frame = (page) => page.evaluate(() => new Promise((ok) => requestAnimationFrame(() => ok())));

/** Opens a link five times with nothing cached; medians of first paint and of the moment what was asked for stands there. */
async function opening(browser, url, id, hash, ready) {
  const paint = [];
  const whole = [];
  let bytes = 0;
  let by = new Map();
  for (let i = 0; i < 5; i++) {
    const f = await fresh(browser, url);
    const begun = Date.now();
    await f.page.goto(`${f.origin}/?q=low#v1&case=${id}&${hash}`, { waitUntil: 'commit' });
    await f.page.waitForFunction(ready);
    whole.push(Date.now() - begun);
    paint.push(await firstPaint(f.page));
    await f.page.waitForTimeout(500);
    bytes = f.bytes.all;
    by = f.bytes.by;
    await f.context.close();
  }
  return { paint: median(paint), whole: median(whole), bytes, by };
}

console.log(`${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, ${execFileSync(process.env.CHROMIUM ?? '/usr/bin/chromium', ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim()}, software graphics`);
const browser = await launch();
try {
  const inScene = () => !!window.sightline?.desk.doc && !!window.sightline.desk.scene?.stats.frames && !!document.querySelector('.timeline-still') && !!document.querySelector('.scene-label');
  if (part('demo')) {
    const server = await serve(join(demo, 'el-junquito'));
    const o = await opening(browser, server.url, 'el-junquito', 'view=place&sel=EJ-016&t=2018-01-15T13:07:00Z', inScene);
    figure('El Junquito: first paint', o.paint / 1000, 's', 1.5);
    figure('El Junquito: scene, labels and timeline stand', o.whole / 1000, 's');
    figure('El Junquito: transferred until then', o.bytes / 1000, 'kB', 3000);
    await server.close();
  }

  if (part('ten')) {
    const server = await serve(big);
    const o = await opening(browser, server.url, 'ten-thousand', 'view=library', () => !!document.querySelector('.card'));
    figure('10,000: first paint', o.paint / 1000, 's', 1.5);
    figure('10,000: first cards of the library stand', o.whole / 1000, 's');
    figure('10,000: transferred until then', o.bytes / 1000, 'kB');
    figure('10,000: document on the wire', (o.by.get('/api/cases/ten-thousand/document') ?? 0) / 1000, 'kB');

    const f = await fresh(browser, server.url);
    const { page } = f;
    const go = async (hash, ready) => {
      await page.goto('about:blank');
      await page.goto(`${f.origin}/?q=low#v1&case=ten-thousand&${hash}`);
      await page.waitForFunction(ready);
      await page.waitForTimeout(1500);
    };
    await go('view=library', () => !!document.querySelector('.card'));
    const scroll = (box) => async () => {
      const r = await page.locator(box).first().boundingBox();
      await page.mouse.move(r.x + r.width / 2, r.y + r.height / 2);
      for (let i = 0; i < 90; i++) {
        await page.mouse.wheel(0, i < 60 ? 300 : 4000);
        await frame(page);
      }
    };
    const keys = (box) => async () => {
      await page.locator(box).first().focus();
      for (const k of ['End', 'Home', 'End', 'ArrowUp', 'ArrowUp', 'ArrowUp', 'Home', 'ArrowDown', 'ArrowDown', 'ArrowDown']) {
        await page.keyboard.press(k);
        await frame(page);
        await frame(page);
      }
    };
    for (const as of ['grid', 'table']) {
      await page.evaluate((a) => (window.sightline.desk.libraryAs = a), as);
      await page.waitForTimeout(600);
      const box = as === 'grid' ? '.grid .virtual' : '.table .virtual';
      say(`10,000: ${as}, wheel`, await perFrame(browser, page, scroll(box)));
      say(`10,000: ${as}, Home, End and arrows`, await perFrame(browser, page, keys(box)));
    }
    say('10,000: words typed in the filter', await perFrame(browser, page, async () => {
      await page.locator('.filter input').first().focus();
      for (const c of 'slope 12') {
        await page.keyboard.press(c === ' ' ? 'Space' : c);
        await frame(page);
        await frame(page);
      }
      for (let i = 0; i < 8; i++) {
        await page.keyboard.press('Backspace');
        await frame(page);
        await frame(page);
      }
      await page.waitForTimeout(400);
    }));
    say('10,000: a facet chosen and taken back', await perFrame(browser, page, async () => {
      for (let i = 0; i < 2; i++) {
        await page.locator('.facet input[type=checkbox]').nth(1).click();
        await frame(page);
        await frame(page);
      }
      await page.waitForTimeout(400);
    }));

    await go('view=place', inScene);
    const scrub = async () => {
      const r = await page.locator('.timeline-pane').boundingBox();
      await page.mouse.move(r.x + 300, r.y + r.height - 8);
      await page.mouse.down();
      for (let i = 0; i < 120; i++) {
        await page.mouse.move(r.x + 300 + i * 5, r.y + r.height - 8);
        await frame(page);
      }
      await page.mouse.up();
    };
    say('10,000: timeline, scrub beside the scene', await perFrame(browser, page, scrub));
    say('10,000: timeline, zoom by wheel', await perFrame(browser, page, async () => {
      const r = await page.locator('.timeline-pane').boundingBox();
      await page.mouse.move(r.x + 700, r.y + 60);
      await page.keyboard.down('Control');
      for (let i = 0; i < 60; i++) {
        await page.mouse.wheel(0, i < 40 ? -120 : 120);
        await frame(page);
      }
      await page.keyboard.up('Control');
    }));
    figure('10,000: draw calls of the scene', await page.evaluate(() => window.sightline.desk.scene.stats.calls), '', 60);
    await f.context.close();
    await server.close();
  }

  if (part('large')) {
    const server = await serve(resolve(process.env.LARGE));
    // The first question is also the server's first: what it keeps in memory is read then.
    const begun = Date.now();
    const first = await fresh(browser, server.url);
    await first.page.goto(`${first.origin}/?q=low#v1&case=million&view=library`, { waitUntil: 'commit' });
    const cards = () => document.querySelectorAll('.card .cap').length > 3;
    await first.page.waitForFunction(cards);
    figure('large: first opening since the server started', (Date.now() - begun) / 1000, 's');
    const items = await first.page.evaluate(() => window.sightline.desk.total);
    const name = items.toLocaleString('en');
    await first.context.close();
    const o = await opening(browser, server.url, 'million', 'view=library', cards);
    figure(`${name}: first paint`, o.paint / 1000, 's', 1.5);
    figure(`${name}: first cards of the library stand`, o.whole / 1000, 's', 3);
    figure(`${name}: transferred until then`, o.bytes / 1000, 'kB');

    const f = await fresh(browser, server.url);
    const { page } = f;
    const go = async (hash, ready) => {
      await page.goto('about:blank');
      await page.goto(`${f.origin}/?q=low#v1&case=million&${hash}`);
      await page.waitForFunction(ready);
      await page.waitForTimeout(1500);
    };
    await go('view=library', cards);
    for (const as of ['grid', 'table']) {
      await page.evaluate((a) => (window.sightline.desk.libraryAs = a), as);
      await page.waitForTimeout(600);
      const box = as === 'grid' ? '.grid .virtual' : '.table .virtual';
      say(`${name}: ${as}, wheel and bar`, await perFrame(browser, page, async () => {
        const r = await page.locator(box).first().boundingBox();
        await page.mouse.move(r.x + r.width / 2, r.y + r.height / 2);
        for (let i = 0; i < 60; i++) {
          await page.mouse.wheel(0, 300);
          await frame(page);
        }
        for (let i = 1; i <= 10; i++) {
          await page.locator(box).first().evaluate((el, part) => (el.scrollTop = el.scrollHeight * part), i / 10);
          await page.waitForTimeout(250);
        }
      }));
      say(`${name}: ${as}, Home, End and arrows`, await perFrame(browser, page, async () => {
        await page.locator(box).first().focus();
        for (const k of ['End', 'ArrowUp', 'ArrowUp', 'Home', 'ArrowDown', 'ArrowDown', 'End', 'Home']) {
          await page.keyboard.press(k);
          await page.waitForTimeout(300);
        }
      }));
    }
    say(`${name}: words typed in the filter`, await perFrame(browser, page, async () => {
      await page.locator('.filter input').first().focus();
      for (const c of 'photo hor') {
        await page.keyboard.press(c === ' ' ? 'Space' : c);
        await page.waitForTimeout(120);
      }
      await page.waitForTimeout(800);
      await page.locator('.filter input').first().fill('');
      await page.waitForTimeout(800);
    }));
    say(`${name}: a facet chosen and taken back`, await perFrame(browser, page, async () => {
      for (let i = 0; i < 2; i++) {
        await page.locator('.facet input[type=checkbox]').nth(1).click();
        await page.waitForTimeout(800);
      }
    }));
    await go('view=place', () => !!document.querySelector('.timeline-still') && !!window.sightline.desk.large?.overview);
    const pane = await page.locator('.timeline-pane').boundingBox();
    say(`${name}: timeline, scrub`, await perFrame(browser, page, async () => {
      await page.mouse.move(pane.x + 300, pane.y + pane.height - 8);
      await page.mouse.down();
      for (let i = 0; i < 120; i++) {
        await page.mouse.move(pane.x + 300 + i * 5, pane.y + pane.height - 8);
        await frame(page);
      }
      await page.mouse.up();
    }));
    say(`${name}: timeline, zoom from counts to items`, await perFrame(browser, page, async () => {
      await page.mouse.move(pane.x + 700, pane.y + 60);
      await page.keyboard.down('Control');
      for (let i = 0; i < 90; i++) {
        await page.mouse.wheel(0, i < 60 ? -120 : 120);
        await frame(page);
        if (i % 15 === 14) await page.waitForTimeout(400);
      }
      await page.keyboard.up('Control');
    }));
    figure(`${name}: items held by the window at the end`, await page.evaluate(() => window.sightline.desk.doc.items.length), '');
    await f.context.close();
    await server.close();
  }
} finally {
  await browser.close();
  if (!process.env.DIR) rmSync(dir, { recursive: true, force: true });
}
console.log(missed.length ? `\nmissed: ${missed.join('; ')}` : '\nevery goal reached');
process.exit(missed.length ? 1 : 0);
