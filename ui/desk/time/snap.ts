/** A moment on the master clock that a clip that is moved may meet, UTC ms. */
export interface Mark { at: number; kind: 'edge' | 'onset' | 'clock' | 'mark' }

/** Sounds meet sounds and ends meet ends; the playhead and the marked stretch meet both. */
const meets = (a: Mark['kind'], b: Mark['kind']) => a === b || b === 'clock' || b === 'mark';

/**
 * Where a clip that was dragged by `by` ms comes to rest: so that one of its own
 * moments meets a target not further than `within` away. Sounds win over ends
 * that are as near, because they say more. Null when nothing is near.
 */
export function rest(own: readonly Mark[], targets: readonly Mark[], by: number, within: number): { by: number; at: number } | null {
  let best: { by: number; at: number } | null = null;
  let least = within;
  for (const o of own) for (const x of targets) {
    if (!meets(o.kind, x.kind)) continue;
    const off = Math.abs(x.at - o.at - by) * (o.kind === 'onset' && x.kind === 'onset' ? 0.5 : 1);
    if (Math.abs(x.at - o.at - by) <= within && off <= least) {
      least = off;
      best = { by: x.at - o.at, at: x.at };
    }
  }
  return best;
}

/**
 * When something happened that a video shows first on frame k: after the frame
 * before it and before its own end, ms into the recording. Without a table of
 * frames the average length stands for both.
 */
export function seenBetween(frames: readonly number[] | null, at: number, average: number): { frame: number; from: number; to: number } {
  if (!frames?.length) {
    const k = Math.max(0, Math.floor(at / average));
    return { frame: k, from: Math.max(0, (k - 1) * average), to: (k + 1) * average };
  }
  let k = 0;
  while (k + 1 < frames.length && frames[k + 1] <= at + 0.5) k++;
  const long = k + 1 < frames.length ? frames[k + 1] - frames[k] : average;
  return { frame: k, from: k ? frames[k - 1] : frames[0] - long, to: frames[k] + long };
}
