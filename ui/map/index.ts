// The map: the scene's own terrain and buildings from above, with the places
// of the evidence and how uncertain they are. No tile is asked of anybody. It
// shares selection, clock and the scene's camera.

import { Value } from '../kernel/observable.ts';
import { clamp, type Enu } from '../kernel/units.ts';
import { timeText } from '../kernel/when.ts';
import { rotationOf } from '../kernel/camera.ts';
import { t } from '../document/catalogue.ts';
import { element, palette, svg, typing } from '../document/dom.ts';
import { ring, sitesOf, spotsOf, toEnuOf, type Site, type Spot } from '../document/places.ts';
import { Ground, fetchFrom, readLayer, readSceneDocument, type SceneDocument } from '../document/scene.ts';
import type { GlbPart } from '../document/glb.ts';
import { say } from '../document/types.ts';
import { hillshade, contours, type Relief } from './relief.ts';
import type { MapHandle, MountMap } from './handle.ts';
export type * from './handle.ts';

/** Least width of ground that framing shows, metres. */
const AROUND = 120;
/** So many outlines and pins at once: more would be a carpet. */
const MOST = 400;

export const mountMap: MountMap = (el, input) => {
  let doc = input.doc;
  const read = input.read ?? (input.sceneBase ? fetchFrom(input.sceneBase) : null);
  let colours = palette(el);
  let sceneDoc: SceneDocument | null = null;
  let bodies: { parts: GlbPart[]; type: string }[] = [];
  const ground = new Ground();
  let sites: Site[] = [];
  let spots: Spot[] = [];
  let destroyed = false;
  // What the middle of the pane shows, and metres per pixel.
  const view = new Value({ e: 0, n: 0, scale: 1 });

  el.classList.add('map');
  const base = element('canvas', { 'aria-hidden': 'true' });
  const over = svg('svg', { class: 'map-over', tabindex: 0, role: 'img' });
  const list = element('ol', { class: 'twin' });
  el.append(base, over, list);
  if (input.inset) over.removeAttribute('tabindex');

  const X = (e: number) => el.clientWidth / 2 + (e - view.get().e) / view.get().scale;
  const Y = (n: number) => el.clientHeight / 2 - (n - view.get().n) / view.get().scale;
  const E = (x: number) => view.get().e + (x - el.clientWidth / 2) * view.get().scale;
  const N = (y: number) => view.get().n - (y - el.clientHeight / 2) * view.get().scale;

  let relief: (Relief & { scale: number }) | null = null;
  let asked = 0;
  let stale = true;
  function ask(baseToo: boolean): void {
    stale ||= baseToo;
    if (!asked && !destroyed) asked = requestAnimationFrame(paint);
  }

  function paint(): void {
    asked = 0;
    if (el.clientWidth < 2) return;
    if (stale) {
      stale = false;
      drawBase();
    }
    drawOver();
  }

  function drawBase(): void {
    const r = Math.min(devicePixelRatio || 1, 2);
    const w = el.clientWidth;
    const h = el.clientHeight;
    base.width = Math.round(w * r);
    base.height = Math.round(h * r);
    const g = base.getContext('2d')!;
    g.setTransform(r, 0, 0, r, 0, 0);
    g.fillStyle = colours.raised;
    g.fillRect(0, 0, w, h);
    if (!sceneDoc) return;
    const { scale } = view.get();
    const step = clamp(Math.round(w / 160), 4, 12);
    const nx = Math.ceil(w / step) + 2;
    const ny = Math.ceil(h / step) + 2;
    const heights = new Float32Array(nx * ny);
    for (let j = 0; j < ny; j++) for (let i = 0; i < nx; i++) heights[j * nx + i] = ground.at(E(i * step), N(j * step)) ?? NaN;
    relief = { nx, ny, heights, step: step * scale, scale };
    const image = hillshade(relief, colours.terrain, colours.dark);
    const small = new OffscreenCanvas(nx, ny);
    small.getContext('2d')!.putImageData(new ImageData(image as ImageDataArray, nx, ny), 0, 0);
    g.imageSmoothingEnabled = true;
    g.drawImage(small, -step / 2, -step / 2, nx * step, ny * step);
    const { interval, lines } = contours(relief);
    for (const l of lines) {
      g.strokeStyle = colours.contour;
      g.globalAlpha = Math.round(l.height / interval) % 5 === 0 ? 0.9 : 0.45;
      g.beginPath();
      for (const [x0, y0, x1, y1] of l.segments) {
        g.moveTo(x0 * step, y0 * step);
        g.lineTo(x1 * step, y1 * step);
      }
      g.stroke();
    }
    g.globalAlpha = 1;
    for (const b of bodies) for (const p of b.parts) {
      const road = p.extras['kind'] === 'road';
      g.fillStyle = road ? colours.contour : colours.mass;
      g.strokeStyle = colours.dark ? colours.ground : colours.text;
      g.beginPath();
      for (let i = 0; i < p.indices.length; i += 3) {
        for (let k = 0; k < 3; k++) {
          const v = 3 * p.indices[i + k]!;
          const x = X(p.positions[v]!);
          const y = Y(-p.positions[v + 2]!);
          if (k === 0) g.moveTo(x, y);
          else g.lineTo(x, y);
        }
        g.closePath();
      }
      g.globalAlpha = road ? 0.8 : 0.9;
      g.fill('nonzero');
      g.globalAlpha = 1;
    }
  }

  /** The selected object and, where it is a claim or an event, what it rests on. */
  let chosen: ReadonlySet<string> = new Set();
  function choose(): void {
    const id = input.selection.get();
    chosen = new Set(id ? [id, ...(doc.claims.find((c) => c.id === id)?.items ?? []), ...(doc.events.find((e) => e.id === id)?.items ?? [])] : []);
  }
  const isSelected = (s: Site): boolean => chosen.has(s.id);
  const heightOr = (n: number) => Math.max(1.2, n);

  function cone(e: number, n: number, heading: number, hfov: number, length: number, cls: string): SVGElement {
    const a0 = ((heading - hfov / 2) * Math.PI) / 180;
    const a1 = ((heading + hfov / 2) * Math.PI) / 180;
    const [x, y] = [X(e), Y(n)];
    return svg('path', { class: cls, d: `M${x} ${y}L${x + length * Math.sin(a0)} ${y - length * Math.cos(a0)}A${length} ${length} 0 0 1 ${x + length * Math.sin(a1)} ${y - length * Math.cos(a1)}Z` });
  }

  function drawOver(): void {
    const lang = input.lang.get();
    const w = el.clientWidth;
    const h = el.clientHeight;
    const out: SVGElement[] = [];
    const radius = sceneDoc?.approximate?.radius_m ?? (doc.case.place?.approx ? doc.case.place.radius_m : undefined);
    if (radius) out.push(svg('circle', { cx: X(0), cy: Y(0), r: radius / view.get().scale, class: 'approx wide' }));
    // Only what is in the picture, what is selected first, and of very many the first few hundred.
    const reach = (s: Site) => (s.ellipse && s.ellipse.semi_major_m < 1e5 ? s.ellipse.semi_major_m : s.place.area ? Math.max(...s.place.area.map(([e, n]) => Math.hypot(e - s.at[0], n - s.at[1]))) : 0) / view.get().scale + 60;
    const inside = (s: Site) => {
      const [x, y, r] = [X(s.at[0]), Y(s.at[1]), reach(s)];
      return x > -r && y > -r && x < w + r && y < h + r;
    };
    const drawn = new Set<string>();
    for (const s of [...sites.filter(isSelected), ...sites.filter((q) => !isSelected(q))]) {
      if (!s.place.target && !inside(s)) continue;
      if (drawn.size >= MOST) break;
      // Records of one place and one error share its outline.
      const key = [...s.at, ...Object.values(s.ellipse ?? {}), s.place.area?.length ?? 0, s.pose ? s.id : '', s.place.target ?? ''].join();
      if (drawn.has(key)) continue;
      drawn.add(key);
      const chosen = isSelected(s) ? ' on' : '';
      if (s.ellipse || s.place.area) {
        const d = ring(s, 64).map(([e, n], i) => (i ? 'L' : 'M') + X(e).toFixed(1) + ' ' + Y(n).toFixed(1)).join('');
        if (d) out.push(svg('path', { d: d + 'Z', class: (s.approx ? 'approx' : 'ellipse') + chosen }));
      }
      if (s.pose) {
        const R = rotationOf(s.pose.rotation);
        out.push(cone(s.at[0], s.at[1], (Math.atan2(R[6], R[7]) * 180) / Math.PI, (2 * Math.atan(s.pose.width / 2 / s.pose.focal_px) * 180) / Math.PI, 34, 'cone' + (s.solved ? '' : ' stated') + chosen));
      }
      if (s.place.target) out.push(svg('line', { x1: X(s.at[0]), y1: Y(s.at[1]), x2: X(s.place.target[0]), y2: Y(s.place.target[1]), class: 'sight' + chosen }));
    }
    const cam = input.camera?.get();
    if (cam) {
      const heading = (Math.atan2(cam.target[0] - cam.eye[0], cam.target[1] - cam.eye[1]) * 180) / Math.PI;
      out.push(cone(cam.eye[0], cam.eye[1], heading, cam.vfov_deg * 1.5, 44, 'cone free'));
    }
    let pins = 0;
    const busy: { x0: number; y0: number; x1: number; y1: number }[] = [];
    for (const s of [...spots].sort((a, b) => Number(b.sites.some(isSelected)) - Number(a.sites.some(isSelected)))) {
      const chosen = s.sites.some(isSelected);
      const first = s.sites.find(isSelected) ?? s.sites[0]!;
      const [x, y] = [X(s.at[0]), Y(s.at[1])];
      if (x < -20 || y < -20 || x > w + 20 || y > h + 20) continue;
      if (++pins > MOST) break;
      const ids = [...new Set(s.sites.map((q) => q.id))];
      const head = ids.length < 3 ? ids.join(' · ') : ids[0] + ' +' + (ids.length - 1);
      const body = [first.approx ? t(lang, 'approx') : '', say(first.place.label, lang)].filter(Boolean).join('; ');
      const mark = svg('g', { class: 'spot' + (chosen ? ' on' : ''), 'data-id': first.id }, svg('circle', { cx: x, cy: y, r: 12, class: 'target' }), svg('circle', { cx: x, cy: y, r: chosen ? 5 : 4 }));
      out.push(mark);
      if (input.inset) continue;
      const width = Math.max(head.length * 7.3, body.length * 6.2) + 4;
      // To the left of its point where the right edge is near.
      const left = x + 9 + width > w - 4;
      const box = left ? { x0: x - 9 - width, y0: y - 16, x1: x - 9, y1: y + 18 } : { x0: x + 9, y0: y - 16, x1: x + 9 + width, y1: y + 18 };
      if (busy.some((b) => b.x0 < box.x1 && b.x1 > box.x0 && b.y0 < box.y1 && b.y1 > box.y0)) continue;
      busy.push(box);
      const anchor = left ? { x: x - 10, 'text-anchor': 'end' } : { x: x + 10 };
      mark.append(svg('text', { ...anchor, y: y - 3, class: 'id' }, head), svg('text', { ...anchor, y: y + 12 }, body));
    }
    // Scale and north stand in a corner of their own.
    const bar = niceLength((input.inset ? 40 : 110) * view.get().scale);
    const px = bar / view.get().scale;
    out.push(svg('g', { class: 'corner' }, svg('path', { d: `M${w - 16 - px} ${h - 22}v6h${px}v-6` }), svg('text', { x: w - 16 - px / 2, y: h - 26, 'text-anchor': 'middle' }, bar >= 1000 ? bar / 1000 + ' km' : heightOr(bar) === bar ? bar + ' m' : bar.toFixed(1) + ' m'),
      svg('path', { d: `M${w - 24} 30l5 12h-10z`, class: 'north' }), svg('text', { x: w - 24, y: 24, 'text-anchor': 'middle' }, t(lang, 'north letter'))));
    over.replaceChildren(...out);
  }

  /** The same in words; written when the case, the language or the selection changes, not while the map moves. */
  function writeList(): void {
    const lang = input.lang.get();
    const zone = doc.case.zone;
    over.setAttribute('aria-label', t(lang, 'map label', { n: spots.length }));
    list.setAttribute('aria-label', t(lang, 'map label', { n: spots.length }));
    const focused = list.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset['id'] : undefined;
    list.replaceChildren(...spots.slice(0, 200).map((s, i) => {
      const first = s.sites.find(isSelected) ?? s.sites[0]!;
      const words = [[...new Set(s.sites.map((q) => q.id))].join(', '), first.approx ? t(lang, 'approx') : '', say(first.place.label, lang), timeText(first.item?.times?.[0], zone, lang)].filter(Boolean).join(', ');
      return element('li', {}, element('button', { type: 'button', tabindex: i === 0 && !input.inset ? 0 : -1, 'data-id': first.id, 'aria-pressed': String(s.sites.some(isSelected)) }, words));
    }));
    if (focused) list.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }

  function zoom(factor: number, x = el.clientWidth / 2, y = el.clientHeight / 2): void {
    const v = view.get();
    const scale = clamp(v.scale / factor, 0.02, 200);
    const [e, n] = [E(x), N(y)];
    view.set({ e: e - (x - el.clientWidth / 2) * scale, n: n + (y - el.clientHeight / 2) * scale, scale });
  }

  const pointers = new Map<number, { x: number; y: number }>();
  let moved = 0;
  const at = (ev: PointerEvent | WheelEvent) => {
    const r = over.getBoundingClientRect();
    return { x: ev.clientX - r.left, y: ev.clientY - r.top };
  };
  const onDown = (ev: PointerEvent) => {
    if (pointers.size === 0) moved = 0;
    pointers.set(ev.pointerId, at(ev));
    over.setPointerCapture(ev.pointerId);
  };
  const onMove = (ev: PointerEvent) => {
    const was = pointers.get(ev.pointerId);
    if (!was) return;
    const now = at(ev);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== ev.pointerId)![1];
      const before = Math.hypot(was.x - other.x, was.y - other.y);
      const after = Math.hypot(now.x - other.x, now.y - other.y);
      zoom(after / Math.max(10, before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else {
      moved += Math.hypot(now.x - was.x, now.y - was.y);
      const v = view.get();
      if (moved > 4) view.set({ ...v, e: v.e - (now.x - was.x) * v.scale, n: v.n + (now.y - was.y) * v.scale });
    }
    pointers.set(ev.pointerId, now);
  };
  const onUp = (ev: PointerEvent) => {
    const p = pointers.get(ev.pointerId);
    pointers.delete(ev.pointerId);
    if (!p || moved > 4) return;
    let near: Spot | null = null;
    let best = 14;
    for (const s of spots) {
      const d = Math.hypot(X(s.at[0]) - p.x, Y(s.at[1]) - p.y);
      if (d < best) {
        best = d;
        near = s;
      }
    }
    if (near) {
      const ids = [...new Set(near.sites.map((q) => q.id))];
      input.selection.set(ids[(ids.indexOf(input.selection.get() ?? '') + 1) % ids.length]!);
    }
  };
  const onWheel = (ev: WheelEvent) => {
    ev.preventDefault();
    const p = at(ev);
    zoom(Math.exp(-clamp(ev.deltaY, -200, 200) * 0.003), p.x, p.y);
  };
  const onKey = (ev: KeyboardEvent) => {
    if (typing(ev) || ev.ctrlKey || ev.metaKey || ev.altKey) return;
    const v = view.get();
    const d = 60 * v.scale;
    if (ev.code === 'ArrowLeft') view.set({ ...v, e: v.e - d });
    else if (ev.code === 'ArrowRight') view.set({ ...v, e: v.e + d });
    else if (ev.code === 'ArrowUp') view.set({ ...v, n: v.n + d });
    else if (ev.code === 'ArrowDown') view.set({ ...v, n: v.n - d });
    else if (ev.key === '+' || ev.key === '=') zoom(1.4);
    else if (ev.key === '-') zoom(1 / 1.4);
    else if (ev.code === 'KeyF') handle.frame();
    else return;
    ev.preventDefault();
    ev.stopPropagation();
  };
  const onList = (ev: Event) => {
    const id = (ev.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset['id'];
    if (id) input.selection.set(id);
  };
  if (!input.inset) {
    over.addEventListener('pointerdown', onDown);
    over.addEventListener('pointermove', onMove);
    over.addEventListener('pointerup', onUp);
    over.addEventListener('pointercancel', onUp);
    over.addEventListener('wheel', onWheel, { passive: false });
    over.addEventListener('keydown', onKey);
  }
  list.addEventListener('click', onList);
  const observer = new ResizeObserver(() => ask(true));
  observer.observe(el);
  const redraw = () => {
    choose();
    writeList();
    ask(false);
  };
  const stops = [view.subscribe(() => ask(true)), input.selection.subscribe(redraw), input.lang.subscribe(redraw), input.camera?.subscribe(() => ask(false))];

  function rebuild(): void {
    sites = sitesOf(doc, input.toEnu ?? (sceneDoc ? toEnuOf(sceneDoc.frame.origin) : undefined));
    spots = spotsOf(sites);
    choose();
    writeList();
    ask(true);
  }
  async function load(): Promise<void> {
    if (read) {
      try {
        const d = await readSceneDocument(read);
        for (const layer of d.layers) {
          const parts = await readLayer(read, layer);
          if (layer.type === 'terrain') ground.add(parts);
          else bodies.push({ parts, type: layer.type });
        }
        sceneDoc = d;
      } catch {
        // A map without ground still shows places, circles, scale and north.
        bodies = [];
      }
    }
    if (destroyed) return;
    rebuild();
    fit(spots);
    await new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok)));
  }

  const handle: MapHandle = {
    destroy() {
      destroyed = true;
      cancelAnimationFrame(asked);
      observer.disconnect();
      for (const s of stops) s?.();
      el.classList.remove('map');
      for (const e of [base, over, list]) e.remove();
    },
    update(next) {
      doc = next;
      colours = palette(el);
      rebuild();
    },
    frame() {
      const chosen = spots.filter((s) => s.sites.some(isSelected));
      fit(chosen.length ? chosen : spots);
    },
    settled: load(),
  };
  function fit(some: readonly Spot[]): void {
      const points: Enu[] = some.flatMap((s) => s.sites.flatMap((q) => (q.ellipse && q.ellipse.semi_major_m < 1000 ? ring(q, 8).map(([e, n]) => [e, n, 0] as Enu) : [q.at])));
      if (!points.length && sceneDoc) points.push(sceneDoc.bounds.low, sceneDoc.bounds.high);
      if (!points.length) points.push([-100, -100, 0], [100, 100, 0]);
      const e = points.map((p) => p[0]);
      const n = points.map((p) => p[1]);
      const [e0, e1, n0, n1] = [Math.min(...e), Math.max(...e), Math.min(...n), Math.max(...n)];
      const w = Math.max(1, el.clientWidth - 120);
      const h = Math.max(1, el.clientHeight - 90);
      // A single point is shown with what stands around it.
      view.set({ e: (e0 + e1) / 2, n: (n0 + n1) / 2, scale: Math.max(AROUND / w, (e1 - e0) / w, (n1 - n0) / h) });
  }
  return handle;
};

/** 1, 2 or 5 times a power of ten, at most x. */
function niceLength(x: number): number {
  const p = 10 ** Math.floor(Math.log10(Math.max(1e-3, x)));
  return [5, 2, 1].map((m) => m * p).find((v) => v <= x) ?? p;
}
