/** Media time as people write it: "1:04.20" or "1:02:03". */
export function mediaTime(ms: number): string {
  const sign = ms < 0 ? '−' : '';
  const a = Math.abs(ms);
  const h = Math.floor(a / 3_600_000);
  const m = Math.floor(a / 60_000) % 60;
  const s = (a % 60_000) / 1000;
  const sec = (s < 10 ? '0' : '') + (Math.floor(s * 100) / 100).toFixed(2).replace(/\.00$/, '');
  return sign + (h ? `${h}:${String(m).padStart(2, '0')}` : String(m)) + ':' + sec;
}

/** Milliseconds, or null when the words are no time. Plain seconds are taken too. */
export function parseMediaTime(s: string): number | null {
  const m = /^(?:(?:(\d+):)?(\d{1,3}):)?(\d{1,5}(?:[.,]\d{1,3})?)$/.exec(s.trim());
  if (!m) return null;
  const sec = Number(m[3].replace(',', '.'));
  if (m[2] !== undefined && sec >= 60) return null;
  return Math.round((Number(m[1] ?? 0) * 3600 + Number(m[2] ?? 0) * 60 + sec) * 1000);
}

/** Presentation times of a proxy's frames in milliseconds, from the "frames" derivative. Null when the bytes are no table. */
export function parseFrames(bytes: ArrayBuffer): number[] | null {
  try {
    const j = JSON.parse(new TextDecoder().decode(bytes)) as unknown;
    const list = Array.isArray(j) ? j : (j as { pts_ms?: unknown; frames?: unknown })?.pts_ms ?? (j as { frames?: unknown })?.frames;
    if (!Array.isArray(list) || !list.every((x) => typeof x === 'number' && Number.isFinite(x))) return null;
    return [...(list as number[])].sort((a, b) => a - b);
  } catch {
    return null;
  }
}

/** The frame that is on the screen at a time: the last that began. */
export function frameAt(frames: readonly number[], ms: number): number {
  let lo = 0;
  let hi = frames.length - 1;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (frames[mid] <= ms + 0.5) lo = mid;
    else hi = mid - 1;
  }
  return lo;
}

/** The middle of a frame, where a seek is sure to land on it. */
export function middleOf(frames: readonly number[], k: number): number {
  const a = frames[k];
  const b = frames[k + 1] ?? a + 20;
  return (a + b) / 2;
}

/** The second of a video at which its camera was solved, in milliseconds, from the name of the problem ("EX-011 12.345 s"); null for a picture. */
export function solvedAt(problem: unknown): number | null {
  const m = / (\d+(?:\.\d+)?) s$/.exec(String((problem as { id?: unknown } | null)?.id ?? ''));
  return m ? Math.round(Number(m[1]) * 1000) : null;
}
