/** The value with keys in order and without what is empty: the server leaves such fields out and orders them its own way. */
function plain(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(plain)
  if (v === null || typeof v !== 'object') return v
  const out: Record<string, unknown> = {}
  for (const k of Object.keys(v).sort()) {
    const x = plain((v as Record<string, unknown>)[k])
    const empty = x === null || x === undefined || x === '' || x === false || x === 0 || (typeof x === 'object' && Object.keys(x as object).length === 0)
    if (!empty) out[k] = x
  }
  return out
}

/** Whether two values of a case say the same. */
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(plain(a)) === JSON.stringify(plain(b))
