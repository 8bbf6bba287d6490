import type { Document } from '../../document/types.ts'

/** Ids of what still names an object: they stay as they are when it is withdrawn. */
export function referrers(doc: Document, id: string): string[] {
  const out = new Set<string>()
  const names = (by: string, ...lists: (readonly string[] | undefined)[]) => {
    if (by !== id && lists.some((l) => l?.includes(id))) out.add(by)
  }
  const point = (p: string) => p.replace(/\.(start|end)$/, '')
  for (const c of doc.claims) names(c.id, [c.account], c.items, c.for?.map((l) => l.to), c.against?.map((l) => l.to))
  for (const i of doc.items) names(i.id, i.entities, [i.lane ?? '', i.duplicate_of ?? ''])
  for (const o of doc.observations) names(o.id, o.entities, [o.item])
  for (const e of doc.entities) names(e.id, e.items)
  for (const e of doc.events) names(e.id, e.items, e.entities, [e.account ?? ''])
  for (const g of doc.gaps) names(g.id, g.items)
  for (const f of doc.findings) names(f.id, f.about, f.inputs)
  for (const k of doc.constraints) names(k.id, k.evidence, k.accounts, [point(k.from), point(k.to)])
  for (const s of doc.stories)
    for (const x of s.steps) {
      const cited = Object.values(x.text).some((w) => w.includes(`[${id}]`))
      if (cited || x.claim === id || x.view?.select === id || x.view?.accounts?.includes(id)) out.add(s.id)
    }
  return [...out]
}
