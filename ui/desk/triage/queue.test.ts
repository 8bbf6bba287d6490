import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item } from '../../document/types.ts';
import { cluster, differences, fields, knownBy, likes, order, relations, start, write } from './queue.ts';

const item = (id: string, more: Partial<Item> = {}): Item =>
  ({ id, title: {}, media: 'photo', sha256: id, size: 1, type: 'image/png', held: true, source: { perspective: 'unknown' }, rights: {}, public: { decision: 'undecided' }, axes: {}, ...more }) as unknown as Item;

test('items that are alike stand together, those that were assessed are left out', () => {
  const list = [
    item('A-1', { facts: [{ field: 'Alike:A-3', value: 'PDQ distance 4 of 256' }] }),
    item('A-2', { triage: { relevant: 'yes' } }),
    item('A-3'),
    item('A-4', { sha256: 'A-1' }),
    item('A-5', { facts: [{ field: 'Alike:GONE-1', value: 'x' }] }),
  ];
  const like = likes(list);
  assert.deepEqual(like.get('A-1')!.map((l) => l.id), ['A-3', 'A-4']);
  assert.deepEqual(like.get('A-3'), [{ id: 'A-1', how: 'PDQ distance 4 of 256' }]);
  assert.equal(like.has('A-5'), false);
  assert.deepEqual(order(list, like), ['A-1', 'A-3', 'A-4', 'A-5']);
});

test('what was not answered says so, and nothing else of the item changes', () => {
  const i = item('A-1', { notes: 'kept' });
  const a = start(i);
  assert.equal(a['media'], 'photo');
  assert.equal(a['perspective'], '');
  a['sensitivity'] = 'graphic';
  a['relevant'] = 'yes';
  write(i, a, 'me');
  assert.deepEqual(i.triage, { relevant: 'yes', reliable: 'not_assessed', removal_risk: 'not_assessed', safe: 'not_assessed', by: 'me' });
  assert.equal(i.sensitivity, 'graphic');
  assert.equal(i.source.perspective, 'unknown');
  assert.equal(i.notes, 'kept');
});

test('every question can be answered with one digit', () => {
  for (const f of fields(['es', 'en'])) assert.ok(f.values.length >= 3 && f.values.length <= 9 && new Set(f.values).size === f.values.length, f.key);
});

test('what a close look measured goes before the words of a fact, and a cluster reaches through others', () => {
  const rel = { a: 'A-1', b: 'A-2', relation: 'crop', also: ['overlay', 'crop'], distance: 12, by: 'picture', cover: 0.4 };
  const sketch = (id: string, meta: Record<string, string>) => ({ id: id + '/sketch', item: id, role: 'sketch', sha256: '', size: 1, type: '', recipe: {}, meta }) as never;
  const made = [sketch('A-2', { format: 'x', 'like.A-1': JSON.stringify(rel) }), sketch('A-3', { 'like.A-2': 'not json', 'like.A-9': JSON.stringify({ ...rel, a: 'A-9', b: 'A-3' }) })];
  assert.equal(relations(made).length, 2);
  const list = [item('A-1'), item('A-2', { facts: [{ field: 'Alike:A-1', value: 'words' }] }), item('A-3', { facts: [{ field: 'Alike:A-2', value: 'PDQ distance 3 of 256' }] })];
  const like = likes(list, made);
  assert.equal(like.get('A-1')![0]!.rel!.cover, 0.4);
  assert.equal(like.get('A-2')!.length, 2);
  assert.equal(like.get('A-3')![0]!.how, 'PDQ distance 3 of 256');
  assert.deepEqual(differences(like.get('A-1')![0]!.rel!), ['crop', 'overlay']);
  assert.deepEqual(cluster('A-1', like), ['A-1', 'A-2', 'A-3']);
  assert.equal(knownBy(item('A-1', { posted: { min: null, max: 5 } as never })), 5);
  assert.equal(knownBy(item('A-1')), undefined);
});
