import type { Document, Event, Item } from '../../document/types.ts';
import type { Objects } from './calls.ts';

/** Items that a window of the desk keeps of a large case; past it the longest unused leave. */
export const HOLDS = 2400;

/** The document with what came, each object in the place of its older self. Lists that nothing came for stay the same list. */
export function absorb(doc: Document, o: Pick<Objects, 'items' | 'derivatives' | 'observations' | 'events' | 'findings'>): Document {
  const put = <T extends { id: string }>(list: T[], came: readonly T[] | undefined): T[] => {
    if (!came?.length) return list;
    const by = new Map(list.map((x) => [x.id, x]));
    for (const x of came) by.set(x.id, x);
    return [...by.values()];
  };
  return { ...doc, items: put(doc.items, o.items), derivatives: put(doc.derivatives, o.derivatives), observations: put(doc.observations, o.observations), events: put(doc.events, o.events), findings: put(doc.findings, o.findings) };
}

/** When each item was last needed. */
export class Uses {
  #at = new Map<string, number>();
  #now = 0;

  touch(ids: Iterable<string>): void {
    this.#now++;
    for (const id of ids) this.#at.set(id, this.#now);
  }

  /** The document without the items that were not needed for longest, and what hangs on them; `keep` stay in any case. */
  shed(doc: Document, keep: ReadonlySet<string>, most = HOLDS): Document {
    if (doc.items.length <= most) return doc;
    const rest = doc.items.filter((i) => !keep.has(i.id)).sort((a, b) => (this.#at.get(a.id) ?? 0) - (this.#at.get(b.id) ?? 0));
    const gone = new Set(rest.slice(0, doc.items.length - Math.floor(most * 0.75)).map((i) => i.id));
    for (const id of gone) this.#at.delete(id);
    return { ...doc, items: doc.items.filter((i) => !gone.has(i.id)), derivatives: doc.derivatives.filter((d) => !gone.has(d.item)), observations: doc.observations.filter((d) => !gone.has(d.item)) };
  }
}

/** The document with some of its items only; the same object as before while nothing of it changed. */
export function windowOf(last: Document | null, doc: Document, ids: readonly string[], events: readonly Event[]): Document {
  const by = new Map(doc.items.map((i) => [i.id, i]));
  const items = ids.map((id) => by.get(id)).filter((i): i is Item => !!i);
  const same = last && last.items.length === items.length && items.every((x, k) => x === last.items[k]) && last.events.length === events.length && events.every((x, k) => x === last.events[k]);
  if (same && last.case === doc.case && last.claims === doc.claims && last.gaps === doc.gaps && last.accounts === doc.accounts && last.layers === doc.layers && last.stories === doc.stories && last.derivatives.length === doc.derivatives.length) return last;
  return { ...doc, items, events: [...events] };
}
