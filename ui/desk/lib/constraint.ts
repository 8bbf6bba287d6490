import { printLength } from './length.ts'

/** The moment of time zero, 1970-01-01T00:00Z, that a clock time is counted from. */
export const Z = 'z'

export type Side = 'start' | 'end' | ''

/** "EJ-016.start" taken apart; a point of another form has no side. */
export function splitPoint(p: string): { id: string; side: Side } {
  const m = /^(.+)\.(start|end)$/.exec(p)
  return m ? { id: m[1]!, side: m[2] as Side } : { id: p, side: '' }
}

export const joinPoint = (id: string, side: Side): string => (side ? `${id}.${side}` : id)

/** What a constraint says: how long something lasts, when it is on the clock, or how two moments lie to each other. */
export type Relation = 'between' | 'lasts' | 'clock'

export function relationOf(from: string, to: string): Relation {
  if (from === Z) return 'clock'
  const a = splitPoint(from)
  const b = splitPoint(to)
  return a.id && a.id === b.id && a.side === 'start' && b.side === 'end' ? 'lasts' : 'between'
}

/** The key of the sentence that says a range, and the lengths in it; which key follows from the signs of the two ends. */
export function rangeWords(min: number | null, max: number | null): { key: string; a: string; b: string } {
  const p = (x: number) => printLength(Math.abs(x))
  if (min === null && max === null) return { key: 'open', a: '', b: '' }
  if (min !== null && min === max) return { key: min === 0 ? 'same' : min > 0 ? 'exactly_after' : 'exactly_before', a: p(min), b: '' }
  if (max === null) return min === 0 ? { key: 'not_before', a: '', b: '' } : min! > 0 ? { key: 'at_least_after', a: p(min!), b: '' } : { key: 'no_earlier', a: p(min!), b: '' }
  if (min === null) return max === 0 ? { key: 'not_after', a: '', b: '' } : max > 0 ? { key: 'at_most_after', a: p(max), b: '' } : { key: 'at_least_before', a: p(max), b: '' }
  if (min >= 0) return { key: 'between_after', a: p(min), b: p(max) }
  if (max <= 0) return { key: 'between_before', a: p(max), b: p(min) }
  return { key: 'around', a: p(min), b: p(max) }
}
