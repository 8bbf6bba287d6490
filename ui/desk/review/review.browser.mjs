// Two people of a team, each in a browser of their own with a passkey (a
// virtual authenticator of the browser), take one item of the exercise from
// collected to verified: they disagree once and resolve it.
//   node test/browser.mjs review
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from '../../test/harness.mjs';
import { given, program, sightline, skip as none, watch } from '../test/running.mjs';

const skip = none || (given ? 'a desk of a team is started by this test itself' : false);
let dir, server, browser, origin, people;
const caseId = 'ejercicio';
const errors = [];

before(async () => {
  if (skip) return;
  dir = await mkdtemp(join(tmpdir(), 'sightline-review-'));
  people = join(dir, 'people.json');
  // The exercise, built as its README says; only the pictures, because nothing here plays.
  const run = (cwd, ...args) => new Promise((done, failed) => execFile(program, args, { cwd, env: { ...process.env, SIGHTLINE_HOME: join(dir, 'home') } }, (e, out, err) => (e ? failed(new Error(out + err)) : done(out))));
  await run(dir, 'exercise', '-o', 'ex', '--size', 'small', '--no-video');
  const at = join(dir, 'ex', 'case');
  await run(at, 'new', 'ejercicio', '--title', 'EXERCISE Loma Candil', '--prefix', 'EX', '--zone', 'America/Caracas', '--lang', 'en,es', '--date', '2019-05-10');
  await run(at, 'scene', 'build', 'scene.json', '-o', 'scene');
  for (const more of [['--as', 'scene', 'scene'], ['media'], ['--as', 'records', '--map', 'records.map.json', 'records.csv'], ['--as', 'document', 'case.json']]) await run(at, 'add', '--case', 'ejercicio', '--reason', 'exercise', ...more);
  server = spawn(program, ['serve', join(at, 'ejercicio'), '--addr', '127.0.0.1:0', '--people', people, '--no-work'], { env: { ...process.env, SIGHTLINE_HOME: join(dir, 'home') }, stdio: ['ignore', 'pipe', 'pipe'] });
  origin = await new Promise((found, failed) => {
    let said = '';
    const hear = (b) => {
      said += b;
      const m = /desk\s+(http:\/\/localhost:\d+)\//.exec(said);
      if (m) found(m[1]);
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    server.on('exit', (c) => failed(new Error(`the desk ended with status ${c}: ${said}`)));
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  if (server) {
    server.removeAllListeners('exit');
    await new Promise((done) => (server.once('exit', done), server.kill('SIGINT')));
  }
  if (dir) await rm(dir, { recursive: true, force: true });
});

/** A browser of a new person, let in by an invitation and a passkey. */
async function enter(name, path) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'en', reducedMotion: 'reduce' });
  const page = await context.newPage();
  watch(page, errors);
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  await page.goto(origin + path);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Make a passkey and join' }).click();
  await page.waitForFunction(() => !location.hash.startsWith('#join') && !!window.sightline?.desk.cases?.length);
  return page;
}
const view = async (p) => {
  await p.goto('about:blank');
  await p.goto(`${origin}/?q=low#v1&case=${caseId}&view=review`);
  await p.locator('.reviewing [role=tab]').first().waitFor();
};
async function choose(p, item, question) {
  await p.getByRole('tab', { name: 'All answers' }).click();
  await p.getByLabel('Item id').fill(item);
  await p.locator('.rv-pick select').selectOption({ label: question });
  await p.locator('.rv-pick button').click();
}
const state = (p) => p.locator('.rv-question .rv-state');

test('from collected to verified, with one disagreement', { skip }, async () => {
  const invited = await sightline('people', 'invite', '--people', people, '--case', caseId, '--role', 'owner', '--sources', 'Ana Ruiz');
  assert.equal(invited.status, 0, invited.text);
  const ana = await enter('Ana Ruiz', invited.text.trim());
  await view(ana);

  // Ana invites Ben in the desk; the link works once.
  await ana.getByRole('tab', { name: 'People' }).click();
  await ana.locator('.rv-invite').getByLabel('Name', { exact: true }).fill('Ben Diaz');
  await ana.locator('.rv-invite select').selectOption('reviewer');
  await ana.getByRole('button', { name: 'Invite', exact: true }).click();
  const link = new URL((await ana.locator('code.invite').textContent()).trim());
  const ben = await enter('Ben Diaz', link.pathname + link.hash);
  const again = await browser.newPage();
  await again.goto(origin + link.pathname + link.hash);
  await again.getByLabel('Your name').fill('Somebody');
  await again.getByRole('button', { name: 'Make a passkey and join' }).click();
  await again.getByRole('alert').filter({ hasText: 'invitation' }).waitFor();
  await again.close();

  const item = await ana.evaluate(() => sightline.desk.doc.items.find((i) => i.held).id);

  // Ana answers, and asks Ben in the same step.
  await view(ana);
  await choose(ana, item, 'place');
  await ana.getByRole('button', { name: 'Answer this question' }).last().click();
  const form = ana.locator('form.answer');
  await form.getByRole('button', { name: 'Submit the answer' }).click();
  await form.getByText('could not be read').waitFor();
  await form.getByLabel('solved it again').check();
  await form.getByLabel('Position', { exact: true }).fill('4321.5 -10 m');
  await form.getByLabel('95 % radius in metres').fill('4');
  await form.getByLabel('Ben Diaz').check();
  await form.getByRole('button', { name: 'Submit the answer' }).click();
  await state(ana).filter({ hasText: 'one answer' }).waitFor();

  // Ben is sent nothing of it, by any answer of the server.
  const seen = [];
  ben.on('response', async (r) => r.url().includes('/api/') && !r.url().includes('/events') && seen.push(await r.text().catch(() => '')));
  await view(ben);
  await ben.locator('.rv-list .rv', { hasText: item }).click();
  await ben.getByText('You answer blind').waitFor();
  await ben.waitForTimeout(300);
  assert.ok(seen.length > 3 && !seen.some((s) => s.includes('4321.5')), 'the first answer was sent to the blind reviewer');
  assert.equal(await ben.locator('.rv-side').count(), 0);
  await ben.getByLabel('solved it again').check();
  await ben.getByLabel('watched the original again').check();
  await ben.getByLabel('Position', { exact: true }).fill('4381.5 -10 m');
  await ben.getByLabel('95 % radius in metres').fill('4');
  await ben.getByRole('button', { name: 'Submit the answer' }).click();
  await state(ben).filter({ hasText: 'disputed' }).waitFor();
  await ben.getByText('60.0 m apart').first().waitFor();
  // Now both are side by side.
  await ben.locator('.rv-side section').nth(1).waitFor();
  assert.match(await ben.locator('.rv-side').textContent(), /4321\.5.*4381\.5/s);
  await ben.getByLabel('Comment', { exact: true }).fill('Is point 4 the left corner? <img src=x onerror=alert(1)>');
  await ben.getByRole('button', { name: 'Send' }).click();

  // Ana sees it come, finds her mistake, and says what it was.
  await state(ana).filter({ hasText: 'disputed' }).waitFor();
  await ana.locator('.rv-talk', { hasText: 'left corner' }).waitFor();
  assert.equal(await ana.locator('.rv-talk img').count(), 0, 'a comment is text');
  await ana.getByRole('button', { name: 'Answer this question' }).last().click();
  await form.getByLabel('solved it again').check();
  await form.getByLabel('Position', { exact: true }).fill('4380 -9 m');
  await form.getByLabel('95 % radius in metres').fill('4');
  await form.getByRole('button', { name: 'Submit the answer' }).click();
  await form.getByText('Say what was wrong').waitFor();
  await form.getByLabel('What was wrong').fill('Point 4 was the right corner.');
  await form.getByRole('button', { name: 'Submit the answer' }).click();
  await state(ana).filter({ hasText: 'verified' }).waitFor();
  await ana.locator('.rv-question', { hasText: 'They disagreed at first' }).waitFor();
  await state(ben).filter({ hasText: 'verified' }).waitFor();
  // The state is of the server's report; the item comes on its own way.
  await ana.waitForFunction((id) => sightline.desk.items.get(id).axes.place.status === 'verified', item);
  const axis = await ana.evaluate((id) => sightline.desk.items.get(id).axes.place, item);
  assert.deepEqual([axis.status, axis.by, axis.blind], ['verified', ['Ana Ruiz', 'Ben Diaz'], true]);

  // No hand sets it, and a change of an input takes it away.
  const refused = await ana.evaluate(async (id) => {
    const d = sightline.desk;
    const v = structuredClone(d.items.get(id));
    v.axes.time.status = 'verified';
    const r = await fetch(`/api/cases/${d.caseId}/edits`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ label: 'x', commands: [{ op: 'put', kind: 'item', id, rev: d.revs['item/' + id], value: v }] }) });
    return [r.status, (await r.json()).detail];
  }, item);
  assert.equal(refused[0], 422);
  assert.match(refused[1], /cannot be set to verified by hand/);
  await ana.evaluate((id) => sightline.desk.change('an input changed', 'item', id, (i) => (i.facts = [...(i.facts ?? []), { field: 'EXIF:Model', value: 'other' }])), item);
  await state(ana).filter({ hasText: 'needs re-review' }).waitFor();
  await ana.waitForFunction((id) => sightline.desk.items.get(id).axes.place.status === 'estimated', item);
});

test('claims and gaps: a computed gap becomes a request by one click, with keys', { skip }, async () => {
  const [ana] = browser.contexts().map((c) => c.pages()[0]);
  // Something happened at a known place and time, and no camera is known to have seen it.
  const put = await ana.evaluate(async (c) => {
    const at = Date.parse('2019-05-10T15:00:00Z');
    const value = { title: { en: 'A bang', es: 'Un estallido' }, times: [{ min: at, max: at + 120_000 }], places: [{ role: 'subject', form: 'point', enu: [1, 2, 0] }] };
    return (await fetch(`/api/cases/${c}/edits`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ label: 'x', commands: [{ op: 'new', kind: 'event', value }] }) })).status;
  }, caseId);
  assert.equal(put, 200);
  await view(ana);
  await ana.getByRole('tab', { name: 'Waiting for me' }).focus();
  for (let i = 0; i < 3; i++) await ana.keyboard.press('ArrowRight');
  await ana.locator('.rv-gaps li').first().waitFor();
  const n = await ana.evaluate(() => sightline.desk.doc.gaps.length);
  await ana.locator('.rv-gaps li').first().getByRole('button', { name: 'Make it a request' }).click();
  await ana.waitForFunction((k) => sightline.desk.doc.gaps.length === k + 1, n);
  const gap = await ana.evaluate(() => sightline.desk.doc.gaps.at(-1));
  assert.ok(gap.asked.en && gap.asked.es && gap.public === false, JSON.stringify(gap));
  await ana.getByRole('tab', { name: 'Claims' }).click();
  await ana.locator('.rv-claim').first().waitFor();
  if (process.env.SHOTS) await ana.screenshot({ path: join(process.env.SHOTS, 'review-claims.png') });
  await ana.getByRole('tab', { name: 'All answers' }).click();
  await ana.locator('.rv-list .rv').first().click();
  await ana.locator('.rv-side section').nth(1).waitFor();
  if (process.env.SHOTS) await ana.screenshot({ path: join(process.env.SHOTS, 'review-side.png') });
  await ana.locator('button.lang').click();
  await ana.getByRole('tab', { name: 'Todas las respuestas' }).waitFor();
  assert.doesNotMatch(await ana.locator('.reviewing').textContent(), /\[[a-z_.]+\]/, 'a string is missing');
});

test('out and in again by the passkey; nothing else lets in', { skip }, async () => {
  const [ana] = browser.contexts().map((c) => c.pages()[0]);
  await ana.getByRole('tab', { name: 'Personas' }).click();
  await ana.getByRole('button', { name: 'Salir' }).click();
  await ana.getByRole('button', { name: 'Entrar con una clave de acceso' }).waitFor();
  assert.equal(await ana.evaluate(async () => (await fetch('/api/cases')).status), 401);
  await ana.getByRole('button', { name: 'Entrar con una clave de acceso' }).click();
  await ana.waitForFunction(() => !!window.sightline?.desk.cases?.length);
  const audit = await sightline('people', 'audit', '--people', people);
  assert.equal(audit.status, 0, audit.text);
  assert.match(audit.text, /sign-out.*sign-in/s);
  assert.deepEqual(errors.filter((e) => !/40[13]|422/.test(e)), []);
});
