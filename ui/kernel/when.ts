// How an interval is shown. A twin of Format in the Go package when, rule by
// rule; both must agree with its golden vectors. Words never claim more than
// is known: a lone minute appears only if the interval lies inside that
// minute, or behind a tilde if it is at most five minutes wide.

import { clockText, dateText, instantsOf, knownZone, offsetAt } from './zone.ts';
import { DAY, HOUR, MINUTE, SECOND, type Ms, type UtcMs } from './units.ts';

export interface Interval {
  min: UtcMs | null;
  max: UtcMs | null;
}

export interface Display {
  /** IANA name; empty or unknown shows UTC. */
  zone: string;
  lang: string;
  /** The source says "about". */
  approx?: boolean;
  /** Always name the date. */
  day?: boolean;
  /** The long form: UTC in brackets, and ± where that loses nothing. */
  utc?: boolean;
}

interface Civil {
  year: number;
  month: number;
  day: number;
}

/** The instant a label names, and the wall clock it shows (milliseconds as if the wall clock were UTC). */
interface Mark {
  at: UtcMs;
  local: number;
}

const mod = (a: number, n: number): number => ((a % n) + n) % n;

/** Proleptic Gregorian date of a wall clock; works for years a JavaScript date cannot hold. */
function civil(local: number): Civil {
  // Days to date as in Howard Hinnant's "chrono-compatible low-level date algorithms".
  const z = Math.floor(local / DAY) + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day: doy - Math.floor((153 * mp + 2) / 5) + 1 };
}

const midnight = (local: number): number => Math.floor(local / DAY) * DAY;
const leap = (y: number): boolean => mod(y, 4) === 0 && (mod(y, 100) !== 0 || mod(y, 400) === 0);
const daysIn = (y: number, m: number): number => (m === 2 ? (leap(y) ? 29 : 28) : [4, 6, 9, 11].includes(m) ? 30 : 31);
const two = (n: number): string => (n < 10 ? '0' : '') + n;

function clock(local: number, unit: Ms): string {
  const s = Math.floor(mod(local, DAY) / SECOND);
  return two(Math.floor(s / 3600)) + ':' + two(Math.floor(s / 60) % 60) + (unit === SECOND ? ':' + two(s % 60) : '');
}

const MONTHS: Record<'en' | 'es', string[]> = {
  en: 'January February March April May June July August September October November December'.split(' '),
  es: 'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre'.split(' '),
};

class Formatter {
  readonly es: boolean;
  readonly zone: string;
  readonly plain: boolean;
  private d: Display;

  constructor(d: Display) {
    this.d = d;
    this.es = d.lang === 'es';
    this.zone = d.zone && knownZone(d.zone) ? d.zone : 'UTC';
    this.plain = this.zone === 'UTC' || this.zone === 'Etc/UTC';
  }

  say(en: string, es: string): string {
    return this.es ? es : en;
  }

  mark(at: UtcMs): Mark {
    return { at, local: at + offsetAt(this.zone, at) };
  }

  down(t: UtcMs, unit: Ms): UtcMs {
    return t - mod(this.mark(t).local, unit);
  }

  up(t: UtcMs, unit: Ms): UtcMs {
    const r = mod(this.mark(t).local, unit);
    return r === 0 ? t : t + unit - r;
  }

  isLast(t: UtcMs, unit: Ms): boolean {
    return mod(this.mark(t).local, unit) === unit - 1;
  }

  end(t: UtcMs, unit: Ms): UtcMs {
    return this.isLast(t, unit) ? this.down(t, unit) : this.up(t, unit);
  }

  /** Whether the wall clock shown at an instant was shown twice. */
  folded(t: UtcMs): boolean {
    const local = this.mark(t).local;
    const c = civil(local);
    const rest = local - midnight(local);
    const w = { ...c, hour: Math.floor(rest / HOUR), minute: Math.floor(rest / MINUTE) % 60, second: Math.floor(rest / SECOND) % 60, ms: rest % SECOND };
    return instantsOf(this.zone, w).length > 1;
  }

  get tilde(): string {
    return this.d.approx ? '~' : '';
  }

  interval(iv: Interval): string {
    if (iv.min !== null && iv.max !== null && iv.min > iv.max) return this.say('no time fits', 'ninguna hora encaja');
    if (iv.min === null && iv.max === null) return this.say('time not known', 'hora desconocida');
    if (iv.max === null) return this.after(iv.min!);
    if (iv.min === null) return this.before(iv.max);
    return this.closed(iv.min, iv.max);
  }

  after(t: UtcMs): string {
    const l = this.mark(t).local;
    if (l === midnight(l)) return this.say('from ', 'desde el ') + this.tilde + this.date(civil(l), true);
    return this.oneSided(this.mark(this.down(t, MINUTE)), 'after ', 'después de ');
  }

  before(t: UtcMs): string {
    if (this.isLast(t, DAY)) return this.say('until ', 'hasta el ') + this.tilde + this.date(civil(this.mark(t).local), true);
    return this.oneSided(this.mark(this.up(t, MINUTE)), 'before ', 'antes de ');
  }

  oneSided(m: Mark, en: string, es: string): string {
    let s = this.say(en, es);
    if (this.es) s += Math.floor(mod(m.local, DAY) / HOUR) === 1 ? 'la ' : 'las ';
    s += this.tilde + clock(m.local, MINUTE);
    if (this.plain) s += 'Z';
    else if (this.d.utc || this.folded(m.at)) s += ' (' + this.utc(m, m, MINUTE) + ')';
    if (this.d.day) s += this.say(' on ', ' del ') + this.date(civil(m.local), true);
    return s;
  }

  closed(min: UtcMs, max: UtcMs): string {
    const lmin = this.mark(min).local;
    const lmax = this.mark(max).local;
    if ((lmin === midnight(lmin) && this.isLast(max, DAY)) || max - min > 7 * DAY) return this.tilde + this.dates(civil(lmin), civil(lmax));
    let unit = MINUTE;
    if (max - min <= 2 * MINUTE && !(this.down(min, MINUTE) === min && (this.isLast(max, MINUTE) || this.up(max, MINUTE) === max))) unit = SECOND;
    const a = this.mark(this.down(min, unit));
    let b = this.mark(this.end(max, unit));
    if (b.at < a.at) b = a;
    const jump = offsetAt(this.zone, a.at) !== offsetAt(this.zone, b.at) || this.folded(a.at) || this.folded(b.at);
    let bDay = midnight(b.local);
    let bClock = clock(b.local, unit);
    if (b.local === bDay && midnight(a.local) + DAY === bDay && a.at !== b.at) {
      bDay = midnight(a.local);
      bClock = '24' + bClock.slice(2);
    }
    const aDay = midnight(a.local);
    const steps = Math.trunc((b.at - a.at) / unit);
    if (jump && a.at !== b.at && !this.plain) {
      const from = clock(a.local, unit) + ' (' + this.utc(a, a, unit) + ')';
      const to = (bDay !== midnight(b.local) ? bClock : clock(b.local, unit)) + ' (' + this.utc(b, b, unit) + ')';
      return this.tilde + this.onDays(aDay, bDay, from, to, ' – ');
    }
    if (a.at === b.at) return this.onDay(aDay, this.tilde + clock(a.local, unit) + this.suffix(a, a, unit, jump));
    if (this.d.approx && b.at - a.at <= 5 * MINUTE) {
      const c = this.mark(a.at + Math.trunc(steps / 2) * unit);
      return this.onDay(midnight(c.local), '~' + clock(c.local, unit) + this.suffix(c, c, unit, false));
    }
    if (this.d.utc && !this.d.approx && steps % 2 === 0 && b.at - a.at <= 2 * 60 * MINUTE) {
      const c = this.mark(a.at + (steps / 2) * unit);
      return this.onDay(midnight(c.local), clock(c.local, unit) + this.suffix(c, c, unit, false) + ' ± ' + steps / 2 + (unit === SECOND ? ' s' : ' min'));
    }
    return this.tilde + this.onDays(aDay, bDay, clock(a.local, unit), bClock, '–') + this.suffix(a, b, unit, false);
  }

  suffix(a: Mark, b: Mark, unit: Ms, force: boolean): string {
    if (this.plain) return 'Z';
    return this.d.utc || force ? ' (' + this.utc(a, b, unit) + ')' : '';
  }

  onDay(day: number, s: string): string {
    return this.d.day ? this.date(civil(day), true) + ', ' + s : s;
  }

  onDays(aDay: number, bDay: number, from: string, to: string, dash: string): string {
    if (aDay === bDay) return this.onDay(aDay, from + dash + to);
    return this.date(civil(aDay), true) + ', ' + from + ' – ' + this.date(civil(bDay), true) + ', ' + to;
  }

  utc(a: Mark, b: Mark, unit: Ms): string {
    const ua = midnight(a.at);
    const ub = midnight(b.at);
    if (a.at === b.at) return clock(a.at, unit) + 'Z' + (ua !== midnight(a.local) ? ', ' + this.date(civil(ua), false) : '');
    if (ua !== ub) return this.date(civil(ua), false) + ', ' + clock(a.at, unit) + 'Z – ' + this.date(civil(ub), false) + ', ' + clock(b.at, unit) + 'Z';
    const s = clock(a.at, unit) + '–' + clock(b.at, unit) + 'Z';
    return ua !== midnight(a.local) || ub !== midnight(b.local) ? s + ', ' + this.date(civil(ua), false) : s;
  }

  dates(a: Civil, b: Civil): string {
    const months = a.day === 1 && b.day === daysIn(b.year, b.month);
    if (months && a.month === 1 && b.month === 12) return a.year === b.year ? year(a.year) : year(a.year) + '–' + year(b.year);
    if (months && a.month === b.month && a.year === b.year) return this.month(a.month) + this.say(' ', ' de ') + year(a.year);
    if (a.year === b.year && a.month === b.month) return a.day === b.day ? this.date(a, true) : a.day + '–' + this.date(b, true);
    return this.date(a, true) + ' – ' + this.date(b, true);
  }

  date(c: Civil, withYear: boolean): string {
    return c.day + this.say(' ', ' de ') + this.month(c.month) + (withYear ? this.say(' ', ' de ') + year(c.year) : '');
  }

  month(m: number): string {
    return MONTHS[this.es ? 'es' : 'en'][m - 1]!;
  }
}

const year = (y: number): string => (y < 0 ? '−' + -y : String(y));

export const format = (iv: Interval, d: Display): string => new Formatter(d).interval(iv);

/** A length of time without its sign: "1 h 39 min 47.655 s". Zero is "0 s". */
export function span(ms: Ms, lang: string): string {
  const n = Math.abs(ms);
  const parts: string[] = [];
  const h = Math.floor(n / HOUR);
  if (h > 0) parts.push(h + ' h');
  const m = Math.floor(n / MINUTE) % 60;
  if (m > 0) parts.push(m + ' min');
  const s = n % MINUTE;
  if (s > 0 || parts.length === 0) parts.push(String(s / 1000).replace('.', lang === 'es' ? ',' : '.') + ' s');
  return parts.join(' ');
}

export interface TimeLike extends Interval {
  precision?: string;
}

export const isAbout = (t: TimeLike): boolean => t.precision === 'about' || t.precision === 'estimate';

/**
 * The time of an object of the case. caseDay ("2018-01-15") leaves the date
 * out on that day and names it on every other; absent, the date is left out.
 */
export function timeText(t: TimeLike | undefined | null, zone: string, lang: string, more: { utc?: boolean; day?: boolean; caseDay?: string } = {}): string {
  const iv = t ?? { min: null, max: null };
  const some = iv.min ?? iv.max;
  const other = more.caseDay !== undefined && some !== null && (dateText(zone, iv.min ?? some) !== more.caseDay || dateText(zone, iv.max ?? some) !== more.caseDay);
  return format(iv, { zone, lang, approx: !!t && isAbout(t), day: more.day ?? other, utc: more.utc ?? false });
}

/** "13:07Z" */
export const zuluText = (t: UtcMs, seconds = false): string => clockText('UTC', t, seconds) + 'Z';

/** The instant that typed digits name on the day of `near`: "0907", "90712", "9:07:12"; null when they name none. */
export function instantOfDigits(typed: string, zone: string, near: UtcMs): UtcMs | null {
  const d = typed.replace(/[^0-9]/g, '');
  if (d.length < 3 || d.length > 6) return null;
  const full = d.length % 2 ? '0' + d : d;
  const hour = Number(full.slice(0, 2));
  const minute = Number(full.slice(2, 4));
  const second = Number(full.slice(4, 6) || '0');
  if (hour > 23 || minute > 59 || second > 59) return null;
  const c = civil(near + offsetAt(zone, near));
  return instantsOf(zone, { ...c, hour, minute, second })[0] ?? null;
}
