// The 3-D view. Everything in it is in the scene's frame: metres east, north
// and up of a frozen origin, drawn as x, y = up, z = -north. Nothing is drawn
// unless something changed: no loop runs while the view stands still.

import {
  AmbientLight, BufferAttribute, BufferGeometry, Color, DirectionalLight, Fog, HemisphereLight, Matrix4, Mesh, MeshBasicMaterial, PCFShadowMap, PerspectiveCamera, Raycaster, Scene, Sphere,
  Spherical, Quaternion as ThreeQuaternion, Box3, Vector2, Vector3, Vector4, WebGLRenderer, MOUSE, DoubleSide,
} from 'three';
import CameraControls from 'camera-controls';
import { Value } from '../kernel/observable.ts';
import { letterbox, projectionMatrix, rotationOf, vfovOf, type Pose } from '../kernel/camera.ts';
import { Almanac } from '../kernel/sun.ts';
import { clamp, turn, type Enu } from '../kernel/units.ts';
import { t } from '../document/catalogue.ts';
import { element, palette, stillMotion, typing } from '../document/dom.ts';
import { sitesOf, spotsOf, toEnuOf, type Site, type Spot } from '../document/places.ts';
import { readGlb } from '../document/glb.ts';
import { Ground, fetchFrom, readLayer, readSceneDocument, type SceneDocument } from '../document/scene.ts';
import { say, type ViewCamera } from '../document/types.ts';
import { backdrop, foreground, type Drawn } from './evidence.ts';
import { labelText, makeLabels } from './labels.ts';
import { makeLines } from './lines.ts';
import { makeMarkers } from './markers.ts';
import { makeModel, type Model } from './model.ts';
import { makeModelPoint } from './point.ts';
import { makePhoto } from './photo.ts';
import { plainScene } from './plain.ts';
import { makeProjectors, PROJECTORS } from './projector.ts';
import { makeTwin, twinRows, type TwinView } from './twin.ts';
import { makeWalk } from './walk.ts';
import { makeChrome } from './chrome.ts';
import type { MountScene, SceneHandle, SceneMode, SceneOptions, ScenePick } from './handle.ts';
export type * from './handle.ts';

CameraControls.install({ THREE: { Vector2, Vector3, Vector4, Quaternion: ThreeQuaternion, Matrix4, Spherical, Box3, Sphere, Raycaster, MOUSE } as never });

const toThree = (e: readonly number[]): Vector3 => new Vector3(e[0], e[2], -e[1]!);
const toEnu = (v: Vector3): Enu => [v.x, -v.z, v.y];

export const mountScene: MountScene = (el, input) => {
  let doc = input.doc;
  const low = (input.quality ?? 'full') === 'low';
  const read = input.read ?? fetchFrom(input.sceneBase);
  let colours = palette(el);
  let sceneDoc: SceneDocument | null = null;
  let model: Model | null = null;
  let attempted: Model | null = null;
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
  const list = element('ol', { class: 'twin' });
  el.append(canvas, overlay, list);
  const chrome = makeChrome(overlay);

  let renderer: WebGLRenderer;
  try {
    renderer = new WebGLRenderer({ canvas, antialias: !low, powerPreference: 'high-performance' });
  } catch {
    // Without WebGL the list beside the canvas still says everything.
    canvas.remove();
    chrome.message(t(input.lang.get(), 'no webgl'));
    return plainScene(input, list, options, () => {
      overlay.remove();
      list.remove();
    });
  }
  renderer.shadowMap.enabled = !low;
  renderer.shadowMap.type = PCFShadowMap;
  renderer.shadowMap.autoUpdate = false;

  const scene = new Scene();
  scene.background = new Color(colours.sky);
  // Distant ground goes into a haze between sky and ground, so that the ridge still stands out against the sky.
  const haze = () => new Color(colours.sky).lerp(new Color(colours.terrain), 0.4);
  scene.fog = new Fog(haze(), 200, 3000);
  const camera = new PerspectiveCamera(45, 1, 0.2, 6000);
  camera.position.set(60, 45, 80);
  const controls = new CameraControls(camera, canvas);
  controls.minDistance = 1.5;
  controls.maxDistance = 5000;
  controls.maxPolarAngle = Math.PI * 0.495;
  controls.smoothTime = 0.12;
  controls.draggingSmoothTime = 0.05;
  controls.dollyToCursor = true;

  const hemisphere = new HemisphereLight('#FFFFFF', '#777777', 0.65);
  const ambient = new AmbientLight('#FFFFFF', 0.15);
  const sun = new DirectionalLight('#FFFFFF', 2);
  sun.castShadow = !low;
  sun.shadow.mapSize.set(2048, 2048);
  sun.shadow.normalBias = 0.3;
  scene.add(hemisphere, ambient, sun, sun.target);

  // Lines and fills of the evidence: behind what is not selected, before what is.
  const sheet = (order: number) => {
    const lines = makeLines();
    const discs = new Mesh(new BufferGeometry(), new MeshBasicMaterial({ vertexColors: true, transparent: true, depthWrite: false, side: DoubleSide, polygonOffset: true, polygonOffsetFactor: -4, polygonOffsetUnits: -4 }));
    discs.renderOrder = 2;
    lines.mesh.renderOrder = order;
    scene.add(discs, lines.mesh);
    return { lines, discs };
  };
  type Sheet = ReturnType<typeof sheet>;
  const behind = sheet(3);
  const before = sheet(4);
  const trial = makeLines();
  trial.mesh.renderOrder = 5;
  scene.add(trial.mesh);
  const drawn = new Set<() => void>();
  const markers = makeMarkers();
  scene.add(markers.points);
  const projectors = makeProjectors(low ? 1 : PROJECTORS);
  const photo = makePhoto();
  scene.add(photo.mesh);

  // Drawing --------------------------------------------------------------------

  let asked = 0;
  let last = 0;
  let frames = 0;
  let twinAsked = 0;
  function invalidate(): void {
    if (!asked && !destroyed && seen()) asked = requestAnimationFrame(paint);
  }

  function paint(now: number): void {
    asked = 0;
    const dt = Math.min(0.1, (now - last) / 1000 || 0.016);
    last = now;
    let again = walk.move(dt, current.get());
    if (!through.get() && (current.get() === 'orbit' || current.get() === 'top')) again = controls.update(dt) || again;
    if (flight) again = flight(now) || again;
    renderer.render(scene, camera);
    drawOverlay();
    frames++;
    for (const f of drawn) f();
    if (again) invalidate();
    else {
      clearTimeout(twinAsked);
      twinAsked = window.setTimeout(writeTwin, 150);
    }
  }

  function resize(): void {
    if (!seen()) return;
    const w = Math.max(1, el.clientWidth);
    const h = Math.max(1, el.clientHeight);
    const ratio = low ? Math.min(1, 640 / w) : Math.min(devicePixelRatio || 1, w < 700 ? 1.5 : 2);
    renderer.setPixelRatio(ratio);
    renderer.setSize(w, h, false);
    for (const x of [behind.lines, before.lines, trial]) x.size(w, h);
    markers.size(ratio);
    model?.pixelRatio(ratio);
    camera.aspect = w / h;
    if (through.get()) aim();
    else camera.updateProjectionMatrix();
    if (stale) decorate();
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
    // A camera opens its eye when the sun is low: level ground stays as bright, and slopes and shadows carry the picture.
    const dayLight = options.sun && s ? (up ? 1 : 0) : 0.7;
    sun.intensity = dayLight * clamp(1.9 / Math.sin(e), 2, 5);
    hemisphere.intensity = s && !up && options.sun ? 1.3 : 0.65;
    sun.castShadow = !low && options.sun && !!up;
    renderer.shadowMap.needsUpdate = true;
    chrome.sun(s, input.lang.get());
    invalidate();
  }

  /** What the case is about in space: its spots and the built parts of the model. */
  let about: Sphere | null = null;
  function focus(): Sphere {
    if (about) return about;
    const box = new Box3();
    for (const s of spots) box.expandByPoint(lift(s));
    for (const m of model?.meshes ?? []) if (m.castShadow) box.expandByObject(m);
    if (box.isEmpty() && sceneDoc) box.set(toThree(sceneDoc.bounds.low), toThree(sceneDoc.bounds.high));
    if (box.isEmpty()) return new Sphere(new Vector3(), 50);
    about = box.getBoundingSphere(new Sphere());
    about.radius = clamp(about.radius, 25, 400);
    return about;
  }

  const heights = new Map<number, number>();
  function groundAt(e: number, n: number): number {
    // Quarter metres; a scene is never 2^21 of them wide.
    const key = Math.round(e * 4) * 2 ** 22 + Math.round(n * 4);
    let h = heights.get(key);
    if (h === undefined) heights.set(key, (h = ground.at(e, n) ?? 0));
    return h;
  }
  function lift(s: { at: Enu; sites?: Site[] }): Vector3 {
    const onGround = s.sites?.some((x) => x.onGround);
    return toThree(onGround ? [s.at[0], s.at[1], groundAt(s.at[0], s.at[1])] : s.at);
  }

  // Evidence -------------------------------------------------------------------

  /** The selected object and, where it is a claim or an event, what it rests on. */
  let chosen: ReadonlySet<string> = new Set();
  function choose(): void {
    const id = input.selection.get();
    called.clear();
    calls++;
    chosen = new Set(id ? [id, ...(doc.claims.find((c) => c.id === id)?.items ?? []), ...(doc.events.find((e) => e.id === id)?.items ?? [])] : []);
  }
  const isSelected = (s: Site): boolean => chosen.has(s.id);

  function rebuild(): void {
    sites = sitesOf(doc, input.toEnu ?? (sceneDoc ? toEnuOf(sceneDoc.frame.origin) : undefined));
    spots = spotsOf(sites);
    about = null;
    choose();
    decorate();
  }

  /** Nothing is made for a view that nobody sees; it is made when it is shown again. */
  let stale = false;
  const seen = () => el.clientWidth > 0;
  function decorate(): void {
    if (!seen()) {
      stale = true;
      return;
    }
    stale = false;
    put(behind, backdrop(evidenceView()));
    mark();
  }
  /** The selection changed: what is not selected stays as it is. */
  function mark(): void {
    if (!seen()) {
      stale = true;
      return;
    }
    put(before, foreground(evidenceView()));
    markers.set(spots.map((s) => ({ at: lift(s), chosen: s.sites.some(isSelected), approx: s.sites.some((x) => x.approx) })), colours.text, colours.ground, colours.select);
    invalidate();
  }
  const evidenceView = () => ({ sites, eye: toEnu(camera.position), through: through.get(), ellipses: options.ellipses, colours, isSelected, groundAt });
  function put(to: Sheet, d: Drawn): void {
    to.lines.set(d.lines);
    to.discs.geometry.dispose();
    to.discs.geometry = new BufferGeometry();
    to.discs.geometry.setAttribute('position', new BufferAttribute(new Float32Array(d.fill), 3));
    to.discs.geometry.setAttribute('color', new BufferAttribute(new Float32Array(d.shade), 4));
    to.discs.visible = d.fill.length > 0;
  }

  // Labels ---------------------------------------------------------------------

  const project = (v: Vector3, w = el.clientWidth, h = el.clientHeight) => {
    const q = v.clone().project(camera);
    return { x: ((q.x + 1) / 2) * w, y: ((1 - q.y) / 2) * h, inside: q.z < 1 && q.z > -1 && Math.abs(q.x) < 1.02 && Math.abs(q.y) < 1.02 };
  };
  const labels = makeLabels(overlay, (id) => input.selection.set(id));
  // What a spot is called changes with the case, the language and the selection, not with the clock.
  const called = new Map<Spot, ReturnType<typeof labelText>>();
  let calls = 0;
  const words = (s: Spot) => {
    let w = called.get(s);
    if (!w) called.set(s, (w = labelText(s, doc, input.lang.get(), isSelected)));
    return w;
  };
  // Which places are named follows the playhead when it rests, and every three seconds while it runs: names that change in each frame cannot be read.
  let named = input.clock.get();
  let namedAt = 0;
  let resting = 0;
  function rename(): void {
    clearTimeout(resting);
    const name = () => {
      namedAt = performance.now();
      named = input.clock.get();
      invalidate();
    };
    if (performance.now() - namedAt > 3000) name();
    else resting = window.setTimeout(name, 120);
  }
  // While only the sun or the playhead moves, names and plan stand where they stood.
  let drawnFor: unknown[] = [];
  const unmoved = (now: readonly unknown[]): boolean => now.length === drawnFor.length && now.every((x, i) => x === drawnFor[i]);
  function drawOverlay(): void {
    const w = el.clientWidth;
    const h = el.clientHeight;
    const state = [w, h, named, spots, calls, input.selection.get(), input.lang.get(), options.labels, through.get(), ...camera.matrixWorld.elements, ...camera.projectionMatrix.elements];
    if (unmoved(state)) return;
    drawnFor = state;
    labels.draw(options.labels && !through.get() ? spots : [], { width: w, height: h, now: named, taken: chrome.taken(w, h), isSelected, words, project: (s) => project(lift(s), w, h) });
    chrome.view(heading(), plan());
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

  const twinView = (): TwinView => ({ spots, eye: toEnu(camera.position), zone: doc.case.zone, lang: input.lang.get(), words });
  const writeList = makeTwin(list, canvas, input.selection);
  let told: unknown[] = [];
  const writeTwin = () => {
    const state = [spots, calls, input.selection.get(), input.lang.get(), doc, camera.position.x, camera.position.y, camera.position.z];
    if (state.length === told.length && state.every((x, i) => x === told[i])) return;
    told = state;
    writeList(twinView(), say(sceneDoc?.title ?? doc.case.title, input.lang.get()));
  };

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

  let came: { view: ViewCamera; mode: SceneMode } | null = null;
  /** The camera that is tried: no item's yet. It is looked through under the name "~". */
  let tried: { pose: Pose; picture: string | null } | null = null;
  function aim(): boolean {
    const id = through.get();
    const p = tried ? tried.pose : sites.find((x) => x.id === id && x.pose)?.pose;
    if (!p) return false;
    const url = tried ? tried.picture : (input.picture?.(id!) ?? null);
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
    photo.show(url, p, box, el.clientWidth, el.clientHeight, options.photoOpacity, invalidate);
    chrome.frame(box);
    return true;
  }
  function leave(): void {
    if (!through.get()) return;
    through.set(null);
    tried = null;
    photo.hide();
    chrome.frame(null);
    controls.enabled = current.get() === 'orbit' || current.get() === 'top';
    if (came) {
      place(came.view);
      came = null;
    }
    decorate();
  }

  /** Throws the photos on the model: the first of those asked for that have a pose and may be shown, as many as there are projectors. */
  function cast1(): void {
    const shown = options.projectors.flatMap((id) => {
      const pose = sites.find((s) => s.id === id && s.pose)?.pose;
      const url = pose && model ? input.picture?.(id) : null;
      return pose && url ? [{ pose, url }] : [];
    });
    const accuracy = Math.max(0, ...(sceneDoc?.layers ?? []).map((l) => Math.min(5, l.accuracy_m ?? 0)));
    projectors.all.forEach((projector, k) => {
      const s = shown[k];
      if (!s) {
        projector.hide();
        return;
      }
      projector.opacity(options.photoOpacity);
      projector.show(renderer, scene, [behind.lines.mesh, behind.discs, before.lines.mesh, before.discs, trial.mesh, markers.points, photo.mesh], s.pose, s.url, accuracy, invalidate);
    });
    invalidate();
  }

  // Walking and flying -------------------------------------------------------------

  /** Where a walk begins: before what is selected when that is in sight, else before what one looked at. */
  function standBefore(): Vector3 {
    const g = controls.getTarget(new Vector3());
    const chosen = spots.find((s) => s.sites.some(isSelected));
    const at = chosen ? lift(chosen) : null;
    return at && at.distanceTo(g) < 150 ? at : g;
  }
  const walk = makeWalk(camera, controls, groundAt);
  const { held } = walk;
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
      let yaw = Math.atan2(d.x, -d.z);
      if (mode === 'walk') {
        // To the ground near what was looked at, not under one's own feet in the air; from above, to the south of it.
        const g = standBefore();
        if (Math.abs(d.y) > 0.98) yaw = 0;
        const away = clamp(camera.position.distanceTo(g) * 0.6, 10, 26);
        camera.position.set(g.x - Math.sin(yaw) * away, 0, g.z + Math.cos(yaw) * away);
        walk.stand();
      }
      walk.turn(yaw, mode === 'walk' ? 0 : Math.asin(clamp(d.y, -1, 1)));
    }
    invalidate();
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
    down = { x: e.clientX, y: e.clientY, yaw: walk.yaw, pitch: walk.pitch };
  }
  function onMove(e: PointerEvent): void {
    if (!down || !(e.buttons & 1)) return;
    const m = current.get();
    if (through.get() || (m !== 'walk' && m !== 'fly')) return;
    walk.turn(down.yaw - (e.clientX - down.x) * 0.004, down.pitch + (e.clientY - down.y) * 0.004);
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
  function cast(x: number, y: number): { point: Enu; object: string; layer: string } | null {
    if (!model) return null;
    // The tree of a mesh is built when somebody first points at the model.
    if (plant) model.meshes.forEach(plant);
    caster.setFromCamera(new Vector2((x / el.clientWidth) * 2 - 1, 1 - (y / el.clientHeight) * 2), camera);
    const h = caster.intersectObjects(model.meshes.filter((m) => m.parent?.visible), false)[0];
    return h ? { point: toEnu(h.point), object: String(h.object.userData['object'] ?? ''), layer: String(h.object.userData['layer'] ?? '') } : null;
  }

  const modelPoint = makeModelPoint({ cast, project: (p) => project(toThree(p)), between, wires: () => model?.wires ?? [], document: () => sceneDoc, eye: () => toEnu(camera.position) });
  /** The first thing between two points; both ends may touch what they belong to. */
  function between(from: Enu, to: Enu, tolerance: number): { object: string; layer: string } | null {
    if (!model) return null;
    if (plant) model.meshes.forEach(plant);
    const a = toThree(from);
    const d = toThree(to).sub(a);
    const far = d.length();
    const ray = new Raycaster(a, d.normalize(), tolerance, Math.max(tolerance, far - tolerance));
    (ray as Raycaster & { firstHitOnly?: boolean }).firstHitOnly = true;
    const h = ray.intersectObjects(model.meshes.filter((m) => m.parent?.visible), false)[0];
    return h ? { object: String(h.object.userData['object'] ?? ''), layer: String(h.object.userData['layer'] ?? '') } : null;
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
      rename();
      // The sun moves 0.004 degrees a second: a new shadow every four seconds of the case is enough.
      if (Math.abs(now - lastSun) > 4000 || !Number.isFinite(lastSun)) {
        lastSun = now;
        light();
      }
    }),
    input.selection.subscribe(() => {
      choose();
      mark();
    }),
    input.lang.subscribe(() => {
      called.clear();
      calls++;
      labels.stale();
      chrome.title(sceneDoc, doc, input.lang.get());
      light();
    }),
  ];

  async function load(): Promise<void> {
    let found = false;
    try {
      const d = await readSceneDocument(read);
      found = true;
      sceneDoc = d;
      const parts = await Promise.all(d.layers.map(async (layer) => ({ layer, parts: await readLayer(read, layer) })));
      if (destroyed) return;
      for (const p of parts) if (p.layer.type === 'terrain') ground.add(p.parts);
      heights.clear();
      model = makeModel(parts, { certainty: options.certainty, palette: colours, low }, projectors.uniforms, projectors.all.length);
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
      chrome.message(!found && !doc.layers?.length ? t(input.lang.get(), 'no scene') : t(input.lang.get(), 'scene unreadable', { why: e instanceof Error ? e.message : String(e) }));
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
      clearTimeout(resting);
      observer.disconnect();
      for (const s of stops) s();
      removeEventListener('keydown', onShift);
      removeEventListener('keyup', onShift);
      controls.dispose();
      model?.dispose();
      for (const x of [behind, before]) for (const m of [x.lines.mesh, x.discs]) m.geometry.dispose();
      trial.mesh.geometry.dispose();
      markers.points.geometry.dispose();
      photo.hide();
      for (const p of projectors.all) p.dispose();
      renderer.dispose();
      renderer.forceContextLoss();
      el.classList.remove('scene');
      for (const e of [canvas, overlay, list]) e.remove();
    },
    get document() {
      return sceneDoc;
    },
    pointAt: (x, y, snap = true) => modelPoint(x, y, snap),
    project(p) {
      const v = toThree(p);
      if (v.clone().applyMatrix4(camera.matrixWorldInverse).z > -camera.near) return null;
      const q = project(v);
      return { x: q.x, y: q.y };
    },
    between,
    onDraw(fn) {
      drawn.add(fn);
      return () => void drawn.delete(fn);
    },
    extra(lines) {
      trial.set(lines);
      invalidate();
    },
    picture(pose, width, height) {
      const eye = new PerspectiveCamera();
      const R = rotationOf(pose.rotation);
      eye.position.copy(toThree(pose.position));
      eye.quaternion.setFromRotationMatrix(new Matrix4().makeBasis(toThree([R[0], R[1], R[2]]), toThree([-R[3], -R[4], -R[5]]), toThree([-R[6], -R[7], -R[8]])));
      eye.updateMatrixWorld();
      eye.projectionMatrix.fromArray(projectionMatrix(pose, width, height, camera.near, camera.far));
      eye.projectionMatrixInverse.copy(eye.projectionMatrix).invert();
      // The evidence drawn over the model is no part of what a camera sees.
      const over = [behind.lines.mesh, behind.discs, before.lines.mesh, before.discs, trial.mesh, markers.points, photo.mesh];
      const shown = over.map((o) => o.visible);
      for (const o of over) o.visible = false;
      // On the canvas itself, and copied before it shows: colours and edges are then those of the view.
      renderer.setPixelRatio(1);
      renderer.setSize(width, height, false);
      renderer.render(scene, eye);
      const copy = createImageBitmap(canvas);
      over.forEach((o, i) => (o.visible = shown[i]!));
      resize();
      return copy;
    },
    lookAs(pose, picture = null) {
      if (!pose) {
        leave();
        return;
      }
      if (!through.get()) came = { view: view(), mode: current.get() };
      controls.enabled = false;
      flight = null;
      tried = { pose, picture };
      through.set('~');
      aim();
      decorate();
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
      if (!through.get()) came = { view: view(), mode: current.get() };
      controls.enabled = false;
      flight = null;
      tried = null;
      through.set(id);
      aim();
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
      else walk.turn(0, walk.pitch);
      invalidate();
    },
    update(next) {
      doc = next;
      colours = palette(el);
      scene.background = new Color(colours.sky);
      (scene.fog as Fog).color.copy(haze());
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
        for (const p of projectors.all) p.opacity(options.photoOpacity);
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
    attempt(layer, glb) {
      if (attempted) {
        scene.remove(attempted.group);
        attempted.dispose();
        const id = attempted.group.children[0]?.name ?? '';
        model?.layer(id, !hidden.has(id));
        attempted = null;
      }
      if (layer && glb) {
        attempted = makeModel([{ layer, parts: readGlb(glb) }], { certainty: options.certainty, palette: colours, low }, projectors.uniforms, projectors.all.length);
        scene.add(attempted.group);
        model?.layer(layer.id, false);
      }
      renderer.shadowMap.needsUpdate = true;
      invalidate();
    },
    onPick(fn) {
      pickers.add(fn);
      return () => void pickers.delete(fn);
    },
    settled: load().then(async () => {
      const until = frames + 2;
      while (frames < until && !destroyed && seen()) {
        invalidate();
        await new Promise((ok) => requestAnimationFrame(ok));
      }
      writeTwin();
      void import('./tree.ts').then((m) => (plant = m.plant), () => {});
    }),
    twin: () => twinRows(twinView()),
    get sceneId() {
      return (sceneDoc?.id ?? '').slice(0, 8);
    },
    get stats() {
      return { calls: renderer.info.render.calls, triangles: renderer.info.render.triangles, frames };
    },
  };
  return handle;


};
