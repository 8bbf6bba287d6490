import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock } from './clock.ts';

const rig = () => {
  let mono = 1000;
  const clock = new Clock(100_000, { from: 0, to: 200_000 }, () => mono);
  return { clock, pass: (ms: number) => ((mono += ms), clock.tick()) };
};

test('time moves with the monotonic clock and the rate, only while playing', () => {
  const { clock, pass } = rig();
  pass(500);
  assert.equal(clock.get(), 100_000);
  clock.play();
  pass(500);
  assert.equal(clock.get(), 100_500);
  clock.setRate(10);
  pass(100);
  assert.equal(clock.get(), 101_500);
  clock.pause();
  pass(5000);
  assert.equal(clock.get(), 101_500);
});

test('a seek while playing loses no time and stays in range', () => {
  const { clock, pass } = rig();
  clock.play();
  pass(100);
  clock.seek(50_000);
  pass(100);
  assert.equal(clock.get(), 50_100);
  clock.seek(9e9);
  assert.equal(clock.get(), 200_000);
  clock.seek(Number.NaN);
  assert.equal(clock.get(), 200_000);
});

test('playing stops at the end and starts again from the beginning', () => {
  const { clock, pass } = rig();
  clock.seek(199_990);
  clock.play();
  pass(20);
  assert.equal(clock.get(), 200_000);
  assert.equal(clock.playing.get(), false);
  clock.play();
  assert.equal(clock.get(), 0);
});

test('shuttle doubles, reverses and stops', () => {
  const { clock, pass } = rig();
  clock.shuttle(1);
  assert.equal(clock.rate.get(), 1);
  clock.shuttle(1);
  clock.shuttle(1);
  assert.equal(clock.rate.get(), 4);
  clock.shuttle(-1);
  assert.equal(clock.rate.get(), -1);
  pass(1000);
  assert.equal(clock.get(), 99_000);
  for (let i = 0; i < 20; i++) clock.shuttle(-1);
  assert.equal(clock.rate.get(), -60);
  clock.shuttle(0);
  assert.equal(clock.playing.get(), false);
  assert.equal(clock.rate.get(), 1);
});

test('a gap is jumped only when entered by playing, and the jump is told', () => {
  const { clock, pass } = rig();
  clock.skip.set([{ from: 100_050, to: 150_000 }]);
  clock.play();
  pass(100);
  assert.equal(clock.get(), 150_000);
  assert.deepEqual(clock.jumped.get(), { from: 100_050, to: 150_000 });
  clock.seek(120_000);
  pass(100);
  assert.equal(clock.get(), 120_100);
});

test('frames are asked for only while playing', () => {
  const { clock } = rig();
  const frames: (() => void)[] = [];
  const stop = clock.run((f) => frames.push(f));
  assert.equal(frames.length, 0);
  clock.play();
  assert.equal(frames.length, 1);
  frames.pop()!();
  assert.equal(frames.length, 1);
  clock.pause();
  frames.pop()!();
  assert.equal(frames.length, 0);
  clock.play();
  stop();
  frames.pop()!();
  assert.equal(frames.length, 0);
});
