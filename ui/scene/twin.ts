// The scene in words: what stands beside the canvas for those who do not see
// it, ordered by how far it is from where one stands.

import type { Value } from '../kernel/observable.ts';
import { turn, type Enu } from '../kernel/units.ts';
import { timeText } from '../kernel/when.ts';
import { t } from '../document/catalogue.ts';
import { element } from '../document/dom.ts';
import type { Spot } from '../document/places.ts';
import type { Lang } from '../document/types.ts';
import type { LabelText } from './labels.ts';

const MOST = 200;
const WINDS = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'] as const;

export interface TwinView {
  spots: readonly Spot[];
  eye: Enu;
  zone: string;
  lang: Lang;
  words(s: Spot): LabelText;
}

/** One row a spot, the nearest first; at most so many. */
export function twinRows(v: TwinView, most = Infinity): { id: string; text: string }[] {
  const { lang, eye } = v;
  const by = v.spots.map((s) => ({ s, d: Math.hypot(s.at[0] - eye[0], s.at[1] - eye[1]) })).sort((a, b) => a.d - b.d);
  return by.slice(0, most).map(({ s, d }) => {
    const bearing = turn((Math.atan2(s.at[0] - eye[0], s.at[1] - eye[1]) * 180) / Math.PI);
    const wind = t(lang, ('wind ' + WINDS[Math.round(bearing / 45) % 8]) as 'wind n');
    const first = s.sites[0]!;
    return { id: first.id, text: [[...new Set(s.sites.map((x) => x.id))].join(', '), v.words(s).body, t(lang, 'away', { metres: Math.round(d), wind }), timeText(first.item?.times?.[0], v.zone, lang)].filter(Boolean).join(', ') };
  });
}

/** Makes the list answer clicks and arrow keys; returns what writes it. */
export function makeTwin(list: HTMLElement, canvas: HTMLElement, selection: Value<string | null>) {
  list.addEventListener('click', (e) => {
    const id = (e.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset['id'];
    if (id) selection.set(id);
  });
  list.addEventListener('keydown', (e) => {
    const buttons = [...list.querySelectorAll('button')];
    const i = buttons.indexOf(document.activeElement as HTMLButtonElement) + (e.code === 'ArrowDown' ? 1 : e.code === 'ArrowUp' ? -1 : NaN);
    if (e.code === 'Escape') canvas.focus();
    else if (buttons[i]) buttons[i].focus();
    else return;
    e.preventDefault();
    e.stopPropagation();
  });
  return (v: TwinView, title: string): void => {
    canvas.setAttribute('aria-label', t(v.lang, 'scene label', { title, n: v.spots.length }));
    list.setAttribute('aria-label', t(v.lang, 'in the scene'));
    const focused = list.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset['id'] : undefined;
    list.replaceChildren(...twinRows(v, MOST).map((r, i) => element('li', {}, element('button', { type: 'button', tabindex: i === 0 ? 0 : -1, 'data-id': r.id }, r.text))));
    if (focused) list.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  };
}
