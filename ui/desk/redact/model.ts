import type { Item, Redaction, RedactionKey } from '../../document/types.ts';

export type Point = [number, number];

const round = (x: number) => Math.round(x * 1e5) / 1e5;

/** The corners of a region at a media time, as they are kept: two of a rectangle, all of a polygon. Null where it does not apply. */
export function cornersAt(r: Redaction, ms: number): Point[] | null {
  const keys = r.keys ?? [];
  if (r.kind !== 'region' || !keys.length || (r.from_ms !== undefined && ms < r.from_ms) || (r.to_ms !== undefined && ms > r.to_ms)) return null;
  const i = keys.findIndex((k) => k.at_ms > ms);
  if (i === 0) return keys[0].points;
  if (i < 0) return keys[keys.length - 1].points;
  const a = keys[i - 1];
  const b = keys[i];
  const f = (ms - a.at_ms) / (b.at_ms - a.at_ms);
  return a.points.map((p, n): Point => [p[0] + f * (b.points[n][0] - p[0]), p[1] + f * (b.points[n][1] - p[1])]);
}

/** The same as a ring that can be drawn. */
export function ring(r: Redaction, ms: number): Point[] | null {
  const c = cornersAt(r, ms);
  if (!c || r.shape !== 'rect') return c;
  const [p, q] = c;
  return [p, [q[0], p[1]], q, [p[0], q[1]]];
}

/** Puts a region somewhere. In a picture it has one position; in a video this makes or changes the one at the playhead. */
export function placed(r: Redaction, ms: number, points: Point[], timed: boolean): Redaction {
  const key: RedactionKey = { at_ms: timed ? Math.max(0, Math.round(ms)) : 0, points: points.map(([x, y]) => [round(x), round(y)]) };
  if (!timed) return { ...r, keys: [key] };
  return { ...r, keys: [...(r.keys ?? []).filter((k) => k.at_ms !== key.at_ms), key].sort((a, b) => a.at_ms - b.at_ms) };
}

/** Takes a position away; the last one stays. */
export function unplaced(r: Redaction, at: number): Redaction {
  const keys = (r.keys ?? []).filter((k) => k.at_ms !== at);
  return keys.length ? { ...r, keys } : r;
}

/** Moves a shape. A corner may leave the picture, but the middle stays in it, so that the shape can be found again. */
export function moved(points: Point[], dx: number, dy: number): Point[] {
  const cx = points.reduce((s, p) => s + p[0], 0) / points.length;
  const cy = points.reduce((s, p) => s + p[1], 0) / points.length;
  const mx = Math.max(0, Math.min(1, cx + dx)) - cx;
  const my = Math.max(0, Math.min(1, cy + dy)) - cy;
  return points.map(([x, y]): Point => [x + mx, y + my]);
}

/** Grows or shrinks a shape about its middle; it never vanishes. */
export function scaled(points: Point[], fx: number, fy: number): Point[] {
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const cx = (Math.min(...xs) + Math.max(...xs)) / 2;
  const cy = (Math.min(...ys) + Math.max(...ys)) / 2;
  const w = Math.max(...xs) - Math.min(...xs);
  const h = Math.max(...ys) - Math.min(...ys);
  const kx = w > 0 ? Math.max(0.01, w + fx) / w : 1;
  const ky = h > 0 ? Math.max(0.01, h + fy) / h : 1;
  return points.map(([x, y]): Point => [cx + (x - cx) * kx, cy + (y - cy) * ky]);
}

/** A name that is not taken: R1, R2, ... */
export function freshId(list: readonly Redaction[]): string {
  let n = 1;
  while (list.some((r) => r.id === 'R' + n)) n++;
  return 'R' + n;
}

/** RFC 8785 for what a document holds: sorted names, no spaces, numbers as JavaScript writes them. */
function canonical(v: unknown): string {
  if (Array.isArray(v)) return '[' + v.map(canonical).join(',') + ']';
  if (v && typeof v === 'object') {
    const o = v as Record<string, unknown>;
    return '{' + Object.keys(o).filter((k) => o[k] !== undefined).sort().map((k) => JSON.stringify(k) + ':' + canonical(o[k])).join(',') + '}';
  }
  return JSON.stringify(v);
}

/**
 * Names what an item's redactions ask for, as the server does: a copy is
 * current when it was made for this digest. Reason and person are no part of it.
 */
export async function redactionDigest(item: Pick<Item, 'sha256' | 'redactions'>): Promise<string> {
  if (!item.redactions?.length) return '';
  const asked = item.redactions.map((r) => {
    const o: Record<string, unknown> = { ...r };
    delete o['reason'];
    delete o['by'];
    for (const k of ['shape', 'fill']) if (!o[k]) delete o[k];
    if (!r.keys?.length) delete o['keys'];
    if (!r.caption || !Object.keys(r.caption).length) delete o['caption'];
    return o;
  });
  const text = canonical({ format: 'sightline.redactions/1', input: item.sha256, redactions: asked });
  const sum = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(sum)].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** Steps of an edit that is not saved yet, to take back and do again. */
export class Past<T> {
  #back: T[] = [];
  #on: T[] = [];
  constructor(public now: T) {}
  do(next: T): T {
    this.#back.push(this.now);
    this.#on = [];
    return (this.now = next);
  }
  undo(): T {
    const v = this.#back.pop();
    if (v !== undefined) {
      this.#on.push(this.now);
      this.now = v;
    }
    return this.now;
  }
  redo(): T {
    const v = this.#on.pop();
    if (v !== undefined) {
      this.#back.push(this.now);
      this.now = v;
    }
    return this.now;
  }
  get canUndo(): boolean {
    return this.#back.length > 0;
  }
  get canRedo(): boolean {
    return this.#on.length > 0;
  }
}
