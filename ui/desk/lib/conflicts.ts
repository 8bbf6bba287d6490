import type { Claim, Document, Link } from '../../document/types.ts'
import { hasClock, overlap } from './time.ts'

/** Two claims that one of them says cannot both stand. */
export interface Conflict {
  id: string
  a: Claim
  b: Claim
  /** The link that states it, and its reason. */
  link: Link
  /** The stretch in which both would have to be true; null without a clock on both sides. */
  shared: { min: number; max: number } | null
  /** Both have a clock time. */
  timed: boolean
  /** Both belong to one account; also a claim whose own values disagree (a === b). */
  own: boolean
}

/** All stated conflicts, each pair once. */
export function conflicts(doc: Document): Conflict[] {
  const claims = new Map(doc.claims.map((c) => [c.id, c]))
  const found = new Map<string, Conflict>()
  for (const a of doc.claims) {
    for (const link of a.against ?? []) {
      const b = claims.get(link.to)
      if (!b) continue
      const id = a.id <= b.id ? `${a.id}*${b.id}` : `${b.id}*${a.id}`
      const had = found.get(id)
      if (had && (had.link.reason || !link.reason)) continue
      found.set(id, { id, a, b, link, shared: a === b ? null : overlap(a.time, b.time), timed: a !== b && hasClock(a.time) && hasClock(b.time), own: a.account === b.account })
    }
  }
  return [...found.values()]
}

/** One line of the side-by-side table: claims per account, and what ties them. */
export interface Row {
  id: string
  cells: Claim[][]
  conflicts: Conflict[]
  links: Link[]
}

export interface Comparison {
  contradicted: Row[]
  agree: Row[]
  itself: Row[]
  single: Row[]
}

/**
 * Sets accounts side by side. A row starts at a claim of the leftmost account
 * that has something to answer, and holds every claim of the others that
 * stands against it (or for it).
 */
export function compare(doc: Document, accounts: string[], all: Conflict[]): Comparison {
  const column = new Map(accounts.map((a, i) => [a, i]))
  const shown = doc.claims.filter((c) => column.has(c.account))
  const claims = new Map(doc.claims.map((c) => [c.id, c]))
  const out: Comparison = { contradicted: [], agree: [], itself: [], single: [] }
  const tied = new Set<string>()

  const fill = (members: Claim[]) => {
    const cells: Claim[][] = accounts.map(() => [])
    for (const m of new Set(members)) cells[column.get(m.account)!].push(m)
    return cells
  }
  const across = all.filter((c) => !c.own && column.has(c.a.account) && column.has(c.b.account))
  const used = new Set<string>()
  for (const claim of [...shown].sort((x, y) => column.get(x.account)! - column.get(y.account)!)) {
    const mine = across.filter((c) => !used.has(c.id) && (c.a === claim || c.b === claim))
    if (!mine.length) continue
    mine.forEach((c) => used.add(c.id))
    const members = [claim, ...mine.map((c) => (c.a === claim ? c.b : c.a))]
    members.forEach((m) => tied.add(m.id))
    out.contradicted.push({ id: 'x' + claim.id, cells: fill(members), conflicts: mine, links: [] })
  }
  for (const claim of shown) {
    const links = (claim.for ?? []).filter((l) => {
      const other = claims.get(l.to)
      return other && column.has(other.account) && other.account !== claim.account
    })
    if (!links.length) continue
    const members = [claim, ...links.map((l) => claims.get(l.to)!)]
    members.forEach((m) => tied.add(m.id))
    out.agree.push({ id: 'a' + claim.id, cells: fill(members), conflicts: [], links })
  }
  for (const c of all) {
    if (!c.own || !column.has(c.a.account)) continue
    tied.add(c.a.id).add(c.b.id)
    out.itself.push({ id: 's' + c.id, cells: fill([c.a, c.b]), conflicts: [c], links: [] })
  }
  for (const claim of shown) if (!tied.has(claim.id)) out.single.push({ id: 'o' + claim.id, cells: fill([claim]), conflicts: [], links: [] })
  return out
}

/** Independent recordings among links: reports of one recording count once. */
export function independent(doc: Document, links: Link[] | undefined): number {
  const items = new Map(doc.items.map((i) => [i.id, i]))
  return new Set((links ?? []).map((l) => l.recording || items.get(l.to)?.source.recording || l.to)).size
}
