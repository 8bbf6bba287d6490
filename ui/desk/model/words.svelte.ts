import type { Lang } from '../../document/types.ts';
import { words } from '../words.svelte.ts';

type Catalogue = Record<string, string>;
// The strings of this view come with it and not with the frame.
const load: Record<Lang, () => Promise<{ default: Catalogue }>> = { en: () => import('./text/en.json'), es: () => import('./text/es.json') };

class Own {
  have: Partial<Record<Lang, Catalogue>> = $state.raw({});
  async need(lang: Lang): Promise<void> {
    if (this.have[lang]) return;
    const c = (await load[lang]()).default;
    this.have = { ...this.have, [lang]: c };
  }
}
export const own = new Own();

/** A string of this view; empty while its catalogue is on the way, in brackets when it is missing. */
export function w(key: string, vars?: Record<string, string | number>): string {
  const c = own.have[words.lang];
  if (!c) return '';
  const s = c[key];
  if (s === undefined) return `[${key}]`;
  return vars ? s.replace(/\{(\w+)\}/g, (_, k: string) => String(vars[k] ?? '')) : s;
}
