// What stands over the scene besides labels: its title with how little is
// known, the compass with the sun, the plan with north and scale.

import { t } from '../document/catalogue.ts';
import { element, svg } from '../document/dom.ts';
import type { SceneDocument } from '../document/scene.ts';
import type { Site } from '../document/places.ts';
import { say, type Document, type Lang } from '../document/types.ts';

export interface SunDirection {
  /** Clockwise from true north. */
  azimuth_deg: number;
  elevation_deg: number;
}
export interface PlanView {
  eye: readonly [number, number, number];
  heading: number;
  hfov: number;
  sites: readonly Site[];
  approximate: number | null;
  bounds: { low: readonly number[]; high: readonly number[] } | null;
  lang: Lang;
}

export function makeChrome(overlay: HTMLElement) {
  const head = element('div', { class: 'scene-head' });
  const dial = element('div', { class: 'scene-dial' });
  const inset = element('div', { class: 'scene-inset' });
  const note = element('div', { class: 'scene-note', role: 'status', hidden: true });
  const frame = element('div', { class: 'scene-frame', hidden: true });
  overlay.append(frame, head, dial, inset, note);
  let sunNow: SunDirection | null = null;
  let lastDial = '';
  let lastPlan = '';
  let lang: Lang = 'en';

  function drawDial(heading: number): void {
    const key = [Math.round(heading), sunNow?.azimuth_deg.toFixed(1), sunNow?.elevation_deg.toFixed(1), lang].join();
    if (key === lastDial) return;
    lastDial = key;
    // The dial turns with the view: up is where one looks.
    const at = (bearing: number, r: number) => {
      const a = ((bearing - heading) * Math.PI) / 180;
      return [52 + r * Math.sin(a), 52 - r * Math.cos(a)] as const;
    };
    const [nx, ny] = at(0, 42);
    const s = svg('svg', { viewBox: '0 0 104 104', width: 104, height: 96, 'aria-hidden': 'true' }, svg('circle', { cx: 52, cy: 52, r: 33, class: 'ring' }));
    for (let b = 0; b < 360; b += 30) {
      const [x0, y0] = at(b, b % 90 === 0 ? 28 : 31);
      const [x1, y1] = at(b, 33);
      s.append(svg('line', { x1: x0, y1: y0, x2: x1, y2: y1, class: 'ring' }));
    }
    s.append(svg('text', { x: nx, y: ny + 4, 'text-anchor': 'middle' }, t(lang, 'north letter')));
    if (sunNow && sunNow.elevation_deg > -1) {
      // The higher the sun, the nearer the middle.
      const [x, y] = at(sunNow.azimuth_deg, 33 * Math.cos((Math.max(0, sunNow.elevation_deg) * Math.PI) / 180));
      s.append(svg('line', { x1: 52, y1: 52, x2: x, y2: y, class: 'ray' }), svg('circle', { cx: x, cy: y, r: 5, class: 'sun' }));
    }
    s.append(svg('circle', { cx: 52, cy: 52, r: 2, class: 'mid' }));
    const words = sunNow ? (sunNow.elevation_deg > 0 ? t(lang, 'sun', { az: Math.round(sunNow.azimuth_deg), el: Math.round(sunNow.elevation_deg) }) : t(lang, 'sun down')) : t(lang, 'looking', { deg: Math.round(heading) });
    dial.replaceChildren(s, element('div', {}, words));
  }

  function drawPlan(given: PlanView): void {
    const p = given.approximate && small(given.approximate, given.bounds) ? { ...given, approximate: null } : given;
    const key = [p.eye.map(Math.round), Math.round(p.heading), Math.round(p.hfov), p.sites.length, p.approximate, p.lang].join();
    if (key === lastPlan) return;
    lastPlan = key;
    const reach = planReach(p);
    const s = svg('svg', { viewBox: '0 0 160 92', width: 160, height: 92, 'aria-hidden': 'true' });
    const k = 40 / reach;
    const X = (e: number) => 62 + e * k;
    const Y = (n: number) => 46 - n * k;
    if (p.approximate) s.append(svg('circle', { cx: X(0), cy: Y(0), r: p.approximate * k, class: 'approx' }));
    if (p.bounds) {
      const w = (p.bounds.high[0]! - p.bounds.low[0]!) * k;
      const h = (p.bounds.high[1]! - p.bounds.low[1]!) * k;
      s.append(svg('rect', { x: X(p.bounds.low[0]!), y: Y(p.bounds.high[1]!), width: Math.max(2, w), height: Math.max(2, h), class: 'extent' }));
    }
    if (k > 0.08) for (const site of p.sites.slice(0, 400)) s.append(svg('circle', { cx: X(site.at[0]), cy: Y(site.at[1]), r: 1.6, class: 'site' }));
    const a0 = ((p.heading - p.hfov / 2) * Math.PI) / 180;
    const a1 = ((p.heading + p.hfov / 2) * Math.PI) / 180;
    const [cx, cy] = [X(p.eye[0]), Y(p.eye[1])];
    s.append(svg('path', { d: `M${cx} ${cy}L${cx + 18 * Math.sin(a0)} ${cy - 18 * Math.cos(a0)}A18 18 0 0 1 ${cx + 18 * Math.sin(a1)} ${cy - 18 * Math.cos(a1)}Z`, class: 'cone' }));
    s.append(svg('path', { d: 'M140 30l4 9h-8z', class: 'mid' }), svg('text', { x: 140, y: 24, 'text-anchor': 'middle' }, t(p.lang, 'north letter')));
    const bar = niceLength(36 / k);
    s.append(svg('path', { d: `M${152 - bar * k} 70v4h${bar * k}v-4`, class: 'bar' }), svg('text', { x: 152 - (bar * k) / 2, y: 66, 'text-anchor': 'middle' }, bar >= 1000 ? bar / 1000 + ' km' : bar + ' m'));
    inset.replaceChildren(s, element('div', {}, p.approximate ? t(p.lang, 'approximate place radius', { radius: p.approximate >= 1000 ? p.approximate / 1000 + ' km' : p.approximate + ' m' }) : t(p.lang, 'plan')));
  }

  return {
    title(scene: SceneDocument | null, doc: Document, l: Lang) {
      lang = l;
      lastDial = lastPlan = '';
      const guessed = (scene?.layers ?? []).filter((x) => x.class === 'conjectural').map((x) => say(x.title, l));
      const near = scene?.approximate?.radius_m && small(scene.approximate.radius_m, scene.bounds) ? scene.approximate.label : null;
      const line1 = near ? say(near, l) : scene?.approximate || doc.case.place?.approx ? t(l, 'approximate place, schematic') : say(scene?.title ?? doc.case.title, l);
      const line2 = guessed.length ? t(l, 'conjectural layers', { layers: guessed.join(', ') }) : '';
      head.replaceChildren(element('b', {}, line1), ...(line2 ? [element('span', {}, line2)] : []));
    },
    sun(s: SunDirection | null, l: Lang) {
      sunNow = s;
      lang = l;
      lastDial = '';
    },
    view(heading: number, p: PlanView) {
      drawDial(heading);
      drawPlan(p);
    },
    message(text: string) {
      note.hidden = false;
      note.textContent = text;
    },
    /** The letterbox of the photo while looking through its camera. */
    frame(box: { x: number; y: number; width: number; height: number } | null) {
      frame.hidden = !box;
      overlay.classList.toggle('through', !!box);
      if (box) Object.assign(frame.style, { left: box.x + 'px', top: box.y + 'px', width: box.width + 'px', height: box.height + 'px' });
    },
    /** Rectangles of the picture no label may cover. */
    taken(width: number, height: number) {
      const out = [];
      for (const e of [head, dial, inset]) {
        if (e.offsetParent === null) continue;
        out.push({ x0: e.offsetLeft, y0: e.offsetTop, x1: e.offsetLeft + e.offsetWidth, y1: e.offsetTop + e.offsetHeight });
      }
      return out.filter((r) => r.x1 > 0 && r.y1 > 0 && r.x0 < width && r.y0 < height);
    },
  };
}

/** What is known to much better than the model is wide is no circle to draw. */
const small = (radius: number, bounds: PlanView['bounds']): boolean => !!bounds && radius * 20 < Math.max(bounds.high[0]! - bounds.low[0]!, bounds.high[1]! - bounds.low[1]!);

function planReach(p: PlanView): number {
  if (p.approximate) return p.approximate;
  if (p.bounds) return Math.max(p.bounds.high[0]! - p.bounds.low[0]!, p.bounds.high[1]! - p.bounds.low[1]!) / 2 || 100;
  return Math.max(50, ...p.sites.map((s) => Math.hypot(s.at[0], s.at[1])));
}

/** 1, 2 or 5 times a power of ten, at most x. */
function niceLength(x: number): number {
  const p = 10 ** Math.floor(Math.log10(Math.max(1e-3, x)));
  return [5, 2, 1].map((m) => m * p).find((v) => v <= x) ?? p;
}
