const UNITS: Record<string, number> = { ms: 1, s: 1000, sec: 1000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads "90 s", "1 h 5 min", "-2 min", "1:30" (hours and minutes would be ambiguous, so m:ss) into milliseconds; null when it is no length. */
export function parseLength(words: string): number | null {
  const s = words.trim().toLowerCase().replace(/[−–]/g, '-').replace(/(\d),(\d)/g, '$1.$2')
  const sign = s.startsWith('-') ? -1 : 1
  const body = s.replace(/^[+-]\s*/, '')
  const clock = /^(\d+):([0-5]\d)(\.\d{1,3})?$/.exec(body)
  if (clock) return sign * Math.round((Number(clock[1]) * 60 + Number(clock[2]) + Number(clock[3] ?? 0)) * 1000)
  if (body === '0') return 0
  const part = /(\d+(?:\.\d+)?)\s*(ms|min|sec|s|m|h|d)(?![a-z])\s*/y
  let ms = 0
  let at = 0
  while (at < body.length) {
    part.lastIndex = at
    const m = part.exec(body)
    if (!m) return null
    ms += Number(m[1]) * UNITS[m[2]!]!
    at = part.lastIndex
  }
  const whole = Math.round(ms)
  return body && Number.isSafeInteger(whole) ? (whole === 0 ? 0 : sign * whole) : null
}

/** Writes milliseconds exactly, largest unit first: "1 h 5 min", "-2 min 0.5 s" as "-2 min 500 ms". */
export function printLength(ms: number): string {
  if (ms === 0) return '0 s'
  let rest = Math.abs(ms)
  const out: string[] = []
  for (const [unit, n] of [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1000], ['ms', 1]] as const) {
    const k = Math.floor(rest / n)
    if (k) out.push(`${k} ${unit}`)
    rest -= k * n
  }
  return (ms < 0 ? '-' : '') + out.join(' ')
}
