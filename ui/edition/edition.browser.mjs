// A stranger with a published edition: over HTTP and from a folder, with and
// without JavaScript, on a desk screen and on a phone. The edition is the
// demonstration's, built by the program under test.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launch, open, serve, ui } from '../test/harness.mjs';

const program = process.env.SIGHTLINE ?? resolve(ui, '../bin/sightline');
const axeSource = readFileSync(join(ui, 'node_modules/axe-core/axe.min.js'), 'utf8');
const skip = existsSync(program) ? false : `no program at ${program}: run make build`;
let dir, edition, browser, site;

before(async () => {
  if (skip) return;
  dir = mkdtempSync(join(tmpdir(), 'sightline-edition-'));
  const r = spawnSync(program, ['demo', '--build', '--dir', dir], { encoding: 'utf8', env: { ...process.env, SIGHTLINE_HOME: join(dir, 'home') } });
  assert.equal(r.status, 0, r.stdout + r.stderr);
  edition = join(dir, 'el-junquito/editions/v1');
  browser = await launch();
  site = await serve({}, { folders: { '/v1/': edition } });
});
after(async () => {
  await browser?.close();
  await site?.close();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const check = (...args) => spawnSync(program, ['check', ...args], { encoding: 'utf8', env: { ...process.env, SIGHTLINE_HOME: join(dir, 'home') } });

/** One page of each kind. */
const pages = ['index', 'story', 's/7', 'claims', 'c/C-01', 'items', 'e/EJ-024', 'gaps', 'g/G-01', 'timeline', 'explore', 'method', 'corrections', 'verify'];

test('every kind of page: no fault, no other host, no sideways scroll, axe', { skip }, async () => {
  // The phone reads English and the desk Spanish: each page is seen in both languages and at both widths once.
  for (const [width, ending] of [[320, '.html'], [1366, '.es.html']]) {
    const { page, faults, close } = await open(browser, `${site.url}v1/index${ending}`, { width, height: 740, bypassCSP: true });
    for (const p of pages) {
      await page.goto(`${site.url}v1/${p}${ending}`);
      assert.deepEqual(faults, [], `${p} at ${width}`);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(over, 0, `${p} at ${width} px scrolls sideways by ${over}`);
      assert.equal(await page.evaluate(() => document.documentElement.lang), ending === '.html' ? 'en' : 'es');
      await page.evaluate(axeSource);
      const found = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }).then((r) => r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes[0].html}`)));
      assert.deepEqual(found, [], `${p} at ${width}`);
    }
    await close();
  }
});

test('the story is readable without JavaScript, page by page, and small', { skip }, async () => {
  const ctx = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } });
  const page = await ctx.newPage();
  let bytes = 0;
  page.on('response', async (r) => {
    bytes += (await r.body().catch(() => Buffer.alloc(0))).length;
  });
  await page.goto(`${site.url}v1/s/1.html`, { waitUntil: 'networkidle' });
  assert.ok(bytes < 150_000, `the first view of the story takes ${bytes} bytes`);
  for (let step = 1; ; step++) {
    const img = page.locator('figure img');
    assert.ok(((await img.getAttribute('alt')) ?? '').length > 10, `step ${step} has no alternative text`);
    assert.ok(await img.evaluate((i) => i.complete && i.naturalWidth > 0), `step ${step} has no still`);
    const next = page.locator('a[rel=next]');
    if ((await next.count()) === 0) {
      assert.equal(step, 12);
      break;
    }
    await next.click();
  }
  await ctx.close();
});

test('from a folder: pages, links and fonts work, and the scene opens', { skip }, async () => {
  const url = pathToFileURL(join(edition, 'explore.html')).href + '?q=low';
  const { page, faults, close } = await open(browser, url);
  await page.getByRole('button', { name: /Open the scene/ }).click();
  await page.waitForFunction(() => globalThis.sightline?.settled, null, { timeout: 60_000 });
  await page.evaluate(() => globalThis.sightline.settled);
  assert.equal(await page.locator('#stage canvas').count() > 0, true);
  assert.deepEqual(faults, []);
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, 'edition-explore.png') });
  await close();
});

test('a reader recomputes the digests in the browser; a changed byte is named', { skip }, async () => {
  const run = async () => {
    const { page, close } = await open(browser, `${site.url}v1/verify.html`);
    await page.getByRole('button', { name: 'Recompute all digests' }).click();
    await page.waitForSelector('#verify[data-verdict]', { timeout: 60_000 });
    const text = await page.locator('#verify').innerText();
    await close();
    return text;
  };
  const good = await run();
  assert.match(good, /All \d+ files are the ones/);
  assert.match(good, /\d\d items: the entry, its place in the log and the checkpoint hold together/);
  assert.match(good, /\d\d intervals and contradictions of the time network added up again/);
  assert.doesNotMatch(good, /do not|cannot check/);
  const victim = join(edition, 's/7.html');
  const was = readFileSync(victim);
  const bad = Buffer.from(was);
  bad[200] ^= 1;
  writeFileSync(victim, bad);
  try {
    assert.match(await run(), /s\/7\.html: changed/);
    const r = check(edition);
    assert.notEqual(r.status, 0);
    assert.match(r.stdout + r.stderr, /s\/7\.html/);
  } finally {
    writeFileSync(victim, was);
  }
  assert.equal(check(edition).status, 0);
});

test('sha256sum agrees with the list of digests', { skip }, () => {
  const r = spawnSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: edition, encoding: 'utf8' });
  assert.equal(r.status, 0, r.stdout + r.stderr);
  const size = (d) => readdirSync(d, { withFileTypes: true }).reduce((s, e) => s + (e.isDirectory() ? size(join(d, e.name)) : statSync(join(d, e.name)).size), 0);
  const scene = readdirSync(join(edition, 'scene')).filter((f) => !f.endsWith('.pack.js')).reduce((s, f) => s + statSync(join(edition, 'scene', f)).size, 0);
  const interactive = scene + ['a/scene.js', 'a/scene.css', 'a/page.js', 'data/document.json', 'explore.html'].reduce((s, f) => s + statSync(join(edition, f)).size, 0);
  assert.ok(interactive < 3_000_000, `the interactive scene takes ${interactive} bytes`);
  assert.ok(size(edition) < 60_000_000);
});
