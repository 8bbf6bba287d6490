import { same } from './same.ts'

type Value = Record<string, unknown>

/** The kinds that have a form of their own, with the fields that a new one starts with; these are always written. */
export const BLANK: Record<string, () => Value> = {
  claim: () => ({ id: '', account: '', text: {}, items: [], status: 'unsupported', public: false }),
  account: () => ({ id: '', letter: '', title: {}, order: 0, lane: true }),
  gap: () => ({ id: '', title: {}, public: false }),
  entity: () => ({ id: '', type: 'person', name: {} }),
  event: () => ({ id: '', title: {} }),
  constraint: () => ({ id: '', from: '', to: '', min: null, max: null, evidence: [], strength: 'claim', text: {} }),
  observation: () => ({ id: '', item: '', text: {} }),
  step: () => ({ id: '', title: {}, text: {}, view: {} }),
  story: () => ({ id: '', title: {}, steps: [], public: false }),
  layer: () => ({ id: '', title: {}, class: 'conjectural', file: '' }),
  case: () => ({ id: '', prefix: '', title: {}, zone: 'UTC', languages: [] }),
}

function empty(v: unknown): boolean {
  if (v === undefined || v === null || v === '' || v === false) return true
  if (typeof v === 'string') return !v.trim()
  if (Array.isArray(v)) return v.length === 0
  return typeof v === 'object' && Object.values(v as object).every((x) => typeof x === 'string' && !x.trim())
}

/** A text without the languages that were left blank. */
function trimmed(v: unknown): unknown {
  if (v === null || typeof v !== 'object' || Array.isArray(v)) return v
  const o = v as Value
  const keys = Object.keys(o)
  if (!keys.length || !keys.every((k) => /^[a-z]{2,3}(-\w+)*$/.test(k) && typeof o[k] === 'string')) return v
  return Object.fromEntries(keys.filter((k) => (o[k] as string).trim()).map((k) => [k, o[k]]))
}

/** The value as it is written to the log: what is left blank and not needed is left out. */
export function clean(kind: string, value: Value): Value {
  const needed = BLANK[kind]?.() ?? {}
  const out: Value = {}
  for (const [k, v] of Object.entries(value)) {
    const x = trimmed(v)
    if (k in needed || !empty(x)) out[k] = x
  }
  return out
}

/**
 * Writes into the newest value only the fields that this form changed, so that
 * what somebody else wrote into the others stays.
 */
export function merge(kind: string, newest: Value, base: Value, mine: Value): void {
  const a = clean(kind, base)
  const b = clean(kind, mine)
  for (const k of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (same(a[k], b[k])) continue
    if (k in b) newest[k] = b[k]
    else delete newest[k]
  }
}

export const changed = (kind: string, base: Value, mine: Value): boolean => JSON.stringify(clean(kind, base)) !== JSON.stringify(clean(kind, mine))
