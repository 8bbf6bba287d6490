/**
 * The sun's place, the twin of package sun in Go: NREL/TP-560-34302 (Reda and
 * Andreas, revised January 2008) from the report's text and tables A4.2 and
 * A4.3. The scene lights itself and its shadows with it at every frame, so the
 * slow sums are done once a day in an Almanac. Agreement with Go: 1e-9 degrees
 * on sun/testdata/vectors.json.
 */
import type { Degrees, Enu, Metres, UtcMs } from './units.ts';

/** Amplitude (1e-8 rad or AU), phase (rad), rate (rad per Julian millennium), in threes, by power of time. */
const LONGITUDE: readonly (readonly number[])[] = [
  [
    175347046, 0, 0, 3341656, 4.6692568, 6283.07585, 34894, 4.6261, 12566.1517, 3497, 2.7441, 5753.3849,
    3418, 2.8289, 3.5231, 3136, 3.6277, 77713.7715, 2676, 4.4181, 7860.4194, 2343, 6.1352, 3930.2097,
    1324, 0.7425, 11506.7698, 1273, 2.0371, 529.691, 1199, 1.1096, 1577.3435, 990, 5.233, 5884.927,
    902, 2.045, 26.298, 857, 3.508, 398.149, 780, 1.179, 5223.694, 753, 2.533, 5507.553,
    505, 4.583, 18849.228, 492, 4.205, 775.523, 357, 2.92, 0.067, 317, 5.849, 11790.629,
    284, 1.899, 796.298, 271, 0.315, 10977.079, 243, 0.345, 5486.778, 206, 4.806, 2544.314,
    205, 1.869, 5573.143, 202, 2.458, 6069.777, 156, 0.833, 213.299, 132, 3.411, 2942.463,
    126, 1.083, 20.775, 115, 0.645, 0.98, 103, 0.636, 4694.003, 102, 0.976, 15720.839,
    102, 4.267, 7.114, 99, 6.21, 2146.17, 98, 0.68, 155.42, 86, 5.98, 161000.69,
    85, 1.3, 6275.96, 85, 3.67, 71430.7, 80, 1.81, 17260.15, 79, 3.04, 12036.46,
    75, 1.76, 5088.63, 74, 3.5, 3154.69, 74, 4.68, 801.82, 70, 0.83, 9437.76,
    62, 3.98, 8827.39, 61, 1.82, 7084.9, 57, 2.78, 6286.6, 56, 4.39, 14143.5,
    56, 3.47, 6279.55, 52, 0.19, 12139.55, 52, 1.33, 1748.02, 51, 0.28, 5856.48,
    49, 0.49, 1194.45, 41, 5.37, 8429.24, 41, 2.4, 19651.05, 39, 6.17, 10447.39,
    37, 6.04, 10213.29, 37, 2.57, 1059.38, 36, 1.71, 2352.87, 36, 1.78, 6812.77,
    33, 0.59, 17789.85, 30, 0.44, 83996.85, 30, 2.74, 1349.87, 25, 3.16, 4690.48,
  ],
  [
    628331966747, 0, 0, 206059, 2.678235, 6283.07585, 4303, 2.6351, 12566.1517, 425, 1.59, 3.523,
    119, 5.796, 26.298, 109, 2.966, 1577.344, 93, 2.59, 18849.23, 72, 1.14, 529.69,
    68, 1.87, 398.15, 67, 4.41, 5507.55, 59, 2.89, 5223.69, 56, 2.17, 155.42,
    45, 0.4, 796.3, 36, 0.47, 775.52, 29, 2.65, 7.11, 21, 5.34, 0.98,
    19, 1.85, 5486.78, 19, 4.97, 213.3, 17, 2.99, 6275.96, 16, 0.03, 2544.31,
    16, 1.43, 2146.17, 15, 1.21, 10977.08, 12, 2.83, 1748.02, 12, 3.26, 5088.63,
    12, 5.27, 1194.45, 12, 2.08, 4694, 11, 0.77, 553.57, 10, 1.3, 6286.6,
    10, 4.24, 1349.87, 9, 2.7, 242.73, 9, 5.64, 951.72, 8, 5.3, 2352.87,
    6, 2.65, 9437.76, 6, 4.67, 4690.48,
  ],
  [
    52919, 0, 0, 8720, 1.0721, 6283.0758, 309, 0.867, 12566.152, 27, 0.05, 3.52,
    16, 5.19, 26.3, 16, 3.68, 155.42, 10, 0.76, 18849.23, 9, 2.06, 77713.77,
    7, 0.83, 775.52, 5, 4.66, 1577.34, 4, 1.03, 7.11, 4, 3.44, 5573.14,
    3, 5.14, 796.3, 3, 6.05, 5507.55, 3, 1.19, 242.73, 3, 6.12, 529.69,
    3, 0.31, 398.15, 3, 2.28, 553.57, 2, 4.38, 5223.69, 2, 3.75, 0.98,
  ],
  [
    289, 5.844, 6283.076, 35, 0, 0, 17, 5.49, 12566.15, 3, 5.2, 155.42,
    1, 4.72, 3.52, 1, 5.3, 18849.23, 1, 5.97, 242.73,
  ],
  [114, 3.142, 0, 8, 4.13, 6283.08, 1, 3.84, 12566.15],
  [1, 3.14, 0],
]
const LATITUDE: readonly (readonly number[])[] = [
  [
    280, 3.199, 84334.662, 102, 5.422, 5507.553, 80, 3.88, 5223.69, 44, 3.7, 2352.87,
    32, 4, 1577.34,
  ],
  [9, 3.9, 5507.55, 6, 1.73, 5223.69],
]
const RADIUS: readonly (readonly number[])[] = [
  [
    100013989, 0, 0, 1670700, 3.0984635, 6283.07585, 13956, 3.05525, 12566.1517, 3084, 5.1985, 77713.7715,
    1628, 1.1739, 5753.3849, 1576, 2.8469, 7860.4194, 925, 5.453, 11506.77, 542, 4.564, 3930.21,
    472, 3.661, 5884.927, 346, 0.964, 5507.553, 329, 5.9, 5223.694, 307, 0.299, 5573.143,
    243, 4.273, 11790.629, 212, 5.847, 1577.344, 186, 5.022, 10977.079, 175, 3.012, 18849.228,
    110, 5.055, 5486.778, 98, 0.89, 6069.78, 86, 5.69, 15720.84, 86, 1.27, 161000.69,
    65, 0.27, 17260.15, 63, 0.92, 529.69, 57, 2.01, 83996.85, 56, 5.24, 71430.7,
    49, 3.25, 2544.31, 47, 2.58, 775.52, 45, 5.54, 9437.76, 43, 6.01, 6275.96,
    39, 5.36, 4694, 38, 2.39, 8827.39, 37, 0.83, 19651.05, 37, 4.9, 12139.55,
    36, 1.67, 12036.46, 35, 1.84, 2942.46, 33, 0.24, 7084.9, 32, 0.18, 5088.63,
    32, 1.78, 398.15, 28, 1.21, 6286.6, 28, 1.9, 6279.55, 26, 4.59, 10447.39,
  ],
  [
    103019, 1.10749, 6283.07585, 1721, 1.0644, 12566.1517, 702, 3.142, 0, 32, 1.02, 18849.23,
    31, 2.84, 5507.55, 25, 1.32, 5223.69, 18, 1.42, 1577.34, 10, 5.91, 10977.08,
    9, 1.42, 6275.96, 9, 0.27, 5486.78,
  ],
  [
    4359, 5.7846, 6283.0758, 124, 5.579, 12566.152, 12, 3.14, 0, 9, 3.63, 77713.77,
    6, 1.87, 5573.14, 3, 5.47, 18849.23,
  ],
  [145, 4.273, 6283.076, 7, 3.92, 12566.15],
  [4, 2.56, 6283.08],
]
/** Multiples of D, M, M', F, node; then a, b, c, d in 0.0001 arc seconds. */
const NUTATION: readonly number[] = [
  0, 0, 0, 0, 1, -171996, -174.2, 92025, 8.9,
  -2, 0, 0, 2, 2, -13187, -1.6, 5736, -3.1,
  0, 0, 0, 2, 2, -2274, -0.2, 977, -0.5,
  0, 0, 0, 0, 2, 2062, 0.2, -895, 0.5,
  0, 1, 0, 0, 0, 1426, -3.4, 54, -0.1,
  0, 0, 1, 0, 0, 712, 0.1, -7, 0,
  -2, 1, 0, 2, 2, -517, 1.2, 224, -0.6,
  0, 0, 0, 2, 1, -386, -0.4, 200, 0,
  0, 0, 1, 2, 2, -301, 0, 129, -0.1,
  -2, -1, 0, 2, 2, 217, -0.5, -95, 0.3,
  -2, 0, 1, 0, 0, -158, 0, 0, 0,
  -2, 0, 0, 2, 1, 129, 0.1, -70, 0,
  0, 0, -1, 2, 2, 123, 0, -53, 0,
  2, 0, 0, 0, 0, 63, 0, 0, 0,
  0, 0, 1, 0, 1, 63, 0.1, -33, 0,
  2, 0, -1, 2, 2, -59, 0, 26, 0,
  0, 0, -1, 0, 1, -58, -0.1, 32, 0,
  0, 0, 1, 2, 1, -51, 0, 27, 0,
  -2, 0, 2, 0, 0, 48, 0, 0, 0,
  0, 0, -2, 2, 1, 46, 0, -24, 0,
  2, 0, 0, 2, 2, -38, 0, 16, 0,
  0, 0, 2, 2, 2, -31, 0, 13, 0,
  0, 0, 2, 0, 0, 29, 0, 0, 0,
  -2, 0, 1, 2, 2, 29, 0, -12, 0,
  0, 0, 0, 2, 0, 26, 0, 0, 0,
  -2, 0, 0, 2, 0, -22, 0, 0, 0,
  0, 0, -1, 2, 1, 21, 0, -10, 0,
  0, 2, 0, 0, 0, 17, -0.1, 0, 0,
  2, 0, -1, 0, 1, 16, 0, -8, 0,
  -2, 2, 0, 2, 2, -16, 0.1, 7, 0,
  0, 1, 0, 0, 1, -15, 0, 9, 0,
  -2, 0, 1, 0, 1, -13, 0, 7, 0,
  0, -1, 0, 0, 1, -12, 0, 6, 0,
  0, 0, 2, -2, 0, 11, 0, 0, 0,
  2, 0, -1, 2, 1, -10, 0, 5, 0,
  2, 0, 1, 2, 2, -8, 0, 3, 0,
  0, 1, 0, 2, 2, 7, 0, -3, 0,
  -2, 1, 1, 0, 0, -7, 0, 0, 0,
  0, -1, 0, 2, 2, -7, 0, 3, 0,
  2, 0, 0, 2, 1, -7, 0, 3, 0,
  2, 0, 1, 0, 0, 6, 0, 0, 0,
  -2, 0, 2, 2, 2, 6, 0, -3, 0,
  -2, 0, 1, 2, 1, 6, 0, -3, 0,
  2, 0, -2, 0, 1, -6, 0, 3, 0,
  2, 0, 0, 0, 1, -6, 0, 3, 0,
  0, -1, 1, 0, 0, 5, 0, 0, 0,
  -2, -1, 0, 2, 1, -5, 0, 3, 0,
  -2, 0, 0, 0, 1, -5, 0, 3, 0,
  0, 0, 2, 2, 1, -5, 0, 3, 0,
  -2, 0, 2, 0, 1, 4, 0, 0, 0,
  -2, 1, 0, 2, 1, 4, 0, 0, 0,
  0, 0, 1, -2, 0, 4, 0, 0, 0,
  -1, 0, 1, 0, 0, -4, 0, 0, 0,
  -2, 1, 0, 0, 0, -4, 0, 0, 0,
  1, 0, 0, 0, 0, -4, 0, 0, 0,
  0, 0, 1, 2, 0, 3, 0, 0, 0,
  0, 0, -2, 2, 2, -3, 0, 0, 0,
  -1, -1, 1, 0, 0, -3, 0, 0, 0,
  0, 1, 1, 0, 0, -3, 0, 0, 0,
  0, -1, 1, 2, 2, -3, 0, 0, 0,
  2, -1, -1, 2, 2, -3, 0, 0, 0,
  0, 0, 3, 2, 2, -3, 0, 0, 0,
  2, -1, 0, 2, 2, -3, 0, 0, 0,
]

// Delta T, TT - UT1 in seconds, every five years from 1955 to 2025 (IERS).
const DELTA_T: readonly number[] = [31.1, 33.2, 35.7, 40.2, 45.5, 50.5, 54.3, 56.9, 60.8, 63.83, 64.69, 66.07, 67.64, 69.36, 69.14];
const RAD = Math.PI / 180;
const J2000 = 946728000;
const LIMB = -(0.26667 + 0.5667);

/** Where the observer stands: WGS 84. */
export interface SunPlace {
  readonly lat: Degrees;
  readonly lon: Degrees;
  /** Above the ellipsoid. */
  readonly height: Metres;
}

export interface Air {
  readonly pressureHpa: number;
  readonly temperatureC: number;
}

/** Angles in degrees, azimuth clockwise from true north. */
export interface SunPosition {
  readonly azimuth: Degrees;
  readonly elevation: Degrees;
  readonly apparent: Degrees;
  readonly refraction: Degrees;
}

/** The standard atmosphere at a height, 15 degrees Celsius. */
export const standardAir = (height: Metres): Air => ({ pressureHpa: 1013.25 * Math.max(0, 1 - 2.25577e-5 * height) ** 5.25588, temperatureC: 15 });

/** TT - UT1 in seconds, 1955 to 2150; outside these years the nearer end. */
export function deltaT(t: UtcMs): number {
  const y = Math.max(1955, Math.min(2150, 2000 + (t / 1000 - J2000) / (365.25 * 86400)));
  const last = DELTA_T[DELTA_T.length - 1]!;
  if (y >= 2025) return last + ((y - 2025) / 125) ** 2 * (-20 + 32 * 3.3 ** 2 - last);
  const i = Math.min(Math.floor((y - 1955) / 5), DELTA_T.length - 2);
  const f = (y - 1955 - 5 * i) / 5;
  return DELTA_T[i]! * (1 - f) + DELTA_T[i + 1]! * f;
}

const turn = (d: number): number => {
  const x = d % 360;
  return x < 0 ? x + 360 : x;
};

function series(tables: readonly (readonly number[])[], t: number): number {
  let sum = 0;
  for (let k = tables.length - 1; k >= 0; k--) {
    const table = tables[k]!;
    let part = 0;
    for (let i = 0; i < table.length; i += 3) part += table[i]! * Math.cos(table[i + 1]! + table[i + 2]! * t);
    sum = sum * t + part;
  }
  return sum / 1e8;
}

/** The sun seen from the Earth's centre, radians; nut is the nutation of the sidereal time. */
interface Sky {
  ra: number;
  dec: number;
  sinParallax: number;
  nut: number;
}

function geocentric(unix: number, dt: number): Sky {
  const days = (unix - J2000) / 86400;
  const jce = (days + dt / 86400) / 36525;
  const jme = jce / 10;
  const theta = series(LONGITUDE, jme) + Math.PI;
  const beta = -series(LATITUDE, jme);
  const r = series(RADIUS, jme);
  const cubic = (a: number, b: number, c: number, d: number) => a + jce * (b + jce * (c + jce * d));
  const x = [
    cubic(297.85036, 445267.11148, -0.0019142, 1 / 189474),
    cubic(357.52772, 35999.05034, -0.0001603, -1 / 300000),
    cubic(134.96298, 477198.867398, 0.0086972, 1 / 56250),
    cubic(93.27191, 483202.017538, -0.0036825, 1 / 327270),
    cubic(125.04452, -1934.136261, 0.0020708, 1 / 450000),
  ] as const;
  let psi = 0;
  let deps = 0;
  for (let i = 0; i < NUTATION.length; i += 9) {
    const arg = (NUTATION[i]! * x[0] + NUTATION[i + 1]! * x[1] + NUTATION[i + 2]! * x[2] + NUTATION[i + 3]! * x[3] + NUTATION[i + 4]! * x[4]) * RAD;
    psi += (NUTATION[i + 5]! + NUTATION[i + 6]! * jce) * Math.sin(arg);
    deps += (NUTATION[i + 7]! + NUTATION[i + 8]! * jce) * Math.cos(arg);
  }
  psi = (psi / 36000000) * RAD;
  const u = jme / 10;
  let eps0 = 0;
  for (const c of [2.45, 5.79, 27.87, 7.12, -39.05, -249.67, -51.38, 1999.25, -1.55, -4680.93, 84381.448]) eps0 = eps0 * u + c;
  const eps = (eps0 / 3600 + deps / 36000000) * RAD;
  const lambda = theta + psi - (20.4898 / (3600 * r)) * RAD;
  const se = Math.sin(eps);
  const ce = Math.cos(eps);
  const sl = Math.sin(lambda);
  return {
    ra: Math.atan2(sl * ce - Math.tan(beta) * se, Math.cos(lambda)),
    dec: Math.asin(Math.sin(beta) * ce + Math.cos(beta) * se * sl),
    sinParallax: Math.sin((8.794 / (3600 * r)) * RAD),
    nut: psi * ce,
  };
}

/** Mean sidereal time at Greenwich, radians, whole days apart so that no digit is lost. */
function meanSidereal(unix: number): number {
  const days = (unix - J2000) / 86400;
  const whole = Math.floor(days);
  const jc = days / 36525;
  return (280.46061837 + 0.98564736629 * whole + 360.98564736629 * (days - whole) + jc * jc * (0.000387933 - jc / 38710000)) * RAD;
}

function see(unix: number, p: SunPlace, air: Air, s: Sky): SunPosition {
  const phi = p.lat * RAD;
  const sp = Math.sin(phi);
  const cp = Math.cos(phi);
  const u = Math.atan(0.99664719 * Math.tan(phi));
  const h = p.height / 6378140;
  const ha = meanSidereal(unix) + s.nut + p.lon * RAD - s.ra;
  const cd = Math.cos(s.dec);
  // The sun from the centre minus the observer, in the frame of the meridian.
  const vx = cd * Math.cos(ha) - (Math.cos(u) + h * cp) * s.sinParallax;
  const vy = cd * Math.sin(ha);
  const vz = Math.sin(s.dec) - (0.99664719 * Math.sin(u) + h * sp) * s.sinParallax;
  const south = vx * sp - vz * cp;
  const elevation = Math.atan2(vx * cp + vz * sp, Math.sqrt(south * south + vy * vy)) / RAD;
  const bend = (air.pressureHpa / 1010) * (283 / (273 + air.temperatureC)) * (1.02 / 60);
  const refraction = elevation < LIMB ? 0 : bend / Math.tan((elevation + 10.3 / (elevation + 5.11)) * RAD);
  return { azimuth: turn(Math.atan2(vy, south) / RAD + 180), elevation, apparent: elevation + refraction, refraction };
}

/** The whole algorithm: 0.0003 degrees for the years -2000 to 6000 given delta T. */
export const sunAt = (t: UtcMs, p: SunPlace, air: Air = standardAir(p.height), dt: number = deltaT(t)): SunPosition => see(t / 1000, p, air, geocentric(t / 1000, dt));

/** The unit vector toward the sun as it is seen: east, north, up. */
export function sunVector(s: SunPosition): Enu {
  const c = Math.cos(s.apparent * RAD);
  return [c * Math.sin(s.azimuth * RAD), c * Math.cos(s.azimuth * RAD), Math.sin(s.apparent * RAD)];
}

/** The same positions with the slow sums interpolated over each day (below 1e-9 degrees with the same delta T), kept for the last days asked for. */
export class Almanac {
  readonly #days = new Map<number, Float64Array>();

  at(t: UtcMs, p: SunPlace, air: Air = standardAir(p.height)): SunPosition {
    const unix = t / 1000;
    const day = Math.floor(unix / 86400);
    let c = this.#days.get(day);
    if (!c) {
      if (this.#days.size > 400) this.#days.clear();
      this.#days.set(day, (c = fit(day)));
    }
    const x = 2 * (unix / 86400 - day) - 1;
    // Clenshaw's recurrence on the Chebyshev series of each quantity.
    const v: number[] = [];
    for (let q = 0; q < 4; q++) {
      let b1 = 0;
      let b2 = 0;
      for (let j = NODES - 1; j > 0; j--) {
        const b0 = 2 * x * b1 - b2 + c[q * NODES + j]!;
        b2 = b1;
        b1 = b0;
      }
      v.push(x * b1 - b2 + c[q * NODES]!);
    }
    return see(unix, p, air, { ra: v[0]!, dec: v[1]!, sinParallax: v[2]!, nut: v[3]! });
  }
}

const NODES = 9;

function fit(day: number): Float64Array {
  const values: number[][] = [[], [], [], []];
  const dt = deltaT((day + 0.5) * 86400e3);
  for (let k = 0; k < NODES; k++) {
    const x = Math.cos((Math.PI * (k + 0.5)) / NODES);
    const s = geocentric((day + (x + 1) / 2) * 86400, dt);
    const first = values[0]![0] ?? s.ra;
    values[0]!.push(s.ra - 2 * Math.PI * Math.round((s.ra - first) / (2 * Math.PI)));
    values[1]!.push(s.dec);
    values[2]!.push(s.sinParallax);
    values[3]!.push(s.nut);
  }
  const out = new Float64Array(4 * NODES);
  for (let q = 0; q < 4; q++)
    for (let j = 0; j < NODES; j++) {
      let sum = 0;
      for (let k = 0; k < NODES; k++) sum += values[q]![k]! * Math.cos((Math.PI * j * (k + 0.5)) / NODES);
      out[q * NODES + j] = (sum * (j ? 2 : 1)) / NODES;
    }
  return out;
}
