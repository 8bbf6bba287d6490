// The pure parts of lane A's page: what is said, when something is refused
// before it leaves the device, and how long the rest takes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { fault, progress, reveals, same, size, speaker, spell } from './say.ts';

test('values stand in their sentence, and keep their direction inside Arabic', () => {
  const say = speaker({ total: 'En total {0}: {1}.' }, false);
  assert.equal(say('total', '5 MB', 3), 'En total 5 MB: 3.');
  assert.equal(say('no such key'), 'no such key');
  assert.equal(speaker({ a: 'س {0}' }, true)('a', '5 MB'), 'س \u20685 MB\u2069');
  // A value that looks like a hole is not filled again.
  assert.equal(say('total', '{1}', 'x'), 'En total {1}: x.');
});

test('every sentence of the script is there in three languages', () => {
  const source = readFileSync(resolve(process.cwd(), 'call/app.ts'), 'utf8');
  const used = new Set([...source.matchAll(/\bsay\('(\w+)'/g)].map((m) => m[1]!));
  assert.ok(used.size > 20);
  for (const l of ['es', 'en', 'ar']) {
    const words = JSON.parse(readFileSync(resolve(process.cwd(), `../call/pages/text/${l}.json`), 'utf8')) as Record<string, string>;
    for (const k of used) assert.ok(words['app.' + k] ?? words['receipt.' + k], `${l}: ${k}`);
  }
});

test('sizes and times are written as the page writes them without a script', () => {
  for (const [n, want] of [[0, '0 B'], [-3, '0 B'], [999, '999 B'], [1000, '1 kB'], [1999, '1.9 kB'], [5_900_123, '5.9 MB'], [20e6, '20 MB'], [123_456_789, '123 MB'], [2 * 2 ** 30, '2.1 GB']] as const) assert.equal(size(n), want);
  for (const [s, want] of [[0, '1 min'], [89, '1 min'], [90, '2 min'], [4000, '67 min'], [5369, '89 min'], [5400, '1 h 30 min'], [36_000, '10 h 00 min']] as const) assert.equal(spell(s), want);
});

const limits = { tip: 1000, files: 2, message: 10 };
test('limits are told before anything leaves the device; empty files do not count', () => {
  assert.equal(fault([], '', limits), '');
  assert.equal(fault([1, 2], '', limits), '');
  assert.equal(fault([1, 2, 0, 0], '', limits), '', 'two files and two empty ones');
  assert.equal(fault([1, 2, 3], '', limits), 'many');
  assert.equal(fault([1000], '', limits), '');
  assert.equal(fault([600, 401], '', limits), 'big');
  assert.equal(fault([], '1234567890', limits), '');
  assert.equal(fault([], 'ñandúñandú', limits), 'long', 'bytes are counted, not letters');
});

test('how long the rest takes is said only when it is known', () => {
  assert.deepEqual(progress(0, 100, 60), { percent: 0, left: null });
  assert.deepEqual(progress(50, 100, 10), { percent: 50, left: null }, 'too early');
  assert.deepEqual(progress(1, 100, 60), { percent: 1, left: null }, 'too little');
  assert.deepEqual(progress(25, 100, 60), { percent: 25, left: 180 });
  assert.equal(progress(130, 100, 60).percent, 100, 'an estimate that was too low');
  assert.equal(progress(0, 0, 0).percent, 100);
});

test('a code is right when all of it is', () => {
  const c = Uint8Array.from({ length: 11 }, (_, i) => i);
  assert.ok(same(c.slice(), c));
  assert.ok(!same(null, c));
  assert.ok(!same(c.slice(0, 10), c), 'a part of it');
  assert.ok(!same(Uint8Array.from([...c, 1]), c));
  const other = c.slice();
  other[10] = 99;
  assert.ok(!same(other, c));
});

test('what hidden data reveals is named, nothing else', () => {
  assert.deepEqual(reveals({}), []);
  assert.deepEqual(reveals({ place: '10.4, -67.0', device: '', time: '2018-01-15', notes: true }), [['place', '10.4, -67.0'], ['time', '2018-01-15'], ['notes']]);
});
