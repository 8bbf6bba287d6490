// The timeline in words: a list of what the canvas shows, in order of time,
// for keyboards and screen readers.

import { timeText } from '../kernel/when.ts';
import { t } from '../document/catalogue.ts';
import { element } from '../document/dom.ts';
import { say } from '../document/types.ts';
import { totalOf } from './density.ts';
import type { View } from './view.ts';

const TWIN_LIMIT = 200;

export function makeTwin(view: View) {
  const { input, pane, list } = view;
  function write(): void {
    pane.setAttribute('aria-label', t(view.lang(), 'timeline'));
    pane.setAttribute('aria-description', t(view.lang(), 'timeline help'));
    pane.setAttribute('aria-valuemin', String(Math.floor(view.bounds.from / 1000)));
    pane.setAttribute('aria-valuemax', String(Math.floor(view.bounds.to / 1000)));
    list.setAttribute('aria-label', t(view.lang(), 'on screen'));
    const marks = view.plan.boxes.flatMap((b) => (b.cluster ?? [b.mark]).map((m) => ({ m, lane: b.lane })));
    marks.sort((a, b) => (a.m.min ?? a.m.max ?? 0) - (b.m.min ?? b.m.max ?? 0));
    const rows: HTMLElement[] = [];
    for (const { m, lane } of marks.slice(0, TWIN_LIMIT)) {
      const l = view.lanes.find((x) => x.key === lane);
      for (const id of m.ids) {
        const item = view.items.get(id);
        const against = view.conflicts.filter((c) => c.a === id || c.b === id).map((c) => (c.a === id ? c.b : c.a));
        const words = [timeText(item?.times?.[0], view.zone(), view.lang(), { caseDay: view.caseDay() }), l ? view.laneTitle(l) : '', item ? say(item.title, view.lang()) : '', against.length ? t(view.lang(), 'conflicts with', { ids: against.join(', ') }) : ''];
        const button = element('button', { type: 'button', tabindex: -1, 'data-id': id, 'aria-pressed': String(input.selection.get() === id) }, element('bdi', { dir: 'ltr' }, id), ', ' + words.filter(Boolean).join(', '));
        rows.push(element('li', {}, button));
      }
    }
    for (const l of view.density ? view.lanes : []) rows.push(element('li', {}, view.laneTitle(l) + ': ' + t(view.lang(), 'items in view', { n: totalOf(view.density!, l.key, view.lanes, view.lang()) })));
    for (const g of view.gapBoxes()) rows.push(element('li', {}, element('button', { type: 'button', tabindex: -1, 'data-id': g.id }, t(view.lang(), 'gap') + ' ' + g.label)));
    if (marks.length > TWIN_LIMIT) rows.push(element('li', {}, t(view.lang(), 'and more', { n: marks.length - TWIN_LIMIT })));
    const focused = list.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset['id'] : undefined;
    list.replaceChildren(...rows);
    const first = list.querySelector('button');
    if (first) first.tabIndex = 0;
    if (focused) list.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }
  const onList = (e: Event) => {
    const id = (e.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset['id'];
    if (id) input.selection.set(id);
  };
  list.addEventListener('click', onList);
  // One tab stop for the whole list; arrow keys move inside it.
  list.addEventListener('keydown', (e) => {
    const buttons = [...list.querySelectorAll('button')];
    const i = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = e.code === 'ArrowDown' ? i + 1 : e.code === 'ArrowUp' ? i - 1 : e.code === 'Home' ? 0 : e.code === 'End' ? buttons.length - 1 : -1;
    if (e.code === 'Escape') pane.focus();
    else if (to >= 0 && to < buttons.length) buttons[to]!.focus();
    else return;
    e.preventDefault();
    e.stopPropagation();
  });
  return write;
}
