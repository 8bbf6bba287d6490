import type { Document, Item } from '../../document/types.ts'
import { fold } from './fold.ts'
import { itemStatus } from './status.ts'
import { hasClock } from './time.ts'

/** The facets of the library, in the order of the navigator. */
export const FACETS = ['media', 'perspective', 'status', 'sensitivity', 'place', 'time', 'lane', 'held', 'workflow', 'public', 'tag'] as const
export type Facet = (typeof FACETS)[number]

export interface Filter {
  text: string
  on: Partial<Record<Facet, string[]>>
}

export const NO_FILTER: Filter = { text: '', on: {} }

/** The values that an item has for a facet; several for tags. */
export function valuesOf(i: Item, f: Facet): string[] {
  switch (f) {
    case 'media': return [i.media]
    case 'perspective': return [i.source.perspective || 'unknown']
    case 'status': return [itemStatus(i)]
    case 'sensitivity': return [i.sensitivity || 'none']
    case 'place': {
      const p = i.places?.[0]
      if (!p) return ['none']
      if (p.form === 'camera' && p.camera?.solved) return ['solved']
      return [p.approx || !p.geo ? 'approximate' : 'declared']
    }
    case 'time': return [i.times?.length ? (hasClock(i.times[0]) ? 'clock' : 'day') : 'none']
    case 'lane': return [i.lane || 'none']
    case 'held': return [i.held ? 'yes' : 'no']
    case 'workflow': return [i.workflow || 'todo']
    case 'public': return [i.public.decision || 'undecided']
    case 'tag': return i.tags ?? []
  }
}

/** Text that a word search looks through, folded. */
export function haystack(doc: Document): Map<string, string> {
  const out = new Map<string, string>()
  const said = new Map<string, string>()
  for (const o of doc.observations) said.set(o.item, (said.get(o.item) ?? '') + ' ' + Object.values(o.text).join(' '))
  for (const i of doc.items) {
    const texts = [i.title, i.seen, i.source.name, i.harm, i.alt].flatMap((t) => (t ? Object.values(t) : []))
    out.set(i.id, fold([i.id, i.name ?? '', i.source.url ?? '', i.source.citation ?? '', ...(i.tags ?? []), ...texts, said.get(i.id) ?? ''].join(' ')))
  }
  return out
}

/** Items that match every facet and every word, and the counts of each facet with its own choice left out. */
export function applyFilter(doc: Document, hay: Map<string, string>, f: Filter): { items: Item[]; counts: Record<Facet, Map<string, number>> } {
  const words = fold(f.text).split(/\s+/).filter(Boolean)
  const active = FACETS.filter((k) => f.on[k]?.length)
  const counts = Object.fromEntries(FACETS.map((k) => [k, new Map<string, number>()])) as Record<Facet, Map<string, number>>
  const items: Item[] = []
  for (const i of doc.items) {
    const h = hay.get(i.id) ?? ''
    if (!words.every((w) => h.includes(w))) continue
    const missed = active.filter((k) => !valuesOf(i, k).some((v) => f.on[k]!.includes(v)))
    if (missed.length === 0) items.push(i)
    if (missed.length > 1) continue
    for (const k of FACETS) {
      if (missed.length === 1 && missed[0] !== k) continue
      for (const v of valuesOf(i, k)) counts[k].set(v, (counts[k].get(v) ?? 0) + 1)
    }
  }
  return { items, counts }
}

/** A filter as one short string for the address bar: "rocket;media=video,photo". */
export function writeFilter(f: Filter): string {
  const enc = (s: string) => encodeURIComponent(s)
  const facets = FACETS.filter((k) => f.on[k]?.length).map((k) => k + '=' + f.on[k]!.map(enc).join(','))
  return [enc(f.text), ...facets].join(';').replace(/^;$/, '')
}

export function readFilter(s: string): Filter {
  const dec = (v: string) => {
    try {
      return decodeURIComponent(v)
    } catch {
      return ''
    }
  }
  const [text, ...rest] = s.split(';')
  const on: Filter['on'] = {}
  for (const r of rest) {
    const [k, v] = r.split('=')
    if ((FACETS as readonly string[]).includes(k) && v) on[k as Facet] = v.split(',').map(dec).filter(Boolean)
  }
  return { text: dec(text ?? ''), on }
}
