import { Own } from '../lib/own.svelte.ts';

export const own = new Own({ en: () => import('./text/en.json'), es: () => import('./text/es.json') });
/** A string of this view. */
export const w = own.say;

/** The same in the languages asked for, for a text that is kept in the case. */
export const inEach = (langs: readonly string[], key: string, vars?: Record<string, string | number>) => own.inEach(langs, key, vars);
