// What a file says about its maker beside the picture or sound: place, device,
// time. Read in the browser so that a source knows it before sending; a copy
// without it is made only when the source asks for one. Files are hostile
// input here too: whatever cannot be read is "unknown", never an exception.

export interface Hidden {
  /** Whether this kind of file could be looked into. */
  known: boolean;
  place?: string;
  device?: string;
  time?: string;
  /** Something else by the device or a program: serial numbers, comments, XMP. */
  notes?: boolean;
  /** Such data run along with the film as a track of their own: no copy without them is made here. */
  track?: boolean;
  /** Makes the copy; missing where nothing was found or the kind of file does not allow it. */
  strip?: () => Promise<Blob>;
}

const latin = (b: Uint8Array): string => String.fromCharCode(...b.subarray(0, 4096));
const clean = (s: string): string => s.replace(/[\0-\x1f]+/g, ' ').trim().slice(0, 80);
const read = async (f: Blob, from: number, to: number): Promise<Uint8Array> => new Uint8Array(await f.slice(from, to).arrayBuffer());
const found = (h: Hidden): boolean => !!(h.place || h.device || h.time || h.notes);
const degrees = (lat: number, lon: number): string => `${lat.toFixed(4)}, ${lon.toFixed(4)}`;

/** TIFF as inside EXIF (CIPA DC-008): IFD 0, the EXIF and the GPS directory. Returns the orientation. */
function tiff(b: Uint8Array, h: Hidden): number {
  const v = new DataView(b.buffer, b.byteOffset, b.length);
  const little = v.getUint16(0) === 0x4949;
  if (!little && v.getUint16(0) !== 0x4d4d) return 1;
  const u16 = (o: number) => v.getUint16(o, little);
  const u32 = (o: number) => v.getUint32(o, little);
  const size = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
  const entries = (at: number): Map<number, { type: number; n: number; at: number }> => {
    const out = new Map<number, { type: number; n: number; at: number }>();
    const count = Math.min(u16(at), 512);
    for (let i = 0; i < count; i++) {
      const o = at + 2 + 12 * i;
      const type = u16(o + 2);
      const n = u32(o + 4);
      out.set(u16(o), { type, n, at: (size[type] ?? 1) * n <= 4 ? o + 8 : u32(o + 8) });
    }
    return out;
  };
  type Dir = ReturnType<typeof entries>;
  const text = (d: Dir, tag: number): string => {
    const e = d.get(tag);
    return e && e.at + e.n <= b.length ? clean(latin(b.subarray(e.at, e.at + e.n))) : '';
  };
  const ratios = (d: Dir, tag: number): number[] | null => {
    const e = d.get(tag);
    if (!e || e.n < 3) return null;
    return [0, 1, 2].map((i) => u32(e.at + 8 * i) / (u32(e.at + 8 * i + 4) || 1));
  };
  const first = entries(u32(4));
  const device = [text(first, 0x10f), text(first, 0x110)].filter(Boolean).join(' ');
  if (device) h.device = device;
  let time = text(first, 0x132);
  const sub = first.get(0x8769);
  if (sub) {
    const d = entries(u32(sub.at));
    time = text(d, 0x9003) || time;
    if (time && text(d, 0x9011)) time += ' ' + text(d, 0x9011);
    if (d.has(0xa431) || d.has(0xa430) || d.has(0x927c) || d.has(0xa435)) h.notes = true;
  }
  if (time) h.time = time.replace(/^(\d{4}):(\d\d):/, '$1-$2-');
  const gps = first.get(0x8825);
  if (gps) {
    const d = entries(u32(gps.at));
    const lat = ratios(d, 2);
    const lon = ratios(d, 4);
    if (lat && lon) {
      const deg = (r: number[], ref: string, minus: string) => (r[0]! + r[1]! / 60 + r[2]! / 3600) * (ref === minus ? -1 : 1);
      h.place = degrees(deg(lat, text(d, 1), 'S'), deg(lon, text(d, 3), 'W'));
    }
  }
  const turn = first.get(0x112);
  return turn ? u16(turn.at) : 1;
}

const safely = <T>(f: () => T, otherwise: T): T => {
  try {
    return f();
  } catch {
    return otherwise;
  }
};

async function jpeg(f: Blob): Promise<Hidden> {
  const b = await read(f, 0, 4 << 20);
  const h: Hidden = { known: true };
  const parts: BlobPart[] = [b.slice(0, 2)];
  let o = 2;
  let turn = 1;
  while (o + 4 <= b.length && b[o] === 0xff) {
    const kind = b[o + 1]!;
    if (kind === 0xff) {
      o++;
      continue;
    }
    if (kind === 0xda) break;
    const end = o + 2 + ((b[o + 2]! << 8) | b[o + 3]!);
    if (end > b.length) return { known: false };
    const name = latin(b.subarray(o + 4, o + 40));
    let keep = true;
    if (kind === 0xe1 && name.startsWith('Exif\0\0')) {
      turn = safely(() => tiff(b.subarray(o + 10, end), h), 1);
      keep = !found(h) && end - o <= 36; // the way up alone
      if (!keep && !found(h)) h.notes = true;
    } else if (kind === 0xfe || (kind >= 0xe0 && kind <= 0xef)) {
      // Of the segments of applications only what the colours need stays: JFIF without its small picture, ICC, Adobe.
      const n = end - o - 2;
      keep = (kind === 0xe0 && n === 16 && name.startsWith('JFIF\0')) || (kind === 0xe2 && name.startsWith('ICC_PROFILE\0')) || (kind === 0xee && n === 14 && name.startsWith('Adobe'));
      if (!keep) h.notes = true; // XMP, IPTC, comments, further pictures, makers' own
    }
    if (keep) parts.push(b.slice(o, end));
    o = end;
  }
  if (b[o] !== 0xff || b[o + 1] !== 0xda) return { known: false };
  if (found(h)) {
    h.strip = async () => {
      // The way up of a picture is not about its maker: it is kept, alone.
      if (turn > 1 && turn < 9) parts.splice(1, 0, new Uint8Array([0xff, 0xe1, 0, 34, 69, 120, 105, 102, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, turn, 0, 0, 0, 0, 0, 0]));
      return new Blob([...parts, await picture(f, o)], { type: 'image/jpeg' });
    };
  }
  return h;
}

/** The picture from its first scan to its end; phones append films and further pictures behind it. */
async function picture(f: Blob, from: number): Promise<Blob> {
  const b = await read(f, from, f.size);
  let o = 2 + ((b[2]! << 8) | b[3]!);
  for (; o + 1 < b.length; o++) {
    if (b[o] !== 0xff) continue;
    const m = b[o + 1]!;
    if (m === 0xd9) return f.slice(from, from + o + 2);
    if (m === 0 || m === 0xff || (m >= 0xd0 && m <= 0xd7)) continue;
    o += 1 + ((b[o + 2]! << 8) | b[o + 3]!); // tables between the scans of a progressive picture
  }
  return f.slice(from);
}

async function png(f: Blob): Promise<Hidden> {
  const h: Hidden = { known: true };
  const parts: BlobPart[] = [f.slice(0, 8)];
  for (let o = 8; o < f.size; ) {
    const head = await read(f, o, o + 8);
    if (head.length < 8) return { known: false };
    const end = o + 12 + new DataView(head.buffer).getUint32(0);
    const kind = latin(head.subarray(4));
    if (end > f.size || parts.length > 100_000) return { known: false };
    if (kind === 'eXIf') {
      const b = await read(f, o + 8, end - 4);
      safely(() => tiff(b, h), 1);
      if (!found(h)) h.notes = true;
    } else if (kind === 'tIME') {
      const b = await read(f, o + 8, end - 4);
      if (b.length === 7) h.time ??= `${(b[0]! << 8) | b[1]!}-${b[2]}-${b[3]} ${b[4]}:${b[5]}`;
    } else if (/^(tEXt|zTXt|iTXt)$/.test(kind)) h.notes = true;
    else parts.push(f.slice(o, end));
    o = end;
    if (kind === 'IEND') break;
  }
  if (found(h)) h.strip = async () => new Blob(parts, { type: 'image/png' });
  return h;
}

async function webp(f: Blob): Promise<Hidden> {
  const h: Hidden = { known: true };
  const body: BlobPart[] = [];
  let size = 4;
  for (let o = 12; o + 8 <= f.size; ) {
    const head = await read(f, o, o + 8);
    const n = new DataView(head.buffer).getUint32(4, true);
    const end = o + 8 + n + (n & 1);
    const kind = latin(head.subarray(0, 4));
    if (o + 8 + n > f.size || body.length > 100_000) return { known: false };
    if (kind === 'EXIF') {
      let b = await read(f, o + 8, o + 8 + n);
      if (latin(b.subarray(0, 6)) === 'Exif\0\0') b = b.subarray(6);
      safely(() => tiff(b, h), 1);
      if (!found(h)) h.notes = true;
    } else if (kind === 'XMP ') h.notes = true;
    else if (kind === 'VP8X') {
      const b = await read(f, o, end);
      b[8]! &= ~0x0c; // says that EXIF and XMP follow
      body.push(b as BlobPart);
      size += b.length;
    } else {
      body.push(f.slice(o, end));
      size += end - o;
    }
    o = end;
  }
  if (found(h)) {
    h.strip = async () => {
      const top = new Uint8Array([82, 73, 70, 70, 0, 0, 0, 0, 87, 69, 66, 80]);
      new DataView(top.buffer).setUint32(4, size, true);
      return new Blob([top, ...body], { type: 'image/webp' });
    };
  }
  return h;
}

interface Box {
  kind: string;
  at: number;
  body: number;
  end: number;
}

/** Boxes of ISO 14496-12 inside a range of bytes. */
function boxes(b: Uint8Array, from: number, to: number): Box[] {
  const v = new DataView(b.buffer, b.byteOffset, b.length);
  const out: Box[] = [];
  for (let o = from; o + 8 <= to && out.length < 10_000; ) {
    let n = v.getUint32(o);
    let top = 8;
    if (n === 1 && o + 16 <= to) {
      n = v.getUint32(o + 8) * 2 ** 32 + v.getUint32(o + 12);
      top = 16;
    }
    if (n === 0) n = to - o;
    if (n < top || o + n > to) break;
    out.push({ kind: latin(b.subarray(o + 4, o + 8)), at: o, body: o + top, end: o + n });
    o += n;
  }
  return out;
}

const EPOCH_1904 = 2_082_844_800;

function movie(b: Uint8Array, h: Hidden, wipe: boolean): void {
  const v = new DataView(b.buffer, b.byteOffset, b.length);
  const gone = (x: Box) => {
    if (!wipe) return;
    b.set([0x66, 0x72, 0x65, 0x65], x.at + 4); // "free": same length, so that no offset in the film moves
    b.fill(0, x.body, x.end);
  };
  const walk = (from: number, to: number) => {
    for (const x of boxes(b, from, to)) {
      if (/^(moov|trak|mdia|minf|moof|traf|mvex|edts)$/.test(x.kind)) walk(x.body, x.end);
      else if (/^(mvhd|tkhd|mdhd)$/.test(x.kind)) {
        const long = b[x.body] === 1;
        const made = long ? v.getUint32(x.body + 4) * 2 ** 32 + v.getUint32(x.body + 8) : v.getUint32(x.body + 4);
        // Before 1990 it is a clock that was never set.
        if (made > EPOCH_1904 + 631_152_000) h.time ??= new Date((made - EPOCH_1904) * 1000).toISOString().replace('.000', '');
        if (wipe) b.fill(0, x.body + 4, x.body + (long ? 20 : 12));
      } else if (x.kind === 'udta' || x.kind === 'meta' || x.kind === 'uuid') {
        const s = String.fromCharCode(...b.subarray(x.body, Math.min(x.end, x.body + 60_000)));
        const place = /([+-]\d{1,2}\.\d{2,})([+-]\d{1,3}\.\d{2,})/.exec(s);
        if (place) h.place ??= degrees(Number(place[1]), Number(place[2]));
        const by = /(?:©mak|©mod|manu|modl)[^]{0,20}?([A-Za-z][\w .,-]{2,40})/.exec(s) ?? /\b(Apple|samsung|Xiaomi|Huawei|motorola|OPPO|vivo|Google|GoPro|DJI|Sony|Canon|Nikon)\b/i.exec(s);
        if (by) h.device ??= clean(by[1]!);
        if (s.length) h.notes = true;
        gone(x);
      } else if (x.kind === 'hdlr' && latin(b.subarray(x.body + 8, x.body + 12)) === 'meta') {
        h.track = h.notes = true; // action cameras and phones write place and motion this way
      } else if (x.kind === 'hdlr' && wipe) {
        // Its name at the end is free text, often the program's; the kind before it is needed.
        b.fill(0, Math.min(x.body + 24, x.end), x.end);
      }
    }
  };
  walk(0, b.length);
}

async function film(f: Blob): Promise<Hidden> {
  const h: Hidden = { known: true };
  const parts: (() => Promise<BlobPart>)[] = [];
  let movies = 0;
  for (let o = 0; o + 8 <= f.size && parts.length < 10_000; ) {
    const head = await read(f, o, o + 16);
    const v = new DataView(head.buffer);
    let n = v.getUint32(0);
    const kind = latin(head.subarray(4, 8));
    if (n === 1 && head.length === 16) n = v.getUint32(8) * 2 ** 32 + v.getUint32(12);
    if (n === 0) n = f.size - o;
    if (n < 8 || o + n > f.size) return { known: false };
    const from = o;
    const to = o + n;
    if (kind === 'moov' || kind === 'meta' || kind === 'uuid' || kind === 'udta') {
      if (n > 64 << 20) return { known: false };
      const b = await read(f, from, to);
      safely(() => movie(b, h, false), undefined);
      if (kind === 'moov') movies++;
      parts.push(async () => {
        const copy = await read(f, from, to);
        movie(copy, { known: true }, true);
        return copy as BlobPart;
      });
    } else parts.push(async () => f.slice(from, to));
    o = to;
  }
  if (movies === 0) return { known: false };
  if (found(h) && !h.track) h.strip = async () => new Blob(await Promise.all(parts.map((p) => p())), { type: f.type });
  return h;
}

/** Looks into a file. */
export async function look(f: Blob): Promise<Hidden> {
  try {
    const b = await read(f, 0, 16);
    if (b[0] === 0xff && b[1] === 0xd8) return await jpeg(f);
    if (latin(b.subarray(1, 8)) === 'PNG\r\n\x1a\n') return await png(f);
    if (latin(b.subarray(0, 4)) === 'RIFF' && latin(b.subarray(8, 12)) === 'WEBP') return await webp(f);
    if (latin(b.subarray(4, 8)) === 'ftyp' && !/^(hei|hev|mif|msf|avi)/.test(latin(b.subarray(8, 12)))) return await film(f);
  } catch {
    // Not what it seemed to be. (HEIC and AVIF keep these data behind an index of their own: unknown, not "none".)
  }
  return { known: false };
}
