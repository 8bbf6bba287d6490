/**
 * The state of a view in the fragment of the address, by the grammar of
 * deep links: #v1&t=…&cam=…&sel=…. Unknown keys are kept, bad values are left
 * out and named, so an old link opens as much as it can.
 */
export interface Link {
  /** UTC milliseconds of the playhead. */
  t?: number;
  /** Eye east, north, up (m); target east, north, up (m); vertical field of view (degrees). */
  cam?: number[];
  /** First hex digits of the scene that cam belongs to. */
  o?: string;
  sel?: string;
  acc?: string[];
  q?: string;
  /** Of the desk: case, view, story step, conflict. */
  case?: string;
  view?: string;
  step?: number;
  pair?: string;
  /** Keys that this version does not know, as they came. */
  more?: Record<string, string>;
}

const KNOWN = new Set(['t', 'cam', 'o', 'sel', 'acc', 'q', 'case', 'view', 'step', 'pair']);
// What must be escaped inside a value; ":" and "," stay readable.
const enc = (s: string) => encodeURIComponent(s).replace(/%3A/g, ':').replace(/%2C/g, ',').replace(/%3B/g, ';').replace(/%3D/g, '=').replace(/%25/g, '%25');
const dec = (s: string): string | null => {
  try {
    return decodeURIComponent(s);
  } catch {
    return null;
  }
};

export function writeLink(l: Link): string {
  const parts = ['v1'];
  if (l.case) parts.push('case=' + enc(l.case));
  if (l.view) parts.push('view=' + enc(l.view));
  if (l.t !== undefined) parts.push('t=' + new Date(l.t).toISOString().replace(/\.000Z$/, 'Z'));
  if (l.cam?.length === 7) parts.push('cam=' + l.cam.map((x) => String(+x.toFixed(2))).join(','));
  if (l.cam && l.o) parts.push('o=' + enc(l.o));
  if (l.sel) parts.push('sel=' + enc(l.sel));
  if (l.pair) parts.push('pair=' + enc(l.pair));
  if (l.step !== undefined) parts.push('step=' + l.step);
  if (l.acc?.length) parts.push('acc=' + l.acc.map((a) => encodeURIComponent(a)).join(','));
  if (l.q) parts.push('q=' + enc(l.q));
  for (const [k, v] of Object.entries(l.more ?? {})) parts.push(encodeURIComponent(k) + '=' + enc(v));
  return '#' + parts.join('&');
}

export function readLink(hash: string): { link: Link; bad: string[] } {
  const link: Link = {};
  const bad: string[] = [];
  const [version, ...parts] = hash.replace(/^#/, '').split('&');
  // The short form for print: #EJ-014.
  if (/^[A-Z]{1,4}-\d{1,6}(\.\d{1,4})?$/.test(version)) return { link: { sel: version }, bad };
  if (version !== 'v1') return { link, bad: version ? ['v1'] : [] };
  for (const p of parts) {
    const i = p.indexOf('=');
    if (i < 1) continue;
    const k = dec(p.slice(0, i));
    const v = dec(p.slice(i + 1));
    if (k === null || v === null) {
      bad.push(p.slice(0, i));
      continue;
    }
    if (!KNOWN.has(k)) {
      (link.more ??= {})[k] = v;
      continue;
    }
    switch (k) {
      case 't': {
        const t = Date.parse(v);
        if (Number.isFinite(t)) link.t = t;
        else bad.push(k);
        break;
      }
      case 'cam': {
        const n = v.split(',').map(Number);
        if (n.length === 7 && v.split(',').every((x) => x !== '') && n.every(Number.isFinite) && n[6] > 0 && n[6] < 180) link.cam = n;
        else bad.push(k);
        break;
      }
      case 'step': {
        const n = Number(v);
        if (/^\d+$/.test(v) && Number.isSafeInteger(n)) link.step = n;
        else bad.push(k);
        break;
      }
      case 'acc': {
        const list = p.slice(i + 1).split(',').map(dec);
        if (list.every((a) => a)) link.acc = list as string[];
        else bad.push(k);
        break;
      }
      case 'o':
        if (/^[0-9a-f]+$/.test(v)) link.o = v;
        else bad.push(k);
        break;
      default:
        if (v) link[k as 'sel' | 'q' | 'case' | 'view' | 'pair'] = v;
    }
  }
  return { link, bad };
}
