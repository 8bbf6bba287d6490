import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Almanac, standardAir, sunAt, sunVector } from './sun.ts';

// The tests may run from a bundle elsewhere, so the folder is looked for upward from where they were started.
function vectors(): { t: number; lat: number; lon: number; h: number; p: number; c: number; dt: number; az: number; el: number; ap: number }[] {
  for (const up of ['.', '..', '../..']) {
    const f = join(process.cwd(), up, 'sun/testdata/vectors.json');
    if (existsSync(f)) return JSON.parse(readFileSync(f, 'utf8')).vectors;
  }
  throw new Error('sun/testdata/vectors.json is not found; run the tests inside the repository');
}

const apart = (a: number, b: number): number => Math.abs(((a - b + 540) % 360) - 180);

test('the worked example of NREL/TP-560-34302', () => {
  const s = sunAt(1066419030000, { lat: 39.742476, lon: -105.1786, height: 1830.14 }, { pressureHpa: 820, temperatureC: 11 }, 67);
  assert.ok(Math.abs(s.azimuth - 194.340241) < 5.1e-7);
  assert.ok(Math.abs(90 - s.apparent - 50.11162) < 5.1e-6);
  assert.ok(Math.abs(s.elevation - 39.872046) < 5.1e-7);
});

test('the same numbers as Go to 1e-9 degrees', () => {
  const all = vectors();
  assert.ok(all.length >= 200);
  let worst = 0;
  for (const v of all) {
    const s = sunAt(v.t, { lat: v.lat, lon: v.lon, height: v.h }, { pressureHpa: v.p, temperatureC: v.c }, v.dt);
    worst = Math.max(worst, apart(s.azimuth, v.az) * Math.cos((v.el * Math.PI) / 180), Math.abs(s.elevation - v.el), Math.abs(s.apparent - v.ap));
  }
  assert.ok(worst <= 1e-9, `largest difference ${worst}`);
});

test('the almanac gives what the algorithm gives', () => {
  const almanac = new Almanac();
  const place = { lat: 10.4633, lon: -67.0794, height: 2000 };
  for (let i = 0; i < 200; i++) {
    const t = 1515988800000 + i * 3_333_333;
    const a = almanac.at(t, place);
    const b = sunAt(t, place);
    assert.ok(apart(a.azimuth, b.azimuth) < 1e-6 && Math.abs(a.apparent - b.apparent) < 1e-6, `at ${t}`);
  }
});

test('the vector points where the shadow comes from', () => {
  const place = { lat: 10.4633, lon: -67.0794, height: 2000 };
  const [e, n, u] = sunVector(sunAt(1516021620000, place, standardAir(2000)));
  // A 3 m pole casts its tip 4.5307 m west and 2.7852 m north.
  assert.ok(Math.abs((-3 * e) / u + 4.5307) < 0.003 && Math.abs((-3 * n) / u - 2.7852) < 0.003);
});
