// What the map promises to whoever mounts it.

import type { Clock } from '../kernel/clock.ts';
import type { Value } from '../kernel/observable.ts';
import type { Document, Lang, ViewCamera } from '../document/types.ts';
import type { ToEnu } from '../document/places.ts';

export interface MapInput {
  doc: Document;
  clock: Clock;
  selection: Value<string | null>;
  lang: Value<Lang>;
  sceneBase?: string;
  read?(name: string): Promise<ArrayBuffer>;
  toEnu?: ToEnu;
  /** Free camera of the scene, drawn as a cone when given. */
  camera?: Value<ViewCamera | null>;
  /** A small inset: no controls, no labels but the scale and north. */
  inset?: boolean;
}

export interface MapHandle {
  destroy(): void;
  update(doc: Document): void;
  frame(): void;
  readonly settled: Promise<void>;
}

export type MountMap = (el: HTMLElement, input: MapInput) => MapHandle;
