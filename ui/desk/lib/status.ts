import type { Claim, Item } from '../../document/types.ts'

/** The five words of users.md section 8, each with its glyph. */
export type Status = 'verified' | 'review' | 'unverified' | 'disputed' | 'refuted'

export const GLYPH: Record<Status, string> = { verified: '✓', review: '◐', unverified: '○', disputed: '⚡', refuted: '✕' }

/**
 * One word for an item, from its separate axes. It is never better than the
 * worst of source, place and time: a record whose source alone was verified
 * still says "unverified", and the axes say why.
 */
export function itemStatus(i: Item): Status {
  const axes = [i.axes.authenticity, i.axes.source, i.axes.place, i.axes.time, i.axes.content]
  if (axes.some((a) => a.status === 'refuted' || a.status === 'altered_deceptive' || a.status === 'synthetic_suspected')) return 'refuted'
  if (axes.some((a) => a.status === 'disputed')) return 'disputed'
  if ([i.axes.source, i.axes.place, i.axes.time].every((a) => a.status === 'verified')) return 'verified'
  if (i.workflow === 'ready_for_review' || i.workflow === 'reviewed') return 'review'
  return 'unverified'
}

export function claimStatus(c: Claim): Status {
  switch (c.status) {
    case 'supported': return 'verified'
    case 'partly': return 'review'
    case 'contested': return 'disputed'
    case 'contradicted': return 'refuted'
    default: return 'unverified'
  }
}
