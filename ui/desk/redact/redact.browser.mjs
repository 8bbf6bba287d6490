// A face is covered in the desk, by mouse and by keyboard, in a photo and in a
// video of the exercise; the edition then holds the covered copies only.
//   SIGHTLINE=... node test/browser.mjs redact
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { browserMissing, launch, ui } from '../../test/harness.mjs';
import { program, sightline, watch } from '../test/running.mjs';

const skip = browserMissing() ?? (!existsSync(program) ? `no program at ${program}: run "make build", or name one with SIGHTLINE` : false);
const axe = join(ui, 'node_modules/axe-core/axe.min.js');
let dir, home, server, browser, page, origin, photo, video;
const errors = [];
const desk = (f, arg) => page.evaluate(f, arg);

/** Builds the exercise as its README says, does the waiting jobs and serves it. */
before(async () => {
  if (skip) return;
  dir = await mkdtemp(join(tmpdir(), 'sightline-redact-'));
  const run = async (...args) => {
    const r = await sightline(...args);
    assert.equal(r.status, 0, args.join(' ') + '\n' + r.text);
  };
  await run('exercise', '--seed', '5', '--size', 'small', '-o', join(dir, 'x'));
  const at = join(dir, 'x', 'case');
  home = join(at, 'ejercicio');
  await run('new', home, '--title', 'EXERCISE Loma Candil', '--prefix', 'EX', '--zone', 'America/Caracas', '--lang', 'en,es', '--date', '2019-05-10');
  await run('scene', 'build', join(at, 'scene.json'), '-o', join(at, 'scene'));
  await run('add', '--case', home, '--as', 'scene', '--reason', 'exercise', join(at, 'scene'));
  await run('add', '--case', home, '--reason', 'exercise', join(at, 'media'));
  await run('add', '--case', home, '--as', 'records', '--map', join(at, 'records.map.json'), '--reason', 'exercise', join(at, 'records.csv'));
  await run('add', '--case', home, '--as', 'document', '--reason', 'exercise', join(at, 'case.json'));
  await run('work', '--case', home, '--until-idle');
  server = spawn(program, ['serve', home, '--addr', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
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
  browser = await launch();
  page = await (await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'en', reducedMotion: 'reduce' })).newPage();
  watch(page, errors);
  page.setDefaultTimeout(30_000);
  await page.goto(url);
  await page.waitForFunction(() => location.pathname === '/' && !!window.sightline);
  origin = new URL(page.url()).origin;
  await page.goto(`${origin}/?q=low#v1&case=ejercicio&view=library`);
  await page.waitForFunction(() => !!window.sightline?.desk.doc);
  ({ photo, video } = await desk(() => {
    const of = (media) => sightline.desk.doc.items.find((i) => i.media === media && sightline.desk.copy(i.id, media === 'video' ? 'proxy' : 'preview')).id;
    return { photo: of('photo'), video: of('video') };
  }));
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

const section = () => page.locator('.insp').getByRole('region', { name: 'Faces and redaction' });
const dialog = () => page.locator('dialog.redact');
async function open(id) {
  await desk((x) => sightline.desk.select(x), id);
  await section().getByRole('button', { name: 'Redact…' }).click();
  await dialog().locator('svg').first().waitFor();
}
const made = () => section().getByText('The copy for the public is made.').waitFor({ timeout: 60_000 });
const redactions = (id) => desk((x) => structuredClone(sightline.desk.items.get(x).redactions ?? []), id);

test('a region is drawn, moved with keys, taken back, shown as covered, and saved as one edit', { skip }, async () => {
  await open(photo);
  await dialog().getByRole('button', { name: 'Rectangle' }).click();
  const box = await dialog().locator('.rd-stage').boundingBox();
  const to = (x, y) => page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 4 });
  await to(0.3, 0.3);
  await page.mouse.down();
  await to(0.5, 0.6);
  await page.mouse.up();
  const shape = dialog().locator('polygon[data-id=R1]');
  await shape.waitFor();
  assert.ok(await shape.evaluate((e) => e === document.activeElement), 'the new region has the focus');
  const drawn = await shape.getAttribute('points');
  assert.match(drawn, /^(299|300|301)/);
  await page.keyboard.press('Shift+ArrowRight');
  assert.match(await shape.getAttribute('points'), /^(349|350|351)/, 'a key moves it');
  await dialog().getByRole('button', { name: 'Take back' }).click();
  assert.equal(await shape.getAttribute('points'), drawn);
  await dialog().getByRole('button', { name: 'Do again' }).click();
  assert.match(await shape.getAttribute('points'), /^(349|350|351)/);
  await dialog().getByRole('button', { name: 'Show as covered' }).click();
  assert.equal(await shape.evaluate((e) => getComputedStyle(e).fill), 'rgb(0, 0, 0)');
  const why = dialog().getByRole('group', { name: 'Why (shown to readers)' });
  await why.getByLabel('English').fill('A face');
  await why.getByLabel('Spanish').fill('Un rostro');
  await page.evaluate((await readFile(axe, 'utf8')) + ';0');
  const faults = await desk(async () => (await window.axe.run('dialog.redact', { resultTypes: ['violations'] })).violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' ').slice(0, 400)));
  assert.deepEqual(faults, []);
  await page.keyboard.press('Control+Enter');
  await dialog().waitFor({ state: 'detached' });
  const [r] = await redactions(photo);
  assert.deepEqual([r.kind, r.shape, r.keys.length, r.reason], ['region', 'rect', 1, { en: 'A face', es: 'Un rostro' }]);
  await made();

  // One step of the desk's own undo takes all of it back, and doing it again finds the copy that was made.
  await page.keyboard.press('Control+z');
  await page.waitForFunction((x) => !sightline.desk.items.get(x).redactions?.length, photo);
  await page.keyboard.press('Control+Shift+z');
  await page.waitForFunction((x) => sightline.desk.items.get(x).redactions?.length === 1, photo);
  await made();
  await open(photo);
  await dialog().getByRole('button', { name: 'Copy for the public' }).click();
  await dialog().getByAltText('Redacted copy of ' + photo).waitFor();
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
});

test('a video: positions at the playhead and a silent stretch, without the mouse', { skip }, async () => {
  await open(video);
  const button = dialog().getByRole('button', { name: 'Rectangle' });
  await button.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  const shape = dialog().locator('polygon[data-id=R1]');
  await shape.waitFor();
  const seek = dialog().getByLabel('Position in the video');
  await page.waitForFunction(() => Number(document.querySelector('dialog.redact input.seek').max) > 500);
  await seek.fill('400');
  await shape.focus();
  await page.keyboard.press('Shift+ArrowLeft');
  await page.keyboard.press('Alt+Shift+ArrowUp');
  await seek.fill('200');
  const middle = (await shape.getAttribute('points')).split(',')[0];
  assert.ok(middle > 350 && middle < 400, `between two positions it glides: ${middle}`);
  await dialog().getByRole('button', { name: 'Part of the sound' }).first().click();
  const from = dialog().getByLabel('From');
  await from.fill('0:00.10');
  await dialog().getByLabel('To', { exact: true }).fill('nonsense');
  await dialog().getByText('Write a media time such as 0:04.20.').waitFor();
  await dialog().getByLabel('To', { exact: true }).fill('0:00.50');
  await dialog().getByLabel('To', { exact: true }).press('Tab');
  await dialog().getByRole('group', { name: 'Caption in its place' }).getByLabel('Spanish').fill('Un nombre');
  await dialog().getByRole('button', { name: /^Save/ }).click();
  await dialog().waitFor({ state: 'detached' });
  const [region, sound] = await redactions(video);
  assert.deepEqual(region.keys.map((k) => k.at_ms), [0, 400]);
  assert.deepEqual([sound.kind, sound.from_ms, sound.to_ms, sound.caption], ['range', 100, 500, { es: 'Un nombre' }]);
  await made();
});

test('what is typed is asked for before it goes, and the editor speaks Spanish', { skip }, async () => {
  await open(photo);
  await dialog().getByRole('button', { name: 'Polygon' }).click();
  await dialog().getByRole('button', { name: 'Polygon' }).click();
  await dialog().locator('polygon[data-id=R2]').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Lose it and go on' }).click();
  await dialog().waitFor({ state: 'detached' });
  assert.equal((await redactions(photo)).length, 1);
  await page.evaluate(() => localStorage.setItem('sightline.lang', 'es'));
  await page.reload();
  await page.waitForFunction(() => !!window.sightline?.desk.doc);
  await desk((x) => sightline.desk.select(x), photo);
  await page.locator('.insp').getByRole('button', { name: 'Tachar…' }).click();
  await dialog().getByText('nunca se difumina').waitFor();
  await page.keyboard.press('Escape');
  await page.evaluate(() => localStorage.setItem('sightline.lang', 'en'));
});

test('the edition holds the covered copies and nothing else of these items', { skip }, async () => {
  const sums = await desk(({ photo, video }) => {
    const d = sightline.desk;
    return [photo, video].flatMap((id) => [d.items.get(id).sha256, ...d.derivatives.get(id).filter((x) => !x.role.startsWith('redacted-')).map((x) => x.sha256)]);
  }, { photo, video });
  assert.ok(sums.length > 5);
  // The exercise names its files in the titles; of what is redacted that would tell who holds the file.
  const told = await sightline('publish', '--case', home, '--dry');
  assert.match(told.text, /tell the name of its file/);
  for (const id of [photo, video]) assert.ok(await desk((x) => sightline.desk.change('A title', 'item', x, (i) => (i.title = { en: 'A picture of the exercise', es: 'Una imagen del ejercicio' })), id));
  const r = await sightline('publish', '--case', home);
  assert.equal(r.status, 0, r.text);
  const edition = join(home, 'editions', 'v1');
  for (const f of await readdir(edition, { recursive: true, withFileTypes: true })) {
    if (!f.isFile()) continue;
    const b = await readFile(join(f.parentPath, f.name), 'latin1');
    for (const s of sums) assert.ok(!b.includes(s) && !f.name.includes(s), `${f.name} tells ${s}`);
  }
  const jpeg = await readFile(join(edition, 'm', `${photo}-preview.jpg`), 'base64');
  const light = await desk(async (data) => {
    const img = new Image();
    img.src = 'data:image/jpeg;base64,' + data;
    await img.decode();
    const c = document.createElement('canvas');
    [c.width, c.height] = [img.naturalWidth, img.naturalHeight];
    const g = c.getContext('2d');
    g.drawImage(img, 0, 0);
    const most = (x, y, w, h) => g.getImageData(x * c.width, y * c.height, w * c.width, h * c.height).data.reduce((m, v, k) => (k % 4 === 3 ? m : Math.max(m, v)), 0);
    return { covered: most(0.36, 0.31, 0.18, 0.28), rest: most(0.7, 0.05, 0.2, 0.2) };
  }, jpeg);
  assert.ok(light.covered <= 3, `a covered pixel has ${light.covered}`);
  assert.ok(light.rest > 60);
  assert.ok(existsSync(join(edition, 'm', `${video}-captions-es.vtt`)) && existsSync(join(edition, 'm', `${video}-proxy.mp4`)));
  const page1 = await readFile(join(edition, 'e', `${photo}.es.html`), 'utf8');
  assert.match(page1, /Copia tachada/);
  assert.match(page1, /Un rostro/);
  assert.deepEqual(errors, []);
});
