// What an investigator does about time, on the small exercise that the program
// itself generates and serves (SIGHTLINE, or ../bin/sightline):
//   node test/browser.mjs desk/time
// Shots of every screen go to the folder SHOTS, where one is named.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, ui } from '../../test/harness.mjs';
import { program, skip as missing, watch } from '../test/running.mjs';

const skip = missing || (process.env.SIGHTLINE_URL ? 'this test makes its own case' : false);
const CASE = 'ejercicio';
const MIN = 60_000;
let dir, server, browser, context, page, origin, truth;
const errors = [];
const run = (args, cwd) => new Promise((ok, no) => execFile(program, args, { cwd, maxBuffer: 1 << 26 }, (e, out, err) => (e ? no(new Error(args.join(' ') + ': ' + err + out)) : ok(out))));

before(async () => {
  if (skip) return;
  dir = await mkdtemp(join(tmpdir(), 'sightline-time-'));
  await run(['exercise', '--size', 'small', '--seed', '1', '-o', join(dir, 'ex')]);
  truth = JSON.parse(await readFile(join(dir, 'ex', 'truth', 'truth.json'), 'utf8'));
  const cwd = join(dir, 'ex', 'case');
  await run(['new', CASE, '--title', 'EXERCISE Loma Candil', '--prefix', 'EX', '--zone', 'America/Caracas', '--lang', 'en,es', '--date', '2019-05-10'], cwd);
  await run(['scene', 'build', 'scene.json', '-o', 'scene'], cwd);
  await run(['add', '--case', CASE, '--as', 'scene', '--reason', 'exercise', 'scene'], cwd);
  await run(['add', '--case', CASE, '--reason', 'exercise', 'media'], cwd);
  await run(['add', '--case', CASE, '--as', 'records', '--map', 'records.map.json', '--reason', 'exercise', 'records.csv'], cwd);
  await run(['add', '--case', CASE, '--as', 'document', '--reason', 'exercise', 'case.json'], cwd);
  await run(['work', '--case', CASE, '--until-idle'], cwd);
  server = spawn(program, ['serve', join(cwd, CASE), '--addr', '127.0.0.1:0', '--no-work'], { stdio: ['ignore', 'pipe', 'pipe'] });
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
  context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'en', reducedMotion: 'reduce' });
  page = await context.newPage();
  watch(page, errors);
  await page.goto(url);
  await page.waitForFunction(() => location.pathname === '/' && !!window.sightline);
  origin = new URL(page.url()).origin;
  await page.goto(`${origin}/?q=low#v1&case=${CASE}&view=time`);
  await page.waitForFunction(() => !!window.sightline?.desk.doc);
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

const tab = (name) => page.getByRole('tab', { name }).click();
const network = () => page.evaluate(async (c) => (await fetch(`/api/cases/${c}/network`)).json(), CASE);
const doc = () => page.evaluate(async (c) => (await fetch(`/api/cases/${c}/document`)).json(), CASE);
const item = (file) => truth.sounds.concat(truth.videos).find((x) => x.file.startsWith(file));
const clock = (ms) => new Date(ms - 4 * 3_600_000).toISOString().slice(11, 23);
/** What an investigator would have typed into forms that other tests cover. */
const write = (label, commands) =>
  page.evaluate(async ([c, label, commands]) => {
    const r = await fetch(`/api/cases/${c}/edits`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ label, commands }) });
    const got = await r.json();
    if (!r.ok) throw new Error(got.detail);
    return got;
  }, [CASE, label, commands]);
const shot = async (name) => process.env.SHOTS && page.screenshot({ path: join(process.env.SHOTS, name + '.png') });

test('files say what their clocks showed; a clock is anchored by hand', { skip }, async () => {
  await tab('Clocks');
  const b = item('REC_B');
  const row = (id) => page.locator('.hyp', { hasText: id }).first();
  await row(b.item).getByRole('button', { name: 'Take into the case' }).click();
  await row(b.item).locator('.tag').waitFor();
  const v = item('VID_20190510_082344');
  await row(v.item).getByRole('button', { name: 'Take into the case' }).click();
  await row(v.item).locator('.tag').waitFor();
  // A radio time check beside each recorder, good to two seconds.
  for (const [x, shown, evidence] of [[b, '08:22:36', b.item], [v, '08:23:44', v.item]]) {
    const f = page.locator('form', { has: page.locator('h2', { hasText: 'Anchor a clock' }) });
    await f.locator('select').first().selectOption('clock:' + x.item);
    await f.getByLabel('It showed').fill(shown);
    await f.getByLabel('When it was really').fill(clock(x.utc_ms));
    await f.getByLabel('give or take, seconds').fill('2');
    await f.getByLabel('Evidence').selectOption(evidence);
    await f.getByRole('button', { name: 'Anchor it' }).click();
    await page.waitForFunction((id) => [...document.querySelectorAll('.clock')].some((c) => c.querySelector('.tag')?.textContent === id && !/unknown/.test(c.querySelector('h3').textContent)), x.item);
  }
  await shot('clocks');
  const n = await network();
  const at = n.report.views[0].bounds.find((q) => q.point === b.item + '.start');
  assert.ok(at.min <= b.utc_ms && b.utc_ms <= at.max && at.max - at.min <= 6000, 'the interval of the recorder does not hold the truth: ' + JSON.stringify(at));
});

test('the recordings are synchronised; two are heard on top of each other; refusals say why', { skip }, async () => {
  await tab('Tracks');
  await page.getByRole('button', { name: /^Synchronise all/ }).click();
  await page.locator('.pairs tbody tr').nth(5).waitFor();
  assert.ok((await page.locator('.pairs tr.accepted').count()) >= 4);
  assert.match(await page.locator('.pairs tbody tr:not(.accepted) td:nth-child(4)').first().textContent(), /[a-z]{4}/);
  // The runner-up is beside the peak.
  assert.equal(await page.locator('.pairs tr.accepted').first().locator('.peak').count(), 2);
  await page.locator('.pairs tr.accepted').first().locator('.peak button').first().click();
  await page.locator('.peak button[aria-pressed=true]').waitFor();
  await page.waitForFunction(() => !document.querySelector('.sync .fault'));
  await shot('sync');
  await page.locator('.peak button[aria-pressed=true]').click();
  await page.getByRole('button', { name: /^Keep \d facts and the finding/ }).click();
  await page.locator('.pairs').waitFor({ state: 'detached' });
  const d = await doc();
  assert.ok(d.findings.some((f) => f.method === 'sound.sync'));
  const [a, b, m] = [item('REC_A'), item('REC_B'), item('MOV')];
  for (const [x, y] of [[m, a], [m, b], [a, b]]) {
    const k = d.constraints.find((c) => (c.from === x.item + '.start' && c.to === y.item + '.start') || (c.from === y.item + '.start' && c.to === x.item + '.start'));
    if (!k) continue;
    const dt = k.from.startsWith(x.item) ? y.utc_ms - x.utc_ms : x.utc_ms - y.utc_ms;
    assert.ok(k.min <= dt && dt <= k.max, `${k.id} ${k.min}..${k.max} does not hold the true ${dt} ms`);
  }
});

test('one shot is linked over all recordings, and the groups are brought together by it', { skip }, async () => {
  await tab('Sounds');
  await page.getByRole('button', { name: 'Find sudden sounds' }).click();
  await page.locator('.sounds table tr').nth(3).waitFor();
  await tab('Tracks');
  // The playhead on the second shot of the video; its group is snapped to the other.
  const v = item('VID_20190510_082344');
  const start = await page.evaluate((id) => fetch(`/api/cases/ejercicio/network`).then((r) => r.json()).then((n) => n.clips.find((c) => c.item === id).start_ms), v.item);
  await page.evaluate(([id, t]) => { window.sightline.desk.select(id); window.sightline.desk.clock.seek(t); }, [v.item, start + 1000 * v.arrivals[1].at_s]);
  await page.getByRole('button', { name: 'Snap to sudden sound' }).click();
  await page.locator('.nudges', { hasText: 'tried' }).waitFor();
  await page.getByLabel('error in milliseconds').fill('600');
  await shot('tracks');
  await page.locator('.nudges').getByRole('button', { name: 'Keep' }).click();
  await page.locator('.nudges', { hasText: 'tried' }).waitFor({ state: 'detached' });
  await tab('Sounds');
  const second = page.locator('.sounds table tr', { hasText: v.item + ' ' + String(v.arrivals[1].at_s).slice(0, 3) }).first();
  await second.waitFor();
  const text = await second.textContent();
  for (const f of ['REC_A', 'REC_B', 'MOV']) assert.match(text, new RegExp(item(f).item), 'the second shot is not linked: ' + text);
});

test('a clip is dragged along the clock, rests where something meets, and goes back with Escape; both are heard', { skip }, async () => {
  await tab('Tracks');
  const v = item('VID_20190510_082344').item;
  await page.evaluate((id) => window.sightline.desk.select(id), v);
  const by = () => page.locator('.nudges').textContent().then((t) => Number((/([−+])([\d.]+) ms · tried/.exec(t) ?? [0, '+', '0']).slice(1).join('').replace('−', '-')));
  const start = await page.evaluate((id) => fetch('/api/cases/ejercicio/network').then((r) => r.json()).then((n) => n.clips.find((c) => c.item === id).start_ms), v);
  const area = page.locator('.tracks .canvas');
  /** Where a moment is on the screen: the playhead stands there. */
  const at = async (ms) => {
    await page.evaluate((t) => window.sightline.desk.clock.seek(t), ms);
    await page.locator('.canvas .playhead').waitFor();
    return page.locator('.canvas .playhead').evaluate((e) => e.getBoundingClientRect().left);
  };
  const row = await page.locator('.names li', { hasText: v }).boundingBox();
  const y = row.y + 20;
  const x0 = await at(start + 500);
  const x1 = await at(start + 1500);
  await page.getByRole('button', { name: 'Move clips' }).click();
  await page.getByRole('button', { name: 'Snap', exact: true }).click(); // off: it goes where the pointer goes
  await page.mouse.move(x0, y);
  await page.mouse.down();
  await page.mouse.move(x1, y, { steps: 4 });
  await page.locator('.nudges', { hasText: 'tried' }).waitFor();
  const free = await by();
  assert.ok(Math.abs(free - 1000) < (2 * 1000) / (x1 - x0) + 1, `dragged by ${free} ms, not by about 1,000`);
  await page.keyboard.press('Escape');
  await page.locator('.nudges', { hasText: 'tried' }).waitFor({ state: 'detached' });
  await page.mouse.up();
  // On: within a few pixels of the playhead its own end comes to rest on it, to the millisecond.
  await page.getByRole('button', { name: 'Snap', exact: true }).click();
  await at(start + 777);
  const px = (x1 - x0) / 1000;
  await page.mouse.move(x0, y);
  await page.mouse.down();
  await page.mouse.move(x0 + 777 * px + 3, y, { steps: 4 });
  await page.locator('.nudges', { hasText: 'tried' }).waitFor();
  await page.mouse.up();
  const targets = await page.evaluate(async (id) => {
    const n = await (await fetch('/api/cases/ejercicio/network')).json();
    return n.clips.filter((c) => c.item !== id).flatMap((c) => [c.start_ms, c.start_ms + c.duration_ms]);
  }, v);
  const rested = await by();
  const clip = (await network()).clips.find((c) => c.item === v);
  const ends = [start, start + clip.duration_ms];
  const near = Math.min(...[start + 777, ...targets].flatMap((t) => ends.map((e) => Math.abs(t - e - rested))));
  assert.ok(near < 0.01 || (await page.evaluate(() => document.querySelectorAll('.canvas').length)) === 0, `it rests ${near} ms beside the playhead and every end`);
  await shot('dragged');
  await page.locator('.nudges').getByRole('button', { name: 'Discard' }).click();
  await page.locator('.nudges', { hasText: 'tried' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Move clips' }).click();
  await page.locator('.nudges').getByRole('button', { name: 'Hear both' }).click();
  await page.locator('.nudges button[aria-pressed=true]').waitFor();
  await page.locator('.nudges button[aria-pressed=true]').click();
  await page.locator('.nudges button[aria-pressed=true]').waitFor({ state: 'detached' });
});

test('J K L, marks and a loop, words below a clip, its spectrogram', { skip }, async () => {
  const v = item('VID_20190510_082344').item;
  const start = (await network()).clips.find((c) => c.item === v).start_ms;
  const state = () => page.evaluate(() => ({ on: window.sightline.desk.clock.playing.get(), rate: window.sightline.desk.clock.rate.get() }));
  await page.locator('.tracks .canvas').focus();
  await page.keyboard.press('l');
  await page.keyboard.press('l');
  assert.deepEqual(await state(), { on: true, rate: 2 });
  await page.keyboard.press('j');
  assert.deepEqual(await state(), { on: true, rate: -1 });
  await page.keyboard.press('k');
  assert.deepEqual(await state(), { on: false, rate: 1 });
  const seek = (t) => page.evaluate((t) => window.sightline.desk.clock.seek(t), t);
  await seek(start + 300);
  await page.keyboard.press('i');
  await seek(start + 700);
  await page.keyboard.press('o');
  await page.locator('.tracks .stretch', { hasText: '0.400 s' }).waitFor();
  await page.getByRole('button', { name: 'Loop' }).click();
  await seek(start + 310);
  const turns = await page.evaluate(async () => {
    const clock = window.sightline.desk.clock;
    let last = clock.get();
    let n = 0;
    const off = clock.subscribe((t) => { if (t < last - 100) n++; last = t; });
    clock.play();
    const began = performance.now();
    while (n < 2 && performance.now() - began < 20_000) await new Promise((r) => setTimeout(r, 20));
    clock.pause();
    off();
    return n;
  });
  assert.ok(turns >= 2, 'the stretch was not looped');
  await page.getByRole('button', { name: 'Loop' }).click();
  await page.locator('.tracks .marks').getByRole('button', { name: 'Clear the marked stretch' }).click();
  await page.locator('.tracks .stretch').waitFor({ state: 'detached' });
  // Words at their moment, in a line below the clip.
  await write('words', [{ op: 'new', kind: 'observation', value: { id: v + '.900', item: v, from_ms: 800, to_ms: 1900, speaker: 'A', text: { en: 'get down', es: 'agáchense' } } }]);
  const said = page.locator('.said button', { hasText: 'get down' });
  await said.waitFor();
  await said.click();
  await page.waitForFunction((t) => Math.abs(window.sightline.desk.clock.get() - t) < 1, start + 800);
  await page.locator('.said button.now', { hasText: 'get down' }).waitFor();
  await page.getByRole('button', { name: 'Spectrogram' }).click();
  await page.locator(`.canvas[data-spectrogram="${v}"]`).waitFor();
  await shot('spectrogram');
  await page.getByRole('button', { name: 'Spectrogram' }).click();
  await page.locator('.canvas[data-spectrogram]').waitFor({ state: 'detached' });
});

test('every step shows the next frame by its own presentation time; what two cameras saw ties them', { skip }, async () => {
  const two = truth.videos.slice(0, 2).map((v) => v.item);
  for (const id of two) await page.locator('.names li', { hasText: id }).getByRole('button', { name: /on the wall/ }).click();
  const marks = [];
  for (const id of two) {
    await page.evaluate((id) => window.sightline.desk.select(id), id);
    const frames = await page.evaluate(async (id) => {
      const d = window.sightline.desk.copy(id, 'frames');
      const j = await (await fetch(`/api/cases/ejercicio/derivatives/${d.sha256}`)).json();
      return (Array.isArray(j) ? j : (j.pts_ms ?? j.frames)).toSorted((a, b) => a - b);
    }, id);
    assert.ok(frames.length > 20);
    const start = (await network()).clips.find((c) => c.item === id).start_ms;
    await page.evaluate((t) => window.sightline.desk.clock.seek(t), start + (frames[4] + frames[5]) / 2);
    const on = (pts) => page.waitForFunction(([id, pts]) => {
      const f = [...document.querySelectorAll('.tile')].find((x) => x.querySelector('bdi').textContent === id);
      return Math.abs(Number(f?.querySelector('[data-frame]').dataset.frame || NaN) - pts) < 1;
    }, [id, pts]);
    await on(frames[4]);
    await page.locator('.tracks .canvas').focus();
    for (let k = 5; k < 15; k++) {
      await page.keyboard.press('ArrowRight');
      await on(frames[k]);
    }
    for (let k = 13; k > 9; k--) {
      await page.keyboard.press('ArrowLeft');
      await on(frames[k]);
    }
    marks.push({ id, frames });
  }
  // A car door that both saw, first on these frames: with the true starts the facts hold.
  const when = Math.max(...two.map((id) => truth.videos.find((v) => v.item === id).utc_ms)) + 900;
  let event = '';
  for (const { id, frames } of marks) {
    const own = when - truth.videos.find((v) => v.item === id).utc_ms;
    const k = frames.findIndex((f) => f >= own);
    await page.evaluate((id) => window.sightline.desk.select(id), id);
    const start = (await network()).clips.find((c) => c.item === id).start_ms;
    await page.evaluate((t) => window.sightline.desk.clock.seek(t), start + (frames[k] + frames[k + 1]) / 2);
    const form = page.locator('form.seen');
    await form.locator('.mono', { hasText: `frame ${k + 1} of ${frames.length}` }).waitFor();
    if (event) await form.getByLabel('event').selectOption(event);
    else await form.getByLabel('what').fill('a door is thrown shut');
    await form.getByRole('button', { name: 'Keep' }).click();
    await page.waitForFunction((id) => window.sightline.desk.doc.constraints.some((c) => c.from === id + '.start' && c.evidence.length === 1 && window.sightline.desk.doc.events.some((e) => e.title.en === 'a door is thrown shut' && c.to === e.id + '.start')), id);
    const d = await doc();
    event = d.events.find((e) => e.title.en === 'a door is thrown shut').id;
    const c = d.constraints.find((c) => c.from === id + '.start' && c.to === event + '.start');
    assert.ok(c.min <= own && own <= c.max && c.max - c.min < 400, `${c.min}..${c.max} does not hold ${own}`);
  }
  await shot('seen');
  for (const id of two) await page.locator('.names li', { hasText: id }).getByRole('button', { name: /on the wall/ }).click();
});

test('why the second shot is at its time; a witness is switched off and the interval widens', { skip }, async () => {
  await tab('Sounds');
  const second = page.locator('.sounds table tr', { hasText: item('MOV').item + ' 2.4' }).first();
  await second.getByRole('button', { name: 'Make an event' }).click();
  await second.locator('td:last-child .tag').waitFor();
  const id = (await second.locator('td:last-child .tag').textContent()).trim();
  // A post that says "just now" and the communique that gives an hour.
  await write('constraints', [
    { op: 'new', kind: 'constraint', value: { id: '', from: id + '.start', to: 'EX-020.start', min: 0, max: null, evidence: ['EX-020'], strength: 'claim', text: { en: 'A neighbour posts of the bangs after they were heard', es: 'Una vecina publica las detonaciones después de oírlas' } } },
    { op: 'new', kind: 'constraint', value: { id: '', from: 'z', to: 'EX-020.start', min: null, max: 1557491279999, evidence: ['EX-020'], strength: 'firm', text: { en: 'The board printed 08:27 for the post', es: 'El tablón marcó 08:27 para la publicación' } } },
    { op: 'new', kind: 'constraint', value: { id: '', from: 'z', to: id + '.start', min: truth.official.says_utc_ms, max: truth.official.says_utc_ms + MIN - 1, evidence: [truth.official.item], accounts: ['roadwatch'], strength: 'claim', text: { en: 'Road Watch: the shot was at 09:15', es: 'Guardia Vial: el disparo fue a las 09:15' } } },
  ]);
  await page.waitForFunction((i) => window.sightline.desk.doc.constraints.some((c) => c.from === i + '.start'), id);
  await tab('Why this time');
  await page.locator('.subject', { hasText: id }).click();
  const shown = page.locator('.subject', { hasText: id }).locator('.span');
  // The addition of both ends comes to the integers of the server.
  const bound = (await network()).report.views[0].bounds.find((b) => b.point === id + '.start');
  const totals = await page.locator('.sum .total .int').allTextContents();
  assert.deepEqual(totals.map((s) => Number(s.replace('= ', ''))).slice(0, 2), [bound.min, bound.max]);
  const sums = await page.evaluate(() => [...document.querySelectorAll('.sum')].map((t) => [...t.querySelectorAll('tr:not(.total) .int')].reduce((s, x) => s + Number(x.textContent), 0)));
  assert.deepEqual(sums.slice(0, 2), [bound.min, bound.max], 'the integers do not add up');
  const s2 = truth.sound_sources.find((s) => s.id === 'shot-2').utc_ms;
  assert.ok(bound.min <= s2 && s2 <= bound.max, `${bound.min}..${bound.max} does not hold the truth ${s2}`);
  assert.ok(bound.max - bound.min < 10_000);
  await shot('why');
  // Without the recorder whose clock was anchored, what is left says less.
  const before = await shown.textContent();
  const witness = item('REC_B').item;
  await page.locator('.switch', { hasText: witness }).click();
  await page.locator('.subject .span.wider').first().waitFor();
  assert.notEqual(await shown.textContent(), before);
  // Without the other clock too, only the post bounds it from above.
  const other = item('VID_20190510_082344').item;
  await page.locator('.switch', { hasText: other }).click();
  await page.waitForFunction((i) => [...document.querySelectorAll('.subject')].find((s) => s.querySelector('bdi').textContent === i)?.querySelector('.span').textContent.endsWith('08:27:59.999'), id);
  const took = Number(/in ([\d.]+) ms/.exec(await page.locator('.whys').textContent())[1]);
  assert.ok(took < 200, `adding up again took ${took} ms`);
  await shot('whatif');
  const d = await doc();
  assert.ok(d.constraints.some((c) => c.evidence.includes(witness)), 'a what-if changed the case');
  await page.getByRole('button', { name: 'Switch all on' }).click();
  assert.equal(await shown.textContent(), before);
});

test('the sentence that refutes the official time; the interval is kept with its derivation', { skip }, async () => {
  const k = page.locator('.conflict', { hasText: '09:15' }).first();
  const said = await k.locator('.sentence').textContent();
  assert.match(said, /Road Watch: the shot was at 09:15/);
  assert.match(said, /short by \d+ min/);
  await k.getByRole('button', { name: 'Go to the evidence' }).click();
  assert.match(await page.evaluate(() => window.sightline.desk.sel), /^EX-/);
  await page.getByRole('button', { name: 'Keep this interval with its derivation' }).click();
  await page.waitForFunction(() => window.sightline.desk.doc.findings.some((f) => f.method === 'time.solve'));
  const d = await doc();
  const f = d.findings.find((x) => x.method === 'time.solve');
  await page.waitForFunction((id) => window.sightline.desk.doc.events.some((e) => e.times?.[0]?.finding === id), f.id);
  const again = await page.evaluate(async (p) => (await fetch('/api/methods/time.solve', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(p) })).json(), f.problem);
  assert.deepEqual(again, f.answer, 'the kept answer does not come out again');
});

test('the second shot is located and seen in the scene with its ellipse', { skip }, async () => {
  // Where the recorders stood, as an investigator would have found it.
  const places = [];
  for (const f of ['REC_A', 'REC_B', 'MOV', 'VID_20190510_082344']) {
    const x = item(f);
    const at = x.position ?? x.cameras[0].position;
    places.push([x.item, at]);
  }
  await page.evaluate(async (list) => {
    for (const [id, at] of list) await window.sightline.desk.change('place', 'item', id, (i) => { i.places = [{ role: 'camera', form: 'point', enu: at, radius_m: 1 }]; });
  }, places);
  await tab('Sounds');
  const rows = page.locator('.sounds table').first().locator('tr');
  await rows.filter({ hasText: item('MOV').item + ' 2.4' }).first().getByRole('button', { name: 'Locate' }).click();
  const form = page.locator('form', { has: page.locator('table.sensors') });
  await form.getByRole('button', { name: 'Locate' }).click();
  await form.locator('.fault', { hasText: 'clock_unknown' }).waitFor(); // by this sound alone it cannot be known
  const first = await form.locator('select option').evaluateAll((o) => o.map((x) => x.textContent));
  const gauge = await rows.filter({ hasText: item('MOV').item + ' 0.9' }).first().locator('td').nth(1).textContent();
  await form.locator('select').selectOption({ label: first.find((t) => t.includes(gauge.trim())) });
  const p1 = truth.sound_sources.find((s) => s.id === 'shot-1').position;
  for (const [k, name] of [[0, 'E'], [1, 'N'], [2, 'U']]) await form.locator('.row.form input').nth(k).fill(String(p1[k]), { name });
  await form.locator('input[type=number]').last().fill(String(truth.air_c));
  await form.getByRole('button', { name: 'Locate' }).click();
  await form.locator('.located').waitFor();
  await shot('located');
  await form.getByRole('button', { name: 'Keep the place' }).click();
  await form.getByRole('button', { name: 'See it in the scene' }).waitFor();
  const d = await doc();
  const f = d.findings.find((x) => x.method === 'sound.locate');
  const event = d.events.find((e) => e.places?.some((p) => p.finding === f.id));
  const place = event.places.find((p) => p.finding === f.id);
  const p2 = truth.sound_sources.find((s) => s.id === 'shot-2').position;
  const off = Math.hypot(place.enu[0] - p2[0], place.enu[1] - p2[1]);
  assert.ok(off <= place.ellipse.semi_major_m, `located ${off.toFixed(1)} m off, ellipse ${place.ellipse.semi_major_m} m`);
  const again = await page.evaluate(async (p) => (await fetch('/api/methods/sound.locate', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(p) })).json(), f.problem);
  assert.deepEqual(again.position, f.answer.position);
  await form.getByRole('button', { name: 'See it in the scene' }).click();
  await page.waitForFunction(() => window.sightline.desk.view === 'place' && !!window.sightline.desk.scene);
  await page.evaluate(() => window.sightline.desk.scene.settled);
  assert.equal(await page.evaluate(() => window.sightline.desk.sel), event.id);
  await page.waitForFunction((id) => window.sightline.desk.scene.twin().some((x) => x.id === id), event.id);
  await page.evaluate(() => window.sightline.desk.scene.frame());
  await shot('scene');
});

test('four videos and a recording play in step, with their error on the screen', { skip }, async () => {
  await page.evaluate(() => { window.sightline.desk.view = 'time'; });
  await tab('Tracks');
  const videos = truth.videos.map((v) => v.item);
  assert.equal(videos.length, 4);
  for (const id of videos) await page.locator('.names li', { hasText: id }).getByRole('button', { name: /on the wall/ }).click();
  await page.locator('.names li', { hasText: item('REC_A').item }).getByRole('button', { name: /on the wall/ }).click();
  assert.equal(await page.locator('.tile video').count(), 4);
  const clips = (await network()).clips.filter((c) => videos.includes(c.item));
  const from = Math.max(...clips.map((c) => c.start_ms));
  const to = Math.min(...clips.map((c) => c.start_ms + c.duration_ms));
  assert.ok(to - from > 1000, 'the four do not overlap');
  await page.evaluate((t) => window.sightline.desk.clock.seek(t), from + 100);
  await page.waitForFunction(() => [...document.querySelectorAll('.tile video')].every((v) => v.readyState >= 2 && !v.seeking));
  const off = await page.evaluate(async ([from, to, clips]) => {
    const clock = window.sightline.desk.clock;
    const worst = [];
    for (let turn = 0; turn < 3; turn++) {
      clock.seek(from + 100);
      clock.play();
      while (clock.get() < to - 200 && clock.playing.get()) {
        await new Promise((r) => requestAnimationFrame(r));
        if (clock.get() < from + 700) continue; // they start and catch up
        const at = [...document.querySelectorAll('.tile')].map((f) => {
          const c = clips.find((x) => x.item === f.querySelector('bdi').textContent);
          return f.querySelector('video').currentTime * 1000 + c.start_ms - clock.get();
        });
        worst.push(Math.max(...at) - Math.min(...at));
      }
      clock.pause();
    }
    worst.sort((a, b) => a - b);
    return { n: worst.length, median: worst[worst.length >> 1] };
  }, [from, to, clips]);
  console.log(`# four videos: ${off.n} frames, median spread ${off.median.toFixed(0)} ms`);
  // A loaded machine drops frames; half of the time they are within a few frames of each other.
  assert.ok(off.n > 5 && off.median < 170, JSON.stringify(off));
  assert.match(await page.locator('.tile figcaption').first().textContent(), /ms/);
  await shot('wall');
});

test('a step goes to the middle of the next frame by its own table', { skip }, async () => {
  const v = item('VID_20190510_082344');
  const start = (await network()).clips.find((c) => c.item === v.item).start_ms;
  await page.evaluate(([id, t]) => { window.sightline.desk.select(id); window.sightline.desk.clock.seek(t); }, [v.item, start + 1010]);
  await page.locator('.tools').getByRole('button', { name: /frame/i }).last().click();
  const frame = 1000 / v.fps;
  await page.waitForFunction((t) => Math.abs(window.sightline.desk.clock.get() - t) < 2, start + (Math.floor(1010 / frame) + 1.5) * frame);
});

test('exports are offered and begin as their formats do', { skip }, async () => {
  const begin = { otio: /^\{\s*"OTIO_SCHEMA"|"OTIO_SCHEMA"/, fcpxml: /^<\?xml[^>]*>\s*<!DOCTYPE fcpxml>/, edl: /^TITLE: /, offsets: /^item,file,start_utc/, vtt: /^WEBVTT/, eaf: /<ANNOTATION_DOCUMENT/, textgrid: /^File type = "ooTextFile"/, network: /sightline\/time-network\/1/ };
  await page.locator('.tm .menu-of button').click();
  assert.equal(await page.locator('.tm .menu .entry').count(), 9);
  await page.keyboard.press('Escape');
  for (const [f, re] of Object.entries(begin)) {
    const r = await page.evaluate(async ([c, f]) => { const r = await fetch(`/api/cases/${c}/timeline/${f}`); return { status: r.status, text: await r.text(), as: r.headers.get('content-disposition') }; }, [CASE, f]);
    assert.equal(r.status, 200, f + ': ' + r.text);
    assert.match(r.text, re, f);
    assert.match(r.as, /attachment/);
  }
});

test('Spanish and every width: no string is missing, nothing is wider than the screen', { skip }, async () => {
  await page.locator('.bar .lang').click();
  await page.locator('html[lang=es]').waitFor();
  await page.evaluate((await readFile(join(ui, 'node_modules/axe-core/axe.min.js'), 'utf8')) + ';0');
  for (const [width, height] of [[1366, 768], [1920, 1080], [360, 740]]) {
    await page.setViewportSize({ width, height });
    for (const name of ['Pistas', 'Por qué esta hora', 'Relojes', 'Sonidos']) {
      await tab(name);
      await page.waitForTimeout(120);
      assert.equal(await page.locator('text=/\\[[a-z_]+\\.[a-z_.]+\\]/').count(), 0, `${name} at ${width}: a string is missing`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${name} at ${width}: ${wide} px too wide`);
      const bad = width === 1920 ? [] : await page.evaluate(async () => (await window.axe.run('.tm', { resultTypes: ['violations'] })).violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' ').slice(0, 300)));
      assert.deepEqual(bad, [], `${name} at ${width}`);
      await shot(`es-${width}-${name.split(' ')[0]}`);
    }
  }
  assert.deepEqual(errors, []);
});
