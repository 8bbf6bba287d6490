// What the scene promises to whoever mounts it. Kept apart from the
// implementation so that a panel can be written and typed without loading
// three.js.

import type { Pose } from '../kernel/camera.ts';
import type { SceneDocument, SceneLayer } from '../document/scene.ts';
import type { Line } from './lines.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Value } from '../kernel/observable.ts';
import type { Enu } from '../kernel/units.ts';
import type { Document, Lang, ViewCamera } from '../document/types.ts';
import type { ToEnu } from '../document/places.ts';
import type { UtcMs } from '../kernel/units.ts';

export interface SceneInput {
  doc: Document;
  clock: Clock;
  /** Id of the selected object of the case, or null. */
  selection: Value<string | null>;
  /** Address of the scene folder, with a trailing slash: scene.json and the meshes lie there. */
  sceneBase: string;
  lang: Value<Lang>;
  /** 'low': Lambert shading, coarse terrain, no shadows, one projector; for weak devices and tests. */
  quality?: 'low' | 'full';
  /** Address of a picture of an item for projection and look-through, or null when none may be shown. */
  picture?(itemId: string): string | null;
  /** Where the sun stands at an instant over the scene's origin; without it the sun is computed for the scene's origin. */
  sun?(at: UtcMs): { azimuth_deg: number; elevation_deg: number } | null;
  /** From latitude, longitude, height to the scene's frame; without it the frame of scene.json is used. */
  toEnu?: ToEnu;
  /** Reads a file of the scene folder; the default fetches sceneBase + name. An edition on file:// hands in its packs. */
  read?(name: string): Promise<ArrayBuffer>;
}

export type SceneMode = 'orbit' | 'walk' | 'fly' | 'top';

export interface SceneOptions {
  /** Model certainty drawn as texture: measured solid, derived light, from plans hatched, conjectural wire. */
  certainty: boolean;
  labels: boolean;
  ellipses: boolean;
  /** 0 model only, 1 photo only, while looking through a camera; also the projectors' opacity. */
  photoOpacity: number;
  /** Draw shadows of the sun at the playhead. */
  sun: boolean;
  /** Items whose photo is projected on the model. */
  projectors: readonly string[];
}

/** An entry of the list that stands beside the canvas for those who do not see it. */
export interface SceneTwin {
  id: string;
  /** "EJ-016, approximate: 42 m north-east of the view point, 09:07" */
  text: string;
}

export interface ScenePick {
  /** Where the ray met the model, metres in the scene frame; null when only a marker was hit. */
  point: Enu | null;
  /** Id of the object of the case under the pointer. */
  objectId?: string;
}

/** A point of the model under the pointer, drawn to a corner or an edge where one is near. */
export interface ModelPoint {
  point: Enu;
  /** Id of the named thing of the scene it belongs to, or "". */
  object: string;
  layer: string;
  snap: 'named' | 'vertex' | 'edge' | 'surface';
  /** Id of the named point of scene.json, when that is what was met. */
  name?: string;
}

export interface SceneHandle {
  destroy(): void;
  /** scene.json, once it is read. */
  readonly document: SceneDocument | null;
  /** What of the model lies at a place of the view, CSS pixels from its top left corner. */
  pointAt(x: number, y: number, snap?: boolean): ModelPoint | null;
  /** Where a point is drawn in the view, or null behind the eye. */
  project(point: Enu): { x: number; y: number } | null;
  /** What stands between two points, nearer than the tolerance to neither end; null where nothing does. */
  between(from: Enu, to: Enu, tolerance: number): { object: string; layer: string } | null;
  /** Called after each frame. */
  onDraw(fn: () => void): () => void;
  /** Lines drawn over the evidence: trial cameras, ellipsoids. */
  extra(lines: readonly Line[]): void;
  /** The model alone as a camera sees it, as a picture of that size; null where nothing can be drawn. */
  picture(pose: Pose, width: number, height: number): Promise<ImageBitmap | null>;
  /** Through a camera that is no item's, with a picture over it; null goes back. */
  lookAs(pose: Pose | null, picture?: string | null): void;
  mode(mode: SceneMode): void;
  readonly current: Value<SceneMode>;
  view(): ViewCamera;
  flyTo(view: ViewCamera, ms?: number): Promise<void>;
  /** To the item's camera with its exact intrinsics; null goes back to the free view it was left from. False: the item has no pose. */
  lookThrough(itemId: string | null): boolean;
  readonly through: Value<string | null>;
  /** Fits the selected object, or the whole case, into the view. */
  frame(): void;
  north(): void;
  update(doc: Document): void;
  option<K extends keyof SceneOptions>(name: K, value: SceneOptions[K]): void;
  readonly options: Readonly<SceneOptions>;
  layer(id: string, shown: boolean): void;
  /** Draws meshes in place of a layer, or beside the others where it is new; null goes back. They cannot be clicked. */
  attempt(layer: SceneLayer | null, glb?: ArrayBuffer): void;
  onPick(fn: (pick: ScenePick) => void): () => void;
  /** Resolves when the assets are loaded and two frames are drawn. */
  readonly settled: Promise<void>;
  /** What the canvas shows, in words, ordered by distance. */
  twin(): SceneTwin[];
  /** First hex digits of the scene id, for deep links. */
  readonly sceneId: string;
  /** What the last frame cost the graphics card. */
  readonly stats: { calls: number; triangles: number; frames: number };
}

export type MountScene = (el: HTMLElement, input: SceneInput) => SceneHandle;
