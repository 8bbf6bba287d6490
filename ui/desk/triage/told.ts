import type { Like } from './queue.ts';
import { differences } from './queue.ts';

type Words = (key: string, vars?: Record<string, string | number>) => string;

/** One sentence on how another item is related to this one, in the reader's language. */
export function told(me: string, l: Like, w: Words, number: (n: number) => string): string {
  const r = l.rel;
  if (!r) return l.how;
  const parts = [differences(r).map((x) => w('rel.' + x)).join(', ')];
  const cover = r.b === me ? r.cover : r.cover_b;
  if (cover !== undefined && cover < 0.97) parts.push(w('rel_cover', { id: l.id, n: number(Math.round(100 * cover)) }));
  if (r.offset_s !== undefined) {
    const [long, short] = [r.a, r.b];
    parts.push(w(r.overlap_s !== undefined ? 'rel_part' : 'rel_frame', { long, short, at: number(Math.round(10 * r.offset_s) / 10), err: number(Math.round(10 * (r.offset_error_s ?? 0)) / 10), n: number(Math.round(10 * (r.overlap_s ?? 0)) / 10) }));
  }
  if (r.distance !== null && r.distance !== undefined && r.by !== 'bytes') parts.push(w('rel_bits', { n: number(r.distance) }));
  return parts.join('; ');
}
