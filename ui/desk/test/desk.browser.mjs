// What a person does in the desk, in a real browser against a running one:
//   SIGHTLINE_URL='http://127.0.0.1:8080/open?token=...' node test/browser.mjs desk
// It needs the case El Junquito. Without the address it is skipped.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const url = process.env.SIGHTLINE_URL;
const chrome = process.env.CHROMIUM ?? '/usr/bin/chromium';
const skip = !url ? 'SIGHTLINE_URL is not set' : !existsSync(chrome) ? 'there is no ' + chrome : false;
const CASE = 'el-junquito';
let browser, context, page, origin;
const errors = [];

async function open(hash, p = page) {
  await p.goto('about:blank');
  await p.goto(`${origin}/?q=low${hash}`);
  await p.waitForFunction(() => !!window.sightline?.desk.doc);
}
const link = (rest) => `#v1&case=${CASE}&${rest}`;
const shown = (p = page) => p.evaluate(() => ({ sel: window.sightline.desk.sel, view: window.sightline.desk.view, now: window.sightline.desk.clock.get(), hash: location.hash }));

before(async () => {
  if (skip) return;
  browser = await chromium.launch({ executablePath: chrome, args: ['--no-sandbox', '--disable-dev-shm-usage', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] });
  context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'en', reducedMotion: 'reduce' });
  page = await context.newPage();
  page.on('pageerror', (e) => errors.push(e.message));
  page.on('console', (m) => m.type() === 'error' && /Content Security Policy/.test(m.text()) && errors.push(m.text()));
  await page.goto(url);
  origin = new URL(page.url()).origin;
});
after(async () => browser?.close());

test('a deep link restores item, view and playhead; the inspector answers in order', { skip }, async () => {
  await open(link('view=place&sel=EJ-016&t=2018-01-15T13:07:00Z'));
  await page.locator('.insp .sec.top h2', { hasText: 'EJ-016' }).waitFor();
  assert.equal(await page.locator('input.now').inputValue(), '09:07:00');
  const heads = await page.locator('.insp .sec h3 > span:first-child').allTextContents();
  const wanted = ['What is seen or heard', 'When', 'Where', 'Source', 'Evidence for and against', 'What was done to it'];
  assert.deepEqual(heads.filter((h) => wanted.includes(h)), wanted);
  await page.locator('.custody li').first().waitFor();
  await page.locator('.insp .why').first().click();
  assert.ok((await page.locator('.insp .reason').first().textContent()).trim().length > 10, '"why" opens no reason');
});

test('the whole interface changes language', { skip }, async () => {
  await page.locator('.bar .lang').click();
  await page.locator('html[lang=es]').waitFor();
  assert.match(await page.locator('.bar nav').textContent(), /Biblioteca.*Lugar y tiempo.*Versiones.*Relato.*Publicar/s);
  assert.equal(await page.locator('text=/\\[[a-z_]+\\.[a-z_.]+\\]/').count(), 0, 'a string is missing');
  await page.locator('.bar .lang').click();
  await page.locator('html[lang=en]').waitFor();
});

test('the palette finds an item and opens it', { skip }, async () => {
  await page.keyboard.press('Control+K');
  await page.locator('dialog.palette input').fill('#EJ-024');
  await page.keyboard.press('Enter');
  await page.locator('.insp .sec.top h2', { hasText: 'EJ-024' }).waitFor();
  assert.equal((await shown()).sel, 'EJ-024');
});

test('typing a time moves the playhead; back and forward return', { skip }, async () => {
  const box = page.locator('input.now');
  await box.fill('0907');
  await box.press('Enter');
  assert.equal((await shown()).now, Date.parse('2018-01-15T13:07:00Z'));
  await box.fill('99');
  await box.press('Enter');
  await page.locator('.time .fault').waitFor();
  await box.press('Escape');
  await page.keyboard.press('Control+K');
  await page.locator('dialog.palette input').fill('#EJ-010');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.hash.includes('sel=EJ-010'));
  await page.goBack();
  await page.waitForFunction(() => window.sightline.desk.sel === 'EJ-024');
});

test('library: words and facets narrow it, keys move in it, X chooses', { skip }, async () => {
  await open(link('view=library'));
  const all = await page.evaluate(() => window.sightline.desk.sorted.length);
  assert.ok(all > 60);
  await page.locator('.nav input[type=search]').fill('rocket');
  await page.waitForFunction((n) => window.sightline.desk.sorted.length < n && window.sightline.desk.sorted.length > 0, all);
  await page.locator('.nav input[type=search]').fill('');
  await page.locator('.facet label').first().click();
  await page.waitForFunction((n) => window.sightline.desk.sorted.length < n, all);
  assert.ok(decodeURIComponent((await shown()).hash).includes('media=') || (await page.waitForFunction(() => location.hash.includes('media='), null, { timeout: 3000 })));
  await page.locator('.facet label').first().click();
  await page.locator('.library .card').first().click();
  const first = (await shown()).sel;
  await page.locator('.library .grid .virtual').focus();
  await page.keyboard.press('ArrowRight');
  const second = (await shown()).sel;
  assert.notEqual(second, first);
  await page.keyboard.press('x');
  assert.equal(await page.evaluate(() => window.sightline.desk.chosen.size), 1);
  await page.keyboard.press('Escape');
});

test('a time entered by hand becomes an edit, undo takes it back, another tab sees both', { skip }, async () => {
  await open(link('view=place&sel=EJ-029'));
  const other = await context.newPage();
  await open(link('view=place&sel=EJ-029'), other);
  await other.waitForFunction(() => window.sightline.desk.online === true);
  const value = (p) => p.evaluate(() => JSON.stringify(window.sightline.desk.items.get('EJ-029').times[0]));
  const was = await value(page);
  await page.getByRole('button', { name: 'Edit: When' }).click();
  const inputs = page.locator('.insp form.edit input.mono');
  await inputs.nth(1).fill('11:25');
  await inputs.nth(3).fill('11:35');
  await page.locator('.insp form.edit select').first().selectOption('interval');
  await inputs.nth(4).fill('');
  await page.locator('.insp form.edit button[type=submit]').click();
  await page.locator('.insp form.edit').waitFor({ state: 'detached' });
  assert.equal(JSON.parse(await value(page)).min, Date.parse('2018-01-15T15:25:00Z'));
  await other.waitForFunction((t) => window.sightline.desk.items.get('EJ-029').times[0].min === t, Date.parse('2018-01-15T15:25:00Z'));
  await page.locator('.time .head').click({ position: { x: 2, y: 2 } });
  await page.keyboard.press('Control+z');
  await page.waitForFunction((w) => JSON.stringify(window.sightline.desk.items.get('EJ-029').times[0]) === w, was);
  await other.waitForFunction((w) => JSON.stringify(window.sightline.desk.items.get('EJ-029').times[0]) === w, was);
  await other.close();
});

test('an edit on an old revision keeps what was typed and asks', { skip }, async () => {
  await open(link('view=place&sel=EJ-036'));
  await page.getByRole('button', { name: 'Edit: Source' }).click();
  const tags = page.locator('.insp form.edit input').last();
  await tags.fill('first-tab');
  // Somebody else is faster, and this tab does not hear of it.
  await page.evaluate(async (c) => {
    const d = window.sightline.desk;
    const revs = await (await fetch(`/api/cases/${c}/revs`)).json();
    const value = { ...d.items.get('EJ-036'), notes: 'x' + Date.now() };
    const apply = d.refresh;
    d.refresh = () => Promise.resolve();
    await fetch(`/api/cases/${c}/edits`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ label: 'other', commands: [{ op: 'put', kind: 'item', id: 'EJ-036', rev: revs['item/EJ-036'], value }] }) });
    await new Promise((r) => setTimeout(r, 800));
    d.refresh = apply;
  }, CASE);
  await page.locator('.insp form.edit button[type=submit]').click();
  await page.locator('dialog .clash').waitFor();
  assert.match(await page.locator('dialog .clash').textContent(), /first-tab/);
  await page.getByRole('button', { name: 'Put my change on the newest version' }).click();
  await page.waitForFunction(() => window.sightline.desk.items.get('EJ-036').tags?.includes('first-tab') && window.sightline.desk.items.get('EJ-036').notes);
  await page.keyboard.press('Control+z');
  await page.waitForFunction(() => !window.sightline.desk.items.get('EJ-036').tags?.includes('first-tab'));
});

test('accounts: a contradicted pair opens both sides and where they meet', { skip }, async () => {
  await open(link('view=accounts'));
  await page.locator('.cmp-group', { hasText: 'Contradicted' }).waitFor();
  await page.locator('.cmp-row .claim .text').first().click();
  await page.locator('.insp h3', { hasText: 'Who says so' }).waitFor();
  assert.ok((await page.evaluate(() => window.sightline.desk.pair)) !== null);
});

test('story: steps play, carry the playhead, and a view is captured, deleted and brought back', { skip }, async () => {
  await open(link('view=story&step=0'));
  await page.locator('.story-body h2').waitFor();
  const before = (await shown()).now;
  await page.locator('.story-pane').focus();
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => window.sightline.desk.step === 1);
  await page.waitForFunction((t) => window.sightline.desk.clock.get() !== t, before);
  const steps = () => page.evaluate(() => window.sightline.desk.story.steps.length);
  const n = await steps();
  await page.getByRole('button', { name: 'Capture this view' }).click();
  await page.waitForFunction((k) => window.sightline.desk.story.steps.length === k + 1, n);
  const view = await page.evaluate(() => window.sightline.desk.story.steps[window.sightline.desk.step].view);
  assert.ok(Number.isFinite(view.clock));
  await page.getByRole('button', { name: 'Delete the step' }).click();
  await page.waitForFunction((k) => window.sightline.desk.story.steps.length === k, n);
  await page.locator('.banner button', { hasText: 'Undo' }).click();
  await page.waitForFunction((k) => window.sightline.desk.story.steps.length === k + 1, n);
  await page.evaluate(async () => { await window.sightline.desk.undo(); });
  assert.equal(await steps(), n);
});

test('nothing is wider than the window at the four sizes, in both languages', { skip, timeout: 120000 }, async () => {
  for (const [width, height] of [[1366, 768], [1920, 1080], [768, 1024], [360, 740]]) {
    const c = await browser.newContext({ viewport: { width, height }, locale: width === 768 ? 'es' : 'en', storageState: await context.storageState() });
    const p = await c.newPage();
    for (const view of ['library', 'place', 'accounts', 'story', 'publish']) {
      await open(link(`view=${view}&sel=EJ-016`), p);
      await p.waitForFunction(() => !!window.sightline.desk.doc);
      const wide = await p.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(wide, false, `${view} at ${width} x ${height}`);
    }
    await c.close();
  }
});

test('no error and no breach of the content policy was seen', { skip }, () => assert.deepEqual(errors, []));
