import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Frame, fromEcef, toEcef } from './enu.ts';

const near = (a: number, b: number, tol: number, what: string) => assert.ok(Math.abs(a - b) <= tol, `${what}: ${a}, want ${b}`);

test('corners of the ellipsoid, and a point of EPSG Guidance Note 7-2', () => {
  near(toEcef({ lat: 0, lon: 0, h: 0 })[0], 6378137, 1e-9, 'equator');
  near(toEcef({ lat: 90, lon: 0, h: 0 })[2], 6356752.314245179, 1e-8, 'pole');
  const p = toEcef({ lat: 53.809394444444444, lon: 2.12955, h: 73 });
  [3771793.968, 140253.342, 5124304.349].forEach((v, i) => near(p[i]!, v, 1.1e-3, 'axis ' + i));
});

test('there and back within a micrometre out to 30 km, on all latitudes', () => {
  for (let lat = -90; lat <= 90; lat += 7.5)
    for (let k = 0; k < 40; k++) {
      const f = new Frame({ lat, lon: k * 9 - 180, h: 137 * k });
      const p = [Math.sin(k) * 30000, Math.cos(3 * k) * 30000, Math.sin(7 * k) * 4000] as const;
      const q = f.toEnu(f.toGeodetic(p));
      near(Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]), 0, 1e-6, `from ${lat}`);
    }
});

test('the plane of the frame leaves the ellipsoid: 1.97 m at 5 km', () => {
  const f = new Frame({ lat: 10.4633, lon: -67.0794, h: 0 });
  near(f.toGeodetic([0, 5000, 0]).h, 1.97, 0.02, 'height');
});

test('the centre of the Earth is not an exception', () => {
  assert.equal(fromEcef([0, 0, 0]).h, -6378137);
});
