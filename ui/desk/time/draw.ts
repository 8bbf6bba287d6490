// The tracks on their canvas: a grid, each clip with its waveform or spectrogram
// and the error of its place, sudden sounds, events, the marked stretch.
import type { Peaks } from '../lib/peaks.ts';
import type { Clip } from './model.ts';

export const ROW = 46;
/** A line of words below a clip that has any. */
export const LANE = 20;

export interface Spectrogram { item: string; canvas: HTMLCanvasElement; from: number; to: number }
export interface Scene {
  clips: readonly (Clip & { tried: boolean })[];
  tops: readonly number[];
  height: number;
  width: number;
  from: number;
  to: number;
  peaks: Readonly<Record<string, Peaks>>;
  spectrogram: Spectrogram | null;
  onsets(item: string): readonly number[]; // ms into the recording
  selected: string | null;
  events: readonly { id: string; from: number; to: number }[];
  stretch: { from: number | null; to: number | null };
  /** Where a dragged clip rests on something. */
  meets: number | null;
  clock(ms: number): string;
}

export function draw(cv: HTMLCanvasElement, s: Scene): void {
  const k = Math.min(2, devicePixelRatio || 1);
  const { width, height: h } = s;
  cv.width = Math.round(width * k);
  cv.height = Math.round(h * k);
  const g = cv.getContext('2d');
  if (!g) return;
  g.scale(k, k);
  const x = (ms: number) => ((ms - s.from) / (s.to - s.from)) * width;
  const css = getComputedStyle(cv);
  const v = (n: string) => css.getPropertyValue(n).trim();
  const [line, strong, dim, text, raised] = ['--line', '--strong', '--dim', '--text', '--raised'].map(v);
  g.font = '11px ' + (v('--mono') || 'monospace');
  // Grid of seconds or what fits.
  const step = [100, 500, 1000, 5000, 10_000, 60_000, 300_000, 3_600_000].find((n) => (n / (s.to - s.from)) * width > 56) ?? 3_600_000;
  g.fillStyle = line;
  for (let m = Math.ceil(s.from / step) * step; m < s.to; m += step) g.fillRect(Math.round(x(m)), 0, 1, h);
  s.clips.forEach((c, i) => {
    const y = s.tops[i];
    const a = x(c.start_ms);
    const b = x(c.start_ms + c.duration_ms);
    g.fillStyle = line;
    g.fillRect(0, y - 1, width, 1);
    if (b < 0 || a > width) {
      g.fillStyle = dim;
      g.fillText(a > width ? '→ ' + s.clock(c.start_ms) : '← ' + s.clock(c.start_ms), a > width ? width - 88 : 4, y + 26);
      return;
    }
    g.fillStyle = raised;
    g.fillRect(a, y + 3, Math.max(1, b - a), ROW - 8);
    if (s.spectrogram?.item === c.item) g.drawImage(s.spectrogram.canvas, x(s.spectrogram.from), y + 3, x(s.spectrogram.to) - x(s.spectrogram.from), ROW - 8);
    else if (s.peaks[c.item]) wave(g, s.peaks[c.item], a, b, y, width, dim);
    g.strokeStyle = c.item === s.selected ? text : strong;
    g.setLineDash(c.tried ? [4, 3] : []);
    g.strokeRect(a + 0.5, y + 3.5, Math.max(1, b - a - 1), ROW - 9);
    g.setLineDash([]);
    // The error of its place: a whisker on both ends.
    const e = Math.max(0, x(c.start_ms + c.error_ms) - a);
    if (e > 1) {
      g.fillStyle = strong;
      g.fillRect(a - e, y + ROW / 2, e, 1);
      g.fillRect(b, y + ROW / 2, e, 1);
    }
    for (const o of s.onsets(c.item)) {
      g.fillStyle = text;
      const px = x(c.start_ms + o);
      g.fillRect(Math.round(px), y + 1, 1, ROW - 4);
      g.fillRect(Math.round(px) - 2, y + 1, 5, 2);
    }
  });
  for (const m of s.events) {
    const a = x(m.from);
    const b = x(m.to);
    if (b < 0 || a > width) continue;
    g.fillStyle = text;
    g.globalAlpha = 0.12;
    g.fillRect(a, 0, Math.max(1, b - a), h);
    g.globalAlpha = 1;
    g.fillText(m.id, Math.max(2, a + 2), 10);
  }
  const { from, to } = s.stretch;
  g.fillStyle = text;
  if (from !== null && to !== null) {
    g.globalAlpha = 0.1;
    g.fillRect(x(from), 0, x(to) - x(from), h);
    g.globalAlpha = 1;
  }
  if (from !== null) bracket(g, x(from), h, 1);
  if (to !== null) bracket(g, x(to), h, -1);
  if (s.meets !== null) {
    g.setLineDash([2, 2]);
    g.strokeStyle = text;
    g.beginPath();
    g.moveTo(Math.round(x(s.meets)) + 0.5, 0);
    g.lineTo(Math.round(x(s.meets)) + 0.5, h);
    g.stroke();
    g.setLineDash([]);
  }
}

function bracket(g: CanvasRenderingContext2D, x: number, h: number, side: 1 | -1): void {
  g.fillRect(Math.round(x), 0, 1, h);
  g.fillRect(side > 0 ? x : x - 5, 0, 5, 2);
  g.fillRect(side > 0 ? x : x - 5, h - 2, 5, 2);
}

function wave(g: CanvasRenderingContext2D, p: Peaks, a: number, b: number, y: number, width: number, color: string): void {
  g.fillStyle = color;
  const mid = y + 3 + (ROW - 8) / 2;
  const n = p.min.length;
  const half = (ROW - 12) / 2;
  for (let px = Math.max(0, Math.floor(a)); px < Math.min(width, b); px++) {
    const from = Math.floor(((px - a) / (b - a)) * n);
    const to = Math.max(from + 1, Math.floor(((px + 1 - a) / (b - a)) * n));
    let lo = 0;
    let hi = 0;
    for (let j = Math.max(0, from); j < to && j < n; j++) {
      if (p.min[j] < lo) lo = p.min[j];
      if (p.max[j] > hi) hi = p.max[j];
    }
    g.fillRect(px, mid - hi * half, 1, Math.max(1, (hi - lo) * half));
  }
}

/** The stretch of a sound between two of its seconds as a grey picture, 0 to 8 kHz from below. */
export function picture(s: { data: Float32Array; bins: number; top: number }, columns: number): HTMLCanvasElement {
  const cv = document.createElement('canvas');
  const shown = Math.min(s.bins, Math.round((8000 / s.top) * s.bins));
  cv.width = columns;
  cv.height = shown;
  const g = cv.getContext('2d')!;
  const img = g.createImageData(columns, shown);
  for (let i = 0; i < columns; i++) for (let k = 0; k < shown; k++) {
    const l = Math.max(0, Math.min(255, ((s.data[i * s.bins + k] + 50) / 80) * 255));
    const at = ((shown - 1 - k) * columns + i) * 4;
    img.data[at] = img.data[at + 1] = img.data[at + 2] = l;
    img.data[at + 3] = 255;
  }
  g.putImageData(img, 0, 0);
  return cv;
}
