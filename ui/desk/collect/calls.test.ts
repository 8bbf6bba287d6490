import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addresses } from './calls.ts';

test('addresses are found in lines and in sentences, once each and in order', () => {
  assert.deepEqual(addresses('http://a.example/1\nhttps://b.example/x?y=1#z\r\n\nhttp://a.example/1'), ['http://a.example/1', 'https://b.example/x?y=1#z']);
  assert.deepEqual(addresses('See (https://a.example/p), and <https://b.example/q>. Also https://c.example/w_(x).'), ['https://a.example/p', 'https://b.example/q', 'https://c.example/w_(x)']);
  assert.deepEqual(addresses('nothing here, not even ftp://x.example'), []);
});
