import { Own } from '../lib/own.svelte.ts';

export const own = new Own({ en: () => import('./text/en.json'), es: () => import('./text/es.json') });
/** A string of this view. */
export const w = own.say;

/** The same in both languages, for a text that is kept in the case. */
export const both = (key: string, vars?: Record<string, string | number>) => own.inEach(['en', 'es'], key, vars);
