// Keeps a video on the clock. Pure: measurements in, a decision out; whoever
// owns the <video> element carries it out.

import { clamp, type Ms } from './units.ts';

/** Beyond this a video is moved, within the second it is left alone. */
export const SEEK_BEYOND: Ms = 350;
export const CLOSE_ENOUGH: Ms = 12;

export type Correction = { seek: true; rate: number } | { seek: false; rate: number };

/** drift: media time minus clock time, in milliseconds. */
export function correct(drift: Ms, clockRate: number): Correction {
  if (!Number.isFinite(drift) || Math.abs(drift) > SEEK_BEYOND) return { seek: true, rate: clockRate };
  if (Math.abs(drift) < CLOSE_ENOUGH) return { seek: false, rate: clockRate };
  return { seek: false, rate: clamp(1 - 1.2 * (drift / 1000), 0.85, 1.15) * clockRate };
}

/** Where a medium was tied to the clock: at t_media it was t_utc, give or take sigma. */
export interface Anchor {
  media: string;
  t_media: Ms;
  t_utc: number;
  sigma: Ms;
}

/** Media time at an instant, by the nearest anchors; between two of them the clock of the device is taken as steady. */
export function mediaTime(anchors: readonly Anchor[], utc: number): { at: Ms; sigma: Ms } | null {
  if (!anchors.length) return null;
  const a = [...anchors].sort((p, q) => p.t_utc - q.t_utc);
  let i = a.findIndex((x) => x.t_utc > utc);
  if (i < 0) i = a.length;
  const before = a[Math.max(0, i - 1)]!;
  const after = a[Math.min(a.length - 1, i)]!;
  if (before === after || after.t_utc === before.t_utc) return { at: before.t_media + (utc - before.t_utc), sigma: before.sigma };
  const f = (utc - before.t_utc) / (after.t_utc - before.t_utc);
  return { at: before.t_media + f * (after.t_media - before.t_media), sigma: Math.hypot((1 - f) * before.sigma, f * after.sigma) };
}

/** Middle of the frame shown at a media time, from the table of presentation times: a seek to the middle cannot land on its neighbour. */
export function frameAt(times: ArrayLike<number>, t: Ms): { index: number; middle: Ms } {
  let lo = 0;
  let hi = times.length - 1;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (times[mid]! <= t) lo = mid;
    else hi = mid - 1;
  }
  const start = times[lo] ?? 0;
  const next = times[lo + 1] ?? start + (lo > 0 ? start - times[lo - 1]! : 33);
  return { index: lo, middle: (start + next) / 2 };
}
