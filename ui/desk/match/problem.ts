// What a person has marked, as a problem of camera.solve, and what its answer
// means for the screen. Pure functions: the view around them only draws.

import { ghosts, type Pose } from '../../kernel/camera.ts';
import type { Enu, Quaternion } from '../../kernel/units.ts';
import type { Certainty, Finding, Item } from '../../document/types.ts';
import type { SceneDocument } from '../../document/scene.ts';

export interface Pair {
  name: string;
  px: [number, number] | null;
  world: Enu | null;
  sigma_px: number;
  sigma_m: number;
  /** Left out by the person: kept in the table, not in the problem. */
  out: boolean;
}

export interface Settings {
  /** "free": only that it is a camera; "known": from the file's metadata; "locked": exactly this. */
  focal: 'free' | 'known' | 'locked';
  focal_px: number | null;
  cropped: 'no' | 'unknown' | 'suspected';
  lens: boolean;
}

export interface Problem {
  format: 'sightline.camera.problem/1';
  id: string;
  image: { width: number; height: number };
  points: { id: string; px: [number, number]; world: [number, number, number]; sigma_px: number; sigma_m: number }[];
  focal?: { px: number; fixed?: boolean };
  principal_point: { cropped: string };
  distortion?: { model: 'radial1' };
  frame?: { origin: { lat: number; lon: number; h: number }; vertical: string };
  scene?: string;
}

export interface Residual { id: string; px: [number, number]; sigmas: number; inlier: boolean; reason?: string }
export interface Mode { weight: number; position: [number, number, number]; rotation: [number, number, number, number]; focal_px: number; principal_point: [number, number]; k1: number }
export interface Answer {
  status: 'solved' | 'weak' | 'ambiguous' | 'refused';
  reason?: string;
  position?: [number, number, number];
  rotation?: [number, number, number, number];
  angles?: { heading_deg: number; pitch_deg: number; roll_deg: number };
  focal_px?: number;
  hfov_deg?: number;
  principal_point?: [number, number];
  k1?: number;
  covariance?: number[][];
  intrinsics_sigma?: { focal_px: number };
  ellipsoid95?: { semi_axes_m: [number, number, number]; axes: number[][] };
  residuals?: Residual[];
  redundancy?: number;
  leave_one_out?: { id: string; moved_m: number; predicted_miss_px: number }[];
  modes: Mode[];
  weak_direction?: { axis: [number, number, number]; sigma_m: number; text: string };
  next_clicks?: { id?: string; px: [number, number]; sigma_m: number; after_m: number }[];
  warnings: { code: string; text: string }[];
  input_sha256: string;
  software?: { name: string; version: string; method: string };
}

/** What an accuracy class means in metres, where the scene does not say it of the point or of its layer. */
export const CLASS_SIGMA: Record<Certainty, number> = { measured: 0.1, derived: 1, from_plans: 0.25, conjectural: 2 };
export const CLASSES: readonly Certainty[] = ['measured', 'from_plans', 'derived', 'conjectural'];

/** One sigma of a point of the model: stated of the point, else of its layer, else that of the class of the thing. */
export function sigmaOf(scene: SceneDocument | null, object: string, layer: string, name?: string): number {
  const o = scene?.objects.find((x) => x.id === object);
  const p = name ? o?.points?.find((x) => x.id === name) : undefined;
  const l = scene?.layers.find((x) => x.id === (o?.layer || layer));
  return p?.sigma_m || l?.accuracy_m || CLASS_SIGMA[(o?.class || l?.class || 'conjectural') as Certainty];
}

export const complete = (p: Pair): boolean => !!p.px && !!p.world;
export const used = (p: Pair): boolean => complete(p) && !p.out;

export function problemOf(id: string, image: { width: number; height: number }, pairs: readonly Pair[], s: Settings, scene: SceneDocument | null): Problem {
  const round = (x: number, d: number) => Number(x.toFixed(d));
  const f = scene?.frame;
  return {
    format: 'sightline.camera.problem/1',
    id,
    image,
    points: pairs.filter(used).map((p) => ({ id: p.name, px: [round(p.px![0], 2), round(p.px![1], 2)], world: [round(p.world![0], 4), round(p.world![1], 4), round(p.world![2], 4)], sigma_px: p.sigma_px, sigma_m: p.sigma_m })),
    ...(s.focal !== 'free' && s.focal_px ? { focal: { px: round(s.focal_px, 2), ...(s.focal === 'locked' && { fixed: true }) } } : {}),
    principal_point: { cropped: s.cropped },
    ...(s.lens && { distortion: { model: 'radial1' as const } }),
    // The height of a scene's origin is kept above the ellipsoid, whatever it was stated in.
    ...(f && { frame: { origin: f.origin, vertical: 'ellipsoid' } }),
  };
}

/** The pairs of a problem that was saved before. */
export function pairsOf(problem: unknown): { pairs: Pair[]; settings: Partial<Settings> } {
  const p = problem as Partial<Problem> | null;
  const pairs = (p?.points ?? []).map((x): Pair => ({ name: x.id, px: [...x.px], world: [...x.world] as unknown as Enu, sigma_px: x.sigma_px ?? 2, sigma_m: x.sigma_m ?? 0, out: false }));
  return {
    pairs,
    settings: {
      ...(p?.focal ? { focal: p.focal.fixed ? ('locked' as const) : ('known' as const), focal_px: p.focal.px } : { focal: 'free' as const }),
      ...(p?.principal_point && { cropped: p.principal_point.cropped as Settings['cropped'] }),
      lens: p?.distortion?.model === 'radial1',
    },
  };
}

/** The focal length in pixels that the file's metadata state, by the diagonal of a full frame, or null. */
export function statedFocal(item: Item, image: { width: number; height: number }): number | null {
  for (const field of ['ExifIFD:FocalLengthIn35mmFormat', 'Composite:FocalLength35efl', 'XMP-exif:FocalLengthIn35mmFormat']) {
    const v = Number.parseFloat(item.facts?.find((x) => x.field === field)?.value ?? '');
    if (v > 5 && v < 2000) return (v / 43.2666) * Math.hypot(image.width, image.height);
  }
  return null;
}

/** A picture whose sides no camera makes, or that states no lens, may have been cut. */
export function cropSuspected(item: Item, image: { width: number; height: number }): boolean {
  const long = Math.max(image.width, image.height) / Math.min(image.width, image.height);
  const usual = [4 / 3, 3 / 2, 16 / 9, 1].some((r) => Math.abs(long / r - 1) < 0.01);
  return !usual || (item.media === 'photo' && statedFocal(item, image) === null);
}

export function poseOf(a: { position?: [number, number, number]; rotation?: [number, number, number, number]; focal_px?: number; principal_point?: [number, number]; k1?: number } | null, image: { width: number; height: number }): Pose | null {
  if (!a?.position || !a.rotation || !a.focal_px || !a.principal_point) return null;
  return { ...image, position: a.position as unknown as Enu, rotation: a.rotation as unknown as Quaternion, focal_px: a.focal_px, principal_point: a.principal_point, k1: a.k1 ?? 0 };
}

export const ghostsOf = (a: Answer, image: { width: number; height: number }): Pose[] => {
  const p = poseOf(a, image);
  return p ? ghosts(p, a.covariance, 5) : [];
};

/** Points of the three great ellipses of the 95 % ellipsoid. */
export function ellipsoid(a: Answer, n = 48): Enu[][] {
  const e = a.ellipsoid95;
  if (!e || !a.position) return [];
  return ([[0, 1], [1, 2], [2, 0]] as const).map(([i, j]) =>
    Array.from({ length: n + 1 }, (_, k) => {
      const t = (2 * Math.PI * k) / n;
      return [0, 1, 2].map((c) => a.position![c]! + e.semi_axes_m[i] * Math.cos(t) * e.axes[i]![c]! + e.semi_axes_m[j] * Math.sin(t) * e.axes[j]![c]!) as unknown as Enu;
    }));
}

/** Digits that the error supports: "1.7", "0.05", "23". */
export const sig = (x: number): string => (Math.abs(x) >= 10 ? x.toFixed(0) : Math.abs(x) >= 1 ? x.toFixed(1) : x.toFixed(2));

export const radius95 = (a: Answer): number => a.ellipsoid95?.semi_axes_m[0] ?? NaN;

/** How far two answers stand apart, and the distance within which they agree: 15 m, or both 95 % radii together where those are larger. */
export function compare(a: Answer, b: Answer): { metres: number; limit: number; agree: boolean } | null {
  if (!a.position || !b.position) return null;
  const metres = Math.hypot(...a.position.map((x, i) => x - b.position![i]!));
  const limit = Math.max(15, Math.hypot(radius95(a), radius95(b)) || 0);
  return { metres, limit, agree: metres <= limit };
}

/** Solutions about an item, oldest first. */
export const pastOf = (findings: readonly Finding[], item: string): Finding[] =>
  findings.filter((f) => f.method === 'camera.solve' && f.about.includes(item) && f.problem && f.answer);

/** The next id of a kind: F-007 after F-006. */
export function nextId(ids: readonly string[], prefix: string): string {
  const n = ids.map((i) => (i.startsWith(prefix) ? Number.parseInt(i.slice(prefix.length), 10) : 0)).filter(Number.isFinite);
  return prefix + String(Math.max(0, ...n) + 1).padStart(3, '0');
}
