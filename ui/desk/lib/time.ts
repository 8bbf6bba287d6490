import type { Time } from '../../document/types.ts';
import { clockText, dateText, instantsOf, offsetText, wallAt } from '../../kernel/zone.ts';

/**
 * How a time is printed. A lone minute never stands for an interval: every
 * form carries "~", "≤", "≥", an interval or the word for a day, and the UTC
 * reading is given beside it.
 */
export interface TimeWords {
  /** For lists and cards: "~09:07", "11:15–11:32", "≤ 06:45", "15 Jan". */
  short: string
  /** The same in UTC, with a final Z. */
  utc: string
  /** Half width in words where there is a best value inside a wider interval: "± 2 min". */
  error: string
  /** True where nothing is known. */
  none: boolean
}

/** "09:07", or "09:07:12" with seconds. */
export const clock = (ms: number, zone: string, seconds = false): string => clockText(zone, ms, seconds);

/** "2018-01-15" in the zone. */
export const isoDay = (ms: number, zone: string): string => dateText(zone, ms);

/** "-04" or "-04:30", with a real minus sign. */
export const offset = (ms: number, zone: string): string => offsetText(zone, ms);

const days = new Map<string, Intl.DateTimeFormat>();

/** "15 Jan 2018" in the language. */
export function day(ms: number, zone: string, lang: string, year = true): string {
  const w = wallAt(zone, ms);
  const key = lang + year;
  let f = days.get(key);
  if (!f) days.set(key, (f = new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' : lang, { day: 'numeric', month: 'short', timeZone: 'UTC', ...(year ? { year: 'numeric' } : {}) })));
  return f.format(Date.UTC(w.year, w.month - 1, w.day));
}

/** Local wall time to UTC milliseconds, the earlier one where the clock was set back. Null when the words are no time, or name a time that the zone skips. */
export function fromLocal(date: string, time: string, zone: string): number | null {
  const d = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date.trim());
  const t = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/.exec(time.trim());
  if (!d || !t) return null;
  const [year, month, dayOf] = [Number(d[1]), Number(d[2]), Number(d[3])];
  const [hour, minute, second] = [Number(t[1]), Number(t[2]), Number(t[3] ?? 0)];
  const real = new Date(Date.UTC(year, month - 1, dayOf));
  if (real.getUTCMonth() !== month - 1 || real.getUTCDate() !== dayOf) return null;
  if (minute > 59 || second > 59 || hour > 24 || (hour === 24 && (minute || second))) return null;
  if (hour === 24) {
    const next = new Date(Date.UTC(year, month - 1, dayOf + 1)).toISOString().slice(0, 10);
    return fromLocal(next, '00:00', zone);
  }
  return instantsOf(zone, { year, month, day: dayOf, hour, minute, second, ms: Number((t[4] ?? '0').padEnd(3, '0')) })[0] ?? null;
}

const open = (v: number | null | undefined): v is null | undefined => v === null || v === undefined

/** Words for a length of time, in the plainest unit. */
export function span(ms: number): string {
  const a = Math.abs(ms)
  if (a < 1000) return `${Math.round(a)} ms`
  if (a < 90_000) return `${Math.round(a / 1000)} s`
  if (a < 90 * 60_000) return `${Math.round(a / 60_000)} min`
  if (a < 36 * 3_600_000) return `${+(a / 3_600_000).toFixed(1)} h`
  return `${Math.round(a / 86_400_000)} d`
}

/** Prints a time as every list, card and inspector shows it. */
export function timeWords(t: Time | null | undefined, zone: string, lang: string, caseDay?: string): TimeWords {
  if (!t || (open(t.min) && open(t.max) && open(t.best))) return { short: '', utc: '', error: '', none: true }
  // One field at a time: a day before the clock where it is not the day of the case.
  const at = (ms: number, z: string, other?: number) => {
    const d = isoDay(ms, z)
    const same = d === caseDay || (other !== undefined && isoDay(other, z) === d)
    return (same ? '' : day(ms, z, lang, d.slice(0, 4) !== caseDay?.slice(0, 4)) + ' ') + clock(ms, z)
  }
  const write = (z: string): string => {
    if (open(t.min) && !open(t.max)) return '≤ ' + at(t.max, z)
    if (open(t.max) && !open(t.min)) return '≥ ' + at(t.min, z)
    if (open(t.min) || open(t.max)) return '~' + at(t.best as number, z)
    if (t.precision === 'day' || t.max - t.min >= 86_399_000) {
      const a = day(t.min, z, lang, isoDay(t.min, z).slice(0, 4) !== caseDay?.slice(0, 4))
      const b = day(t.max, z, lang, isoDay(t.max, z).slice(0, 4) !== caseDay?.slice(0, 4))
      return a === b ? a : a + '–' + b
    }
    // Behind a tilde a lone minute stands for at most five; a longer stretch keeps both ends.
    if (t.precision === 'about' || t.precision === 'estimate') {
      if (!open(t.best) || t.max - t.min <= 5 * 60_000) return '~' + at(t.best ?? Math.floor((t.min + t.max) / 2), z)
      return '~' + at(t.min, z) + '–' + at(t.max, z, t.min)
    }
    if (t.max - t.min < 60_000) return at(t.min, z)
    return at(t.min, z) + '–' + at(t.max, z, t.min)
  }
  let error = ''
  if (!open(t.best) && !open(t.min) && !open(t.max) && t.max - t.min >= 60_000) {
    const lo = t.best - t.min
    const hi = t.max - t.best
    error = Math.abs(lo - hi) < 60_000 ? '± ' + span(Math.max(lo, hi)) : `−${span(lo)} +${span(hi)}`
  }
  return { short: write(zone), utc: write('UTC') + (t.precision === 'day' ? '' : 'Z'), error, none: false }
}

/** Where a time is put in a list: its best value, else its start, else its end. */
export function sortKey(t: Time | null | undefined): number {
  if (!t) return Infinity
  return t.best ?? t.min ?? t.max ?? Infinity
}

/** True for a time narrower than a day: it has a place on the clock. */
export function hasClock(t: Time | null | undefined): boolean {
  if (!t || (open(t.min) && open(t.max))) return false
  if (t.precision === 'day' || t.precision === 'unknown') return false
  return open(t.min) || open(t.max) || t.max - t.min < 86_399_000
}

/** The part that two times share; null when they cannot both be so, or when one is open. */
export function overlap(a: Time | null | undefined, b: Time | null | undefined): { min: number; max: number } | null {
  if (!hasClock(a) || !hasClock(b)) return null
  const min = Math.max(a!.min ?? -Infinity, b!.min ?? -Infinity)
  const max = Math.min(a!.max ?? Infinity, b!.max ?? Infinity)
  return min <= max && Number.isFinite(min) && Number.isFinite(max) ? { min, max } : null
}
