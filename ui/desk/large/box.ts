import { Frame } from '../../kernel/enu.ts';
import type { Box } from './calls.ts';

/**
 * Degrees around a point of a scene: `e` and `n` metres east and north of its
 * origin, `reach` metres to each side. Right to a hundredth of the reach, which
 * is all that asking for what is near needs.
 */
export function boxAround(origin: { lat: number; lon: number; h: number }, e: number, n: number, reach: number): Box {
  const at = new Frame(origin).toGeodetic([e, n, 0]);
  const lat = reach / 110_574;
  const lon = Math.min(90, reach / (111_320 * Math.max(0.01, Math.cos((at.lat * Math.PI) / 180))));
  return [Math.max(-180, at.lon - lon), Math.max(-90, at.lat - lat), Math.min(180, at.lon + lon), Math.min(90, at.lat + lat)];
}
