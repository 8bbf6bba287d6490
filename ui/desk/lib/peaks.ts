/** Minima and maxima of a recording, -1 to 1. */
export interface Peaks {
  min: Float32Array;
  max: Float32Array;
}

/** audiowaveform data, binary (version 1 or 2, little endian) or its JSON form. Null when the bytes are neither. */
export function parsePeaks(bytes: ArrayBuffer): Peaks | null {
  const v = new DataView(bytes);
  if (bytes.byteLength && v.getUint8(0) === 0x7b) {
    try {
      const j = JSON.parse(new TextDecoder().decode(bytes)) as { bits?: number; channels?: number; data?: number[] };
      if (!Array.isArray(j.data)) return null;
      return split((i) => j.data![i], j.data.length, j.channels ?? 1, j.bits === 16 ? 32768 : 128);
    } catch {
      return null;
    }
  }
  if (bytes.byteLength < 20) return null;
  const version = v.getInt32(0, true);
  if (version !== 1 && version !== 2) return null;
  const eight = (v.getUint32(4, true) & 1) === 1;
  const head = version === 2 ? 24 : 20;
  if (bytes.byteLength < head) return null;
  const channels = version === 2 ? Math.max(1, v.getInt32(20, true)) : 1;
  const n = Math.min(v.getUint32(16, true) * 2 * channels, Math.floor((bytes.byteLength - head) / (eight ? 1 : 2)));
  return split((i) => (eight ? v.getInt8(head + i) : v.getInt16(head + 2 * i, true)), n, channels, eight ? 128 : 32768);
}

function split(at: (i: number) => number, n: number, channels: number, full: number): Peaks {
  const frames = Math.floor(n / (2 * channels));
  const min = new Float32Array(frames);
  const max = new Float32Array(frames);
  for (let f = 0; f < frames; f++) {
    for (let c = 0; c < channels; c++) {
      const i = 2 * (f * channels + c);
      min[f] = Math.min(min[f], at(i) / full);
      max[f] = Math.max(max[f], at(i + 1) / full);
    }
  }
  return { min, max };
}

const read = new Map<string, Promise<Peaks | null>>();

/** Reads a waveform once for each address. */
export function readPeaks(url: string): Promise<Peaks | null> {
  let p = read.get(url);
  if (!p) {
    p = fetch(url)
      .then((r) => (r.ok ? r.arrayBuffer() : null))
      .then((b) => (b ? parsePeaks(b) : null))
      .catch(() => null);
    if (read.size > 200) read.clear();
    read.set(url, p);
  }
  return p;
}
