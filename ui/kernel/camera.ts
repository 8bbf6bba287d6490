// The camera of the methods documentation: x right, y down, z forward;
// quaternion [w,x,y,z] takes the world to the camera; one radial term k1;
// pixel (0,0) is the outer corner of the top-left pixel.

import type { Enu, Quaternion } from './units.ts';

export interface Lens {
  width: number;
  height: number;
  focal_px: number;
  principal_point: readonly [number, number];
  k1?: number;
}
export interface Pose extends Lens {
  position: Enu;
  rotation: Quaternion;
}
/** Row-major 3x3. */
export type Mat3 = readonly [number, number, number, number, number, number, number, number, number];

/** Rotation world to camera; rows are the camera's right, down and forward axes in the world. */
export function rotationOf([w, x, y, z]: Quaternion): Mat3 {
  const n = Math.hypot(w, x, y, z) || 1;
  const [a, b, c, d] = [w / n, x / n, y / n, z / n];
  return [
    1 - 2 * (c * c + d * d), 2 * (b * c - a * d), 2 * (b * d + a * c),
    2 * (b * c + a * d), 1 - 2 * (b * b + d * d), 2 * (c * d - a * b),
    2 * (b * d - a * c), 2 * (c * d + a * b), 1 - 2 * (b * b + c * c),
  ];
}

/** Undistorted normalised coordinates to distorted ones. */
export function distort(x: number, y: number, k1: number): [number, number] {
  const g = 1 + k1 * (x * x + y * y);
  return [x * g, y * g];
}

/** Square of the radius where the distortion stops growing; beyond it a picture would be painted twice. */
export const foldRadius2 = (k1: number): number => (k1 < 0 ? -1 / (3 * k1) : Infinity);

/** Distorted to undistorted normalised coordinates by Newton's method on the radius; null beyond the fold. */
export function undistort(x: number, y: number, k1: number): [number, number] | null {
  const rd = Math.hypot(x, y);
  if (rd === 0 || k1 === 0) return [x, y];
  let r = rd;
  for (let i = 0; i < 30; i++) {
    const step = (r * (1 + k1 * r * r) - rd) / (1 + 3 * k1 * r * r);
    r -= step;
    if (!Number.isFinite(r)) return null;
    if (Math.abs(step) < 1e-14) break;
  }
  if (r < 0 || r * r > foldRadius2(k1) || Math.abs(r * (1 + k1 * r * r) - rd) > 1e-9) return null;
  return [(x * r) / rd, (y * r) / rd];
}

/** Pixel of a point, and its depth along the axis; null behind the camera or beyond the fold of the lens. */
export function project(p: Pose, point: Enu): { u: number; v: number; z: number } | null {
  const R = rotationOf(p.rotation);
  const d = [point[0] - p.position[0], point[1] - p.position[1], point[2] - p.position[2]] as const;
  const z = R[6] * d[0] + R[7] * d[1] + R[8] * d[2];
  if (z <= 1e-9) return null;
  const x = (R[0] * d[0] + R[1] * d[1] + R[2] * d[2]) / z;
  const y = (R[3] * d[0] + R[4] * d[1] + R[5] * d[2]) / z;
  const k1 = p.k1 ?? 0;
  if (x * x + y * y > foldRadius2(k1)) return null;
  const [dx, dy] = distort(x, y, k1);
  return { u: p.focal_px * dx + p.principal_point[0], v: p.focal_px * dy + p.principal_point[1], z };
}

/** Unit direction in the world of the ray through a pixel; null where the lens model has none. */
export function ray(p: Pose, u: number, v: number): Enu | null {
  const n = undistort((u - p.principal_point[0]) / p.focal_px, (v - p.principal_point[1]) / p.focal_px, p.k1 ?? 0);
  if (!n) return null;
  const R = rotationOf(p.rotation);
  const l = Math.hypot(n[0], n[1], 1);
  return [0, 1, 2].map((i) => (R[i]! * n[0] + R[3 + i]! * n[1] + R[6 + i]!) / l) as unknown as Enu;
}

/** Largest rectangle of the photo's aspect inside a view, centred. */
export function letterbox(lens: Lens, width: number, height: number): { x: number; y: number; width: number; height: number; scale: number } {
  const scale = Math.min(width / lens.width, height / lens.height);
  return { x: (width - lens.width * scale) / 2, y: (height - lens.height * scale) / 2, width: lens.width * scale, height: lens.height * scale, scale };
}

/**
 * Column-major OpenGL projection for a view of width x height pixels in which
 * the photo stands letterboxed: exact principal point, the world goes on
 * around the photo. The camera looks along -z with y up, as OpenGL's does.
 */
export function projectionMatrix(lens: Lens, width: number, height: number, near: number, far: number): number[] {
  const box = letterbox(lens, width, height);
  const f = lens.focal_px * box.scale;
  const cx = box.x + lens.principal_point[0] * box.scale;
  const cy = box.y + lens.principal_point[1] * box.scale;
  return [(2 * f) / width, 0, 0, 0, 0, (2 * f) / height, 0, 0, 1 - (2 * cx) / width, (2 * cy) / height - 1, -(far + near) / (far - near), -1, 0, 0, (-2 * far * near) / (far - near), 0];
}

/** Vertical field of view of the pinhole part, in degrees. */
export const vfovOf = (lens: Lens): number => (2 * Math.atan(lens.height / (2 * lens.focal_px)) * 180) / Math.PI;

/** Corners of the photo at a depth, in order top left, top right, bottom right, bottom left. */
export function corners(p: Pose, depth: number): Enu[] {
  const R = rotationOf(p.rotation);
  return ([[0, 0], [p.width, 0], [p.width, p.height], [0, p.height]] as const).map(([u, v]) => {
    const x = (u - p.principal_point[0]) / p.focal_px;
    const y = (v - p.principal_point[1]) / p.focal_px;
    // A corner beyond the fold of the lens has no ray: the frustum is drawn to the pinhole corner.
    const [a, b] = undistort(x, y, p.k1 ?? 0) ?? [x, y];
    return [0, 1, 2].map((i) => p.position[i]! + depth * (R[i]! * a + R[3 + i]! * b + R[6 + i]!)) as unknown as Enu;
  });
}

/** Lower triangle L with L Lt = A, or null where A is not positive definite. */
export function cholesky(A: readonly (readonly number[])[]): number[][] | null {
  const n = A.length;
  const L = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let s = A[i]![j]!;
      for (let k = 0; k < j; k++) s -= L[i]![k]! * L[j]![k]!;
      if (i === j) {
        if (!(s > 0)) return null;
        L[i]![i] = Math.sqrt(s);
      } else L[i]![j] = s / L[j]![j]!;
    }
  }
  return L;
}

const multiply = (p: Quaternion, q: Quaternion): Quaternion => [
  p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3],
  p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2],
  p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1],
  p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0],
];

/** n poses drawn from the covariance (order e n u wx wy wz, left rotation), always the same ones for the same pose. */
export function ghosts(p: Pose, covariance: readonly (readonly number[])[] | undefined, n: number): Pose[] {
  const L = covariance && covariance.length === 6 ? cholesky(covariance) : null;
  if (!L) return [];
  let seed = 20180115;
  const uniform = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Array.from({ length: n }, () => {
    const g = [0, 1, 2, 3, 4, 5].map(normal);
    const d = L.map((row) => row.reduce((s, x, j) => s + x * g[j]!, 0));
    const angle = Math.hypot(d[3]!, d[4]!, d[5]!);
    const k = angle > 1e-12 ? Math.sin(angle / 2) / angle : 0.5;
    const turn: Quaternion = [Math.cos(angle / 2), d[3]! * k, d[4]! * k, d[5]! * k];
    return { ...p, position: [p.position[0] + d[0]!, p.position[1] + d[1]!, p.position[2] + d[2]!] as Enu, rotation: multiply(turn, p.rotation) };
  });
}

/** 95 % ellipse on the ground of a covariance in metres: semi-axes and bearing of the longer one. */
export function groundEllipse(covariance: readonly (readonly number[])[]): { semi_major_m: number; semi_minor_m: number; bearing_deg: number } | null {
  const a = covariance[0]?.[0];
  const b = covariance[0]?.[1];
  const c = covariance[1]?.[1];
  if (a === undefined || b === undefined || c === undefined) return null;
  const mean = (a + c) / 2;
  const r = Math.hypot((a - c) / 2, b);
  if (!(mean - r >= 0)) return null;
  // 5.991 is the 95 % quantile of chi-square with two degrees of freedom.
  const angle = Math.atan2(2 * b, a - c) / 2;
  const bearing = 90 - (angle * 180) / Math.PI;
  return { semi_major_m: Math.sqrt(5.991 * (mean + r)), semi_minor_m: Math.sqrt(5.991 * (mean - r)), bearing_deg: ((bearing % 180) + 180) % 180 };
}
