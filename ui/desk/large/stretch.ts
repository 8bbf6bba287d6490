/**
 * Scrolling through more rows than a browser can lay out. Up to [TALLEST]
 * pixels the list is as tall as its rows; beyond, the scroll bar stands for
 * the whole by proportion, while the wheel still moves row by row.
 */

/** Pixels that every browser lays out exactly; Firefox gives up first, near 17.8 million. */
export const TALLEST = 8_000_000;

/** Where a list is: `at` among its rows, `scroll` as the browser counts. Pixels. */
export interface Where {
  readonly at: number;
  readonly scroll: number;
}

/** `whole`: height of all rows; `real`: height laid out; `seen`: height of the opening. Pixels. */
export interface Measure {
  readonly whole: number;
  readonly real: number;
  readonly seen: number;
}

export const measure = (whole: number, seen: number): Measure => ({ whole, real: Math.min(whole, TALLEST), seen });

const ends = (m: Measure) => ({ end: Math.max(0, m.whole - m.seen), stop: Math.max(0, m.real - m.seen) });

/** Where the list is after the browser scrolled: a short way is taken as it is, a long one by proportion. */
export function followed(was: Where, scroll: number, m: Measure): Where {
  if (m.whole <= m.real) return { at: scroll, scroll };
  const { end, stop } = ends(m);
  if (scroll <= 0) return { at: 0, scroll };
  if (scroll >= stop - 1) return { at: end, scroll };
  const by = scroll - was.scroll;
  if (Math.abs(by) <= 3 * m.seen) return { at: Math.max(0, Math.min(end, was.at + by)), scroll };
  return { at: (scroll / stop) * end, scroll };
}

/** What the browser has to be told so that its bar shows where the list is. */
export function placed(at: number, m: Measure): Where {
  const { end, stop } = ends(m);
  const held = Math.max(0, Math.min(end, at));
  if (m.whole <= m.real) return { at: held, scroll: held };
  return { at: held, scroll: Math.round((held / end) * stop) };
}
