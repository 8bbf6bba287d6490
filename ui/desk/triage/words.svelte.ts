import { Own } from '../lib/own.svelte.ts';

export const own = new Own({ en: () => import('./text/en.json'), es: () => import('./text/es.json') });
/** A string of this view. */
export const w = own.say;
