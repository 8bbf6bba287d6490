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
  /** For each facet the number of its value in [names]; for tags -1, they lie in `tags`. */
  codes: readonly number[]
  tags: readonly number[]
}
const known = new WeakMap<Item, Known>()
const names: string[][] = FACETS.map(() => [])
const numbers: Map<string, number>[] = FACETS.map(() => new Map())
const TAG = FACETS.indexOf('tag')
const NONE: readonly number[] = []

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
    codes: FACETS.map((f, k) => (k === TAG ? -1 : codeOf(k, valuesOf(i, f)[0]))),
    tags: i.tags?.length ? i.tags.map((v) => codeOf(TAG, v)) : NONE,
  }
  known.set(i, made)
  return made
}

/**
 * Items in an order, with what a filter asks of each: the folded text and a
 * number for each facet. Made when the case or the order changes; a filter
 * then touches numbers only.
 */
export interface Index {
  readonly items: readonly Item[]
  readonly hay: readonly string[]
  /** By facet, then by item. */
  readonly codes: readonly Int32Array[]
  readonly tags: readonly (readonly number[])[]
  /** Searches of words already made, so that a letter taken back costs nothing. */
  readonly searched: Map<string, Int32Array>
  readonly every: Int32Array
}

export function indexOf(items: readonly Item[], observations: Document['observations']): Index {
  const said = new Map<string, string>()
  for (const o of observations) said.set(o.item, (said.get(o.item) ?? '') + ' ' + Object.values(o.text).join(' '))
  const codes = FACETS.map(() => new Int32Array(items.length))
  const hay = new Array<string>(items.length)
  const tags = new Array<readonly number[]>(items.length)
  for (let j = 0; j < items.length; j++) {
    const k = knownOf(items[j], said.get(items[j].id) ?? '')
    hay[j] = k.hay
    tags[j] = k.tags
    for (let f = 0; f < codes.length; f++) codes[f][j] = k.codes[f]
  }
  return { items, hay, codes, tags, searched: new Map(), every: Int32Array.from(items, (_, j) => j) }
}

/** Searches kept of one index; the oldest goes first. */
const KEPT = 24

/** Where the words occur; a search that only narrows an earlier one looks through what that found. */
function search(ix: Index, words: readonly string[]): Int32Array {
  if (!words.length) return ix.every
  const key = words.join(' ')
  const had = ix.searched.get(key)
  if (had) return had
  let from = ix.every
  for (const [earlier, found] of ix.searched) if (found.length < from.length && earlier.split(' ').every((w) => words.some((v) => v.includes(w)))) from = found
  const found = from.filter((j) => words.every((w) => ix.hay[j].includes(w)))
  if (ix.searched.size >= KEPT) ix.searched.delete(ix.searched.keys().next().value!)
  ix.searched.set(key, found)
  return found
}

export interface Found {
  /** In the order of the index. */
  items: readonly Item[]
  /** How many items each value of a facet has, with the facet's own choice left out. */
  counts: Record<Facet, Map<string, number>>
}

/** Items that match every facet and every word, and the counts of each facet with its own choice left out. */
export function applyFilter(ix: Index, f: Filter): Found {
  const among = search(ix, fold(f.text).split(/\s+/).filter(Boolean))
  const wanted = FACETS.map((k, n) => (f.on[k]?.length ? new Set(f.on[k]!.map((v) => codeOf(n, v))) : null))
  const active = wanted.flatMap((w, n) => (w ? [n] : []))
  const sums = FACETS.map((_, n) => new Int32Array(names[n].length))
  const count = (n: number, list: Int32Array, length: number) => {
    const sum = sums[n]
    if (n === TAG) for (let k = 0; k < length; k++) for (const c of ix.tags[list[k]]) sum[c]++
    else {
      const codes = ix.codes[n]
      for (let k = 0; k < length; k++) sum[codes[list[k]]]++
    }
  }
  let kept = among
  let size = among.length
  if (active.length) {
    kept = new Int32Array(among.length)
    size = 0
    // What fails one facet only still counts among the values of that facet.
    const near = FACETS.map(() => [] as number[])
    for (const j of among) {
      let missed = -1
      let misses = 0
      for (const n of active) {
        const w = wanted[n]!
        if (n === TAG ? ix.tags[j].some((c) => w.has(c)) : w.has(ix.codes[n][j])) continue
        missed = n
        if (++misses > 1) break
      }
      if (misses === 0) kept[size++] = j
      else if (misses === 1) near[missed].push(j)
    }
    for (const n of active) count(n, Int32Array.from(near[n]), near[n].length)
  }
  for (let n = 0; n < FACETS.length; n++) count(n, kept, size)
  const counts = Object.fromEntries(FACETS.map((k, n) => [k, valued(n, sums[n])])) as Record<Facet, Map<string, number>>
  const items = size === ix.items.length ? ix.items : Array.from(kept.subarray(0, size), (j) => ix.items[j])
  return { items, counts }
}

function valued(facet: number, sum: Int32Array): Map<string, number> {
  const out = new Map<string, number>()
  for (let c = 0; c < sum.length; c++) if (sum[c]) out.set(names[facet][c], sum[c])
  return out
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
