import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from '../../document/types.ts';
import { absorb, Uses } from './held.ts';
import { isLarge } from './calls.ts';
import { Pages } from './pages.ts';

/** A server of n numbered ids that answers when told. */
function server(n: number) {
  const asked: [number, number][] = [];
  const wait: (() => void)[] = [];
  return {
    asked,
    answer: () => wait.splice(0).forEach((f) => f()),
    fetch: (offset: number, limit: number) => {
      asked.push([offset, limit]);
      return new Promise<string[]>((ok) => wait.push(() => ok(Array.from({ length: Math.max(0, Math.min(limit, n - offset)) }, (_, k) => `T-${offset + k}`))));
    },
  };
}

test('pages are fetched where somebody looks, once each', async () => {
  const s = server(1_000_000);
  const p = new Pages(100, s.fetch);
  const first = p.want(950, 1120);
  const second = p.want(1000, 1010);
  assert.deepEqual(s.asked, [[900, 100], [1000, 100], [1100, 100]]);
  assert.equal(p.at(1000), undefined);
  s.answer();
  await Promise.all([first, second]);
  assert.equal(p.at(1000), 'T-1000');
  assert.equal(p.placeOf('T-1115'), 1115);
  assert.equal(p.placeOf('T-5'), -1);
  assert.equal(p.has(900, 1199), true);
  assert.equal(p.has(900, 1200), false);
  assert.deepEqual(p.among(898, 901), ['T-900', 'T-901']);
  await p.want(900, 1199);
  assert.equal(s.asked.length, 3);
  const end = p.want(999_990, 999_999);
  s.answer();
  await end;
  assert.equal(p.at(999_999), 'T-999999');
});

test('a page that failed is asked for again', async () => {
  let fail = true;
  const p = new Pages(10, async (offset) => {
    if (fail) throw new Error('offline');
    return [`T-${offset}`];
  });
  await assert.rejects(p.want(0, 5), /offline/);
  fail = false;
  await p.want(0, 5);
  assert.equal(p.at(0), 'T-0');
});

const doc = (ids: string[]) => ({ items: ids.map((id) => ({ id, n: 0 })), derivatives: ids.map((id) => ({ id: 'D' + id, item: id })), observations: [], events: [], findings: [{ id: 'F-1' }] }) as unknown as Document;

test('what comes takes the place of its older self, and untouched lists stay the same list', () => {
  const was = doc(['a', 'b']);
  const now = absorb(was, { items: [{ id: 'b', n: 1 }, { id: 'c', n: 1 }] as never, derivatives: [], observations: [], events: [], findings: [] });
  assert.deepEqual(now.items.map((i) => i.id), ['a', 'b', 'c']);
  assert.equal((now.items[1] as unknown as { n: number }).n, 1);
  assert.equal(now.derivatives, was.derivatives);
});

test('the longest unused leave with what hangs on them; what is held stays', () => {
  const all = Array.from({ length: 20 }, (_, k) => 'i' + k);
  const uses = new Uses();
  uses.touch(all);
  uses.touch(['i3', 'i19']);
  const now = uses.shed(doc(all), new Set(['i0']), 8);
  assert.equal(now.items.length, 6);
  for (const id of ['i0', 'i3', 'i19']) assert.ok(now.items.some((i) => i.id === id), id);
  assert.equal(now.derivatives.length, 6);
  assert.equal(uses.shed(now, new Set(), 8), now);
});

test('the server says whether a case is large; without its word the number of items does', () => {
  const line = { id: 'x', title: {}, exercise: false, head: 1 };
  assert.equal(isLarge({ ...line, items: 20_000 }), false);
  assert.equal(isLarge({ ...line, items: 20_001 }), true);
  assert.equal(isLarge({ ...line, items: 12, large: true }), true);
  assert.equal(isLarge({ ...line, items: 1_000_000, large: false }), false);
  assert.equal(isLarge(undefined), false);
});
