import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digitsFor, formatMgrs, parsePosition } from './coords.ts';
import { readFilter, writeFilter } from './facets.ts';
import { fold } from './fold.ts';
import { readLink, writeLink, type Link } from './link.ts';
import { citations, paragraphs } from './markup.ts';
import { frameAt, mediaTime, middleOf, parseFrames, parseMediaTime } from './media.ts';
import { parsePeaks } from './peaks.ts';
import { same } from './same.ts';
import { fromLocal, overlap, timeWords } from './time.ts';

const utc = (s: string) => Date.parse(s);

test('times: never a lone minute for an interval, zone before and after May 2016', () => {
  const z = 'America/Caracas';
  assert.equal(fromLocal('2018-01-15', '09:07', z), utc('2018-01-15T13:07:00Z'));
  assert.equal(fromLocal('2016-04-30', '09:07', z), utc('2016-04-30T13:37:00Z'));
  assert.equal(fromLocal('2018-01-15', '24:00', z), utc('2018-01-16T04:00:00Z'));
  assert.equal(fromLocal('2018-02-30', '09:07', z), null);
  assert.equal(fromLocal('2021-03-14', '02:30', 'America/New_York'), null); // skipped by that zone
  const t = { min: utc('2018-01-15T15:15:00Z'), max: utc('2018-01-15T15:32:00Z') };
  assert.equal(timeWords(t, z, 'en', '2018-01-15').short, '11:15–11:32');
  assert.equal(timeWords({ min: null, max: t.max }, z, 'en', '2018-01-15').short, '≤ 11:32');
  assert.equal(timeWords({ min: t.min, max: null }, z, 'es', '2018-01-15').utc, '≥ 15:15Z');
  const about = { min: utc('2018-01-15T13:05:00Z'), max: utc('2018-01-15T13:09:00Z'), best: utc('2018-01-15T13:07:00Z'), precision: 'about' as const };
  assert.deepEqual([timeWords(about, z, 'en', '2018-01-15').short, timeWords(about, z, 'en').error], ['~09:07', '± 2 min']);
  // A stretch called "about" keeps both ends: its middle is a time that nobody named.
  const long = { min: utc('2018-01-15T08:00:00Z'), max: utc('2018-01-15T15:20:59.999Z'), precision: 'about' as const };
  assert.equal(timeWords(long, z, 'en', '2018-01-15').short, '~04:00–11:20');
  const minute = { min: utc('2018-01-15T13:07:00Z'), max: utc('2018-01-15T13:07:59.999Z'), precision: 'estimate' as const };
  assert.equal(timeWords(minute, z, 'en', '2018-01-15').short, '~09:07');
  assert.ok(timeWords(null, z, 'en').none);
});

test('overlap: shared stretch, none, and no clock', () => {
  const a = { min: 0, max: 100_000 };
  assert.deepEqual(overlap(a, { min: 50_000, max: 300_000 }), { min: 50_000, max: 100_000 });
  assert.equal(overlap(a, { min: 100_001, max: 300_000 }), null);
  assert.equal(overlap(a, { min: 0, max: 86_399_999, precision: 'day' }), null);
});

test('positions: decimal, degrees in two languages, MGRS, map addresses; nonsense is refused', () => {
  const near = (s: string, lat: number, lon: number, tol = 1e-4) => {
    const p = parsePosition(s);
    assert.ok(p && Math.abs(p.lat - lat) < tol && Math.abs(p.lon - lon) < tol, `${s} gave ${JSON.stringify(p)}`);
  };
  near('10.4602, -67.0802', 10.4602, -67.0802);
  near('10.4602 −67.0802', 10.4602, -67.0802);
  near('10°27\'36.7"N 67°04\'48.7"O', 10.46019, -67.08019);
  near('https://maps.example/@10.4602,-67.0802,17z', 10.4602, -67.0802);
  // GeographicLib's example of GeoConvert, and the Washington Monument of the US National Grid.
  near('38SMB4414084706', 33.3, 44.4, 1e-5);
  near('18S UJ 2348 0647', 38.88944, -77.03524, 1e-4);
  for (const s of ['', 'km 16', '91, 0', '10.4', '18SIO12', 'NaN, NaN']) assert.equal(parsePosition(s), null, s);
  assert.equal(formatMgrs({ lat: 33.3, lon: 44.4 }), '38S MB 44140 84706');
  assert.equal(formatMgrs({ lat: 38.88944, lon: -77.03524 }, 4), '18S UJ 2348 0647');
  // Round trip over the globe within the square that five digits name.
  for (let i = 0; i < 400; i++) {
    const p = { lat: -79.9 + ((i * 37.31) % 163.8), lon: -180 + ((i * 71.77) % 360) };
    const q = parsePosition(formatMgrs(p));
    assert.ok(q, formatMgrs(p));
    const east = (((q.lon - p.lon + 540) % 360) - 180) * 111320 * Math.cos((p.lat * Math.PI) / 180);
    assert.ok(Math.hypot((q.lat - p.lat) * 111000, east) < 2, `${JSON.stringify(p)} ${formatMgrs(p)} ${JSON.stringify(q)}`);
  }
  assert.deepEqual(digitsFor(3000), { degrees: 2, mgrs: 2 });
});

test('links: parse(format(state)) = state for 10,000 random states; bad values are named', () => {
  let seed = 7;
  const rnd = () => ((seed = (seed * 1664525 + 1013904223) >>> 0) / 2 ** 32);
  const pick = <T>(...x: T[]) => x[Math.floor(rnd() * x.length)]!;
  const word = () => Array.from({ length: 1 + Math.floor(rnd() * 6) }, () => pick('a', 'é', '&', '=', ';', ',', '%', ' ', '#', '+', '7', 'ل', '😀')).join('');
  for (let i = 0; i < 10_000; i++) {
    const l: Link = {};
    if (rnd() < 0.5) l.t = Math.floor(rnd() * 4e12) - 2e12;
    if (rnd() < 0.5) { l.cam = [0, 1, 2, 3, 4, 5].map(() => Math.round((rnd() - 0.5) * 1e6) / 100); l.cam.push(Math.round(1 + rnd() * 17_000) / 100); if (rnd() < 0.5) l.o = pick('9f3a', '0', 'abc'); }
    if (rnd() < 0.5) l.sel = pick('EJ-014', 'C-07', word());
    if (rnd() < 0.3) l.pair = 'C-05*C-24';
    if (rnd() < 0.3) l.step = Math.floor(rnd() * 40);
    if (rnd() < 0.4) l.acc = [word(), 'government'];
    if (rnd() < 0.4) l.q = word();
    if (rnd() < 0.4) l.case = word();
    if (rnd() < 0.4) l.view = 'place';
    if (rnd() < 0.2) l.more = { x9: word() };
    const back = readLink(writeLink(l));
    assert.deepEqual(back, { link: l, bad: [] }, writeLink(l));
  }
  assert.deepEqual(readLink('#v1&t=noon&cam=1,2&sel=EJ-001&zz=1'), { link: { sel: 'EJ-001', more: { zz: '1' } }, bad: ['t', 'cam'] });
  assert.deepEqual(readLink('#C-07').link, { sel: 'C-07' });
  assert.deepEqual(readLink('#v1&sel=%E0%A4').bad, ['sel']);
});

test('filters survive the address bar', () => {
  const f = { text: 'cohete; =x', on: { media: ['video', 'photo'], tag: ['a,b', 'ñ'] } };
  assert.deepEqual(readFilter(writeFilter(f)), f);
  assert.equal(fold('PÉREZ'), 'perez');
});

test('story text: citations and labels, and never markup', () => {
  const p = paragraphs('He knows [EJ-010].\n\ncontext: a *wide* view\n\nnot established: who\n\n<img src=x> bare');
  assert.deepEqual(p.map((x) => [x.label, x.bare]), [[null, false], ['context', false], ['not_established', false], [null, true]]);
  assert.deepEqual(citations('[EJ-010] [C-03] [EJ-010] [nothing]'), ['EJ-010', 'C-03']);
  assert.deepEqual(p[3]!.marks, [{ text: '<img src=x> bare' }]);
});

test('media time, frames of variable rate, peaks', () => {
  assert.equal(mediaTime(64_200), '1:04.20');
  for (const ms of [0, 999, 59_990, 3_600_000, 5_025_670]) assert.ok(Math.abs(parseMediaTime(mediaTime(ms))! - ms) < 10);
  assert.equal(parseMediaTime('1:75'), null);
  const f = parseFrames(new TextEncoder().encode('{"pts_ms":[0,33,50,120]}').buffer as ArrayBuffer)!;
  assert.equal(frameAt(f, 49.9), 2);
  assert.equal(frameAt(f, 119), 2);
  assert.equal(middleOf(f, 2), 85);
  assert.equal(parseFrames(new TextEncoder().encode('[1,"x"]').buffer as ArrayBuffer), null);
  const b = new ArrayBuffer(24);
  const v = new DataView(b);
  v.setInt32(0, 1, true);
  v.setUint32(4, 1, true);
  v.setUint32(16, 2, true);
  [-64, 64, -128, 127].forEach((x, i) => v.setInt8(20 + i, x));
  assert.deepEqual([...parsePeaks(b)!.min], [-0.5, -1]);
  assert.equal(parsePeaks(new ArrayBuffer(3)), null);
});

test('same: order of keys and empty fields do not tell values apart, values do', () => {
  assert.ok(same({ a: 1, b: { en: 'x' }, c: [] }, { b: { en: 'x', es: '' }, a: 1 }));
  assert.ok(!same({ a: 1 }, { a: 2 }));
  assert.ok(!same({ steps: [1, 2] }, { steps: [2, 1] }));
});
