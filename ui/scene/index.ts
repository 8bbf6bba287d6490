// The 3-D view. Everything in it is in the scene's frame: metres east, north
// and up of a frozen origin, drawn as x, y = up, z = -north. Nothing is drawn
// unless something changed: no loop runs while the view stands still.

import {
  AmbientLight, BufferAttribute, BufferGeometry, Color, DirectionalLight, Fog, HemisphereLight, Matrix4, Mesh, MeshBasicMaterial, PCFShadowMap, PerspectiveCamera, PlaneGeometry, Points,
  Raycaster, Scene, ShaderMaterial, Sphere, Spherical, Quaternion as ThreeQuaternion, Box3, Texture, SRGBColorSpace, Vector2, Vector3, Vector4, WebGLRenderer, MOUSE, DoubleSide,
} from 'three';
import CameraControls from 'camera-controls';
import { Value } from '../kernel/observable.ts';
import { corners, ghosts, letterbox, projectionMatrix, rotationOf, vfovOf } from '../kernel/camera.ts';
import { placeLabels, type LabelInput } from '../kernel/labels.ts';
import { timeText } from '../kernel/when.ts';
import { Almanac } from '../kernel/sun.ts';
import { clamp, turn, type Enu } from '../kernel/units.ts';
import { t } from '../document/catalogue.ts';
import { element, palette, stillMotion, svg, typing } from '../document/dom.ts';
import { ring, sitesOf, spotsOf, toEnuOf, type Site, type Spot } from '../document/places.ts';
import { Ground, fetchFrom, readLayer, readSceneDocument, type SceneDocument } from '../document/scene.ts';
import { say, type ViewCamera } from '../document/types.ts';
import { makeLines, type Line } from './lines.ts';
import { makeModel, type Model } from './model.ts';
import { makeProjector } from './projector.ts';
import { makeChrome } from './chrome.ts';
import type { MountScene, SceneHandle, SceneMode, SceneOptions, ScenePick } from './handle.ts';
export type * from './handle.ts';

CameraControls.install({ THREE: { Vector2, Vector3, Vector4, Quaternion: ThreeQuaternion, Matrix4, Spherical, Box3, Sphere, Raycaster, MOUSE } as never });

const EYE_HEIGHT = 1.65;
const NEAREST_FRUSTA = 1000;
const toThree = (e: readonly number[]): Vector3 => new Vector3(e[0], e[2], -e[1]!);
const toEnu = (v: Vector3): Enu => [v.x, -v.z, v.y];

export const mountScene: MountScene = (el, input) => {
  let doc = input.doc;
  const low = (input.quality ?? 'full') === 'low';
  const read = input.read ?? fetchFrom(input.sceneBase);
  let colours = palette(el);
  let sceneDoc: SceneDocument | null = null;
  let model: Model | null = null;
  const ground = new Ground();
  let sites: Site[] = [];
  let spots: Spot[] = [];
  let destroyed = false;
  const options: SceneOptions = { certainty: true, labels: true, ellipses: true, photoOpacity: 0.5, sun: true, projectors: [] };
  const current = new Value<SceneMode>('orbit');
  const through = new Value<string | null>(null);
  const pickers = new Set<(p: ScenePick) => void>();
  const hidden = new Set<string>();

  el.classList.add('scene');
  const canvas = element('canvas', { tabindex: 0, role: 'img' });
  const overlay = element('div', { class: 'scene-overlay' });
  const leaders = svg('svg', { class: 'scene-leaders', 'aria-hidden': 'true' });
  const list = element('ol', { class: 'twin' });
  overlay.append(leaders);
  el.append(canvas, overlay, list);
  const chrome = makeChrome(overlay);

  let renderer: WebGLRenderer;
  try {
    renderer = new WebGLRenderer({ canvas, antialias: !low, powerPreference: 'high-performance' });
  } catch {
    // Without WebGL the list beside the canvas still says everything.
    canvas.remove();
    chrome.message(t(input.lang.get(), 'no webgl'));
    return withoutWebGl();
  }
  renderer.shadowMap.enabled = !low;
  renderer.shadowMap.type = PCFShadowMap;
  renderer.shadowMap.autoUpdate = false;

  const scene = new Scene();
  scene.background = new Color(colours.sky);
  scene.fog = new Fog(colours.sky, 200, 3000);
  const camera = new PerspectiveCamera(45, 1, 0.2, 6000);
  camera.position.set(60, 45, 80);
  const controls = new CameraControls(camera, canvas);
  controls.minDistance = 1.5;
  controls.maxDistance = 5000;
  controls.maxPolarAngle = Math.PI * 0.495;
  controls.smoothTime = 0.12;
  controls.draggingSmoothTime = 0.05;
  controls.dollyToCursor = true;

  const hemisphere = new HemisphereLight('#FFFFFF', '#777777', 1.7);
  const ambient = new AmbientLight('#FFFFFF', 0.35);
  const sun = new DirectionalLight('#FFFFFF', 1.8);
  sun.castShadow = !low;
  sun.shadow.mapSize.set(2048, 2048);
  sun.shadow.normalBias = 0.3;
  scene.add(hemisphere, ambient, sun, sun.target);

  const lines = makeLines();
  scene.add(lines.mesh);
  const discs = new Mesh(new BufferGeometry(), new MeshBasicMaterial({ vertexColors: true, transparent: true, depthWrite: false, side: DoubleSide, polygonOffset: true, polygonOffsetFactor: -4, polygonOffsetUnits: -4 }));
  discs.renderOrder = 2;
  scene.add(discs);
  const markers = makeMarkers();
  scene.add(markers.points);
  const projector = makeProjector();
  const photo = makePhoto();
  scene.add(photo.mesh);

  // Drawing --------------------------------------------------------------------

  let asked = 0;
  let last = 0;
  let frames = 0;
  let twinAsked = 0;
  function invalidate(): void {
    if (!asked && !destroyed) asked = requestAnimationFrame(paint);
  }

  function paint(now: number): void {
    asked = 0;
    const dt = Math.min(0.1, (now - last) / 1000 || 0.016);
    last = now;
    let again = move(dt);
    if (!through.get() && (current.get() === 'orbit' || current.get() === 'top')) again = controls.update(dt) || again;
    if (flight) again = flight(now) || again;
    renderer.render(scene, camera);
    drawOverlay();
    frames++;
    if (again) invalidate();
    else {
      clearTimeout(twinAsked);
      twinAsked = window.setTimeout(writeTwin, 150);
    }
  }

  function resize(): void {
    const w = Math.max(1, el.clientWidth);
    const h = Math.max(1, el.clientHeight);
    const ratio = low ? Math.min(1, 640 / w) : Math.min(devicePixelRatio || 1, w < 700 ? 1.5 : 2);
    renderer.setPixelRatio(ratio);
    renderer.setSize(w, h, false);
    lines.size(w, h);
    markers.size(ratio);
    model?.pixelRatio(ratio);
    camera.aspect = w / h;
    if (through.get()) aim(through.get()!);
    else camera.updateProjectionMatrix();
    invalidate();
  }

  const almanac = new Almanac();
  function sunNow(): { azimuth_deg: number; elevation_deg: number } | null {
    const t = input.clock.get();
    if (input.sun) return input.sun(t);
    if (!sceneDoc) return null;
    const o = sceneDoc.frame.origin;
    const p = almanac.at(t, { lat: o.lat, lon: o.lon, height: o.h });
    return { azimuth_deg: p.azimuth, elevation_deg: p.apparent };
  }
  function light(): void {
    const s = sunNow();
    const up = s && s.elevation_deg > 0;
    const a = ((s?.azimuth_deg ?? 135) * Math.PI) / 180;
    const e = ((up ? s.elevation_deg : 50) * Math.PI) / 180;
    const direction = toThree([Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e)]);
    const middle = focus();
    sun.target.position.copy(middle.center);
    sun.position.copy(middle.center).addScaledVector(direction, middle.radius * 2.5);
    const c = sun.shadow.camera;
    c.left = c.bottom = -middle.radius;
    c.right = c.top = middle.radius;
    c.near = middle.radius * 0.1;
    c.far = middle.radius * 6;
    c.updateProjectionMatrix();
    const dayLight = options.sun && s ? (up ? 1 : 0) : 0.7;
    sun.intensity = 2.4 * dayLight;
    hemisphere.intensity = s && !up && options.sun ? 0.9 : 1.1;
    sun.castShadow = !low && options.sun && !!up;
    renderer.shadowMap.needsUpdate = true;
    chrome.sun(s, input.lang.get());
    invalidate();
  }

  /** What the case is about in space: its spots and the built parts of the model. */
  function focus(): Sphere {
    const box = new Box3();
    for (const s of spots) box.expandByPoint(lift(s));
    for (const m of model?.meshes ?? []) if (m.castShadow) box.expandByObject(m);
    if (box.isEmpty() && sceneDoc) box.set(toThree(sceneDoc.bounds.low), toThree(sceneDoc.bounds.high));
    if (box.isEmpty()) return new Sphere(new Vector3(), 50);
    const s = box.getBoundingSphere(new Sphere());
    s.radius = clamp(s.radius, 25, 400);
    return s;
  }

  const heights = new Map<string, number>();
  function groundAt(e: number, n: number): number {
    const key = Math.round(e * 4) + ' ' + Math.round(n * 4);
    let h = heights.get(key);
    if (h === undefined) heights.set(key, (h = ground.at(e, n) ?? 0));
    return h;
  }
  function lift(s: { at: Enu; sites?: Site[] }): Vector3 {
    const onGround = s.sites?.some((x) => x.onGround);
    return toThree(onGround ? [s.at[0], s.at[1], groundAt(s.at[0], s.at[1])] : s.at);
  }

  // Evidence -------------------------------------------------------------------

  function isSelected(s: Site): boolean {
    const id = input.selection.get();
    if (!id) return false;
    return s.id === id || !!doc.claims.find((c) => c.id === id)?.items.includes(s.id) || !!doc.events.find((e) => e.id === id)?.items?.includes(s.id);
  }

  function rebuild(): void {
    sites = sitesOf(doc, input.toEnu ?? (sceneDoc ? toEnuOf(sceneDoc.frame.origin) : undefined));
    spots = spotsOf(sites);
    decorate();
  }

  function decorate(): void {
    const out: Line[] = [];
    const fill: number[] = [];
    const shade: number[] = [];
    const eye = toEnu(camera.position);
    const posed = sites.filter((s) => s.pose).map((s) => ({ s, d: Math.hypot(s.at[0] - eye[0], s.at[1] - eye[1]) })).sort((a, b) => a.d - b.d).slice(0, NEAREST_FRUSTA);
    for (const { s } of posed) {
      if (through.get() === s.id) continue;
      const chosen = isSelected(s);
      const colour = chosen ? colours.select : colours.dim;
      frustum(out, s.pose!, chosen ? 14 : 7, colour, chosen ? 1.8 : 1.1, s.solved ? 0 : 5, chosen ? 1 : 0.75);
      if (chosen) for (const g of ghosts(s.pose!, s.covariance, 5)) frustum(out, g, 14, colours.dim, 0.8, 0, 0.4);
    }
    const drawn = new Set<string>();
    for (const s of sites) {
      const chosen = isSelected(s);
      if (s.place.target) out.push({ a: toEnu(lift({ at: s.at, sites: [s] })), b: s.place.target, colour: chosen ? colours.select : colours.dim, width: 1.2, dash: 2.5, alpha: 0.8 });
      if (!options.ellipses || !s.ellipse) continue;
      // A region wider than the scene is said in words and drawn in the inset, not over everything.
      if (s.ellipse.semi_major_m > 600) continue;
      const key = s.at.join() + JSON.stringify(s.ellipse);
      if (drawn.has(key) && !chosen) continue;
      drawn.add(key);
      const r = ring(s, clamp(Math.round(s.ellipse.semi_major_m * 3), 48, 160));
      const on = r.map(([e, n]) => [e, n, groundAt(e, n) + 0.12] as Enu);
      const centre: Enu = [s.at[0], s.at[1], groundAt(s.at[0], s.at[1]) + 0.12];
      for (let i = 1; i < on.length; i++) {
        if (s.approx && i % 2 === 0) continue;
        out.push({ a: on[i - 1]!, b: on[i]!, colour: chosen ? colours.select : colours.dim, width: chosen ? 2 : 1.2, alpha: chosen ? 1 : 0.65 });
      }
      if (!chosen && sites.length > 60) continue;
      // The fill fades outwards: nobody knows that it was in the middle, but the edge is no wall either.
      const c = new Color(colours.text);
      const inner = chosen ? 0.2 : 0.1;
      for (let ringNo = 0; ringNo < 4; ringNo++) {
        const f0 = ringNo / 4;
        const f1 = (ringNo + 1) / 4;
        for (let i = 1; i < on.length; i++) {
          const q = (k: number, f: number) => {
            const e = centre[0] + (on[k]![0] - centre[0]) * f;
            const n = centre[1] + (on[k]![1] - centre[1]) * f;
            return { v: [e, groundAt(e, n) + 0.1, -n], a: inner * (1 - f) + 0.01 };
          };
          const [p0, p1, p2, p3] = [q(i - 1, f0), q(i, f0), q(i, f1), q(i - 1, f1)];
          for (const p of [p0, p1, p2, p0, p2, p3]) {
            fill.push(...p.v);
            shade.push(c.r, c.g, c.b, p.a);
          }
        }
      }
    }
    lines.set(out);
    discs.geometry.dispose();
    discs.geometry = new BufferGeometry();
    discs.geometry.setAttribute('position', new BufferAttribute(new Float32Array(fill), 3));
    discs.geometry.setAttribute('color', new BufferAttribute(new Float32Array(shade), 4));
    discs.visible = fill.length > 0;
    markers.set(spots.map((s) => ({ at: lift(s), chosen: s.sites.some(isSelected), approx: s.sites.some((x) => x.approx) })), colours.text, colours.ground, colours.select);
    invalidate();
  }

  function frustum(out: Line[], p: Parameters<typeof corners>[0], depth: number, colour: string, width: number, dash: number, alpha: number): void {
    const c = corners(p, depth);
    for (let i = 0; i < 4; i++) {
      out.push({ a: p.position, b: c[i]!, colour, width, dash, alpha });
      out.push({ a: c[i]!, b: c[(i + 1) % 4]!, colour, width, dash, alpha });
    }
  }

  // Labels ---------------------------------------------------------------------

  const labels = new Map<string, { el: HTMLElement; width: number; height: number; text: string }>();
  const slots = new Map<string, number>();
  const project = (v: Vector3) => {
    const q = v.clone().project(camera);
    return { x: ((q.x + 1) / 2) * el.clientWidth, y: ((1 - q.y) / 2) * el.clientHeight, inside: q.z < 1 && q.z > -1 && Math.abs(q.x) < 1.02 && Math.abs(q.y) < 1.02 };
  };

  function labelText(s: Spot): { head: string; body: string } {
    const lang = input.lang.get();
    const zone = doc.case.zone;
    const first = s.sites.find(isSelected) ?? s.sites[0]!;
    const ids = [...new Set([first.id, ...s.sites.map((x) => x.id)])];
    const time = first.item?.times?.[0] ? timeText(first.item.times[0], zone, lang, { caseDay: (doc.case.date ?? '').slice(0, 10) }) : '';
    const head = ids.length === 1 ? ids[0] + (time && time.length < 16 ? ' ' + time : '') : ids.length < 4 ? ids.join(' · ') : ids[0] + ' +' + (ids.length - 1);
    const name = say(first.place.label, lang) || (first.item ? say(first.item.title, lang) : '');
    const error = first.ellipse && !first.approx ? '± ' + (first.ellipse.semi_major_m < 10 ? first.ellipse.semi_major_m.toFixed(1) : Math.round(first.ellipse.semi_major_m)) + ' m' : '';
    return { head: head ?? '', body: [first.approx ? t(lang, 'approx') : error, name].filter(Boolean).join('; ') };
  }

  function drawOverlay(): void {
    const w = el.clientWidth;
    const h = el.clientHeight;
    const wanted: (LabelInput & { text: { head: string; body: string }; chosen: boolean; select: string })[] = [];
    if (options.labels && !through.get()) {
      const now = input.clock.get();
      const most = w < 500 ? 3 : w < 900 ? 6 : 10;
      const ranked: { id: string; v: Vector3; weight: number; text: { head: string; body: string }; chosen: boolean; select: string }[] = [];
      for (const s of spots) {
        const chosen = s.sites.some(isSelected);
        const time = s.sites[0]!.item?.times?.[0];
        const near = time ? Math.abs((time.best ?? time.min ?? time.max ?? now) - now) : 1e12;
        ranked.push({ id: s.sites.map((x) => x.id).join() + s.at.join(), v: lift(s), weight: chosen ? 2 : 1 / (1 + near / 3.6e6), text: labelText(s), chosen, select: (s.sites.find(isSelected) ?? s.sites[0]!).id });
      }
      ranked.sort((a, b) => b.weight - a.weight);
      for (const r of ranked.slice(0, most * 3)) {
        const p = project(r.v);
        if (!p.inside) continue;
        const size = measure(r.id, r.text);
        wanted.push({ id: r.id, x: p.x, y: p.y, width: size.width, height: size.height, weight: r.weight, text: r.text, chosen: r.chosen, select: r.select });
        if (wanted.length >= most) break;
      }
    }
    const placed = placeLabels(wanted, w, h, chrome.taken(w, h), slots);
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
    chrome.view(heading(), plan());
    if (labels.size > 300) for (const [id, l] of labels) if (l.el.hidden) {
      l.el.remove();
      labels.delete(id);
    }
  }

  function measure(id: string, text: { head: string; body: string }): { width: number; height: number } {
    let l = labels.get(id);
    const key = text.head + '\n' + text.body;
    if (!l) {
      const e = element('button', { type: 'button', class: 'scene-label', tabindex: -1 });
      e.addEventListener('click', () => input.selection.set(e.dataset['select'] ?? null));
      overlay.append(e);
      labels.set(id, (l = { el: e, width: 0, height: 0, text: '' }));
    }
    if (l.text !== key) {
      l.text = key;
      l.el.replaceChildren(element('bdi', { dir: 'ltr' }, text.head), ...(text.body ? [element('span', {}, text.body)] : []));
      l.el.hidden = false;
      const r = l.el.getBoundingClientRect();
      l.width = r.width;
      l.height = r.height;
    }
    return l;
  }

  function heading(): number {
    const d = camera.getWorldDirection(new Vector3());
    return turn((Math.atan2(d.x, -d.z) * 180) / Math.PI);
  }
  function plan() {
    const d = heading();
    return { eye: toEnu(camera.position), heading: d, hfov: (2 * Math.atan(Math.tan((camera.fov * Math.PI) / 360) * camera.aspect) * 180) / Math.PI, sites, approximate: sceneDoc?.approximate?.radius_m ?? doc.case.place?.radius_m ?? null, bounds: sceneDoc?.bounds ?? null, lang: input.lang.get() };
  }

  // The same in words ------------------------------------------------------------

  const WINDS = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'] as const;
  function twinRows() {
    const lang = input.lang.get();
    const eye = toEnu(camera.position);
    return spots.map((s) => {
      const d = Math.hypot(s.at[0] - eye[0], s.at[1] - eye[1]);
      const bearing = turn((Math.atan2(s.at[0] - eye[0], s.at[1] - eye[1]) * 180) / Math.PI);
      const wind = t(lang, ('wind ' + WINDS[Math.round(bearing / 45) % 8]) as 'wind n');
      const first = s.sites[0]!;
      const { body } = labelText(s);
      return { id: first.id, d, text: [[...new Set(s.sites.map((x) => x.id))].join(', '), body, t(lang, 'away', { metres: Math.round(d), wind }), timeText(first.item?.times?.[0], doc.case.zone, lang)].filter(Boolean).join(', ') };
    }).sort((a, b) => a.d - b.d);
  }
  function writeTwin(): void {
    const lang = input.lang.get();
    canvas.setAttribute('aria-label', t(lang, 'scene label', { title: say(sceneDoc?.title ?? doc.case.title, lang), n: spots.length }));
    list.setAttribute('aria-label', t(lang, 'in the scene'));
    const focused = list.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset['id'] : undefined;
    list.replaceChildren(...twinRows().slice(0, 200).map((r, i) => element('li', {}, element('button', { type: 'button', tabindex: i === 0 ? 0 : -1, 'data-id': r.id }, r.text))));
    if (focused) list.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }
  list.addEventListener('click', (e) => {
    const id = (e.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset['id'];
    if (id) input.selection.set(id);
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

  // Cameras ----------------------------------------------------------------------

  let flight: ((now: number) => boolean) | null = null;
  let landed: (() => void) | null = null;
  function view(): ViewCamera {
    const target = current.get() === 'orbit' || current.get() === 'top' ? controls.getTarget(new Vector3()) : camera.position.clone().addScaledVector(camera.getWorldDirection(new Vector3()), 20);
    return { eye: [...toEnu(camera.position)], target: [...toEnu(target)], vfov_deg: camera.fov, ...(through.get() && { item: through.get()! }) } as ViewCamera;
  }
  function place(v: ViewCamera): void {
    camera.fov = clamp(v.vfov_deg || 45, 5, 120);
    camera.updateProjectionMatrix();
    const e = toThree(v.eye);
    const g = toThree(v.target);
    void controls.setLookAt(e.x, e.y, e.z, g.x, g.y, g.z, false);
    controls.update(0);
    camera.position.copy(e);
    camera.lookAt(g);
  }
  function flyTo(v: ViewCamera, ms = 900): Promise<void> {
    leave();
    if (v.item && handle.lookThrough(v.item)) return Promise.resolve();
    landed?.();
    const from = view();
    if (stillMotion() || ms <= 0 || low) {
      flight = null;
      place(v);
      decorate();
      return Promise.resolve();
    }
    let begin = 0;
    return new Promise((done) => {
      landed = done;
      flight = (now) => {
        begin ||= now;
        const x = clamp((now - begin) / ms, 0, 1);
        const k = x * x * (3 - 2 * x);
        const mix = (a: readonly number[], b: readonly number[]) => a.map((p, i) => p + (b[i]! - p) * k) as [number, number, number];
        place({ eye: mix(from.eye, v.eye), target: mix(from.target, v.target), vfov_deg: from.vfov_deg + (v.vfov_deg - from.vfov_deg) * k });
        if (x < 1) return true;
        flight = null;
        landed = null;
        decorate();
        done();
        return false;
      };
      invalidate();
    });
  }

  let before: { view: ViewCamera; mode: SceneMode } | null = null;
  function aim(id: string): boolean {
    const s = sites.find((x) => x.id === id && x.pose);
    if (!s?.pose) return false;
    const p = s.pose;
    const R = rotationOf(p.rotation);
    // Camera axes in the drawing: right, up (= -down), backward (= -forward).
    const right = toThree([R[0], R[1], R[2]]);
    const up = toThree([-R[3], -R[4], -R[5]]);
    const back = toThree([-R[6], -R[7], -R[8]]);
    camera.matrixAutoUpdate = true;
    camera.position.copy(toThree(p.position));
    camera.quaternion.setFromRotationMatrix(new Matrix4().makeBasis(right, up, back));
    camera.updateMatrixWorld();
    camera.fov = vfovOf(p);
    camera.projectionMatrix.fromArray(projectionMatrix(p, el.clientWidth, el.clientHeight, camera.near, camera.far));
    camera.projectionMatrixInverse.copy(camera.projectionMatrix).invert();
    const box = letterbox(p, el.clientWidth, el.clientHeight);
    photo.show(input.picture?.(id) ?? null, p, box, el.clientWidth, el.clientHeight, options.photoOpacity, invalidate);
    chrome.frame(box);
    return true;
  }
  function leave(): void {
    if (!through.get()) return;
    through.set(null);
    photo.hide();
    chrome.frame(null);
    controls.enabled = current.get() === 'orbit' || current.get() === 'top';
    if (before) {
      place(before.view);
      before = null;
    }
    decorate();
  }

  /** One photo at a time is thrown on the model: the first of those asked for that has a pose and may be shown. */
  function cast1(): void {
    for (const id of options.projectors) {
      const pose = sites.find((s) => s.id === id && s.pose)?.pose;
      const url = pose ? input.picture?.(id) : null;
      if (!pose || !url || !model) continue;
      projector.opacity(options.photoOpacity);
      const accuracy = Math.max(0, ...(sceneDoc?.layers ?? []).map((l) => Math.min(5, l.accuracy_m ?? 0)));
      projector.show(renderer, scene, [lines.mesh, discs, markers.points, photo.mesh], pose, url, accuracy, invalidate);
      return;
    }
    projector.hide();
    invalidate();
  }

  // Walking and flying -------------------------------------------------------------

  const held = new Set<string>();
  let yaw = 0;
  let pitch = 0;
  function setMode(mode: SceneMode): void {
    leave();
    const was = current.get();
    current.set(mode);
    const orbiting = mode === 'orbit' || mode === 'top';
    controls.enabled = orbiting;
    held.clear();
    if (orbiting) {
      const v = view();
      if (was === 'walk' || was === 'fly') place({ ...v, target: [...toEnu(camera.position.clone().addScaledVector(camera.getWorldDirection(new Vector3()), 30))] as [number, number, number] });
      controls.maxPolarAngle = mode === 'top' ? 0 : Math.PI * 0.495;
      controls.minPolarAngle = 0;
      controls.mouseButtons.left = mode === 'top' ? CameraControls.ACTION.TRUCK : CameraControls.ACTION.ROTATE;
      if (mode === 'top') {
        // Over what one was looking at, a little higher than one stood, and north up.
        const c = controls.getTarget(new Vector3());
        const up = Math.max(30, camera.position.distanceTo(c) * 1.1);
        void controls.setLookAt(c.x, c.y + up, c.z + 0.001, c.x, c.y, c.z, !stillMotion() && !low);
      } else if (was === 'top') {
        const c = controls.getTarget(new Vector3());
        const d = Math.max(20, camera.position.y - c.y);
        void controls.setLookAt(c.x + d * 0.35, c.y + d * 0.5, c.z + d * 0.8, c.x, c.y, c.z, !stillMotion() && !low);
      }
    } else {
      const d = camera.getWorldDirection(new Vector3());
      yaw = Math.atan2(d.x, -d.z);
      pitch = mode === 'walk' ? 0 : Math.asin(clamp(d.y, -1, 1));
      if (mode === 'walk') {
        const g = controls.getTarget(new Vector3());
        // To the ground near what was looked at, not under one's own feet in the air.
        const away = Math.max(8, Math.min(40, camera.position.distanceTo(g) * 0.6));
        camera.position.set(g.x - Math.sin(yaw) * away, 0, g.z + Math.cos(yaw) * away);
        camera.position.y = groundAt(camera.position.x, -camera.position.z) + EYE_HEIGHT;
      }
      look();
    }
    invalidate();
  }
  function look(): void {
    const c = Math.cos(pitch);
    camera.lookAt(camera.position.x + Math.sin(yaw) * c, camera.position.y + Math.sin(pitch), camera.position.z - Math.cos(yaw) * c);
  }
  function move(dt: number): boolean {
    const m = current.get();
    if (!held.size) return false;
    const f = (held.has('KeyW') || held.has('ArrowUp') ? 1 : 0) - (held.has('KeyS') || held.has('ArrowDown') ? 1 : 0);
    const s = (held.has('KeyD') ? 1 : 0) - (held.has('KeyA') ? 1 : 0);
    const r = (held.has('ArrowRight') ? 1 : 0) - (held.has('ArrowLeft') ? 1 : 0);
    const u = (held.has('PageUp') || held.has('KeyE') ? 1 : 0) - (held.has('PageDown') || held.has('KeyQ') ? 1 : 0);
    if (m === 'orbit' || m === 'top') {
      const d = camera.position.distanceTo(controls.getTarget(new Vector3()));
      if (held.has('Shift')) void controls.truck(r * d * 0.6 * dt, -f * d * 0.6 * dt, false);
      else void controls.rotate(-r * dt * 1.2, -f * dt * 0.8, false);
      if (u) void controls.dolly(u * d * dt, false);
      return true;
    }
    const speed = (m === 'walk' ? 1.4 : 12) * (held.has('Shift') ? 4 : 1) * dt * (m === 'walk' ? 2 : 1);
    yaw += r * dt * 1.4;
    const c = m === 'fly' ? Math.cos(pitch) : 1;
    camera.position.x += (Math.sin(yaw) * c * f + Math.cos(yaw) * s) * speed;
    camera.position.z += (-Math.cos(yaw) * c * f + Math.sin(yaw) * s) * speed;
    if (m === 'fly') camera.position.y += (Math.sin(pitch) * f + u) * speed;
    if (m === 'walk') camera.position.y = groundAt(camera.position.x, -camera.position.z) + EYE_HEIGHT;
    look();
    return true;
  }

  function onKeyDown(e: KeyboardEvent): void {
    if (typing(e) || e.ctrlKey || e.metaKey || e.altKey) return;
    const walking = current.get() === 'walk' || current.get() === 'fly';
    const moves = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'PageUp', 'PageDown', ...(walking ? ['KeyW', 'KeyA', 'KeyS', 'KeyD', 'KeyQ', 'KeyE'] : [])];
    let used = true;
    if (e.key === 'Shift') held.add('Shift');
    if (e.code === 'KeyW' && e.shiftKey && !walking) setMode('walk');
    else if (moves.includes(e.code)) {
      held.add(e.code);
      last = performance.now();
      invalidate();
    } else if (e.key === 'Escape' && (through.get() || walking)) {
      if (through.get()) leave();
      else setMode('orbit');
    } else if (e.code === 'KeyF') handle.frame();
    else if (e.code === 'KeyN') handle.north();
    else if (e.key === '0') {
      const id = input.selection.get();
      if (id) handle.lookThrough(id);
    } else if (e.key === '7') setMode('top');
    else if (e.key === '1' || e.key === '3') side(e.key === '1' ? 0 : 90);
    else if (e.key === '8' || e.key === '9') handle.option('photoOpacity', clamp(options.photoOpacity + (e.key === '9' ? 0.1 : -0.1), 0, 1));
    else if (e.key === ',' || e.key === '.') neighbour(e.key === '.' ? 1 : -1);
    else if (e.key === '+' || e.key === '=') void controls.dolly(camera.position.distanceTo(controls.getTarget(new Vector3())) * 0.2, !low);
    else if (e.key === '-') void controls.dolly(-camera.position.distanceTo(controls.getTarget(new Vector3())) * 0.2, !low);
    else used = false;
    if (used) {
      e.preventDefault();
      e.stopPropagation();
      invalidate();
    }
  }
  const onKeyUp = (e: KeyboardEvent) => {
    held.delete(e.code);
    if (e.key === 'Shift') held.delete('Shift');
  };
  const onBlur = () => held.clear();
  function side(bearing: number): void {
    setMode('orbit');
    void controls.rotateTo((bearing * Math.PI) / 180, Math.PI / 2.05, !low && !stillMotion());
  }
  function neighbour(step: 1 | -1): void {
    const when = (s: Site) => s.item?.times?.[0]?.min ?? s.item?.times?.[0]?.max ?? Infinity;
    const order = [...new Map(sites.map((s) => [s.id, s])).values()].sort((a, b) => when(a) - when(b) || (a.id < b.id ? -1 : 1));
    if (!order.length) return;
    const i = order.findIndex((s) => s.id === input.selection.get());
    input.selection.set(order[i < 0 ? 0 : clamp(i + step, 0, order.length - 1)]!.id);
  }

  // Picking ------------------------------------------------------------------------

  let down: { x: number; y: number; yaw: number; pitch: number } | null = null;
  function onDown(e: PointerEvent): void {
    down = { x: e.clientX, y: e.clientY, yaw, pitch };
  }
  function onMove(e: PointerEvent): void {
    if (!down || !(e.buttons & 1)) return;
    const m = current.get();
    if (through.get() || (m !== 'walk' && m !== 'fly')) return;
    yaw = down.yaw - (e.clientX - down.x) * 0.004;
    pitch = clamp(down.pitch + (e.clientY - down.y) * 0.004, -1.4, 1.4);
    look();
    invalidate();
  }
  function onUp(e: PointerEvent): void {
    const d = down;
    down = null;
    if (!d || Math.hypot(e.clientX - d.x, e.clientY - d.y) > 4 || e.button !== 0) return;
    const r = canvas.getBoundingClientRect();
    const x = e.clientX - r.left;
    const y = e.clientY - r.top;
    let near: { s: Spot; d: number } | null = null;
    for (const s of spots) {
      const p = project(lift(s));
      const k = Math.hypot(p.x - x, p.y - y);
      if (p.inside && k < 14 && (!near || k < near.d)) near = { s, d: k };
    }
    const hitPoint = cast(x, y);
    if (near) {
      const ids = [...new Set(near.s.sites.map((q) => q.id))];
      const next = ids[(ids.indexOf(input.selection.get() ?? '') + 1) % ids.length]!;
      input.selection.set(next);
      for (const f of pickers) f({ point: hitPoint?.point ?? null, objectId: next });
    } else if (hitPoint) for (const f of pickers) f({ point: hitPoint.point, ...(hitPoint.object && { objectId: hitPoint.object }) });
  }
  let plant: ((m: Mesh) => void) | null = null;
  const caster = new Raycaster();
  (caster as Raycaster & { firstHitOnly?: boolean }).firstHitOnly = true;
  function cast(x: number, y: number): { point: Enu; object: string } | null {
    if (!model) return null;
    // The tree of a mesh is built when somebody first points at the model.
    if (plant) model.meshes.forEach(plant);
    caster.setFromCamera(new Vector2((x / el.clientWidth) * 2 - 1, 1 - (y / el.clientHeight) * 2), camera);
    const h = caster.intersectObjects(model.meshes.filter((m) => m.parent?.visible), false)[0];
    return h ? { point: toEnu(h.point), object: String(h.object.userData['object'] ?? '') } : null;
  }

  canvas.addEventListener('keydown', onKeyDown);
  canvas.addEventListener('keyup', onKeyUp);
  canvas.addEventListener('blur', onBlur);
  canvas.addEventListener('pointerdown', onDown);
  canvas.addEventListener('pointermove', onMove);
  canvas.addEventListener('pointerup', onUp);
  // Shift and drag pans, as in every modelling program.
  const onShift = (e: KeyboardEvent) => {
    if (current.get() === 'orbit') controls.mouseButtons.left = e.type === 'keydown' && e.shiftKey ? CameraControls.ACTION.TRUCK : CameraControls.ACTION.ROTATE;
  };
  addEventListener('keydown', onShift);
  addEventListener('keyup', onShift);
  controls.addEventListener('update', invalidate);
  controls.addEventListener('controlstart', invalidate);
  const onLost = (e: Event) => e.preventDefault();
  const onRestored = () => {
    renderer.shadowMap.needsUpdate = true;
    resize();
  };
  canvas.addEventListener('webglcontextlost', onLost);
  canvas.addEventListener('webglcontextrestored', onRestored);
  const observer = new ResizeObserver(resize);
  observer.observe(el);

  let lastSun = NaN;
  const stops = [
    input.clock.subscribe((now) => {
      // The sun moves 0.004 degrees a second: a new shadow every four seconds of the case is enough.
      if (Math.abs(now - lastSun) > 4000 || !Number.isFinite(lastSun)) {
        lastSun = now;
        light();
      }
    }),
    input.selection.subscribe(() => decorate()),
    input.lang.subscribe(() => {
      labels.forEach((l) => (l.text = ''));
      chrome.title(sceneDoc, doc, input.lang.get());
      light();
    }),
  ];

  async function load(): Promise<void> {
    try {
      const d = await readSceneDocument(read);
      sceneDoc = d;
      const parts = await Promise.all(d.layers.map(async (layer) => ({ layer, parts: await readLayer(read, layer) })));
      if (destroyed) return;
      for (const p of parts) if (p.layer.type === 'terrain') ground.add(p.parts);
      heights.clear();
      model = makeModel(parts, { certainty: options.certainty, palette: colours, low }, projector.uniforms);
      scene.add(model.group);
      for (const id of hidden) model.layer(id, false);
      const size = toThree(d.bounds.high).distanceTo(toThree(d.bounds.low));
      camera.far = Math.max(3000, size * 2);
      (scene.fog as Fog).near = size * 0.1;
      (scene.fog as Fog).far = size * 0.6;
      chrome.title(d, doc, input.lang.get());
      rebuild();
      const first = d.views?.[0];
      if (first) place({ eye: first.eye, target: first.target, vfov_deg: first.vfov_deg });
      else fit(focus(), false);
    } catch (e) {
      if (destroyed) return;
      // Without a model the evidence is still shown, over nothing, and the reason is said.
      chrome.message(t(input.lang.get(), 'scene unreadable', { why: e instanceof Error ? e.message : String(e) }));
      rebuild();
      fit(focus(), false);
    }
    resize();
    light();
    if (options.projectors.length) cast1();
  }
  function fit(s: Sphere, smooth: boolean): void {
    const v = camera.fov * (Math.PI / 360);
    const d = (s.radius * 1.05) / Math.sin(Math.min(v, Math.atan(Math.tan(v) * camera.aspect)));
    const dir = camera.position.clone().sub(controls.getTarget(new Vector3()));
    if (dir.lengthSq() < 1e-6) dir.set(0.6, 0.5, 0.8);
    dir.normalize();
    if (dir.y < 0.25 && current.get() === 'orbit') dir.setY(0.45).normalize();
    const e = s.center.clone().addScaledVector(dir, d);
    if (smooth && !low && !stillMotion()) void flyTo({ eye: [...toEnu(e)] as [number, number, number], target: [...toEnu(s.center)] as [number, number, number], vfov_deg: camera.fov });
    else place({ eye: [...toEnu(e)] as [number, number, number], target: [...toEnu(s.center)] as [number, number, number], vfov_deg: camera.fov });
    invalidate();
  }

  const handle: SceneHandle = {
    destroy() {
      destroyed = true;
      cancelAnimationFrame(asked);
      clearTimeout(twinAsked);
      observer.disconnect();
      for (const s of stops) s();
      removeEventListener('keydown', onShift);
      removeEventListener('keyup', onShift);
      controls.dispose();
      model?.dispose();
      lines.mesh.geometry.dispose();
      discs.geometry.dispose();
      markers.points.geometry.dispose();
      photo.hide();
      projector.dispose();
      renderer.dispose();
      renderer.forceContextLoss();
      el.classList.remove('scene');
      for (const e of [canvas, overlay, list]) e.remove();
    },
    mode: setMode,
    current,
    view,
    flyTo,
    lookThrough(id) {
      if (id === null) {
        leave();
        return true;
      }
      if (!sites.some((s) => s.id === id && s.pose)) return false;
      if (!through.get()) before = { view: view(), mode: current.get() };
      controls.enabled = false;
      flight = null;
      through.set(id);
      aim(id);
      decorate();
      return true;
    },
    through,
    frame() {
      leave();
      const chosen = sites.filter(isSelected);
      if (!chosen.length) {
        fit(focus(), true);
        return;
      }
      const box = new Box3();
      for (const s of chosen) box.expandByPoint(lift({ at: s.at, sites: [s] }));
      const sphere = box.getBoundingSphere(new Sphere());
      sphere.radius = Math.max(8, sphere.radius, ...chosen.map((s) => Math.min(400, s.ellipse?.semi_major_m ?? 0)));
      fit(sphere, true);
    },
    north() {
      if (current.get() === 'orbit' || current.get() === 'top') void controls.rotateAzimuthTo(0, !low && !stillMotion());
      else {
        yaw = 0;
        look();
      }
      invalidate();
    },
    update(next) {
      doc = next;
      colours = palette(el);
      scene.background = new Color(colours.sky);
      (scene.fog as Fog).color.set(colours.sky);
      model?.look({ certainty: options.certainty, palette: colours, low });
      chrome.title(sceneDoc, doc, input.lang.get());
      rebuild();
      light();
    },
    option(name, value) {
      options[name] = value;
      if (name === 'certainty') model?.look({ certainty: options.certainty, palette: colours, low });
      if (name === 'photoOpacity') {
        photo.opacity(options.photoOpacity);
        projector.opacity(options.photoOpacity);
      }
      if (name === 'projectors') cast1();
      if (name === 'sun') light();
      decorate();
    },
    options,
    layer(id, shown) {
      if (shown) hidden.delete(id);
      else hidden.add(id);
      model?.layer(id, shown);
      renderer.shadowMap.needsUpdate = true;
      invalidate();
    },
    onPick(fn) {
      pickers.add(fn);
      return () => void pickers.delete(fn);
    },
    settled: load().then(async () => {
      const until = frames + 2;
      while (frames < until && !destroyed) {
        invalidate();
        await new Promise((ok) => requestAnimationFrame(ok));
      }
      writeTwin();
      void import('./tree.ts').then((m) => (plant = m.plant), () => {});
    }),
    twin: () => twinRows().map(({ id, text }) => ({ id, text })),
    get sceneId() {
      return (sceneDoc?.id ?? '').slice(0, 8);
    },
    get stats() {
      return { calls: renderer.info.render.calls, triangles: renderer.info.render.triangles, frames };
    },
  };
  return handle;

  function withoutWebGl(): SceneHandle {
    rebuildSites();
    const off = [input.lang.subscribe(writePlain)];
    function rebuildSites(): void {
      sites = sitesOf(doc, input.toEnu);
      spots = spotsOf(sites);
    }
    function writePlain(): void {
      list.classList.remove('twin');
      list.replaceChildren(...sites.map((s) => element('li', {}, element('button', { type: 'button', 'data-id': s.id }, s.id + ' ' + say(s.place.label, input.lang.get())))));
    }
    return {
      destroy() {
        for (const s of off) s();
        overlay.remove();
        list.remove();
      },
      mode: (m) => current.set(m), current, through, options,
      view: () => ({ eye: [0, 0, 0], target: [0, 1, 0], vfov_deg: 45 }),
      flyTo: () => Promise.resolve(), lookThrough: () => false, frame() {}, north() {},
      update(next) {
        doc = next;
        rebuildSites();
        writePlain();
      },
      option: (name, value) => void (options[name] = value), layer() {},
      onPick: () => () => {},
      settled: Promise.resolve(), twin: () => sites.map((s) => ({ id: s.id, text: s.id })), sceneId: '', stats: { calls: 0, triangles: 0, frames: 0 },
    };
  }
};

/** Evidence markers: one draw, rings of constant size on the screen, hollow where the place is approximate. */
function makeMarkers() {
  const geometry = new BufferGeometry();
  const material = new ShaderMaterial({
    transparent: true,
    depthTest: false,
    depthWrite: false,
    uniforms: { ratio: { value: 1 }, mark: { value: new Color() }, ground: { value: new Color() }, select: { value: new Color() } },
    vertexShader: 'attribute vec2 kind; uniform float ratio; varying vec2 vKind; void main() { gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); gl_PointSize = (kind.x > 0.5 ? 17.0 : 13.0) * ratio; vKind = kind; }',
    fragmentShader: `uniform vec3 mark; uniform vec3 ground; uniform vec3 select; varying vec2 vKind;
      void main() {
        float r = length(gl_PointCoord - 0.5) * 2.0;
        if (r > 1.0) discard;
        vec3 c = vKind.x > 0.5 ? select : mark;
        float ring = smoothstep(0.5, 0.58, r) * (1.0 - smoothstep(0.78, 0.86, r));
        vec3 inside = vKind.x > 0.5 || vKind.y < 0.5 ? c : ground;
        float core = 1.0 - smoothstep(0.46, 0.54, r);
        vec3 col = mix(ground, c, ring);
        if (core > 0.0) col = mix(col, inside, core);
        gl_FragColor = vec4(col, 1.0 - smoothstep(0.9, 1.0, r));
        #include <colorspace_fragment>
      }`,
  });
  const points = new Points(geometry, material);
  points.frustumCulled = false;
  points.renderOrder = 5;
  return {
    points,
    size: (r: number) => void (material.uniforms['ratio']!.value = r),
    set(marks: { at: Vector3; chosen: boolean; approx: boolean }[], mark: string, ground: string, select: string) {
      const p = new Float32Array(3 * marks.length);
      const k = new Float32Array(2 * marks.length);
      marks.forEach((m, i) => {
        p.set([m.at.x, m.at.y, m.at.z], 3 * i);
        k.set([m.chosen ? 1 : 0, m.approx ? 1 : 0], 2 * i);
      });
      geometry.setAttribute('position', new BufferAttribute(p, 3));
      geometry.setAttribute('kind', new BufferAttribute(k, 2));
      (material.uniforms['mark']!.value as Color).set(mark);
      (material.uniforms['ground']!.value as Color).set(ground);
      (material.uniforms['select']!.value as Color).set(select);
    },
  };
}

/** The photo over the view from its own camera, undistorted in the shader so that it fits the pinhole drawing of the model. */
function makePhoto() {
  const material = new ShaderMaterial({
    transparent: true,
    depthTest: false,
    depthWrite: false,
    uniforms: { photo: { value: null }, alpha: { value: 0.5 }, box: { value: new Vector4() }, view: { value: new Vector2(1, 1) }, f: { value: 1 }, pp: { value: new Vector2() }, size: { value: new Vector2(1, 1) }, k1: { value: 0 } },
    vertexShader: 'varying vec2 vAt; void main() { vAt = position.xy * 0.5 + 0.5; gl_Position = vec4(position.xy, 0.0, 1.0); }',
    fragmentShader: `uniform sampler2D photo; uniform float alpha; uniform vec4 box; uniform vec2 view; uniform float f; uniform vec2 pp; uniform vec2 size; uniform float k1; varying vec2 vAt;
      void main() {
        vec2 px = (vec2(vAt.x, 1.0 - vAt.y) * view - box.xy) / box.z;
        vec2 x = (px - pp) / f;
        float r2 = dot(x, x);
        if (k1 < 0.0 && r2 > -1.0 / (3.0 * k1)) discard;
        vec2 uv = (x * (1.0 + k1 * r2) * f + pp) / size;
        if (uv.x < 0.0 || uv.y < 0.0 || uv.x > 1.0 || uv.y > 1.0) discard;
        gl_FragColor = vec4(texture2D(photo, vec2(uv.x, 1.0 - uv.y)).rgb, alpha);
        #include <colorspace_fragment>
      }`,
  });
  const mesh = new Mesh(new PlaneGeometry(2, 2), material);
  mesh.frustumCulled = false;
  mesh.renderOrder = 10;
  mesh.visible = false;
  let texture: Texture | null = null;
  let address: string | null = null;
  return {
    mesh,
    show(url: string | null, lens: { width: number; height: number; focal_px: number; principal_point: readonly [number, number]; k1?: number }, box: { x: number; y: number; scale: number }, w: number, h: number, alpha: number, done: () => void) {
      const u = material.uniforms;
      (u['box']!.value as Vector4).set(box.x, box.y, box.scale, 0);
      (u['view']!.value as Vector2).set(w, h);
      (u['pp']!.value as Vector2).set(...lens.principal_point);
      (u['size']!.value as Vector2).set(lens.width, lens.height);
      u['f']!.value = lens.focal_px;
      u['k1']!.value = lens.k1 ?? 0;
      u['alpha']!.value = alpha;
      if (url === address) {
        mesh.visible = !!texture;
        return;
      }
      address = url;
      texture?.dispose();
      texture = null;
      mesh.visible = false;
      if (!url) return;
      const img = new Image();
      img.onload = () => {
        if (address !== url) return;
        texture = new Texture(img);
        texture.colorSpace = SRGBColorSpace;
        texture.needsUpdate = true;
        u['photo']!.value = texture;
        mesh.visible = true;
        done();
      };
      img.src = url;
    },
    opacity: (a: number) => void (material.uniforms['alpha']!.value = a),
    hide() {
      mesh.visible = false;
      address = null;
      texture?.dispose();
      texture = null;
    },
  };
}
