// Bringing things in and looking at them first, in a real browser: 20 addresses
// of a site served here (redirects, a slow page, one that is gone, one that
// comes back), a WhatsApp export looked at and taken, triage by keyboard alone,
// a duplicate found and marked, and a bag that is whole.
//   node test/browser.mjs collect      (SIGHTLINE names the program)
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

/** A ZIP whose entries are stored as they are: a folder as it is handed over. */
function zip(entries) {
  const parts = [];
  const heads = [];
  let at = 0;
  for (const [name, data] of entries) {
    const n = Buffer.from(name);
    const h = Buffer.alloc(30);
    h.writeUInt32LE(0x04034b50, 0);
    h.writeUInt16LE(20, 4);
    h.writeUInt16LE(0x0800, 6);
    h.writeUInt16LE(0x2821, 12);
    h.writeUInt32LE(crc(data), 14);
    h.writeUInt32LE(data.length, 18);
    h.writeUInt32LE(data.length, 22);
    h.writeUInt16LE(n.length, 26);
    const c = Buffer.alloc(46);
    c.writeUInt32LE(0x02014b50, 0);
    c.writeUInt16LE(20, 4);
    h.copy(c, 6, 4, 30);
    c.writeUInt32LE(at, 42);
    parts.push(h, n, data);
    heads.push(c, n);
    at += 30 + n.length + data.length;
  }
  const central = Buffer.concat(heads);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, central, end]);
}

/** A picture with structure: the same scene at another size is alike, byte for byte it is not. */
function picture(w, h) {
  const chunk = (type, data) => {
    const b = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(b.length + 8);
    out.writeUInt32BE(data.length, 0);
    b.copy(out, 4);
    out.writeUInt32BE(crc(b), b.length + 4);
    return out;
  };
  const raw = Buffer.alloc(h * (w + 1));
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
    const u = x / w;
    const v = y / h;
    raw[y * (w + 1) + 1 + x] = 128 + 60 * Math.sin(9 * u + 4 * v * v) + 50 * Math.cos(13 * v + 5 * u * v) + (((u * 5) | 0) + ((v * 4) | 0)) % 2 * 15;
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(w, 0);
  head.writeUInt32BE(h, 4);
  head[8] = 8;
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]);
}

const big = picture(800, 600);
const small = picture(400, 300);
const hits = {};
const site = createServer((req, res) => {
  const p = new URL(req.url, 'http://x').pathname;
  hits[p] = (hits[p] ?? 0) + 1;
  const page = (body, code = 200) => {
    res.writeHead(code, { 'content-type': 'text/html; charset=utf-8' });
    res.end(`<!doctype html><html lang="es"><title>Página ${p}</title><h1>${p}</h1>${body}`);
  };
  if (p === '/big.png' || p === '/small.png') {
    res.writeHead(200, { 'content-type': 'image/png' });
    return res.end(p === '/big.png' ? big : small);
  }
  if (p.startsWith('/moved')) {
    res.writeHead(302, { location: '/page/' + p.slice(6) });
    return res.end();
  }
  if (p === '/gone') return page('', 410);
  if (p === '/flaky' && hits[p] === 1) return page('', 503);
  if (p === '/missing-part') return page('<p>con un vacío</p><img src="/no.png">');
  if (p === '/no.png') return page('', 404);
  if (p === '/slow') return setTimeout(() => page('<p>tarde</p>'), 1500);
  if (p === '/photo') return page('<p>la foto</p><img src="/big.png" alt="una plaza">');
  if (p === '/copy') return page('<p>su copia</p><img src="/small.png">');
  if (p === '/hostile') return page('<p>&lt;script&gt;window.pwned=1&lt;/script&gt;</p><script>window.pwned=1</script>');
  page('<p>Texto.</p>');
});

let dir, made, server, browser, page, base;
const errors = [];

before(async () => {
  if (skip) return;
  await new Promise((ok) => site.listen(0, '127.0.0.1', ok));
  base = `http://127.0.0.1:${site.address().port}`;
  dir = await mkdtemp(join(tmpdir(), 'sightline-collect-'));
  made = join(dir, 'case');
  const r = await sightline('new', made, '--title', 'Recogida', '--prefix', 'RC', '--zone', 'America/Caracas', '--lang', 'en,es', '--date', '2019-05-10');
  assert.equal(r.status, 0, r.text);
  server = spawn(program, ['serve', made, '--addr', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SIGHTLINE_ALLOW: `127.0.0.1:${site.address().port}` } });
  const url = await new Promise((found, failed) => {
    let said = '';
    for (const s of [server.stdout, server.stderr]) s.on('data', (b) => {
      said += b;
      const m = /http:\/\/\S+\/open\?token=\S+/.exec(said);
      if (m) found(m[0]);
    });
    server.on('exit', (code) => failed(new Error(`the desk ended with status ${code}: ${said}`)));
  });
  browser = await launch();
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'en', reducedMotion: 'reduce' });
  page = await context.newPage();
  watch(page, errors);
  await page.goto(url);
  await page.waitForFunction(() => location.pathname === '/' && !!window.sightline?.desk.doc, null, { timeout: 60_000 });
});
after(async () => {
  await browser?.close();
  if (server) {
    server.removeAllListeners('exit');
    await new Promise((done) => {
      server.once('exit', done);
      server.kill('SIGINT');
    });
  }
  site.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

const items = (pick) => page.evaluate(pick);

test('20 addresses are pasted: each is preserved, in part, failed with a reason, or refused', { skip, timeout: 280_000 }, async () => {
  await page.evaluate(() => (window.sightline.desk.view = 'collect'));
  const list = ['/photo', '/copy', '/slow', '/gone', '/flaky', '/moved1', '/moved2', '/missing-part', '/hostile', ...Array.from({ length: 9 }, (_, i) => '/page/' + (i + 3))].map((p) => base + p);
  await page.locator('#addresses').fill('See these:\n' + [...list, 'http://192.168.0.1/admin', 'http://localhost/'].join('\n'));
  await page.locator('#found', { hasText: '20' }).waitFor();
  assert.ok(await page.locator('.ask button.solid').isDisabled(), 'a collection without a reason was let through');
  await page.getByLabel('Why is this collected').first().fill('browser test');
  await page.locator('.ask button.solid').click();
  await page.locator('.queue tbody tr').nth(17).waitFor();
  await page.locator('[role=alert] li').nth(1).waitFor();
  assert.match(await page.locator('[role=alert]').textContent(), /inside a network/);
  await page.waitForFunction(() => [...document.querySelectorAll('.queue tbody tr')].every((r) => !['waiting', 'running', 'done'].includes(r.dataset.state)), null, { timeout: 240_000 });
  const states = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll('.queue tbody tr')].map((r) => [new URL(r.querySelector('.address').textContent).pathname, r.dataset.state])));
  assert.equal(states['/gone'], 'failed');
  assert.equal(states['/missing-part'], 'partial');
  for (const p of ['/photo', '/copy', '/slow', '/flaky', '/moved1', '/page/3']) assert.equal(states[p], 'preserved', `${p}: ${JSON.stringify(states)}`);
  const gone = page.locator('.queue tbody tr[data-state=failed]').first();
  assert.match(await gone.textContent(), /410.*not there/s);
  await gone.getByRole('button', { name: 'Try again' }).waitFor();
  await gone.getByRole('button', { name: 'Add file' }).waitFor();
  assert.equal(await page.evaluate(() => window.pwned), undefined, 'a script of a page ran in the desk');
  assert.equal(await items(() => window.sightline.desk.doc.items.filter((i) => i.type === 'application/wacz').length), 17);
  await shot(page, 'collect-queue');
  await page.locator('.bar .lang').click();
  await page.locator('h1', { hasText: 'Recoger' }).waitFor();
  assert.equal(await page.locator('text=/\\[[a-z_.]+\\]/').count(), 0, 'a string is missing');
  await shot(page, 'collect-queue-es');
  await page.locator('.bar .lang').click();
});

test('a WhatsApp export is looked at, its date order asked for, and taken', { skip, timeout: 120_000 }, async () => {
  const chat = join(dir, 'WhatsApp Chat with Ana.txt');
  await writeFile(chat, '3/4/19, 10:15 - Ana: Llegaron por la calle de atrás\n3/4/19, 10:17 - Luis: ¿Tienes la foto?\n3/5/19, 08:01 - Ana: <Media omitted>\n');
  await page.locator('#export-file').setInputFiles(chat);
  const pane = page.locator('.import');
  await pane.locator('[role=alert]').waitFor();
  assert.ok(await pane.getByRole('button', { name: 'Take the records' }).isDisabled(), 'dates that can be read in two ways were let through');
  await pane.locator('select').nth(1).selectOption('dmy');
  await pane.locator('td', { hasText: 'calle de atrás' }).waitFor();
  await shot(page, 'collect-import');
  await pane.getByLabel('Why is this collected').fill('chat of a witness');
  await pane.getByRole('button', { name: 'Take the records' }).click();
  await pane.locator('.result', { hasText: '4 added' }).waitFor(); // the file and three messages
  await pane.getByRole('button', { name: 'Close' }).click();
  const csv = join(dir, 'hoja.csv');
  await writeFile(csv, 'Enlace,Qué es,Fecha\nhttps://example.com/a,una foto,2019-05-10\nhttps://example.com/b,un video,2019-05-11\n');
  await page.locator('#export-file').setInputFiles(csv);
  await pane.locator('.sheet select').nth(0).selectOption('source.url');
  await pane.locator('.sheet select').nth(1).selectOption('title.und');
  await pane.locator('.sheet select').nth(2).selectOption('@posted.date');
  await pane.getByLabel('Why is this collected').fill('a sheet');
  await pane.getByRole('button', { name: 'Take the records' }).click();
  await pane.locator('.result', { hasText: '3 added' }).waitFor();
  assert.equal(await items(() => window.sightline.desk.doc.items.filter((i) => i.source.url === 'https://example.com/b' && Object.values(i.title)[0] === 'un video').length), 1);
  await pane.getByRole('button', { name: 'Close' }).click();
});

test('a Takeout folder and an auto-archiver sheet are recognised and taken', { skip, timeout: 180_000 }, async () => {
  const pane = page.locator('.import');
  const side = (title, at) => Buffer.from(JSON.stringify({ title, photoTakenTime: { timestamp: String(at) }, geoData: { latitude: 10.46, longitude: -67.08, altitude: 1500 }, url: 'https://photos.example/' + title }));
  const folder = join(dir, 'takeout-20190511.zip');
  const root = 'Takeout/Google Photos/Calle/';
  await writeFile(folder, zip([[root + 'IMG_0001.png', picture(330, 220)], [root + 'IMG_0001.png.json', side('IMG_0001.png', 1557486000)], [root + 'IMG_0002.png.json', side('IMG_0002.png', 1557486060)]]));
  await page.locator('#export-file').setInputFiles(folder);
  await pane.locator('td', { hasText: 'IMG_0002.png' }).first().waitFor();
  await pane.getByLabel('Why is this collected').fill('a phone that was handed over');
  await pane.getByRole('button', { name: 'Take the records' }).click();
  await pane.locator('.result', { hasText: '6 added' }).waitFor({ timeout: 60_000 }); // the ZIP, two records, their two sidecars and the picture that is there
  await pane.getByRole('button', { name: 'Close' }).click();
  const sheet = join(dir, 'auto-archiver.csv');
  await writeFile(sheet, 'Link,Archive status,Destination Folder,Archive location,Archive date,Thumbnail,Upload timestamp,Upload title,Text content,Screenshot,Hash,Perceptual hashes,WACZ,ReplayWebpage\n'
    + 'https://social.example/p/1,success,junquito,https://store.example/1.mp4,2019-05-12T10:00:00+00:00,,2019-05-10T12:01:00+00:00,Calle,"se oyen disparos",,sha3:aa,,,\n'
    + 'https://social.example/p/2,nothing archived,junquito,,2019-05-12T10:01:00+00:00,,,,,,,,,\n');
  await page.locator('#export-file').setInputFiles(sheet);
  await pane.locator('.sheet').waitFor();
  await pane.getByLabel('Why is this collected').fill('what was archived before');
  await pane.getByRole('button', { name: 'Take the records' }).click();
  await pane.locator('.result', { hasText: '3 added' }).waitFor({ timeout: 60_000 });
  await page.waitForFunction(() => window.sightline.desk.doc.items.some((i) => i.source.url === 'https://social.example/p/1'));
  await pane.getByRole('button', { name: 'Close' }).click();
});

test('the screenshot of the exercise leads to the photo it shows, by itself', { skip, timeout: 280_000 }, async () => {
  const made = join(dir, 'exercise');
  const r = await sightline('exercise', '--size', 'small', '--no-video', '--out', made);
  assert.equal(r.status, 0, r.text);
  const truth = JSON.parse(await readFile(join(made, 'truth', 'truth.json'), 'utf8'));
  const pick = (kind) => truth.images.find((i) => i.copy_kind === kind);
  const original = (copy) => truth.images.find((i) => i.item === copy.copy_of);
  const names = ['screenshot', 'crop'].flatMap((kind) => [original(pick(kind)).file, pick(kind).file]);
  await page.evaluate(() => (window.sightline.desk.view = 'library'));
  await page.keyboard.press('Control+i');
  await page.locator('dialog').getByLabel('How it came to you').fill('made for a test');
  await page.locator('dialog input[type=file]').setInputFiles([...new Set(names)].map((n) => join(made, 'case', 'media', n)));
  const ids = {};
  for (const n of names) {
    const line = page.locator('dialog .adding .pairline', { hasText: n });
    await line.waitFor({ timeout: 60_000 });
    await line.locator('.tag').waitFor({ timeout: 60_000 });
    ids[n] = (await line.locator('.tag').textContent()).trim();
  }
  await page.keyboard.press('Escape');
  for (const kind of ['screenshot', 'crop']) {
    const [a, b] = [ids[original(pick(kind)).file], ids[pick(kind).file]];
    await page.waitForFunction(([a, b, kind]) => window.sightline.desk.doc.derivatives.some((d) => d.role === 'sketch' && Object.entries(d.meta ?? {}).some(([k, v]) => {
      if (!k.startsWith('like.')) return false;
      const r = JSON.parse(v);
      return new Set([r.a, r.b, a, b]).size === 2 && [r.relation, ...r.also].includes(kind);
    })), [a, b, kind], { timeout: 200_000 });
  }
  const shown = ids[pick('screenshot').file];
  await page.evaluate((id) => window.sightline.desk.select(id), shown);
  const list = page.locator('.seenlist');
  await list.locator('li', { hasText: 'a screen that shows it' }).waitFor({ timeout: 60_000 });
  await list.getByRole('button', { name: 'Compare' }).first().click();
  await list.locator('.compare figure').nth(1).waitFor();
  await shot(page, 'item-seen-before');
  await page.locator('.bar .lang').click();
  await list.locator('li', { hasText: 'una pantalla que lo muestra' }).waitFor();
  await page.locator('.bar .lang').click();
});

test('triage by keyboard alone: blurred, answered in digits, the duplicate compared and marked', { skip, timeout: 200_000 }, async () => {
  // The machine's own look for what is alike runs as a job.
  await page.waitForFunction(() => window.sightline.desk.doc.items.some((i) => (i.facts ?? []).some((f) => f.field.startsWith('Alike:'))), null, { timeout: 150_000 });
  await page.evaluate(() => (window.sightline.desk.view = 'triage'));
  const box = page.locator('.triage');
  await box.locator('fieldset.on').waitFor();
  await page.waitForFunction(() => document.activeElement?.classList.contains('triage'));
  const now = () => box.locator('.what b').textContent();
  // To the picture that is there twice.
  for (let i = 0; i < 60 && !(await box.locator('.twins').count()); i++) await page.keyboard.press('ArrowRight');
  const first = await now();
  const filter = (sel) => page.locator(sel).first().evaluate((x) => getComputedStyle(x).filter);
  assert.match(await filter('.triage .shown img'), /blur/, 'a picture was shown before anybody asked for it');
  await page.keyboard.press('v');
  await page.waitForFunction(() => !/blur/.test(getComputedStyle(document.querySelector('.triage .shown img')).filter));
  await page.keyboard.press('c');
  await box.locator('.compare figure').nth(1).waitFor();
  await shot(page, 'triage-compare');
  await page.keyboard.press('b');
  assert.equal(await box.locator('.compare').getAttribute('data-shown'), first);
  await page.keyboard.press('b');
  assert.notEqual(await box.locator('.compare').getAttribute('data-shown'), first);
  await page.keyboard.press('d');
  await page.waitForFunction((id) => !!window.sightline.desk.items.get(id).duplicate_of, first);
  await page.keyboard.press('Escape');
  for (const k of ['1', '1', '1', '2', '1', '1', '3', '1']) await page.keyboard.press(k);
  await page.keyboard.press('Enter');
  await page.waitForFunction((id) => window.sightline.desk.items.get(id).triage?.relevant === 'yes', first);
  const it = await page.evaluate((id) => window.sightline.desk.items.get(id), first);
  assert.equal(it.media, 'photo');
  assert.equal(it.source.perspective, 'citizen');
  assert.equal(it.sensitivity, 'graphic');
  assert.equal(it.triage.removal_risk, 'yes');
  assert.equal(it.triage.reliable, 'not_assessed');
  assert.notEqual(await now(), first, 'saving did not lead on');
  await shot(page, 'triage');
  await page.locator('.bar .lang').click();
  await box.locator('h1', { hasText: 'Triaje' }).waitFor();
  await shot(page, 'triage-es');
  await page.locator('.bar .lang').click();
});

test('a break is proposed, to this person only, and nothing is lost', { skip, timeout: 60_000 }, async () => {
  await page.locator('.triage header input').fill('0.02');
  await page.locator('.triage header input').press('Tab');
  await page.locator('.triage .rest').waitFor();
  await page.locator('.triage header input').fill('45');
  await page.locator('.triage .rest button').click();
  await page.locator('.triage fieldset.on').waitFor();
});

test('the case and its bag are whole', { skip, timeout: 120_000 }, async () => {
  const bag = join(dir, 'bag');
  const out = await sightline('export', 'bag', '--case', made, '--to', bag);
  assert.equal(out.status, 0, out.text);
  const checked = await sightline('check', '--bag', bag);
  assert.equal(checked.status, 0, checked.text);
  await new Promise((ok, no) => execFile('sha256sum', ['-c', '--quiet', 'manifest-sha256.txt'], { cwd: bag }, (e, o, err) => (e ? no(new Error(o + err)) : ok())));
  const whole = await sightline('check', '--case', made);
  assert.equal(whole.status, 0, whole.text);
  // The case has no model of the place, and the desk says so where one is wanted.
  assert.deepEqual(errors.filter((e) => !e.includes('/scene/scene.json')), []);
});
