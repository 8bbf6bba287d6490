import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cholesky, ghosts, groundEllipse, project, projectionMatrix, ray, rotationOf, undistort, distort, letterbox, type Pose } from './camera.ts';

// The worked example of the methods documentation (camera solving).
const example: Pose = { width: 1500, height: 1000, position: [-9.0798, -24.3705, 1.6218], rotation: [0.726939, 0.669402, -0.111426, 0.105093], focal_px: 1315.5, principal_point: [751.94, 497.55] };

test('the worked example projects to its own clicks less its residuals', () => {
  const rows: [number[], number[], number[]][] = [
    [[-6, 0, 0], [511.0, 696.3], [0.14, -0.01]],
    [[-6, 0, 6], [509.6, 371.8], [0.94, 1.41]],
    [[6, 8, 6], [918.1, 435.0], [-0.01, -1.16]],
    [[-16, 14, 7.5], [60.6, 391.8], [0.44, -1.91]],
  ];
  for (const [X, px, res] of rows) {
    const q = project(example, X as unknown as [number, number, number])!;
    assert.ok(Math.abs(px[0]! - q.u - res[0]!) < 0.06, `${X} u ${q.u}`);
    assert.ok(Math.abs(px[1]! - q.v - res[1]!) < 0.06, `${X} v ${q.v}`);
  }
});

test('ray and projection are inverse, with and without distortion', () => {
  let seed = 3;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let i = 0; i < 500; i++) {
    const p = { ...example, k1: (random() - 0.5) * 0.3 };
    const u = random() * 1500;
    const v = random() * 1000;
    const d = ray(p, u, v);
    if (!d) continue;
    const z = 5 + random() * 500;
    const q = project(p, [p.position[0] + d[0] * z, p.position[1] + d[1] * z, p.position[2] + d[2] * z]);
    assert.ok(q && Math.abs(q.u - u) < 1e-6 && Math.abs(q.v - v) < 1e-6);
  }
});

test('radii beyond the fold have no undistorted point', () => {
  assert.equal(undistort(0.9, 0, -0.3), null);
  const [x, y] = distort(0.5, 0.2, -0.2);
  const back = undistort(x, y, -0.2)!;
  assert.ok(Math.abs(back[0] - 0.5) < 1e-12 && Math.abs(back[1] - 0.2) < 1e-12);
});

test('the OpenGL matrix puts a point where the photo has it', () => {
  const [w, h] = [1280, 720];
  const m = projectionMatrix(example, w, h, 0.1, 1000);
  const R = rotationOf(example.rotation);
  const box = letterbox(example, w, h);
  for (const X of [[-6, 0, 0], [6, 8, 6], [-16, 14, 7.5]] as const) {
    const d = X.map((x, i) => x - example.position[i]!);
    const cam = [0, 3, 6].map((r) => R[r]! * d[0]! + R[r + 1]! * d[1]! + R[r + 2]! * d[2]!);
    const gl = [cam[0]!, -cam[1]!, -cam[2]!, 1];
    const clip = [0, 1, 2, 3].map((r) => m[r]! * gl[0]! + m[4 + r]! * gl[1]! + m[8 + r]! * gl[2]! + m[12 + r]! * gl[3]!);
    const u = ((clip[0]! / clip[3]! + 1) / 2) * w;
    const v = ((1 - clip[1]! / clip[3]!) / 2) * h;
    const q = project(example, X)!;
    assert.ok(Math.abs(u - (box.x + q.u * box.scale)) < 1e-6 && Math.abs(v - (box.y + q.v * box.scale)) < 1e-6);
  }
});

test('ghosts are the same each time and spread as the covariance says', () => {
  const C = [0.2, 0.5, 0.1, 0.01, 0.01, 0.01].map((s, i) => [0, 1, 2, 3, 4, 5].map((j) => (i === j ? s * s : 0)));
  const a = ghosts(example, C, 4000);
  assert.deepEqual(a.slice(0, 5), ghosts(example, C, 5));
  const sd = Math.sqrt(a.reduce((s, g) => s + (g.position[1] - example.position[1]) ** 2, 0) / a.length);
  assert.ok(Math.abs(sd - 0.5) < 0.03, String(sd));
  assert.deepEqual(ghosts(example, undefined, 5), []);
  assert.equal(cholesky([[1, 2], [2, 1]]), null);
});

test('the ground ellipse of a covariance', () => {
  const e = groundEllipse([[4, 0], [0, 1]])!;
  assert.ok(Math.abs(e.semi_major_m - 2 * Math.sqrt(5.991)) < 1e-9 && Math.abs(e.bearing_deg - 90) < 1e-9);
  const n = groundEllipse([[1, 0], [0, 4]])!;
  assert.ok(Math.abs(n.bearing_deg % 180) < 1e-9);
});
