/** Lower-cases and drops accents, so that "perez" finds "Pérez". */
export function fold(s: string): string {
  return s.normalize('NFD').replace(/\p{M}+/gu, '').toLowerCase()
}

const collator = new Intl.Collator('en', { numeric: true })

/** Orders ids so that EJ-2 comes before EJ-10. */
export function byId(a: string, b: string): number {
  return collator.compare(a, b)
}
