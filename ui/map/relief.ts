// Shade and contour lines of a grid of heights. Pure.

export interface Relief {
  nx: number;
  ny: number;
  /** Row by row from the north-west; NaN where there is no ground. */
  heights: Float32Array;
  /** Metres between posts. */
  step: number;
}

/** RGBA of the ground lit from the north-west, as maps are by convention; it says nothing of the real sun. */
export function hillshade(r: Relief, colour: string, dark: boolean): Uint8ClampedArray {
  const c = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  const out = new Uint8ClampedArray(4 * r.nx * r.ny);
  const at = (i: number, j: number) => r.heights[Math.min(r.ny - 1, Math.max(0, j)) * r.nx + Math.min(r.nx - 1, Math.max(0, i))]!;
  for (let j = 0; j < r.ny; j++) for (let i = 0; i < r.nx; i++) {
    const h = at(i, j);
    if (Number.isNaN(h)) continue;
    const dx = ((at(i + 1, j) || h) - (at(i - 1, j) || h)) / (2 * r.step);
    const dy = ((at(i, j + 1) || h) - (at(i, j - 1) || h)) / (2 * r.step);
    const l = Math.hypot(dx, dy, 1);
    // Light from the north-west at 45 degrees; j grows to the south.
    const lit = (dx * 0.5 + dy * 0.5 + 0.7071) / l;
    const k = dark ? 0.55 + 0.75 * Math.max(0, lit) : 0.8 + 0.28 * Math.max(0, lit);
    const o = 4 * (j * r.nx + i);
    for (let b = 0; b < 3; b++) out[o + b] = c[b]! * k;
    out[o + 3] = 255;
  }
  return out;
}

/** Contour lines by marching squares, in grid units; the interval is a round number that gives about a dozen lines. */
export function contours(r: Relief): { interval: number; lines: { height: number; segments: [number, number, number, number][] }[] } {
  let low = Infinity;
  let high = -Infinity;
  for (const h of r.heights) if (!Number.isNaN(h)) {
    low = Math.min(low, h);
    high = Math.max(high, h);
  }
  if (!(high > low)) return { interval: 1, lines: [] };
  const interval = [0.5, 1, 2, 5, 10, 20, 50, 100].find((s) => (high - low) / s <= 14) ?? 200;
  const lines = [];
  for (let level = Math.ceil(low / interval) * interval; level <= high; level += interval) {
    const segments: [number, number, number, number][] = [];
    for (let j = 0; j < r.ny - 1; j++) for (let i = 0; i < r.nx - 1; i++) {
      const q = [r.heights[j * r.nx + i]!, r.heights[j * r.nx + i + 1]!, r.heights[(j + 1) * r.nx + i + 1]!, r.heights[(j + 1) * r.nx + i]!];
      if (q.some(Number.isNaN)) continue;
      const corner = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]] as const;
      const cut: [number, number][] = [];
      for (let k = 0; k < 4; k++) {
        const a = q[k]!;
        const b = q[(k + 1) % 4]!;
        if (a < level === b < level) continue;
        const f = (level - a) / (b - a);
        const [p, s] = [corner[k]!, corner[(k + 1) % 4]!];
        cut.push([p[0] + (s[0] - p[0]) * f, p[1] + (s[1] - p[1]) * f]);
      }
      for (let k = 0; k + 1 < cut.length; k += 2) segments.push([...cut[k]!, ...cut[k + 1]!] as [number, number, number, number]);
    }
    if (segments.length) lines.push({ height: level, segments });
  }
  return { interval, lines };
}
