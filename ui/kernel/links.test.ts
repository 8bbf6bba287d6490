import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LONGEST, cameraOf, forScene, format, normal, parse, viewOf, type LinkState } from './links.ts';

let seed = 99;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const pick = <T>(a: readonly T[]): T => a[Math.floor(random() * a.length)]!;
function anyState(): LinkState {
  const s: LinkState = {};
  const maybe = (f: () => void) => random() < 0.6 && f();
  maybe(() => (s.t = Math.floor((random() - 0.2) * 3e12)));
  maybe(() => {
    s.cam = { e: Math.round((random() - 0.5) * 1e6) / 100, n: Math.round((random() - 0.5) * 1e6) / 100, u: Math.round(random() * 1e5) / 100, yaw: Math.round(random() * 3599) / 10, pitch: Math.round((random() - 0.5) * 1800) / 10 + 0, vfov: Math.round(10 + random() * 900) / 10 };
    s.o = Math.floor(0x10000000 + random() * 0xe0000000).toString(16);
  });
  maybe(() => (s.sel = pick(['EJ-014', 'EJ-014.3', 'C-07', 'G-02', 'S-12'])));
  maybe(() => (s.at = Math.round(random() * 1e6) / 1000));
  maybe(() => (s.l = Math.floor(random() * 1024)));
  maybe(() => (s.acc = ['official', 'evidence', 'witness'].filter(() => random() < 0.5)));
  maybe(() => (s.p = { id: 'EJ-0' + Math.floor(10 + random() * 89), opacity: Math.floor(random() * 101) }));
  maybe(() => (s.q = pick(['fire & smoke', 'año 2018, casa', 'a=b#c', '100%', 'مرحبا', 'x+y'])));
  maybe(() => (s.other = { zz: 'later version' }));
  return s;
}

test('parse(format(s)) = s for 10,000 states, none longer than 300 characters', () => {
  for (let i = 0; i < 10_000; i++) {
    const s = anyState();
    const text = format(s);
    assert.ok(text.length <= LONGEST, text);
    const { state, ignored } = parse(text);
    assert.deepEqual(ignored, []);
    assert.deepEqual(state, s, text);
    assert.deepEqual(normal(s), s);
  }
});

test('the example of the design, and the short form', () => {
  const text = '#v1&t=2018-01-15T13:07:02.5Z&cam=12.40,-3.10,1.65,218.5,-4.0,47.2&o=9f3a&sel=EJ-014&at=83.2&l=1f&acc=official,evidence&p=EJ-014:80';
  const { state, ignored } = parse(text);
  assert.deepEqual(ignored, []);
  assert.equal(state.t, Date.UTC(2018, 0, 15, 13, 7, 2, 500));
  assert.deepEqual(state.cam, { e: 12.4, n: -3.1, u: 1.65, yaw: 218.5, pitch: -4, vfov: 47.2 });
  assert.equal(state.l, 31);
  assert.deepEqual(parse('#C-01').state, { sel: 'C-01' });
  assert.equal(forScene(state, '9f3a17c0').cam, state.cam);
  const foreign = forScene(state, 'bbbb17c0');
  assert.equal(foreign.cam, undefined);
  assert.equal(foreign.sel, 'EJ-014');
});

test('bad values are named and the rest holds; noise never throws', () => {
  const { state, ignored } = parse('#v1&t=yesterday&cam=1,2&sel=EJ-014&at=-4&l=zz&p=EJ-014:101&q=%E0%A4%A');
  assert.deepEqual(state, { sel: 'EJ-014' });
  assert.deepEqual(ignored, ['t', 'cam', 'at', 'l', 'p', 'q']);
  for (let i = 0; i < 3000; i++) {
    const noise = '#' + Array.from({ length: Math.floor(random() * 60) }, () => pick([...'v1&=%,.:-#tcamoselqp09afz\u202e é'])).join('');
    parse(noise);
    parse('#v1&' + noise.slice(1));
  }
});

test('a camera of a link and its view are the same direction', () => {
  for (let i = 0; i < 200; i++) {
    const c = { e: random() * 100, n: random() * 100, u: random() * 20, yaw: random() * 359.9, pitch: (random() - 0.5) * 170, vfov: 45 };
    const back = cameraOf(viewOf(c));
    for (const k of ['e', 'n', 'u', 'yaw', 'pitch', 'vfov'] as const) assert.ok(Math.abs(back[k] - c[k]) < 1e-9, k);
  }
});
