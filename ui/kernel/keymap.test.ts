import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEYMAP, conflicts } from './keymap.ts';

test('no key does two things in one pane, none is the browser’s, none needs AltGr on a Spanish board', () => {
  assert.deepEqual(conflicts(KEYMAP), []);
  assert.ok(KEYMAP.reduce((s, b) => s + b.keys.length * b.panes.length, 0) >= 100);
});

test('the check finds what it is for', () => {
  const c = (a: string, keys: string, panes: ('desk' | 'scene')[]) => ({ action: a, keys: [keys], panes });
  assert.equal(conflicts([c('a', 'X', ['scene']), c('b', 'X', ['scene'])]).length, 1);
  assert.equal(conflicts([c('a', 'X', ['desk']), c('b', 'X', ['scene'])]).length, 1);
  assert.equal(conflicts([c('a', '/', ['scene'])]).length, 1);
  assert.equal(conflicts([c('a', 'X', ['scene']), c('b', 'Y', ['scene'])]).length, 0);
});
