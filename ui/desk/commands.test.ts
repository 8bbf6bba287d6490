import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import en from './text/en.json';
import { matches, parseChord, printChord } from './lib/keys.ts';

const key = (k: Partial<KeyboardEvent>) => ({ key: '', code: '', ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...k });

test('letters go by place, symbols by what they print', () => {
  assert.ok(matches(key({ key: 'k', code: 'KeyK', ctrlKey: true }), 'Mod+K'));
  assert.ok(matches(key({ key: 'л', code: 'KeyK', metaKey: true }), 'Mod+K'));
  assert.ok(!matches(key({ key: 'K', code: 'KeyK', ctrlKey: true, shiftKey: true }), 'Mod+K'));
  assert.ok(matches(key({ key: '?', code: 'Minus', shiftKey: true }), '?')); // Spanish board
  assert.ok(matches(key({ key: '+', code: 'BracketRight' }), '+'));
  assert.ok(matches(key({ key: '!', code: 'Digit1', shiftKey: true }), 'Shift+1'));
  assert.ok(!matches(key({ key: '1', code: 'Digit1' }), 'Shift+1'));
  assert.equal(printChord('Mod+Shift+Z', false), 'Ctrl Shift Z');
  assert.equal(parseChord('+').key, '+');
});

test('each command has a name; no two commands of one pane take the same key at the same time', () => {
  const src = readFileSync('desk/commands.ts', 'utf8');
  const found = [...src.matchAll(/\{ id: '([a-z_]+)', keys: \[([^\]]*)\](?:, pane: '(\w+)')?(?:, text: true)?(?:, when: ([^,]+?(?:\([^)]*\))?[^,]*?))?, ?\n? *perform/g)];
  assert.ok(found.length > 50, 'the list of commands could not be read');
  const taken = new Map<string, { id: string; when: string }[]>();
  for (const [, id, keys, pane, when] of found) {
    assert.ok(`cmd.${id}` in en, `cmd.${id} has no name`);
    for (const k of keys!.matchAll(/'([^']+)'/g)) {
      const at = `${pane ?? ''} ${k[1]}`;
      taken.set(at, [...(taken.get(at) ?? []), { id: id!, when: when ?? '' }]);
    }
  }
  const apart = (a: string, b: string) => (/!inLibrary/.test(a) && /inLibrary\(d\)/.test(b)) || (/!inLibrary/.test(b) && /inLibrary\(d\)/.test(a));
  for (const [at, list] of taken) for (let i = 1; i < list.length; i++) assert.ok(apart(list[i]!.when, list[0]!.when), `${at}: ${list.map((x) => x.id).join(', ')}`);
});
