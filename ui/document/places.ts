// Where the objects of a case are, for the scene and the map: one site per
// place, with its uncertainty; sites at one spot share a name. A place whose
// exact position is withheld or fuzzed carries no camera here either.

import { groundEllipse, type Pose } from '../kernel/camera.ts';
import { Frame } from '../kernel/enu.ts';
import type { Enu } from '../kernel/units.ts';
import type { Document, Item, Place } from './types.ts';

export interface Site {
  id: string;
  item: Item | null;
  place: Place;
  at: Enu;
  /** The stated position has no height: the ground gives it. */
  onGround: boolean;
  pose: Pose | null;
  solved: boolean;
  covariance: number[][] | undefined;
  /** 95 % on the ground. */
  ellipse: { semi_major_m: number; semi_minor_m: number; bearing_deg: number } | null;
  approx: boolean;
}

/** h: metres above the ellipsoid; undefined where no such height is known. */
export type ToEnu = (lat: number, lon: number, h: number | undefined) => Enu;

/** The frame of a scene as a conversion; without a height a point gets the origin's, and the ground corrects it. */
export function toEnuOf(origin: { lat: number; lon: number; h: number }): ToEnu {
  const frame = new Frame(origin);
  return (lat, lon, h) => frame.toEnu({ lat, lon, h: h ?? origin.h });
}

export function siteOf(id: string, item: Item | null, place: Place, toEnu?: ToEnu): Site | null {
  if (place.withheld) return null;
  const open = !place.fuzz_m && place.camera ? place.camera : null;
  let at: Enu | null = open ? open.position : (place.enu ?? null);
  let onGround = false;
  if (!at && place.geo && toEnu) {
    // A height over the sea or over nobody knows what would lift the point by the geoid: the ground is used instead.
    const h = place.geo.datum === 'ellipsoid' ? place.geo.h : undefined;
    at = toEnu(place.geo.lat, place.geo.lon, h);
    onGround = h === undefined;
  }
  if (!at && place.area && place.area.length > 2) {
    const n = place.area.length;
    at = [place.area.reduce((s, p) => s + p[0], 0) / n, place.area.reduce((s, p) => s + p[1], 0) / n, 0];
    onGround = true;
  }
  if (!at || !at.every(Number.isFinite)) return null;
  const r = Math.max(place.radius_m ?? 0, place.fuzz_m ?? 0);
  const ellipse = place.ellipse ?? (open?.covariance ? groundEllipse(open.covariance) : null) ?? (r > 0 ? { semi_major_m: r, semi_minor_m: r, bearing_deg: 0 } : null);
  return { id, item, place, at, onGround, pose: open ? { ...open } : null, solved: !!open?.solved, covariance: open?.covariance, ellipse, approx: !!place.approx || !!place.fuzz_m || (!!open && !open.solved) };
}

/** Sites of all items; an item may have several (a radio call has two places). */
export function sitesOf(doc: Document, toEnu?: ToEnu): Site[] {
  const out: Site[] = [];
  for (const item of doc.items) for (const p of item.places ?? []) {
    const s = siteOf(item.id, item, p, toEnu);
    if (s) out.push(s);
  }
  for (const e of doc.events) {
    if (e.items?.length) continue;
    for (const p of e.places ?? []) {
      const s = siteOf(e.id, null, p, toEnu);
      if (s) out.push(s);
    }
  }
  return out;
}

export interface Spot {
  at: Enu;
  sites: Site[];
}

/** Sites nearer than half a metre are one spot. */
export function spotsOf(sites: readonly Site[]): Spot[] {
  const by = new Map<string, Spot>();
  for (const s of sites) {
    const key = s.at.map((x) => Math.round(x * 2)).join(' ') + (s.pose ? s.id : '');
    const kept = by.get(key);
    if (kept) kept.sites.push(s);
    else by.set(key, { at: s.at, sites: [s] });
  }
  return [...by.values()];
}

/** Points of an ellipse around a site, as east and north metres, closed. */
export function ring(s: Site, n = 96): [number, number][] {
  if (s.place.area && s.place.area.length > 2) return [...s.place.area, s.place.area[0]!];
  const e = s.ellipse;
  if (!e) return [];
  const b = (e.bearing_deg * Math.PI) / 180;
  return Array.from({ length: n + 1 }, (_, i) => {
    const a = (2 * Math.PI * i) / n;
    const u = e.semi_major_m * Math.cos(a);
    const v = e.semi_minor_m * Math.sin(a);
    return [s.at[0] + u * Math.sin(b) + v * Math.cos(b), s.at[1] + u * Math.cos(b) - v * Math.sin(b)];
  });
}
