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

/** What can be found of one item, made once: objects of the document are replaced when they change, never altered. */
interface Known {
  said: string
  hay: string
  /** For each facet the numbers of its values in [names]. */
  codes: readonly (readonly number[])[]
}
const known = new WeakMap<Item, Known>()
const names: string[][] = FACETS.map(() => [])
const numbers: Map<string, number>[] = FACETS.map(() => new Map())

function codeOf(k: number, value: string): number {
  let n = numbers[k].get(value)
  if (n === undefined) {
    numbers[k].set(value, (n = names[k].length))
    names[k].push(value)
  }
  return n
}

function knownOf(i: Item, said: string): Known {
  const had = known.get(i)
  if (had && had.said === said) return had
  const texts = [i.title, i.seen, i.source.name, i.harm, i.alt].flatMap((t) => (t ? Object.values(t) : []))
  const made = {
    said,
    hay: fold([i.id, i.name ?? '', i.source.url ?? '', i.source.citation ?? '', ...(i.tags ?? []), ...texts, said].join(' ')),
    codes: FACETS.map((f, k) => valuesOf(i, f).map((v) => codeOf(k, v))),
  }
  known.set(i, made)
  return made
}

/** Text that a word search looks through, folded. */
export function haystack(doc: Document): Map<string, string> {
  const said = saidOf(doc)
  return new Map(doc.items.map((i) => [i.id, knownOf(i, said.get(i.id) ?? '').hay]))
}

function saidOf(doc: Document): Map<string, string> {
  const said = new Map<string, string>()
  for (const o of doc.observations) said.set(o.item, (said.get(o.item) ?? '') + ' ' + Object.values(o.text).join(' '))
  return said
}

/** The last search of words: one that only narrows it looks through what was found. */
let last: { items: readonly Item[]; hay: ReadonlyMap<string, string>; words: readonly string[]; found: readonly Item[] } | null = null

function search(items: readonly Item[], hay: ReadonlyMap<string, string>, words: readonly string[]): readonly Item[] {
  if (!words.length) return items
  const narrows = last && last.items === items && last.hay === hay && last.words.every((w) => words.some((v) => v.includes(w)))
  const found = (narrows ? last!.found : items).filter((i) => {
    const h = hay.get(i.id) ?? ''
    return words.every((w) => h.includes(w))
  })
  last = { items, hay, words, found }
  return found
}

/** Items that match every facet and every word, and the counts of each facet with its own choice left out. */
export function applyFilter(doc: Document, hay: ReadonlyMap<string, string>, f: Filter): { items: Item[]; counts: Record<Facet, Map<string, number>> } {
  const words = fold(f.text).split(/\s+/).filter(Boolean)
  const wanted = FACETS.map((k, n) => (f.on[k]?.length ? new Set(f.on[k]!.map((v) => codeOf(n, v))) : null))
  const active = wanted.flatMap((w, n) => (w ? [n] : []))
  const sums = FACETS.map(() => [] as number[])
  const items: Item[] = []
  const add = (n: number, codes: readonly number[]) => {
    const sum = sums[n]
    for (const c of codes) sum[c] = (sum[c] ?? 0) + 1
  }
  for (const i of search(doc.items, hay, words)) {
    const { codes } = known.get(i) ?? knownOf(i, '')
    let missed = -1
    let misses = 0
    for (const n of active) {
      if (codes[n].some((c) => wanted[n]!.has(c))) continue
      missed = n
      if (++misses > 1) break
    }
    if (misses > 1) continue
    if (misses === 1) add(missed, codes[missed])
    else {
      items.push(i)
      for (let n = 0; n < codes.length; n++) add(n, codes[n])
    }
  }
  const counts = Object.fromEntries(FACETS.map((k, n) => [k, new Map(sums[n].flatMap((count, c) => (count ? [[names[n][c], count] as const] : [])))])) as Record<Facet, Map<string, number>>
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
