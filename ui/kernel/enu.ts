/**
 * The local frame of a scene in the browser, the twin of package where in Go:
 * WGS 84 to east, north, up at a frozen origin, always through Earth-centred
 * coordinates, in doubles. Only differences to the origin go to the graphics
 * card as float32.
 */
import type { Degrees, Enu, Metres } from './units.ts';

const A = 6378137;
const F = 1 / 298.257223563;
const B = A * (1 - F);
const E2 = F * (2 - F);
const EP2 = E2 / (1 - E2);
const RAD = Math.PI / 180;

/** WGS 84: degrees, and metres above the ellipsoid. */
export interface Geodetic {
  readonly lat: Degrees;
  readonly lon: Degrees;
  readonly h: Metres;
}

type Vec = readonly [number, number, number];

/** Earth-centred, Earth-fixed metres. */
export function toEcef(g: Geodetic): Vec {
  const sp = Math.sin(g.lat * RAD);
  const cp = Math.cos(g.lat * RAD);
  const n = A / Math.sqrt(1 - E2 * sp * sp);
  return [(n + g.h) * cp * Math.cos(g.lon * RAD), (n + g.h) * cp * Math.sin(g.lon * RAD), (n * (1 - E2) + g.h) * sp];
}

/** Bowring's iteration on the reduced latitude; below a nanometre near the Earth. */
export function fromEcef([x, y, z]: Vec): Geodetic {
  const r = Math.hypot(x, y);
  if (r === 0 && z === 0) return { lat: 0, lon: 0, h: -A };
  let sb = z * A;
  let cb = r * B;
  let sp = 0;
  let cp = 1;
  for (let i = 0; i < 5; i++) {
    let l = Math.hypot(sb, cb);
    sb /= l;
    cb /= l;
    if (i === 4) break;
    sp = z + EP2 * B * sb ** 3;
    cp = r - E2 * A * cb ** 3;
    l = Math.hypot(sp, cp);
    sp /= l;
    cp /= l;
    sb = (1 - F) * sp;
    cb = cp;
  }
  return { lat: Math.atan2(sp, cp) / RAD, lon: Math.atan2(y, x) / RAD, h: r * cp + z * sp - A * Math.sqrt(1 - E2 * sp * sp) };
}

/** East, north, up at a frozen origin. */
export class Frame {
  readonly #at: Vec;
  readonly #axes: readonly [Vec, Vec, Vec];

  constructor(readonly origin: Geodetic) {
    const sp = Math.sin(origin.lat * RAD);
    const cp = Math.cos(origin.lat * RAD);
    const sl = Math.sin(origin.lon * RAD);
    const cl = Math.cos(origin.lon * RAD);
    this.#at = toEcef(origin);
    this.#axes = [
      [-sl, cl, 0],
      [-sp * cl, -sp * sl, cp],
      [cp * cl, cp * sl, sp],
    ];
  }

  toEnu(g: Geodetic): Enu {
    const p = toEcef(g);
    const d: Vec = [p[0] - this.#at[0], p[1] - this.#at[1], p[2] - this.#at[2]];
    const along = (a: Vec) => a[0] * d[0] + a[1] * d[1] + a[2] * d[2];
    return [along(this.#axes[0]), along(this.#axes[1]), along(this.#axes[2])];
  }

  toGeodetic([e, n, u]: Enu): Geodetic {
    const [x, y, z] = this.#axes;
    return fromEcef([this.#at[0] + x[0] * e + y[0] * n + z[0] * u, this.#at[1] + x[1] * e + y[1] * n + z[1] * u, this.#at[2] + x[2] * e + y[2] * n + z[2] * u]);
  }
}
