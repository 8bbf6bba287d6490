// The journey of a source at 320 px against the server itself, without and
// with scripts: read a request, send two films and a note, write down the
// code, come back, read the reply, send one more, delete. The team is played
// here by its own few lines (age, Ed25519), so that both ends are tested
// against the formats and not against each other.
import assert from 'node:assert/strict';
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption';
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { browserMissing, launch, shot, ui } from '../test/harness.mjs';

const program = process.env.SIGHTLINE ?? join(ui, '..', 'bin', 'sightline');
const skip = browserMissing() ?? (existsSync(program) ? false : `no program at ${program}: run "make build", or name one with SIGHTLINE`);
const LANGS = ['es', 'en', 'ar'];
const asked = { es: 'Video desde la ladera norte, entre las 11:15 y las 12:00.', en: 'Video from the north slope, between 11:15 and 12:00.', ar: 'مقطع فيديو من المنحدر الشمالي بين 11:15 و12:00.' };
const hex = (b) => Buffer.from(b).toString('hex');
const pause = (ms) => new Promise((f) => setTimeout(f, ms));

let dir, server, base, pull, browser, team, axe;

const box = (kind, ...body) => {
  const b = Buffer.concat(body);
  const top = Buffer.alloc(8);
  top.writeUInt32BE(b.length + 8);
  top.write(kind, 4, 'latin1');
  return Buffer.concat([top, b]);
};
/** A film that says where it was made: ISO boxes with a place in user data. */
const film = (n) => {
  const mvhd = Buffer.alloc(100);
  mvhd.writeUInt32BE(2_082_844_800 + 1_516_000_000, 4);
  return Buffer.concat([box('ftyp', Buffer.from('isom\0\0\0\0isom')), box('moov', box('mvhd', mvhd), box('udta', box('\xa9xyz', Buffer.from('\0\x12\x15\xc7+10.4607-067.0723/')))), box('mdat', randomBytes(n))]);
};
const one = { name: 'uno.mp4', mimeType: 'video/mp4', buffer: film(900_000) };
const two = { name: 'dos.mp4', mimeType: 'video/mp4', buffer: film(5_000_000) };
const three = { name: 'tres.txt', mimeType: 'text/plain', buffer: Buffer.from('CANARIO-tres') };
const note = 'CANARIO-nota: yo lo vi desde la ladera.';

/** A request of the team, signed as docs/formats/tip.md says. */
async function asTeam(method, path, body = Buffer.alloc(0)) {
  const at = String(Math.floor(Date.now() / 1000));
  const nonce = hex(randomBytes(16));
  const text = ['sightline/pull/v1', method, path, at, nonce, createHash('sha256').update(body).digest('hex')].join('\n');
  const r = await fetch(pull + path, {
    method, body: method === 'GET' ? undefined : body,
    headers: { 'sightline-key': team.public, 'sightline-at': at, 'sightline-nonce': nonce, 'sightline-signature': hex(sign(null, Buffer.from(text), team.private)) },
  });
  assert.ok(r.ok, `${method} ${path}: ${r.status} ${r.ok ? '' : await r.text()}`);
  return Buffer.from(await r.arrayBuffer());
}

/** Opens what waits and was not seen before; frames are read here, not by the program's reader. */
async function tips() {
  const out = [];
  for (const t of JSON.parse(await asTeam('GET', '/pull')).tips) {
    if (team.seen.has(t.id)) continue;
    team.seen.add(t.id);
    assert.match(t.day, /^\d{4}-\d\d-\d\d$/, 'the server knows the day and nothing finer');
    const d = new Decrypter();
    d.addIdentity(team.identity);
    const b = Buffer.from(await d.decrypt(await asTeam('GET', '/pull/' + t.id)));
    assert.equal(b.subarray(0, 7).toString(), 'SLTIP1\n');
    const tip = { box: t.box, message: '', files: [], join: null };
    for (let o = 7; o < b.length; ) {
      const kind = String.fromCharCode(b[o]);
      const body = b.subarray(o + 5, o + 5 + b.readUInt32BE(o + 1));
      o += 5 + body.length;
      if (kind === 'M') tip.message += body;
      else if (kind === 'H') tip.files.push({ ...JSON.parse(body), data: Buffer.alloc(0) });
      else if (kind === 'D') tip.files.at(-1).data = Buffer.concat([tip.files.at(-1).data, body]);
      else if (kind === 'E') assert.equal(JSON.parse(body).sha256, createHash('sha256').update(tip.files.at(-1).data).digest('hex'));
      else if (kind === 'J') tip.join = JSON.parse(body);
      else assert.ok(kind === 'P' && tip.join && body.every((x) => x === 0), `frame ${kind}`);
    }
    assert.ok(tip.join, 'the tip is complete');
    out.push(tip);
  }
  return out;
}

async function reply(tip, text) {
  const seal = async (b) => {
    const e = new Encrypter();
    e.addRecipient(tip.join.reply_to);
    return Buffer.from(await e.encrypt(b));
  };
  const room = 16_384 - (await seal(Buffer.alloc(0))).length;
  const j = Buffer.from(JSON.stringify({ v: 1, day: '2026-11-24', lang: 'es', text }));
  const plain = Buffer.alloc(room);
  plain.write('SLREPLY1\n');
  plain.writeUInt16BE(j.length, 9);
  j.copy(plain, 11);
  const slot = await seal(plain);
  assert.equal(slot.length, 16_384);
  await asTeam('PUT', '/pull/box/' + tip.box, slot);
}

before(async () => {
  if (skip) return;
  dir = await mkdtemp(join(tmpdir(), 'sightline-call-'));
  const pair = generateKeyPairSync('ed25519');
  team = { identity: await generateHybridIdentity(), private: pair.privateKey, public: hex(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)), seen: new Set() };
  await writeFile(join(dir, 'call.json'), JSON.stringify({ v: 1, id: 'llamado-2018', name: { es: 'El Junquito', en: 'El Junquito', ar: 'إل خونكيتو' }, requests: [{ id: 'G-01', text: asked }, { id: 'G-02', text: asked }], channels: [{ kind: 'signal', address: '@equipo.01' }, { kind: 'mail', address: 'equipo@example.org' }], limits: { tip: 10e6, files: 3 } }));
  await writeFile(join(dir, 'call.keys'), `# escritorio\n${await identityToRecipient(team.identity)}\n`);
  await writeFile(join(dir, 'pull.keys'), team.public + '\n');
  server = spawn(program, ['intake', '--call', dir, '--listen', '127.0.0.1:0', '--pull', '127.0.0.1:0', '--nice', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  [base, pull] = await new Promise((ok, no) => {
    const hear = (b) => {
      said += b;
      const m = /sources\s+(http:\S+)[^]*team\s+(http:\S+)/.exec(said);
      if (m) ok([m[1].replace(/\/$/, ''), m[2].replace(/\/$/, '')]);
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    server.on('exit', (c) => no(new Error(`the server ended with ${c}: ${said}`)));
  });
  browser = await launch();
  axe = await readFile(join(ui, 'node_modules/axe-core/axe.min.js'), 'utf8');
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
  if (dir) await rm(dir, { recursive: true, force: true });
});

/** A phone of 320 px; every fault and request of its pages is kept. */
async function phone(scripts, more = {}) {
  const ctx = await browser.newContext({ viewport: { width: 320, height: 640 }, hasTouch: true, javaScriptEnabled: scripts, locale: 'es', ...more });
  const page = await ctx.newPage();
  const faults = [];
  const requests = [];
  page.on('pageerror', (e) => faults.push(String(e.stack ?? e)));
  page.on('console', (m) => m.type() === 'error' && faults.push(m.text()));
  page.on('request', (r) => requests.push(r));
  return { ctx, page, faults, requests };
}

/** Nothing is left on the device, nothing goes elsewhere, nothing of the code stands in an address. */
async function clean({ ctx, faults, requests }, words = []) {
  assert.deepEqual(faults, []);
  assert.deepEqual(await ctx.cookies(), []);
  for (const r of requests) {
    assert.ok(r.url().startsWith(base) || r.url().startsWith('data:'), 'a request went to ' + r.url());
    for (const w of words) assert.ok(!r.url().includes(w), 'a word of the code stands in an address');
  }
}

test('without scripts: from the page to the receipt, the reply, more, and nothing', { skip }, async () => {
  const p = await phone(false);
  const { page, requests } = p;
  await page.goto(base + '/es/');
  assert.equal(requests.filter((r) => !r.url().startsWith('data:')).length, 1, 'the page is one request');
  assert.ok(await page.locator('#read li').getByText(asked.es).first().isVisible(), 'the request is read');
  let taps = 0;
  const tap = async (l) => {
    taps++;
    await l.tap();
  };
  await tap(page.getByRole('link', { name: 'Enviar algo' }));
  await page.getByText('Mire si alguien ve su pantalla.').waitFor();
  assert.ok(!(await page.locator('#tip').isVisible()), 'the safety step stands before the form');
  await shot(page, 'source-before-es-320');
  await tap(page.getByRole('link', { name: 'Entiendo, continuar' }));
  assert.ok(await page.getByText('Sellado al llegar').isVisible(), 'the lane is named');
  await page.locator('#f1').setInputFiles([one, two]);
  taps += 3; // the picker: open, choose two, take
  await page.locator('#m').fill(note);
  await page.locator('#rq').selectOption('G-01');
  await shot(page, 'source-form-es-320');
  await tap(page.getByRole('button', { name: 'Enviar ahora' }));
  await page.getByRole('heading', { name: 'Ha llegado.' }).waitFor();
  assert.ok(taps <= 8, `${taps} taps to the receipt`);
  const words = await page.locator('ol.code li').allTextContents();
  assert.equal(words.length, 8);
  const again = page.locator('#c');
  await again.fill(words.slice().reverse().join(' '));
  assert.ok(await page.getByText('Todavía no coincide.').isVisible());
  await again.fill(words.map((w) => [...w].slice(0, 4).join('')).join(' ').toUpperCase());
  assert.ok(await page.getByText('✓ Coincide.').isVisible(), 'the browser compares without a script');
  await shot(page, 'source-receipt-es-320');

  const [tip] = await tips();
  assert.equal(tip.message, note);
  assert.deepEqual(tip.files.map((f) => f.name), ['uno.mp4', 'dos.mp4']);
  assert.ok(tip.files[0].data.equals(one.buffer) && tip.files[1].data.equals(two.buffer), 'the originals, unchanged');
  assert.equal(tip.join.lane, 'B');
  assert.equal(tip.join.request, 'G-01');
  assert.match(tip.join.at, /^\d{4}-\d\d-\d\d$/);
  await reply(tip, 'Gracias. ¿A qué hora empezó a grabar?');

  await page.goto('about:blank');
  await page.goto(base + '/es/');
  await page.getByRole('link', { name: 'Tengo un código' }).tap();
  await page.locator('#c').fill(words.join(' '));
  await page.getByRole('button', { name: 'Abrir' }).tap();
  await page.getByText('¿A qué hora empezó a grabar?').waitFor();
  await shot(page, 'source-mailbox-es-320');
  await page.locator('#f1').setInputFiles([three]);
  await page.getByRole('button', { name: 'Enviar ahora' }).tap();
  await page.getByText('Se añadió a su buzón.').waitFor();
  const [more] = await tips();
  assert.equal(more.join.follows, true);
  assert.equal(more.box, tip.box);
  assert.ok(more.files[0].data.equals(three.buffer));

  await page.goto(base + '/es/#replies');
  await page.locator('#c').fill(words.join(' '));
  await page.getByRole('button', { name: 'Abrir' }).tap();
  await page.getByText('Borrar todo').tap();
  await page.getByRole('button', { name: 'Borrar para siempre' }).tap();
  await page.getByRole('heading', { name: 'El buzón está borrado.' }).waitFor();
  await page.goto(base + '/es/#replies');
  await page.locator('#c').fill(words.join(' '));
  await page.getByRole('button', { name: 'Abrir' }).tap();
  await page.getByText('Aquí no hay respuesta.').waitFor();
  await clean(p, words);
  await p.ctx.close();
});

test('with scripts: sealed on the device, hidden data shown, one copy without them', { skip }, async () => {
  await pause(4000); // the server allows twenty requests at once and five a second
  const p = await phone(true);
  const { page, requests } = p;
  await page.goto(base + '/es/');
  await page.getByRole('link', { name: 'Enviar algo' }).tap();
  await page.getByRole('link', { name: 'Entiendo, continuar' }).tap();
  await page.locator('#lane-a').getByText('Sellado en su aparato').waitFor();
  assert.ok(!(await page.getByText('Sellado al llegar').isVisible()));
  await page.locator('#f1').setInputFiles([one]);
  await page.locator('#f1').setInputFiles([two]); // a second choice adds to the first
  await page.locator('#held .box').nth(1).getByText('10.4607, -67.0723').waitFor();
  assert.match(await page.locator('#held .box').first().textContent(), /2018-01-15/);
  await page.locator('#held .box').nth(1).getByLabel('Enviar una copia sin estos datos.').check();
  await page.getByText('En total 5.9 MB').waitFor();
  await page.locator('#m').fill(note);
  await shot(page, 'source-lane-a-es-320');
  await page.getByRole('button', { name: 'Enviar ahora' }).tap();
  await page.getByRole('heading', { name: 'Ha llegado.' }).waitFor({ timeout: 60_000 });
  const words = await page.locator('#done ol.code li').allTextContents();
  assert.equal(words.length, 8);
  await page.locator('#again').fill(words.map((w) => [...w].slice(0, 4).join('')).join(' '));
  await page.getByText('✓ Coincide.').waitFor();
  await page.getByText('Prueba de lo que envió').tap();
  await page.getByText(createHash('sha256').update(one.buffer).digest('hex')).waitFor();
  await shot(page, 'source-receipt-a-es-320');
  // What left the device was ciphertext.
  for (const r of requests) assert.ok(!(r.postDataBuffer() ?? Buffer.alloc(0)).includes('CANARIO'), 'plaintext left the device in ' + r.url());

  const [tip] = await tips();
  assert.equal(tip.message, note);
  assert.deepEqual(tip.files.map((f) => f.name), ['uno.mp4', 'stripped-2.mp4']);
  assert.ok(tip.files[0].data.equals(one.buffer), 'the original, unchanged');
  assert.equal(tip.files[1].data.length, two.buffer.length);
  assert.ok(!tip.files[1].data.includes('+10.4607'), 'the copy names no place');
  assert.equal(tip.files[1].modified, undefined);
  assert.equal(tip.join.lane, 'A');
  await reply(tip, 'Gracias. ¿Desde qué casa?');

  await page.goto('about:blank');
  await pause(2000);
  await page.goto(base + '/es/#replies');
  await page.locator('#c').fill(words.join(' ').normalize('NFD').replace(/\p{Mn}/gu, ''));
  await page.waitForFunction(() => !document.getElementById('lane-a')?.hidden);
  await page.getByRole('button', { name: 'Abrir' }).tap();
  await page.getByText('¿Desde qué casa?').waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Enviar más' }).tap();
  await page.getByText('Esto va a su buzón.').waitFor();
  await page.locator('#f1').setInputFiles([three]);
  await page.getByRole('button', { name: 'Enviar ahora' }).tap();
  await page.getByText('Se añadió a su buzón.').waitFor({ timeout: 60_000 });
  const [more] = await tips();
  assert.equal(more.join.follows, true);
  assert.equal(more.box, tip.box, 'the same mailbox');
  assert.equal(more.join.reply_to, tip.join.reply_to);

  await pause(2000);
  await page.goto('about:blank');
  await page.goto(base + '/es/#replies');
  await page.waitForFunction(() => !document.getElementById('lane-a')?.hidden);
  await page.locator('#c').fill(words.join(' '));
  await page.getByRole('button', { name: 'Abrir' }).tap();
  await page.getByText('Borrar todo').tap({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Borrar para siempre' }).tap();
  await page.getByRole('heading', { name: 'El buzón está borrado.' }).waitFor();
  assert.deepEqual(await page.evaluate(async () => ({ local: localStorage.length, session: sessionStorage.length, bases: (await indexedDB.databases()).length, caches: (await caches.keys()).length })), { local: 0, session: 0, bases: 0, caches: 0 });
  await clean(p, words);
  await p.ctx.close();

  // Both lanes lead to the same mailbox: a code of lane A opens without scripts, and finds nothing now.
  const q = await phone(false);
  await q.page.goto(base + '/en/#replies');
  await q.page.locator('#c').fill(words.join(' '));
  await q.page.getByRole('button', { name: 'Open' }).tap();
  await q.page.getByText('There is no answer here.').waitFor();
  await q.ctx.close();
});

test('with scripts: limits are told before, and a cut line is survived', { skip }, async () => {
  await pause(4000);
  const p = await phone(true);
  const { page } = p;
  await page.goto(base + '/en/#send');
  await page.locator('#lane-a').getByText('Sealed on your device').waitFor();
  await page.getByRole('button', { name: 'Send now' }).tap();
  await page.getByText('Choose a file or write something first.').waitFor();
  await page.locator('#f1').setInputFiles([{ name: 'big.bin', mimeType: '', buffer: Buffer.alloc(10_000_001) }]);
  await page.getByText('Together more than 10 MB.').first().waitFor();
  await page.getByRole('button', { name: /^Take out/ }).tap();
  await page.locator('#f1').setInputFiles([{ name: 'empty.jpg', mimeType: '', buffer: Buffer.alloc(0) }, three]);
  await page.getByText('This file is empty and will not be sent.').waitFor();
  let cuts = 3;
  await page.route('**/t/*/*', (r) => {
    if (r.request().method() === 'PUT' && cuts > 0) {
      cuts--;
      return r.abort('connectionreset');
    }
    return r.continue();
  });
  await page.getByRole('button', { name: 'Send now' }).tap();
  await page.getByText('The line is down.').waitFor({ timeout: 30_000 });
  await page.getByRole('heading', { name: 'It has arrived.' }).waitFor({ timeout: 60_000 });
  assert.equal(cuts, 0);
  const [tip] = await tips();
  assert.deepEqual(tip.files.map((f) => f.name), ['tres.txt']);
  await p.ctx.close();
});

test('every page: axe, 320 px without sideways scroll, 44 px targets, 30 KB, in three languages', { skip }, async () => {
  await pause(4000);
  const p = await phone(true, { bypassCSP: true });
  const { page } = p;
  await page.route('**/app.js', (r) => r.abort()); // the pages as they are without scripts; scripts here only measure
  for (const lang of LANGS) {
    for (const where of ['', '#before', '#send', '#replies', 'about']) {
      await page.goto('about:blank');
      await pause(250);
      const r = await page.goto(`${base}/${lang}/${where}`);
      assert.ok((await r.body()).length <= 30_000, `${lang}/${where} has ${(await r.body()).length} bytes`);
      assert.equal(await page.locator('html').getAttribute('dir'), lang === 'ar' ? 'rtl' : 'ltr');
      if (where === '') for (const q of ['#p1', '#n0', '#a1']) await page.check(q);
      for (const d of await page.locator('details:visible > summary').all()) await d.click();
      for (const width of [320, 360, 1366]) {
        await page.setViewportSize({ width, height: width === 1366 ? 768 : 640 });
        const over = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: innerWidth }));
        assert.ok(over.scroll <= over.width, `${lang}/${where} at ${width} px is ${over.scroll} px wide`);
        if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `source-${where.replace('#', '') || 'front'}-${lang}-${width}.png`), fullPage: true });
      }
      await page.setViewportSize({ width: 320, height: 640 });
      const small = await page.evaluate(() => {
        const out = [];
        for (const e of document.querySelectorAll('a, button, summary, select, textarea, input:not([type=hidden]):not([type=radio]), .q label')) {
          const b = e.getBoundingClientRect();
          if (b.height > 0 && b.height < 43.9) out.push(`${e.tagName} "${e.textContent.trim().slice(0, 30)}" is ${b.height} px high`);
        }
        return out;
      });
      assert.deepEqual(small, [], `${lang}/${where}`);
      await page.evaluate(axe);
      const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3).join(' | ')}`), [], `${lang}/${where}`);
    }
  }
  await p.ctx.close();
});

test('nothing that a source sent lies open in the folder of the server', { skip }, async () => {
  const marks = ['CANARIO', 'uno.mp4', 'tres.txt', '+10.4607'].map((s) => Buffer.from(s));
  let files = 0;
  for (const e of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!e.isFile()) continue;
    files++;
    const b = await readFile(join(e.parentPath, e.name));
    for (const m of marks) assert.equal(b.indexOf(m), -1, `${e.name} holds ${m}`);
  }
  assert.ok(files >= 5, `only ${files} files were looked at`);
});
