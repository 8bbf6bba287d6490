import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item } from '../../document/types.ts';
import { fields, likes, order, start, write } from './queue.ts';

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
