// The few DOM helpers the canvas views share. Text goes in as text nodes only.

type Attributes = Record<string, string | number | boolean | null | undefined>;

export function element<K extends keyof HTMLElementTagNameMap>(name: K, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(name);
  set(e, attributes);
  e.append(...children);
  return e;
}

export function svg(name: string, attributes: Attributes = {}, ...children: (Node | string)[]): SVGElement {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  set(e, attributes);
  e.append(...children);
  return e;
}

function set(e: Element, attributes: Attributes): void {
  for (const [k, v] of Object.entries(attributes)) {
    if (v === null || v === undefined || v === false) continue;
    e.setAttribute(k, v === true ? '' : String(v));
  }
}

/** Colours and fonts of the theme an element stands in, read from the tokens. */
export interface Palette {
  ground: string; panel: string; raised: string; line: string; strong: string; text: string; dim: string; faint: string;
  now: string; focus: string; select: string; disputed: string; sans: string; mono: string;
  terrain: string; sky: string; contour: string; mass: string; dark: boolean;
}

export function palette(el: Element): Palette {
  const s = getComputedStyle(el);
  const v = (name: string, or: string) => s.getPropertyValue('--' + name).trim() || or;
  return {
    ground: v('ground', '#0F1113'), panel: v('panel', '#16191C'), raised: v('raised', '#1E2226'), line: v('line', '#2A2F34'), strong: v('strong', '#46505A'),
    text: v('text', '#E8EAEC'), dim: v('dim', '#A7B0B8'), faint: v('faint', '#78828B'), now: v('now', '#FFB000'), focus: v('focus', '#7CC4FF'), select: v('select', '#FFFFFF'),
    disputed: v('disputed', '#5E1575'), sans: v('sans', 'sans-serif'), mono: v('mono', 'monospace'),
    terrain: v('terrain', '#4A4C4F'), sky: v('sky', '#121417'), contour: v('contour', '#64686C'), mass: v('mass', '#D6D7D8'), dark: s.colorScheme !== 'light',
  };
}

export const stillMotion = (): boolean => typeof matchMedia === 'function' && matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Whether keys typed now belong to a field and not to us. */
export function typing(e: Event): boolean {
  const t = e.target;
  if (!(t instanceof HTMLElement)) return false;
  return t.isContentEditable || t.tagName === 'TEXTAREA' || t.tagName === 'SELECT' || (t.tagName === 'INPUT' && !['checkbox', 'radio', 'button', 'range'].includes((t as HTMLInputElement).type));
}
