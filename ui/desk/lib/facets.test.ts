import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document, Item } from '../../document/types.ts';
import { FACETS, applyFilter, indexOf, valuesOf, type Filter } from './facets.ts';
import { fold } from './fold.ts';

let seed = 7;
const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32);
const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
const axis = (status: string) => ({ status });

function documentOf(n: number): Document {
  const items = Array.from({ length: n }, (_, i) => ({
    id: `T-${i}`, title: { en: one(['a house', 'smoke over the slope', 'Pérez speaks', 'nothing']), es: 'x' }, media: one(['video', 'photo', 'audio']), source: { perspective: one(['press', 'citizen', '']), name: { en: 'n' } },
    sensitivity: one(['none', 'graphic', undefined]), tags: one([undefined, ['a'], ['a', 'b'], []]), lane: one(['G', 'W', '']), held: random() < 0.5, workflow: one(['todo', 'reviewed', undefined]), public: { decision: one(['publish', '']) },
    axes: { authenticity: axis('x'), source: axis(one(['verified', 'x'])), place: axis('verified'), time: axis(one(['verified', 'disputed'])), content: axis('x') },
  })) as unknown as Item[];
  return { items, observations: [{ item: 'T-3', text: { en: 'a green door' } }] } as unknown as Document;
}

/** The rule, written plainly: every word, every facet; a facet's counts leave its own choice out. */
function plain(doc: Document, f: Filter) {
  const words = fold(f.text).split(/\s+/).filter(Boolean);
  const said = (i: Item) => doc.observations.filter((o) => o.item === i.id).flatMap((o) => Object.values(o.text));
  const of = (i: Item, but = '') => words.every((w) => fold([i.id, ...Object.values(i.title), ...Object.values(i.source.name ?? {}), ...(i.tags ?? []), ...said(i)].join(' ')).includes(w)) && FACETS.every((k) => k === but || !f.on[k]?.length || valuesOf(i, k).some((v) => f.on[k]!.includes(v)));
  const counts = Object.fromEntries(FACETS.map((k) => {
    const m = new Map<string, number>();
    for (const i of doc.items.filter((x) => of(x, k))) for (const v of valuesOf(i, k)) m.set(v, (m.get(v) ?? 0) + 1);
    return [k, m];
  }));
  return { items: doc.items.filter((i) => of(i)), counts };
}

test('facets and words find what the plain rule finds, whatever was searched before', () => {
  const docs = [documentOf(120), documentOf(40)];
  const all = docs.map((d) => indexOf(d.items, d.observations));
  const texts = ['', 's', 'sm', 'smoke', 'smoke slope', 'perez', 'green', 'house n', 'zzz', 'T-1', 'T-12'];
  for (let k = 0; k < 400; k++) {
    const d = k % 7 === 0 ? 1 : 0;
    const f: Filter = { text: one(texts), on: {} };
    for (const facet of FACETS) if (random() < 0.25) f.on[facet] = [one([...new Set(docs[d]!.items.flatMap((i) => valuesOf(i, facet))), 'never seen'])];
    const got = applyFilter(all[d]!, f);
    const want = plain(docs[d]!, f);
    assert.deepEqual(got.items.map((i) => i.id), want.items.map((i) => i.id), JSON.stringify(f));
    for (const facet of FACETS) assert.deepEqual([...got.counts[facet]].sort(), [...want.counts[facet]!].sort(), facet + ' ' + JSON.stringify(f));
  }
});

test('an item that was replaced is found by its new words only', () => {
  const doc = documentOf(10);
  const old = applyFilter(indexOf(doc.items, doc.observations), { text: 'T-4', on: {} }).items[0]!;
  const items = doc.items.map((i) => (i === old ? { ...i, title: { en: 'quartz' }, media: 'post' } : i)) as Item[];
  const next = indexOf(items, doc.observations);
  assert.deepEqual(applyFilter(next, { text: 'quartz', on: { media: ['post'] } }).items.map((i) => i.id), ['T-4']);
  const said = [{ item: 'T-5', text: { en: 'obsidian' } }] as unknown as Document['observations'];
  assert.deepEqual(applyFilter(indexOf(items, said), { text: 'obsidian', on: {} }).items.map((i) => i.id), ['T-5']);
});

test('what is found keeps the order of the index, and the whole is told as the same list', () => {
  const doc = documentOf(50);
  const turned = [...doc.items].reverse();
  const ix = indexOf(turned, doc.observations);
  assert.equal(applyFilter(ix, { text: ' ', on: {} }).items, turned);
  const found = applyFilter(ix, { text: 't-1', on: {} }).items.map((i) => i.id);
  assert.deepEqual(found, turned.map((i) => i.id).filter((id) => id.startsWith('T-1')));
});
