// scene.json as the Go package scene writes it, and the ground it describes.

import { readGlb, type GlbPart } from './glb.ts';
import type { Certainty, Text } from './types.ts';

export interface SceneLayer {
  id: string;
  type: 'terrain' | 'buildings' | 'models' | 'annotations' | string;
  title: Text;
  class: Certainty;
  accuracy_m?: number;
  date?: string;
  licence: string;
  attribution?: string;
  note?: Text;
  file: string;
  sha256: string;
  bytes: number;
  vertices: number;
  triangles: number;
}

export interface SceneObject {
  id: string;
  label: Text;
  position: [number, number, number];
  radius_m?: number;
  class: Certainty;
  layer?: string;
  height_m?: number;
  note?: Text;
  points?: { id: string; at: [number, number, number]; sigma_m?: number }[];
}

export interface SceneDocument {
  format: 'sightline.scene/1' | string;
  id: string;
  content_sha256: string;
  title: Text;
  approximate?: { label: Text; radius_m: number };
  frame: { origin: { lat: number; lon: number; h: number }; vertical: string; stated_h?: number; note?: Text };
  bounds: { low: [number, number, number]; high: [number, number, number] };
  layers: SceneLayer[];
  objects: SceneObject[];
  views?: { id: string; title?: Text; eye: [number, number, number]; target: [number, number, number]; vfov_deg: number }[];
}

export type ReadFile = (name: string) => Promise<ArrayBuffer>;

export function fetchFrom(base: string): ReadFile {
  return async (name) => {
    const r = await fetch(base + name);
    if (!r.ok) throw new Error(`${name} could not be read (${r.status})`);
    return r.arrayBuffer();
  };
}

export async function readSceneDocument(read: ReadFile): Promise<SceneDocument> {
  const d = JSON.parse(new TextDecoder().decode(await read('scene.json'))) as SceneDocument;
  if (d.format !== 'sightline.scene/1') throw new Error(`scene.json: format "${d.format}" is not known to this program`);
  return d;
}

/** A plain file name: what a scene may refer to. */
const plain = (f: string) => /^[\w.-]+$/.test(f) && !f.startsWith('.');

export async function readLayer(read: ReadFile, layer: SceneLayer): Promise<GlbPart[]> {
  if (!plain(layer.file)) throw new Error(`layer ${layer.id}: "${layer.file}" is not a plain file name`);
  return readGlb(await read(layer.file));
}

/** Height of the ground under a place, from the triangles of the terrain in a grid of cells. */
export class Ground {
  #cells = new Map<number, number[]>();
  #parts: GlbPart[] = [];
  #size = 1;

  add(parts: readonly GlbPart[]): void {
    for (const p of parts) if ((p.extras['kind'] ?? 'terrain') === 'terrain') this.#parts.push(p);
    this.#cells.clear();
    let low = [Infinity, Infinity];
    let high = [-Infinity, -Infinity];
    let n = 0;
    for (const p of this.#parts) {
      n += p.indices.length / 3;
      for (let i = 0; i < p.positions.length; i += 3) {
        low = [Math.min(low[0]!, p.positions[i]!), Math.min(low[1]!, p.positions[i + 2]!)];
        high = [Math.max(high[0]!, p.positions[i]!), Math.max(high[1]!, p.positions[i + 2]!)];
      }
    }
    if (!n) return;
    this.#size = Math.max(2, Math.sqrt(((high[0]! - low[0]!) * (high[1]! - low[1]!)) / n) * 1.5);
    this.#parts.forEach((p, k) => {
      for (let t = 0; t < p.indices.length; t += 3) {
        const xs = [0, 1, 2].map((j) => p.positions[3 * p.indices[t + j]!]!);
        const zs = [0, 1, 2].map((j) => p.positions[3 * p.indices[t + j]! + 2]!);
        const x1 = Math.floor(Math.max(...xs) / this.#size);
        const z1 = Math.floor(Math.max(...zs) / this.#size);
        for (let x = Math.floor(Math.min(...xs) / this.#size); x <= x1; x++) {
          for (let z = Math.floor(Math.min(...zs) / this.#size); z <= z1; z++) {
            const key = x * 1_000_003 + z;
            const list = this.#cells.get(key);
            if (list) list.push(k, t);
            else this.#cells.set(key, [k, t]);
          }
        }
      }
    });
  }

  /** Metres up; null outside the terrain. */
  at(east: number, north: number): number | null {
    const list = this.#cells.get(Math.floor(east / this.#size) * 1_000_003 + Math.floor(-north / this.#size));
    let best: number | null = null;
    for (let i = 0; i < (list?.length ?? 0); i += 2) {
      const p = this.#parts[list![i]!]!;
      const t = list![i + 1]!;
      const [a, b, c] = [0, 1, 2].map((j) => 3 * p.indices[t + j]!) as [number, number, number];
      const q = p.positions;
      const d = (q[b]! - q[a]!) * (q[c + 2]! - q[a + 2]!) - (q[c]! - q[a]!) * (q[b + 2]! - q[a + 2]!);
      if (Math.abs(d) < 1e-12) continue;
      const u = ((east - q[a]!) * (q[c + 2]! - q[a + 2]!) - (q[c]! - q[a]!) * (-north - q[a + 2]!)) / d;
      const w = ((q[b]! - q[a]!) * (-north - q[a + 2]!) - (east - q[a]!) * (q[b + 2]! - q[a + 2]!)) / d;
      if (u < -1e-6 || w < -1e-6 || u + w > 1 + 1e-6) continue;
      const y = q[a + 1]! + u * (q[b + 1]! - q[a + 1]!) + w * (q[c + 1]! - q[a + 1]!);
      if (best === null || y > best) best = y;
    }
    return best;
  }
}
