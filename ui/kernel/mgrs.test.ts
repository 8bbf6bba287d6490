import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mgrs, utm } from './mgrs.ts';

// Known points: the Eiffel Tower and the Statue of Liberty as commonly published; the equator at a central meridian by definition.
test('published points', () => {
  assert.equal(mgrs(48.8582, 2.2945, 4), '31U DQ 4825 1193');
  assert.equal(mgrs(0, 3, 5), '31N EA 00000 00000');
  assert.equal(mgrs(60, 5, 0).slice(0, 3), '32V');
  assert.equal(mgrs(85, 0), '');
  assert.equal(mgrs(Number.NaN, 0), '');
});

test('one metre on the ground is one metre in the grid, away from the scale factor', () => {
  for (const [lat, lon] of [[10.4633, -67.0794], [-33.9, 18.4], [59.9, 10.7]] as const) {
    const a = utm(lat, lon)!;
    const b = utm(lat + 1 / 111_000, lon)!;
    const d = Math.hypot(b.easting - a.easting, b.northing - a.northing);
    assert.ok(d > 0.98 && d < 1.02, String(d));
  }
  // Length of the meridian from the equator to 45 degrees north: 4,984,944.378 m (WGS84).
  assert.ok(Math.abs(utm(45, 3)!.northing / 0.9996 - 4_984_944.378) < 0.01);
});
