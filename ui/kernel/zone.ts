// Wall clock of a zone, from the browser's own IANA table. Offsets are looked
// up once per quarter of an hour of the zone's history and kept: a timeline
// asks for thousands of them in a frame.

import { MINUTE, type Ms, type UtcMs } from './units.ts';

export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
}

const formats = new Map<string, Intl.DateTimeFormat | null>();
const offsets = new Map<string, Map<number, Ms>>();
const QUARTER = 15 * MINUTE;
/** What a JavaScript date can express. */
const LIMIT = 8.64e15;

function format(zone: string): Intl.DateTimeFormat | null {
  let f = formats.get(zone);
  if (f === undefined) {
    try {
      f = new Intl.DateTimeFormat('en-US-u-hc-h23', {
        timeZone: zone, calendar: 'gregory', era: 'short', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23',
      });
    } catch {
      f = null;
    }
    formats.set(zone, f);
  }
  return f;
}

/** Whether the browser knows the zone. */
export const knownZone = (zone: string): boolean => format(zone) !== null;

/** Wall clock minus UTC at an instant, in milliseconds. A zone nobody knows counts as UTC. */
export function offsetAt(zone: string, t: UtcMs): Ms {
  if (zone === '' || zone === 'UTC' || !Number.isFinite(t) || Math.abs(t) > LIMIT) return 0;
  let of = offsets.get(zone);
  if (!of) offsets.set(zone, (of = new Map()));
  const bucket = Math.floor(t / QUARTER);
  const kept = of.get(bucket);
  if (kept !== undefined) return kept;
  const f = format(zone);
  let offset = 0;
  if (f) {
    const at = bucket * QUARTER;
    const p: Record<string, string> = {};
    for (const { type, value } of f.formatToParts(at)) p[type] = value;
    const year = p['era'] === 'BC' ? 1 - Number(p['year']) : Number(p['year']);
    offset = utc(year, Number(p['month']), Number(p['day']), Number(p['hour']), Number(p['minute']), Number(p['second'])) - at;
  }
  if (of.size > 20_000) of.clear();
  of.set(bucket, offset);
  return offset;
}

/** Date.UTC without its rule that years 0 to 99 mean 1900 to 1999. */
function utc(year: number, month: number, day: number, hour: number, minute: number, second: number, ms = 0): UtcMs {
  const d = new Date(0);
  d.setUTCFullYear(year, month - 1, day);
  d.setUTCHours(hour, minute, second, ms);
  return d.getTime();
}

export function wallAt(zone: string, t: UtcMs): Wall {
  const d = new Date(Math.floor(t) + offsetAt(zone, t));
  return { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), hour: d.getUTCHours(), minute: d.getUTCMinutes(), second: d.getUTCSeconds(), ms: d.getUTCMilliseconds() };
}

/** Instants at which a zone's clocks showed w: none in a gap, two in a fold, earliest first. */
export function instantsOf(zone: string, w: Partial<Wall> & { year: number; month: number; day: number }): UtcMs[] {
  const local = utc(w.year, w.month, w.day, w.hour ?? 0, w.minute ?? 0, w.second ?? 0, w.ms ?? 0);
  if (!Number.isFinite(local)) return [];
  const found = new Set<number>();
  for (const near of [local - 26 * 4 * QUARTER, local + 26 * 4 * QUARTER]) {
    const t = local - offsetAt(zone, near);
    if (t + offsetAt(zone, t) === local) found.add(t);
  }
  return [...found].sort((a, b) => a - b);
}

const two = (n: number): string => (n < 10 ? '0' : '') + n;

/** "-04", "-04:30", "+00" */
export function offsetText(zone: string, t: UtcMs): string {
  const m = Math.round(offsetAt(zone, t) / MINUTE);
  const a = Math.abs(m);
  return (m < 0 ? '−' : '+') + two(Math.floor(a / 60)) + (a % 60 ? ':' + two(a % 60) : '');
}

/** "09:07", or "09:07:12" with seconds. */
export function clockText(zone: string, t: UtcMs, seconds = false): string {
  const w = wallAt(zone, t);
  return two(w.hour) + ':' + two(w.minute) + (seconds ? ':' + two(w.second) : '');
}

/** "2018-01-15" */
export function dateText(zone: string, t: UtcMs): string {
  const w = wallAt(zone, t);
  return String(w.year).padStart(4, '0') + '-' + two(w.month) + '-' + two(w.day);
}

/** "15 Jan 2018", in the reader's language. */
export function dayText(zone: string, t: UtcMs, lang: string): string {
  if (!knownZone(zone) || !Number.isFinite(t) || Math.abs(t) > LIMIT) return '';
  return new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' : lang, { timeZone: zone, day: 'numeric', month: 'short', year: 'numeric' }).format(t);
}
