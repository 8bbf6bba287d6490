import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockText, dateText, instantsOf, offsetAt, offsetText, wallAt } from './zone.ts';

const CARACAS = 'America/Caracas';

// Venezuela: -04:30 from 9 December 2007 to 1 May 2016, -04:00 before and after (IANA tz database).
test('Caracas on both sides of May 2016 and December 2007', () => {
  assert.equal(offsetText(CARACAS, Date.UTC(2016, 3, 30)), '−04:30');
  assert.equal(offsetText(CARACAS, Date.UTC(2018, 0, 15)), '−04');
  assert.equal(offsetText(CARACAS, Date.UTC(2007, 5, 1)), '−04');
  assert.equal(clockText(CARACAS, Date.UTC(2018, 0, 15, 13, 7, 12), true), '09:07:12');
  assert.equal(dateText(CARACAS, Date.UTC(2018, 0, 16, 3, 0)), '2018-01-15');
});

test('a gap has no instant, a fold has two', () => {
  assert.deepEqual(instantsOf(CARACAS, { year: 2016, month: 5, day: 1, hour: 2, minute: 45 }), []);
  assert.deepEqual(instantsOf(CARACAS, { year: 2007, month: 12, day: 9, hour: 2, minute: 45 }), [1197182700000, 1197184500000]);
  assert.deepEqual(instantsOf(CARACAS, { year: 2018, month: 1, day: 15, hour: 9, minute: 7 }), [Date.UTC(2018, 0, 15, 13, 7)]);
});

test('an instant read as wall time and back is the same instant', () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (const zone of [CARACAS, 'Europe/Berlin', 'Asia/Kathmandu', 'Pacific/Apia', 'UTC']) {
    for (let i = 0; i < 400; i++) {
      const t = Math.floor(-1e12 + random() * 3e12);
      assert.ok(instantsOf(zone, wallAt(zone, t)).includes(t), `${zone} ${t}`);
    }
  }
});

test('an unknown zone and an impossible instant do not throw', () => {
  assert.equal(offsetAt('Mars/Olympus', 0), 0);
  assert.equal(offsetAt(CARACAS, Number.NaN), 0);
  assert.equal(offsetAt(CARACAS, 1e300), 0);
});
