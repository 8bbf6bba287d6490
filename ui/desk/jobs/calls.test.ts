import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byKind, follow, machine, sum, type Queue, type Queued } from './calls.ts';

test('counts are added up by state and by kind', () => {
  const counts = [
    { state: 'waiting', lane: 'cpu', kind: 'picture', count: 2 },
    { state: 'waiting', lane: 'video', kind: 'proxy', count: 5 },
    { state: 'done', lane: 'cpu', kind: 'picture', count: 1_000_000 },
  ] as const;
  assert.deepEqual(sum([...counts]), { waiting: 7, running: 0, failed: 0, done: 1_000_000, total: 1_000_007 });
  assert.deepEqual(byKind([...counts], 'waiting').map((k) => k.kind), ['proxy', 'picture']);
});

test('a worker is a machine and a place on it; a host may hold slashes', () => {
  assert.deepEqual(machine('mule/41/cpu/0'), { host: 'mule', slot: '41/cpu/0' });
  assert.deepEqual(machine('a/b/41/video/1'), { host: 'a/b', slot: '41/video/1' });
  assert.deepEqual(machine(undefined), { host: '', slot: '' });
});

test('news moves the bar and takes a job that ended out of the running ones', () => {
  const job = { id: 'x', state: 'running', progress: 0 } as Queued;
  const q: Queue = { now: 0, counts: [], running: [job], failed: [], waiting: [], done: [] };
  assert.equal(follow(q, { id: 'x', state: 'running', progress: 0.5 }).running[0].progress, 0.5);
  assert.equal(follow(q, { id: 'x', state: 'done', progress: 1 }).running.length, 0);
  assert.equal(follow(q, { id: 'x', state: 'running', progress: 0 }), q, 'no news changes nothing');
  assert.equal(follow(q, { id: 'y', state: 'done', progress: 1 }), q);
});
