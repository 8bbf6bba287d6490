// Deep links: the object stands in the path, the state in the fragment, so a
// link works without script and the state never reaches a server's log.
//
//   #v1&t=2018-01-15T13:07:02.5Z&cam=12.40,-3.10,1.65,218.5,-4.0,47.2&o=9f3a&sel=EJ-014&at=83.2&l=1f&acc=official,evidence&p=EJ-014:80

import { clamp, turn, type Degrees, type UtcMs } from './units.ts';

export interface LinkCamera {
  e: number;
  n: number;
  u: number;
  yaw: Degrees;
  pitch: Degrees;
  vfov: Degrees;
}

export interface LinkState {
  t?: UtcMs;
  cam?: LinkCamera;
  /** First hex digits of the scene id the camera belongs to. */
  o?: string;
  sel?: string;
  /** Seconds in the item. */
  at?: number;
  /** Layer bits. */
  l?: number;
  acc?: string[];
  /** Projected photo and its opacity in percent. */
  p?: { id: string; opacity: number };
  q?: string;
  /** Keys of later versions, kept as they are. */
  other?: Record<string, string>;
}

export interface Parsed {
  state: LinkState;
  /** Values that could not be read, by key; the rest of the link still holds. */
  ignored: string[];
}

export const LONGEST = 300;
const KEYS = ['t', 'cam', 'o', 'sel', 'at', 'l', 'acc', 'p', 'q'] as const;
const encode = (s: string): string => encodeURIComponent(s).replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%20/g, '+');
const decode = (s: string): string => decodeURIComponent(s.replace(/\+/g, '%20'));
const ID = /^[A-Za-z][\w.-]{0,63}$/;

/** A number with at most so many decimals, without trailing zeros. */
const short = (x: number, decimals: number): string => {
  const s = x.toFixed(decimals);
  return s.includes('.') ? s.replace(/\.?0+$/, '').replace(/^-0$/, '0') : s.replace(/^-0$/, '0');
};

/** The state as a link can carry it: the precision of its numbers, angles in their range. parse(format(s)) equals normal(s). */
export function normal(s: LinkState): LinkState {
  return parse(format(s)).state;
}

export function format(s: LinkState): string {
  const parts = ['v1'];
  const put = (k: string, v: string) => parts.push(k + '=' + encode(v));
  if (s.t !== undefined && Number.isFinite(s.t) && Math.abs(s.t) <= 8.64e15) put('t', new Date(Math.round(s.t)).toISOString().replace(/\.?0*Z$/, (m) => (m.startsWith('.') ? 'Z' : m)));
  if (s.cam && Object.values(s.cam).every(Number.isFinite)) {
    const c = s.cam;
    const yaw = short(turn(Math.round(c.yaw * 10) / 10), 1);
    put('cam', [short(c.e, 2), short(c.n, 2), short(c.u, 2), yaw, short(clamp(c.pitch, -90, 90), 1), short(clamp(c.vfov, 1, 170), 1)].join(','));
  }
  if (s.o && /^[0-9a-f]{4,64}$/.test(s.o)) put('o', s.o.slice(0, 8));
  if (s.sel && ID.test(s.sel)) put('sel', s.sel);
  if (s.at !== undefined && Number.isFinite(s.at) && s.at >= 0) put('at', short(s.at, 3));
  if (s.l !== undefined && Number.isSafeInteger(s.l) && s.l >= 0) put('l', s.l.toString(16));
  if (s.acc) put('acc', s.acc.filter((a) => /^[\w.-]+$/.test(a)).join(','));
  if (s.p && ID.test(s.p.id)) put('p', s.p.id + ':' + Math.round(clamp(s.p.opacity, 0, 100)));
  if (s.q) put('q', s.q);
  let out = '#' + parts.join('&');
  // What a later version wrote goes along as long as there is room.
  for (const [k, v] of Object.entries(s.other ?? {})) {
    if ((KEYS as readonly string[]).includes(k) || !/^[a-z][a-z0-9]*$/.test(k) || k === 'v1') continue;
    const more = '&' + k + '=' + encode(v);
    if (out.length + more.length <= LONGEST) out += more;
  }
  if (out.length > LONGEST && s.q) return format({ ...s, q: undefined as never });
  if (out.length > LONGEST && s.acc) return format({ ...s, acc: undefined as never });
  return out;
}

/** Reads a fragment. Never throws: what it cannot read it names and leaves out. */
export function parse(fragment: string): Parsed {
  const state: LinkState = {};
  const ignored: string[] = [];
  const text = fragment.replace(/^#/, '');
  if (text === '') return { state, ignored };
  const parts = text.split('&');
  if (parts[0] !== 'v1') {
    // The short form for printed codes: nothing but an id.
    if (parts.length === 1 && ID.test(text)) state.sel = text;
    else ignored.push('version');
    return { state, ignored };
  }
  for (const part of parts.slice(1)) {
    const eq = part.indexOf('=');
    const k = eq < 0 ? part : part.slice(0, eq);
    let v: string;
    try {
      v = decode(eq < 0 ? '' : part.slice(eq + 1));
    } catch {
      ignored.push(k);
      continue;
    }
    if (!read(state, k, v)) ignored.push(k);
  }
  return { state, ignored };
}

function read(s: LinkState, k: string, v: string): boolean {
  switch (k) {
    case 't': {
      if (!/^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/.test(v)) return false;
      const t = Date.parse(v);
      if (!Number.isFinite(t)) return false;
      s.t = t;
      return true;
    }
    case 'cam': {
      const n = v.split(',').map((x) => (/^-?\d+(\.\d+)?$/.test(x) ? Number(x) : NaN));
      if (n.length !== 6 || n.some((x) => !Number.isFinite(x)) || n[5]! < 1 || n[5]! > 170 || Math.abs(n[4]!) > 90) return false;
      s.cam = { e: n[0]!, n: n[1]!, u: n[2]!, yaw: n[3]! >= 0 && n[3]! < 360 ? n[3]! : turn(n[3]!), pitch: n[4]!, vfov: n[5]! };
      return true;
    }
    case 'o':
      if (!/^[0-9a-f]{4,64}$/.test(v)) return false;
      s.o = v;
      return true;
    case 'sel':
      if (!ID.test(v)) return false;
      s.sel = v;
      return true;
    case 'at':
      if (!/^\d+(\.\d+)?$/.test(v) || !Number.isFinite(Number(v))) return false;
      s.at = Number(v);
      return true;
    case 'l':
      if (!/^[0-9a-f]{1,13}$/.test(v)) return false;
      s.l = parseInt(v, 16);
      return true;
    case 'acc': {
      const list = v === '' ? [] : v.split(',');
      if (list.some((a) => !/^[\w.-]+$/.test(a))) return false;
      s.acc = list;
      return true;
    }
    case 'p': {
      const m = /^(.+):(\d{1,3})$/.exec(v);
      if (!m || !ID.test(m[1]!) || Number(m[2]) > 100) return false;
      s.p = { id: m[1]!, opacity: Number(m[2]) };
      return true;
    }
    case 'q':
      s.q = v;
      return true;
    default:
      if (!/^[a-z][a-z0-9]*$/.test(k)) return false;
      (s.other ??= {})[k] = v;
      return true;
  }
}

/** The camera of a link belongs to one scene; another scene keeps the rest of the link and drops the camera. */
export function forScene(s: LinkState, sceneId: string): LinkState {
  if (!s.cam || !s.o || sceneId.startsWith(s.o) || s.o.startsWith(sceneId.slice(0, 4) || '-')) return s;
  const { cam: _, ...rest } = s;
  return rest;
}

/** Eye and target of a link's camera, and back. */
export function viewOf(c: LinkCamera): { eye: [number, number, number]; target: [number, number, number]; vfov_deg: number } {
  const y = (c.yaw * Math.PI) / 180;
  const p = (c.pitch * Math.PI) / 180;
  const d = 20;
  return { eye: [c.e, c.n, c.u], target: [c.e + d * Math.sin(y) * Math.cos(p), c.n + d * Math.cos(y) * Math.cos(p), c.u + d * Math.sin(p)], vfov_deg: c.vfov };
}
export function cameraOf(v: { eye: readonly [number, number, number]; target: readonly [number, number, number]; vfov_deg: number }): LinkCamera {
  const d = [0, 1, 2].map((i) => v.target[i]! - v.eye[i]!) as [number, number, number];
  return { e: v.eye[0], n: v.eye[1], u: v.eye[2], yaw: turn((Math.atan2(d[0], d[1]) * 180) / Math.PI), pitch: (Math.atan2(d[2], Math.hypot(d[0], d[1])) * 180) / Math.PI, vfov: v.vfov_deg };
}
