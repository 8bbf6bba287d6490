// What every screen of the desk owes its readers: nothing serious by axe, no
// string without a translation, nothing wider than a small phone. With SHOTS
// naming a folder, pictures of all of them.
//   node test/browser.mjs screens
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { shot, ui } from '../../test/harness.mjs';
import { link, skip, start, watch } from './running.mjs';

let d;
before(async () => {
  if (!skip) d = await start();
});
after(() => d?.stop());

const SCREENS = {
  library: () => (sightline.desk.view = 'library'),
  place: () => (sightline.desk.view = 'place'),
  accounts: () => (sightline.desk.view = 'accounts'),
  story: () => (sightline.desk.view = 'story'),
  step: () => { sightline.desk.view = 'story'; sightline.desk.storyEdit = true; },
  publish: () => (sightline.desk.view = 'publish'),
  claim: () => { sightline.desk.view = 'accounts'; sightline.desk.write('claim', sightline.desk.doc.claims.find((c) => c.against?.length).id); },
  account: () => sightline.desk.write('account'),
  gap: () => sightline.desk.write('gap', sightline.desk.doc.gaps[0].id),
  event: () => sightline.desk.write('event'),
  entity: () => sightline.desk.write('entity'),
  constraint: () => sightline.desk.write('constraint', '', { to: 'EJ-016.start' }),
  case: () => sightline.desk.write('case', sightline.desk.doc.case.id),
  phases: () => sightline.desk.write('case', sightline.desk.doc.case.id, {}, 'phases'),
  help: () => { sightline.desk.draft = null; sightline.desk.dialog = 'help'; },
  palette: () => (sightline.desk.dialog = 'palette'),
  add: () => (sightline.desk.dialog = 'add'),
  withdraw: () => { sightline.desk.dialog = ''; sightline.desk.withdrawing = { kind: 'claim', id: sightline.desk.doc.claims[0].id }; },
};
/** Gives each screen to `look`, in a window of the size and language. */
async function walk(width, height, locale, look) {
  const c = await d.browser.newContext({ viewport: { width, height }, locale, reducedMotion: 'reduce', storageState: { cookies: (await d.context.storageState()).cookies, origins: [] } });
  const p = await c.newPage();
  watch(p, d.errors);
  await d.open(link('view=library&sel=EJ-016'), p);
  assert.equal(await p.evaluate(() => document.documentElement.lang), locale);
  for (const [name, go] of Object.entries(SCREENS)) {
    await p.evaluate(go);
    assert.equal(await p.evaluate(() => sightline.desk.unsaved), false, `${name} counts as typed in before anybody typed`);
    await p.waitForTimeout(250);
    // What was drawn last has told of its scrolling before the next screen takes its place.
    await p.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await look(p, name);
  }
  await p.evaluate(() => { sightline.desk.withdrawing = null; sightline.desk.close(); });
  await p.locator('.case-list').waitFor();
  await look(p, 'cases');
  await c.close();
}

test('axe finds nothing serious or critical on any screen in Spanish, and no string is missing', { skip, timeout: 200_000 }, async () => {
  const axe = await readFile(join(ui, 'node_modules/axe-core/axe.min.js'), 'utf8');
  const faults = [];
  await walk(1366, 768, 'es', async (p, name) => {
    await p.evaluate(axe + ';0');
    const r = await p.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    for (const v of r.violations) if (['serious', 'critical'].includes(v.impact)) faults.push(`${name}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | ')}`);
    if (await p.locator('text=/\\[[a-z_]+\\.[a-z_.]+\\]/').count()) faults.push(`${name}: a string is missing`);
    await shot(p, `es-${name}`);
  });
  assert.deepEqual(faults, []);
});

test('at 360 px no screen is wider than the window and every form can be read to its end', { skip, timeout: 200_000 }, async () => {
  const faults = [];
  await walk(360, 740, 'es', async (p, name) => {
    const r = await p.evaluate(() => {
      const out = [];
      if (document.documentElement.scrollWidth > innerWidth) out.push('wider than the window');
      const form = document.querySelector('.form-of form.edit');
      for (const e of form?.querySelectorAll('input, select, textarea, button') ?? []) {
        const b = e.getBoundingClientRect();
        if (b.width && (b.left < -1 || b.right > innerWidth + 1)) out.push(`${e.tagName} ${e.textContent.slice(0, 30)} reaches ${Math.round(b.right)}`);
      }
      const end = form?.querySelector('button[type=submit]')?.getBoundingClientRect();
      if (form && !(end && end.bottom <= innerHeight && end.top >= 0)) out.push('Save is not on the screen');
      return out;
    });
    faults.push(...r.map((x) => `${name}: ${x}`));
    await shot(p, `360-${name}`);
  });
  assert.deepEqual(faults, []);
});

test('no error and no breach of the content policy was seen', { skip }, () => assert.deepEqual(d.errors, []));
