// The parts of a hand-made model as an editor handles them (docs/formats/scene.md,
// "The model document"). Pure: nothing here knows a page. All lengths are metres
// of the scene's frame, headings degrees clockwise from north.

import type { Certainty, Text } from '../../document/types.ts';

export interface Dimension { sigma: number; class: Certainty; from?: string[]; note?: Text }
export interface Opening { name?: string; face: string; centre_m: number; width_m: number; sill_m: number; height_m: number; top_width_m?: number; open?: boolean }
export interface Part {
  kind: Kind;
  id?: string;
  label?: Text;
  at?: [number, number];
  u?: number;
  heading_deg?: number;
  width_m?: number;
  length_m?: number;
  height_m?: number;
  points?: number[][];
  floor_m?: number;
  deck_m?: number;
  outline?: number[][];
  roof?: string;
  roof_rise_m?: number;
  overhang_m?: number;
  openings?: Opening[];
  dims?: Record<string, Dimension>;
}
export interface ModelDocument {
  format: 'sightline.scene.model/1';
  id: string;
  title: Text;
  class: Certainty;
  accuracy_m?: number;
  date?: string;
  licence: string;
  attribution?: string;
  frame?: string;
  basis?: { kind: string; item?: string; text?: Text }[];
  parts: Part[];
}

export const KINDS = ['house', 'a_frame', 'box', 'block', 'wall', 'terrace', 'road', 'cylinder', 'pole', 'tree'] as const;
export type Kind = (typeof KINDS)[number];
export type Size = 'width_m' | 'length_m' | 'height_m' | 'floor_m' | 'deck_m' | 'roof_rise_m' | 'overhang_m';

/** Which numbers a kind of part has, in the order in which they are asked for. */
export const SIZES: Record<Kind, readonly Size[]> = {
  house: ['width_m', 'length_m', 'height_m', 'floor_m', 'roof_rise_m', 'overhang_m'],
  a_frame: ['width_m', 'length_m', 'height_m', 'floor_m', 'deck_m'],
  box: ['width_m', 'length_m', 'height_m'],
  block: ['height_m'],
  wall: ['height_m', 'width_m'],
  terrace: ['width_m', 'length_m', 'height_m'],
  road: ['width_m'],
  cylinder: ['width_m', 'height_m'],
  pole: ['height_m', 'width_m'],
  tree: ['height_m', 'width_m'],
};
export const ROOFS: Partial<Record<Kind, readonly string[]>> = { house: ['gable', 'hip', 'shed', 'flat', 'none'], block: ['flat', 'none'] };
/** Sizes that have an error of their own in a document. */
export const DIMENSIONS = new Set<string>(['at', 'u', 'heading_deg', 'width_m', 'length_m', 'height_m', 'floor_m', 'roof_rise_m', 'overhang_m', 'outline', 'points', 'openings']);
/** Along points of the frame, not around a middle. */
export const lined = (k: Kind): boolean => k === 'wall' || k === 'road';
export const faces = (p: Part): string[] =>
  p.kind === 'block' ? (p.outline ?? []).map((_, i) => String(i + 1)) : p.kind === 'wall' ? (p.points ?? []).slice(1).map((_, i) => String(i + 1)) : p.kind === 'house' ? ['front', 'back', 'left', 'right'] : p.kind === 'a_frame' ? ['front', 'back'] : [];

export function newPart(kind: Kind, id: string, at: readonly [number, number]): Part {
  const [e, n] = [metres(at[0]), metres(at[1])];
  switch (kind) {
    case 'house': return { kind, id, at: [e, n], heading_deg: 0, width_m: 8, length_m: 10, height_m: 2.8, roof: 'gable', roof_rise_m: 2 };
    case 'a_frame': return { kind, id, at: [e, n], heading_deg: 0, width_m: 7, length_m: 9, height_m: 6.5 };
    case 'box': return { kind, id, at: [e, n], heading_deg: 0, width_m: 4, length_m: 4, height_m: 3 };
    case 'block': return { kind, id, at: [e, n], heading_deg: 0, outline: [[-4, -3], [4, -3], [4, 3], [-4, 3]], height_m: 3, roof: 'flat' };
    case 'wall': return { kind, id, points: [[e - 5, n], [e + 5, n]], height_m: 2, width_m: 0.2 };
    case 'terrace': return { kind, id, at: [e, n], heading_deg: 0, width_m: 6, length_m: 6, height_m: 0.4 };
    case 'road': return { kind, id, points: [[e - 20, n], [e + 20, n]], width_m: 5 };
    case 'cylinder': return { kind, id, at: [e, n], width_m: 2, height_m: 2.5 };
    case 'pole': return { kind, id, at: [e, n], height_m: 8, width_m: 0.25 };
    case 'tree': return { kind, id, at: [e, n], height_m: 6, width_m: 3 };
  }
}

/** S-01, S-02, ...: the first that nothing of the scene or the model has. */
export function nextId(prefix: string, taken: Iterable<string>): string {
  const have = new Set(taken);
  for (let i = 1; ; i++) {
    const id = `${prefix}-${String(i).padStart(2, '0')}`;
    if (!have.has(id)) return id;
  }
}

/** To the centimetre, so that a document is not full of the digits of a mouse. */
export const metres = (x: number): number => Math.round(x * 100) / 100;
const turn = (deg: number): number => Math.round((((deg % 360) + 360) % 360) * 10) / 10;

/** From the part's axes (x right, y to the front) to east and north. */
export function outward(p: Part, x: number, y: number): [number, number] {
  const h = ((p.heading_deg ?? 0) * Math.PI) / 180;
  const [e, n] = p.at ?? [0, 0];
  return [e + x * Math.cos(h) + y * Math.sin(h), n - x * Math.sin(h) + y * Math.cos(h)];
}
/** From east and north to the part's axes. */
export function inward(p: Part, e: number, n: number): [number, number] {
  const h = ((p.heading_deg ?? 0) * Math.PI) / 180;
  const [de, dn] = [e - (p.at?.[0] ?? 0), n - (p.at?.[1] ?? 0)];
  return [de * Math.cos(h) - dn * Math.sin(h), de * Math.sin(h) + dn * Math.cos(h)];
}

const round = (k: Kind): boolean => k === 'cylinder' || k === 'pole' || k === 'tree';

/** What the part covers as seen from above; an open line for walls and roads. */
export function footprint(p: Part): [number, number][] {
  if (lined(p.kind)) return (p.points ?? []).map((q) => [q[0]!, q[1]!]);
  if (p.kind === 'block') return (p.outline ?? []).map((q) => outward(p, q[0]!, q[1]!));
  const [w, l] = [(p.width_m ?? 0) / 2, (p.length_m ?? p.width_m ?? 0) / 2];
  if (round(p.kind)) return Array.from({ length: 24 }, (_, i) => outward(p, w * Math.cos((i * Math.PI) / 12), w * Math.sin((i * Math.PI) / 12)));
  return [outward(p, -w, -l), outward(p, w, -l), outward(p, w, l), outward(p, -w, l)];
}

export type Grip = { kind: 'corner'; index: number } | { kind: 'width' | 'length' | 'turn' };

/** What of a part can be taken hold of in the plan. */
export function grips(p: Part): { grip: Grip; at: [number, number] }[] {
  if (lined(p.kind)) return footprint(p).map((at, index) => ({ grip: { kind: 'corner', index }, at }));
  const reach = p.kind === 'block' ? Math.max(3, ...(p.outline ?? []).map((q) => Math.abs(q[1]!))) : (p.length_m ?? p.width_m ?? 0) / 2;
  const turned: { grip: Grip; at: [number, number] }[] = round(p.kind) ? [] : [{ grip: { kind: 'turn' }, at: outward(p, 0, reach + 2) }];
  if (p.kind === 'block') return [...footprint(p).map((at, index) => ({ grip: { kind: 'corner' as const, index }, at })), ...turned];
  const width = { grip: { kind: 'width' as const }, at: outward(p, (p.width_m ?? 0) / 2, 0) };
  return round(p.kind) ? [width] : [width, { grip: { kind: 'length' as const }, at: outward(p, 0, (p.length_m ?? 0) / 2) }, ...turned];
}

/** The part after one of its grips was pulled to a place. */
export function pull(p: Part, g: Grip, e: number, n: number): Part {
  const [x, y] = inward(p, e, n);
  switch (g.kind) {
    case 'corner':
      if (lined(p.kind)) return { ...p, points: p.points!.map((q, i) => (i === g.index ? [metres(e), metres(n), ...q.slice(2)] : q)) };
      return { ...p, outline: p.outline!.map((q, i) => (i === g.index ? [metres(x), metres(y)] : q)) };
    case 'width': return { ...p, width_m: Math.max(0.1, metres(Math.abs(round(p.kind) ? Math.hypot(x, y) : x) * 2)) };
    case 'length': return { ...p, length_m: Math.max(0.1, metres(Math.abs(y) * 2)) };
    case 'turn': return { ...p, heading_deg: turn((Math.atan2(e - p.at![0], n - p.at![1]) * 180) / Math.PI) };
  }
}

export function moved(p: Part, de: number, dn: number): Part {
  if (lined(p.kind)) return { ...p, points: p.points!.map((q) => [metres(q[0]! + de), metres(q[1]! + dn), ...q.slice(2)]) };
  return { ...p, at: [metres(p.at![0] + de), metres(p.at![1] + dn)] };
}
export const turned = (p: Part, deg: number): Part => (lined(p.kind) || round(p.kind) ? p : { ...p, heading_deg: turn((p.heading_deg ?? 0) + deg) });

/** One more corner, in the middle of the longest side. */
export function moreCorners(p: Part): Part {
  const key = lined(p.kind) ? 'points' : 'outline';
  const q = p[key]!;
  const sides = lined(p.kind) ? q.length - 1 : q.length;
  let best = 0;
  const long = (i: number): number => Math.hypot(q[(i + 1) % q.length]![0]! - q[i]![0]!, q[(i + 1) % q.length]![1]! - q[i]![1]!);
  for (let i = 1; i < sides; i++) if (long(i) > long(best)) best = i;
  const [a, b] = [q[best]!, q[(best + 1) % q.length]!];
  // A height that both ends have is kept half way.
  const mid = a.map((v, k) => metres((v + (b[k] ?? v)) / 2));
  return { ...p, [key]: [...q.slice(0, best + 1), mid, ...q.slice(best + 1)] };
}
/** One corner less; a line keeps two and an outline three. */
export function fewerCorners(p: Part, index: number): Part {
  const key = lined(p.kind) ? 'points' : 'outline';
  return p[key]!.length <= (lined(p.kind) ? 2 : 3) ? p : { ...p, [key]: p[key]!.filter((_, i) => i !== index) };
}

/** How one number of a part is known; without anything it follows the layer. */
export function withDimension(p: Part, name: string, d: Partial<Dimension> | null, otherwise: Certainty): Part {
  const dims = { ...p.dims };
  if (d === null) delete dims[name];
  else dims[name] = { ...(dims[name] ?? { sigma: 0, class: otherwise }), ...d };
  const { dims: _, ...rest } = p;
  return Object.keys(dims).length ? { ...rest, dims } : rest;
}

/** "2.8", "2,8"; null for an empty field, NaN for what is no number. */
export const number = (s: string): number | null => (s.trim() === '' ? null : Number(s.trim().replace(',', '.')));
