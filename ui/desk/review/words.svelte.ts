import { words } from '../words.svelte.ts';
import { Own } from '../lib/own.svelte.ts';

export const own = new Own({ en: () => import('./text/en.json'), es: () => import('./text/es.json') });
/** A string of this view. */
export const w = own.say;

/** Asks for the strings of the language in use. */
export const start = (): Promise<void> => own.need(words.lang);
