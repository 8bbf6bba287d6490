// Names in the picture. Each is a button over the canvas, placed by the fixed
// rule of kernel/labels so that they stand still while the camera moves.

import { placeLabels, type LabelInput } from '../kernel/labels.ts';
import { timeText } from '../kernel/when.ts';
import type { UtcMs } from '../kernel/units.ts';
import { t } from '../document/catalogue.ts';
import { element, svg } from '../document/dom.ts';
import type { Site, Spot } from '../document/places.ts';
import { say, type Document, type Lang } from '../document/types.ts';

export interface LabelText {
  head: string;
  body: string;
}
export interface LabelView {
  width: number;
  height: number;
  now: UtcMs;
  /** Rectangles no label may cover. */
  taken: readonly { x0: number; y0: number; x1: number; y1: number }[];
  isSelected(s: Site): boolean;
  words(s: Spot): LabelText;
  project(s: Spot): { x: number; y: number; inside: boolean };
}

/** What a spot is called: its records, and under them how sure the place is and what it is. */
export function labelText(s: Spot, doc: Document, lang: Lang, isSelected: (s: Site) => boolean): LabelText {
  const zone = doc.case.zone;
  const first = s.sites.find(isSelected) ?? s.sites[0]!;
  // A group of a large case has no id of its own: it says how many it stands for.
  if (first.place.role === 'group') return { head: say(first.place.label, lang), body: '' };
  const ids = [...new Set([first.id, ...s.sites.map((x) => x.id)])];
  const time = first.item?.times?.[0] ? timeText(first.item.times[0], zone, lang, { caseDay: (doc.case.date ?? '').slice(0, 10) }) : '';
  const head = ids.length === 1 ? ids[0] + (time && time.length < 16 ? ' ' + time : '') : ids.length < 4 ? ids.join(' · ') : ids[0] + (time && time.length < 9 ? ' ' + time : '') + ' +' + (ids.length - 1);
  const name = say(first.place.label, lang) || (first.item ? say(first.item.title, lang) : '');
  const error = first.ellipse && !first.approx ? '± ' + (first.ellipse.semi_major_m < 10 ? first.ellipse.semi_major_m.toFixed(1) : Math.round(first.ellipse.semi_major_m)) + ' m' : '';
  return { head: head ?? '', body: [first.approx ? t(lang, 'approx') : error, name].filter(Boolean).join('; ') };
}

interface Ranked {
  spot: Spot;
  chosen: boolean;
  weight: number;
}

/** The spots most worth naming, best first: what is selected, then what is near the playhead. One pass, so that ten thousand cost no sort. */
function foremost(spots: readonly Spot[], view: LabelView, most: number): Ranked[] {
  const out: Ranked[] = [];
  for (const spot of spots) {
    const chosen = spot.sites.some(view.isSelected);
    const time = spot.sites[0]!.item?.times?.[0];
    const near = time ? Math.abs((time.best ?? time.min ?? time.max ?? view.now) - view.now) : 1e12;
    const weight = chosen ? 2 : 1 / (1 + near / 3.6e6);
    if (out.length === most && weight <= out[most - 1]!.weight) continue;
    let at = out.length;
    while (at > 0 && out[at - 1]!.weight < weight) at--;
    out.splice(at, 0, { spot, chosen, weight });
    if (out.length > most) out.pop();
  }
  return out;
}

export function makeLabels(overlay: HTMLElement, select: (id: string | null) => void) {
  const leaders = svg('svg', { class: 'scene-leaders', 'aria-hidden': 'true' });
  overlay.prepend(leaders);
  const labels = new Map<string, { el: HTMLElement; width: number; height: number; text: string }>();
  const slots = new Map<string, number>();

  function draw(spots: readonly Spot[], view: LabelView): void {
    const { width: w, height: h } = view;
    const wanted: (LabelInput & { text: LabelText; chosen: boolean; select: string })[] = [];
    const most = w < 500 ? 3 : w < 900 ? 6 : 10;
    for (const r of foremost(spots, view, most * 3)) {
      const p = view.project(r.spot);
      if (!p.inside) continue;
      const id = r.spot.sites.map((x) => x.id).join() + r.spot.at.join();
      const text = view.words(r.spot);
      write(id, text);
      wanted.push({ id, x: p.x, y: p.y, width: 0, height: 0, weight: r.weight, text, chosen: r.chosen, select: (r.spot.sites.find(view.isSelected) ?? r.spot.sites[0]!).id });
      if (wanted.length >= most) break;
    }
    // All are written before any is measured: the page is laid out once.
    for (const x of wanted) Object.assign(x, measured(x.id));
    const placed = placeLabels(wanted, w, h, view.taken, slots);
    const shown = new Set(placed.map((p) => p.id));
    for (const [id, l] of labels) l.el.hidden = !shown.has(id);
    slots.clear();
    const marks: SVGElement[] = [];
    for (const p of placed) {
      slots.set(p.id, p.slot);
      const l = labels.get(p.id)!;
      const want = wanted.find((x) => x.id === p.id)!;
      l.el.style.transform = `translate(${Math.round(p.left)}px, ${Math.round(p.top)}px)`;
      l.el.classList.toggle('on', want.chosen);
      l.el.dataset['select'] = want.select;
      marks.push(svg('line', { x1: want.x, y1: want.y, x2: p.toX, y2: p.toY, class: want.chosen ? 'on' : null }));
    }
    leaders.replaceChildren(...marks);
    if (labels.size > 300) for (const [id, l] of labels) if (l.el.hidden) {
      l.el.remove();
      labels.delete(id);
    }
  }

  function write(id: string, text: LabelText): void {
    let l = labels.get(id);
    const key = text.head + '\n' + text.body;
    if (!l) {
      const e = element('button', { type: 'button', class: 'scene-label', tabindex: -1 });
      e.addEventListener('click', () => select(e.dataset['select'] ?? null));
      overlay.append(e);
      labels.set(id, (l = { el: e, width: 0, height: 0, text: '' }));
    }
    if (l.text === key) return;
    l.text = key;
    l.width = 0;
    l.el.replaceChildren(element('bdi', { dir: 'ltr' }, text.head), ...(text.body ? [element('span', {}, text.body)] : []));
    l.el.hidden = false;
  }

  function measured(id: string): { width: number; height: number } {
    const l = labels.get(id)!;
    if (!l.width) ({ width: l.width, height: l.height } = l.el.getBoundingClientRect());
    return { width: l.width, height: l.height };
  }

  return {
    draw,
    /** The words changed: a label is measured again when it is next shown. */
    stale: () => labels.forEach((l) => (l.text = '')),
  };
}
