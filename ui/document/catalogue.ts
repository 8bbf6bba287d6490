// Interface strings in every language the product speaks. A catalogue is a
// pair of JSON files with the same keys; the compiler checks the keys that are
// used, the build checks that no language lacks one.

import en from './text/en.json';
import es from './text/es.json';
import type { Lang } from './types.ts';

export type Values = Record<string, string | number>;

export interface Translate<K extends string> {
  (lang: Lang, key: K, values?: Values): string;
}

// A formatter is dear to make and is asked for at every frame of a scrub.
const numbers = new Map<string, Intl.NumberFormat>();
function number(lang: string, n: number): string {
  let f = numbers.get(lang);
  if (!f) numbers.set(lang, (f = new Intl.NumberFormat(lang)));
  return f.format(n);
}

/** Makes a translator of one folder's catalogue. A number is written as the language writes it. */
export function catalogue<C extends Record<string, string>>(texts: Record<Lang, C>): Translate<keyof C & string> {
  return (lang, key, values) => {
    const text = texts[lang][key] ?? texts.en[key] ?? key;
    if (!values) return text;
    return text.replace(/\{(\w+)\}/g, (hole, name: string) => {
      const v = values[name];
      if (v === undefined) return hole;
      return typeof v === 'number' ? number(lang, v) : v;
    });
  };
}

/** Strings of the scene, the timeline and the map. */
export const t = catalogue({ en, es });
export type TextKey = keyof typeof en;
