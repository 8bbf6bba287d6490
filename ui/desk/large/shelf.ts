import type { Item } from '../../document/types.ts';

/**
 * The items of the library in their order, as the grid and the table read
 * them: the whole list of an ordinary case, or the windows of a large one, of
 * which only what was fetched is there.
 */
export interface Shelf {
  readonly count: number;
  /** The item at a place, or undefined while it is being fetched. */
  at(i: number): Item | undefined;
  /** The place of an item, or -1 where it is not among those, or not known yet. */
  placeOf(id: string | null): number;
  /** The item at a place, fetched if need be; undefined where it could not be had. */
  reach(i: number): Promise<Item | undefined>;
  /** Ids from one place to another, both included, fetched if need be. */
  ids(from: number, to: number): Promise<string[]>;
  /** What a list has on the screen, so that it is fetched. */
  seeing(from: number, to: number, who?: string): void;
}

export function listShelf(items: readonly Item[]): Shelf {
  return {
    count: items.length,
    at: (i) => items[i],
    placeOf: (id) => (id === null ? -1 : items.findIndex((x) => x.id === id)),
    reach: (i) => Promise.resolve(items[i]),
    ids: (from, to) => Promise.resolve(items.slice(from, to + 1).map((x) => x.id)),
    seeing: () => {},
  };
}
