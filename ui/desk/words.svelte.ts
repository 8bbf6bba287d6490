import { Value } from '../kernel/observable.ts';
import type { Lang, Text } from '../document/types.ts';

type Catalogue = Record<string, string>;
const catalogues: Record<Lang, Catalogue> = { en: {}, es: {} };
// Only the language in use is loaded: the other is as large as a third of the frame.
const load: Record<Lang, () => Promise<{ default: Catalogue }>> = { en: () => import('./text/en.json'), es: () => import('./text/es.json') };
const plural: Record<Lang, Intl.PluralRules> = { en: new Intl.PluralRules('en'), es: new Intl.PluralRules('es') };

function first(): Lang {
  try {
    const kept = localStorage.getItem('sightline.lang');
    if (kept === 'en' || kept === 'es') return kept;
  } catch {
    // Storage may be closed to this page; the browser's own language serves.
  }
  return navigator.languages?.some((l) => l.startsWith('es')) ? 'es' : 'en';
}

class Words {
  /** What the scene, the timeline and the map follow. */
  readonly value: Value<Lang> = new Value<Lang>(first());
  lang: Lang = $state(this.value.get());

  async set(lang: Lang): Promise<void> {
    catalogues[lang] = (await load[lang]()).default;
    this.lang = lang;
    this.value.set(lang);
    document.documentElement.lang = lang;
    try {
      localStorage.setItem('sightline.lang', lang);
    } catch {
      // Not remembered; nothing else depends on it.
    }
  }
}

export const words = new Words();

/** One string of the interface. A missing key shows itself in brackets and fails the build. */
export function t(key: string, vars?: Record<string, string | number>): string {
  const s = catalogues[words.lang][key];
  if (s === undefined) return `[${key}]`;
  return vars ? s.replace(/\{(\w+)\}/g, (_, k: string) => String(vars[k] ?? '')) : s;
}

/** A sentence of the interface in each of the languages that it has, for a text that is kept in the case. */
export async function inEvery(langs: readonly string[], make: (say: (key: string, vars?: Record<string, string>) => string) => string): Promise<Text> {
  const out: Text = {};
  for (const l of langs) {
    if (l !== 'en' && l !== 'es') continue;
    const own = (await load[l]()).default;
    out[l] = make((key, vars) => (own[key] ?? '').replace(/\{(\w+)\}/g, (_, k: string) => vars?.[k] ?? ''));
  }
  return out;
}

/** A string with a number: keys "x.one" and "x.other". */
export function tn(key: string, n: number, vars?: Record<string, string | number>): string {
  const form = plural[words.lang].select(n) === 'one' ? 'one' : 'other';
  return t(`${key}.${form}`, { n: number(n), ...vars });
}

/** The interface's word for a value of the document, else the value as it stands. */
export function word(group: string, value: string | undefined | null): string {
  if (!value) return '';
  return catalogues[words.lang][`${group}.${value}`] ?? value.replaceAll('_', ' ');
}

const numbers = new Map<string, Intl.NumberFormat>();
export function number(n: number): string {
  const lang = words.lang === 'en' ? 'en-GB' : 'es';
  let f = numbers.get(lang);
  if (!f) numbers.set(lang, (f = new Intl.NumberFormat(lang)));
  return f.format(n);
}

/** A text of the case in the language of the interface, with a note where only another language has it. */
export function say(text: Text | undefined | null): string {
  if (!text) return '';
  return text[words.lang] || text['en'] || text['es'] || Object.values(text).find(Boolean) || '';
}

/** The language that `say` had to fall back to; empty when none was needed. */
export function fallback(text: Text | undefined | null): string {
  if (!text || text[words.lang]) return '';
  return Object.keys(text).find((k) => text[k]) ?? '';
}

/** Sizes of files. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let k = 0;
  while (n >= 1000 && k < units.length - 1) {
    n /= 1000;
    k++;
  }
  return `${n < 10 && k > 0 ? n.toLocaleString(words.lang, { maximumFractionDigits: 1 }) : Math.round(n)} ${units[k]}`;
}
