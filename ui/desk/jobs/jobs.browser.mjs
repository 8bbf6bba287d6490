// The page of jobs in a real browser: what waits and what goes first, a failure
// with its reason and its retry, work that starts while the page is open and
// ends in front of it, in Spanish and at 360 px.
//   node test/browser.mjs jobs      (SIGHTLINE names the program)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { launch, shot } from '../../test/harness.mjs';
import { given, program, sightline, skip as missing, watch } from '../test/running.mjs';

const skip = missing || (given ? 'this test serves a case of its own' : false);

const crc = (b) => {
  let c = ~0;
  for (const x of b) {
    c ^= x;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (0xedb88320 & -(c & 1));
  }
  return ~c >>> 0;
};
function chunk(type, data) {
  const b = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(b.length + 8);
  out.writeUInt32BE(data.length, 0);
  b.copy(out, 4);
  out.writeUInt32BE(crc(b), b.length + 4);
  return out;
}
function picture(w, h, shade) {
  const raw = Buffer.alloc(h * (w + 1));
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) raw[y * (w + 1) + 1 + x] = (shade + x * 3 + y * 5) & 255;
  const head = Buffer.alloc(13);
  head.writeUInt32BE(w, 0);
  head.writeUInt32BE(h, 4);
  head[8] = 8;
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]);
}

let dir, made, server, browser, page;
const errors = [];
const jobs = () => page.evaluate(() => void (location.hash = '#v1&case=work&view=jobs'));
const rows = (list) => page.locator(`.queue-page [data-list="${list}"] tbody tr`);

before(async () => {
  if (skip) return;
  dir = await mkdtemp(join(tmpdir(), 'sightline-jobs-'));
  made = join(dir, 'work');
  assert.equal((await sightline('new', made, '--title', 'Work', '--prefix', 'WK')).status, 0);
  const files = [];
  for (let i = 0; i < 4; i++) {
    files.push(join(dir, `p${i}.png`));
    await writeFile(files[i], picture(320, 240, 40 * i));
  }
  // A picture that is cut off: kept as evidence, and its preview fails.
  files.push(join(dir, 'cut.png'));
  await writeFile(files[4], picture(320, 240, 7).subarray(0, 90));
  const added = await sightline('add', '--case', made, ...files);
  assert.equal(added.status, 0, added.text);
  server = spawn(program, ['serve', made, '--no-work', '--addr', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await new Promise((found, failed) => {
    let said = '';
    const hear = (b) => {
      said += b;
      const m = /http:\/\/\S+\/open\?token=\S+/.exec(said);
      if (m) found(m[0]);
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    server.on('exit', (code) => failed(new Error(`the desk ended with ${code}: ${said}`)));
  });
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1366, height: 768 }, locale: 'en-GB' });
  watch(page, errors);
  await page.goto(url);
  await page.waitForFunction(() => location.pathname === '/' && !!window.sightline?.desk.doc, null, { timeout: 60_000 });
});

after(async () => {
  await browser?.close();
  if (server) {
    const gone = new Promise((done) => server.once('exit', done));
    server.kill();
    await gone;
  }
  if (dir) await rm(dir, { recursive: true, force: true });
});

test('what waits is listed in its order, and an item that is opened goes first', { skip }, async () => {
  await jobs();
  await rows('waiting').first().waitFor();
  await page.getByText('jobs wait and nothing runs').waitFor();
  const last = 'WK-004';
  assert.ok(!(await rows('waiting').first().innerText()).includes(last));
  await rows('waiting').getByRole('button', { name: last }).first().click();
  await page.waitForFunction((id) => window.sightline.desk.sel === id, last);
  // Its page is read, and with that the program knows what a person waits for.
  await page.locator('.insp .sec.top h2', { hasText: last }).waitFor();
  await page.locator('.insp .custody li').first().waitFor();
  await jobs();
  await page.waitForFunction((id) => document.querySelector('.queue-page [data-list="waiting"] tbody tr')?.textContent?.includes(id), last);
  assert.match(await rows('waiting').first().innerText(), /first/);
  await shot(page, 'jobs-waiting');
});

test('work that begins while the page is open ends in front of it; a failure says why and can be tried again', { skip }, async () => {
  const worker = spawn(program, ['work', '--case', made, '--workers', '1', '--until-idle', '--unsafe-no-sandbox'], { stdio: 'ignore' });
  const ended = new Promise((done) => worker.once('exit', done));
  await rows('done').first().waitFor({ timeout: 60_000 });
  await rows('failed').first().waitFor({ timeout: 60_000 });
  await ended;
  await page.waitForFunction(() => !document.querySelector('.queue-page [data-list="waiting"]') && !document.querySelector('.queue-page [data-list="running"]'), undefined, { timeout: 60_000 });
  // Live news takes a job out of the running ones before the list of failures is read again.
  const all = await page.evaluate(async () => (await (await fetch('/api/cases/work/queue')).json()).failed.length);
  await page.waitForFunction((n) => document.querySelectorAll('.queue-page [data-list="failed"] tbody tr').length === n, all);
  const failed = rows('failed').first();
  assert.match(await failed.innerText(), /WK-005/);
  assert.ok((await failed.locator('.why').innerText()).length > 10);
  await shot(page, 'jobs-failed');
  const before = await rows('failed').count();
  await failed.getByRole('button', { name: 'Retry' }).click();
  await page.waitForFunction((n) => document.querySelectorAll('.queue-page [data-list="failed"] tbody tr').length === n - 1, before);
  await rows('waiting').first().waitFor();
  if (before > 1) {
    await page.getByRole('button', { name: 'Retry all' }).click();
    await page.waitForFunction(() => !document.querySelector('.queue-page [data-list="failed"]'));
  }
});

test('at 360 px nothing is wider than the page, and Spanish has every word', { skip }, async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.evaluate(() => localStorage.setItem('sightline.lang', 'es'));
  await page.reload();
  await rows('waiting').first().waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  assert.ok(!(await page.locator('.queue-page').innerText()).includes('['));
  await shot(page, 'jobs-360');
  assert.deepEqual(errors.filter((e) => !e.includes('/scene/scene.json')), []); // the case has no scene
});
