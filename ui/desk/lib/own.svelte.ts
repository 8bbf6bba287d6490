import type { Lang, Text } from '../../document/types.ts';
import { words } from '../words.svelte.ts';

type Catalogue = Record<string, string>;
type Vars = Record<string, string | number>;
const fill = (s: string, vars?: Vars) => (vars ? s.replace(/\{(\w+)\}/g, (_, k: string) => String(vars[k] ?? '')) : s);

/** The strings of one view: they come with it and not with the frame. */
export class Own {
  have: Partial<Record<Lang, Catalogue>> = $state.raw({});
  #load: Record<Lang, () => Promise<{ default: Catalogue }>>;
  constructor(load: Record<Lang, () => Promise<{ default: Catalogue }>>) {
    this.#load = load;
  }
  async need(lang: Lang): Promise<void> {
    if (this.have[lang]) return;
    const c = (await this.#load[lang]()).default;
    this.have = { ...this.have, [lang]: c };
  }
  /** A string in the language in use; empty while its catalogue is on the way, in brackets when it is missing. */
  say = (key: string, vars?: Vars): string => {
    const c = this.have[words.lang];
    if (!c) return '';
    return c[key] === undefined ? `[${key}]` : fill(c[key], vars);
  };
  /** The same in the languages asked for, for a text that is kept in the case. */
  async inEach(langs: readonly string[], key: string, vars?: Vars): Promise<Text> {
    await Promise.all([this.need('en'), this.need('es')]);
    const out: Text = {};
    for (const l of langs) if (l === 'en' || l === 'es') out[l] = fill(this.have[l]![key] ?? '', vars);
    return out;
  }
}
