import type { Onsets } from './times.svelte.ts';

/** One sudden sound, as several recordings have it. */
export interface Heard {
  id: string;
  /** On the master clock, the median of the arrivals, UTC ms. */
  at: number;
  /** Between the first and the last arrival, ms. */
  spread: number;
  heard: { item: string; t: number; sd: number }[];
}

/**
 * Onsets that fall together on the master clock are suggested as one sound.
 * Each recording gives one onset to a sound; an onset with no partner is a
 * sound of its own. Recordings that are not on the clock take no part.
 */
export function linkOnsets(onsets: Readonly<Record<string, Pick<Onsets, 'onsets'>>>, start: ReadonlyMap<string, number>, tolerance: number): Heard[] {
  const all = Object.entries(onsets).flatMap(([item, o]) => {
    const s = start.get(item);
    return s === undefined ? [] : o.onsets.map((n) => ({ item, t: n.t_s, sd: n.sd_s, at: s + n.t_s * 1000 }));
  });
  all.sort((a, b) => a.at - b.at);
  const out: (typeof all)[] = [];
  for (const o of all) {
    const last = out.at(-1);
    if (last && o.at - last[0].at <= tolerance && !last.some((h) => h.item === o.item)) last.push(o);
    else out.push([o]);
  }
  return out.map((list) => ({
    id: list.map((h) => `${h.item}@${h.t}`).sort()[0],
    at: list[list.length >> 1].at,
    spread: list.at(-1)!.at - list[0].at,
    heard: list.map(({ item, t, sd }) => ({ item, t, sd })),
  }));
}
