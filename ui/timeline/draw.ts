// Drawing of the timeline's still part: everything but the playhead and what
// is under the pointer. Called only when something other than the clock moves.

import { ARM, OPEN, SOFT, xOf, type Box, type Layout } from '../kernel/layout.ts';
import type { Span } from '../kernel/clock.ts';
import type { Px, UtcMs } from '../kernel/units.ts';
import type { Palette } from '../document/dom.ts';
import { drawDensity } from './density.ts';
import type { Density } from './handle.ts';

export interface LaneLabel {
  key: string;
  letter: string;
  title: string;
  note: string;
}

export interface GapBox {
  id: string;
  from: UtcMs;
  to: UtcMs;
  /** The other possible start or end, where sources differ. */
  rival: UtcMs | null;
  label: string;
  selected: boolean;
  /** Material is asked for: the column is tinted through all lanes. */
  asked: boolean;
}

export interface ConflictBox {
  a: string;
  b: string;
  overlap: Span | null;
}

export interface Frame {
  width: Px;
  height: Px;
  left: Px;
  right: Px;
  /** Pixels the lanes are scrolled by. */
  scroll: Px;
  axisHeight: Px;
  gapsHeight: Px;
  rowHeight: Px;
  narrow: boolean;
}

export interface StillInput {
  frame: Frame;
  layout: Layout;
  range: Span;
  labels: LaneLabel[];
  gaps: GapBox[];
  gapsTitle: string;
  conflicts: ConflictBox[];
  /** Counts drawn instead of items, where the case is shown by windows. */
  density: Density | null;
  selected: ReadonlySet<string>;
  dimmed: ReadonlySet<string> | null;
  ticks: { at: UtcMs[]; text: string[] };
  palette: Palette;
}

const FONT = 12;

export function drawStill(g: CanvasRenderingContext2D, s: StillInput): void {
  const { frame: f, palette: p, layout: l, range } = s;
  const x = (t: UtcMs) => xOf(t, range, f.left, f.right);
  const lanesBottom = f.height - f.axisHeight - f.gapsHeight;
  g.clearRect(0, 0, f.width, f.height);
  g.fillStyle = p.panel;
  g.fillRect(0, 0, f.width, f.height);
  g.textBaseline = 'middle';

  // Columns of open questions lie under everything.
  for (const gap of s.gaps) {
    if (!gap.asked && !gap.selected) continue;
    const a = Math.max(f.left, x(gap.from));
    const b = Math.min(f.right, x(gap.to + 1));
    if (b <= a) continue;
    g.globalAlpha = 0.05;
    g.fillStyle = p.text;
    g.fillRect(a, 0, b - a, f.height - f.axisHeight);
    g.globalAlpha = 1;
  }

  g.strokeStyle = p.line;
  g.lineWidth = 1;
  g.beginPath();
  for (const t of s.ticks.at) {
    const q = Math.round(x(t)) + 0.5;
    if (q < f.left) continue;
    g.moveTo(q, 0);
    g.lineTo(q, f.height - f.axisHeight);
  }
  g.stroke();

  g.save();
  g.beginPath();
  g.rect(0, 0, f.width, lanesBottom);
  g.clip();
  g.translate(0, -f.scroll);
  drawConflictGround(g, s, x);
  for (const lane of l.lanes) {
    g.strokeStyle = p.line;
    g.beginPath();
    g.moveTo(0, lane.y + lane.height + 0.5);
    g.lineTo(f.width, lane.y + lane.height + 0.5);
    g.stroke();
  }
  g.save();
  g.beginPath();
  g.rect(f.left - 1, 0, f.width - f.left + 1, l.height + 2);
  g.clip();
  if (s.density) drawDensity(g, s, s.density, x);
  for (const b of l.boxes) drawBox(g, b, s);
  for (const b of l.boxes) drawLabel(g, b, s);
  drawConflictMarks(g, s, x);
  g.restore();
  drawLaneLabels(g, s);
  g.restore();

  drawGaps(g, s, x, lanesBottom);
  drawAxis(g, s, x);
}

function drawLaneLabels(g: CanvasRenderingContext2D, s: StillInput): void {
  const { frame: f, palette: p } = s;
  s.layout.lanes.forEach((lane, i) => {
    const label = s.labels[i];
    if (!label) return;
    const y = Math.round(lane.y + 4 + f.rowHeight / 2);
    let at = 12;
    if (label.letter) {
      g.strokeStyle = p.strong;
      g.lineWidth = 1;
      g.beginPath();
      g.roundRect(12.5, y - 7.5, 15, 15, 3);
      g.stroke();
      g.fillStyle = p.dim;
      g.font = `${FONT}px ${p.mono}`;
      g.textAlign = 'center';
      g.fillText(label.letter, 20, y + 0.5);
      at = 36;
    }
    g.textAlign = 'left';
    if (f.narrow) return;
    g.font = `${FONT}px ${p.sans}`;
    g.fillStyle = p.text;
    fit(g, label.title, at, y + 0.5, f.left - at - 6);
    if (label.note && lane.rows > 1) {
      g.fillStyle = p.dim;
      fit(g, label.note, at, y + f.rowHeight + 0.5, f.left - at - 6);
    }
  });
}

/** Text cut to a width with an ellipsis. */
function fit(g: CanvasRenderingContext2D, text: string, x: Px, y: Px, width: Px): void {
  let t = text;
  if (g.measureText(t).width > width) {
    while (t.length > 1 && g.measureText(t + '…').width > width) t = t.slice(0, -1);
    t += '…';
  }
  g.fillText(t, x, y);
}

function shade(g: CanvasRenderingContext2D, x0: Px, x1: Px, y: Px, h: Px, colour: string, from: number, to: number): void {
  if (x1 - x0 < 0.5) return;
  const fill = g.createLinearGradient(x0, 0, x1, 0);
  fill.addColorStop(0, alpha(colour, from));
  fill.addColorStop(1, alpha(colour, to));
  g.fillStyle = fill;
  g.fillRect(x0, y, x1 - x0, h);
}

const alphaCache = new Map<string, string>();
function alpha(hex: string, a: number): string {
  const key = hex + a;
  let out = alphaCache.get(key);
  if (out === undefined) {
    const n = /^#([0-9a-f]{6})$/i.exec(hex);
    out = n ? `rgba(${[0, 2, 4].map((i) => parseInt(n[1]!.slice(i, i + 2), 16)).join(',')},${a})` : hex;
    alphaCache.set(key, out);
  }
  return out;
}

function arrow(g: CanvasRenderingContext2D, x: Px, y: Px, direction: -1 | 1, colour: string): void {
  g.strokeStyle = colour;
  g.lineWidth = 1.5;
  g.beginPath();
  g.moveTo(x - direction * 7, y - 5);
  g.lineTo(x, y);
  g.lineTo(x - direction * 7, y + 5);
  g.stroke();
  g.lineWidth = 1;
}

function drawBox(g: CanvasRenderingContext2D, b: Box, s: StillInput): void {
  const { frame: f, palette: p } = s;
  const m = b.mark;
  const selected = (b.cluster ?? [m]).some((k) => k.ids.some((id) => s.selected.has(id)));
  const colour = selected ? p.select : p.dim;
  const y = Math.round(b.y);
  g.globalAlpha = s.dimmed && !(b.cluster ?? [m]).some((k) => k.ids.some((id) => s.dimmed!.has(id))) ? 0.35 : 1;
  if (b.cluster && b.cluster.length > 1) {
    const h = f.rowHeight - 2;
    g.fillStyle = selected ? p.select : p.raised;
    g.strokeStyle = colour;
    g.beginPath();
    g.roundRect(b.x0 + 1.5, y - h / 2 + 0.5, b.x1 - b.x0 - 3, h - 1, 3);
    g.fill();
    g.stroke();
    g.fillStyle = selected ? p.ground : p.text;
    g.font = `${b.label.length > 2 ? 10 : FONT}px ${p.mono}`;
    g.textAlign = 'center';
    g.fillText(b.label, (b.x0 + b.x1) / 2, y + 0.5);
    g.textAlign = 'left';
    g.globalAlpha = 1;
    return;
  }
  const x0 = b.x0;
  const x1 = b.x1;
  switch (b.cluster ? 'pin' : m.kind) {
    case 'during': {
      const soft = m.soft ? 2 * SOFT : 0;
      const a = b.cutLeft ? x0 : x0 + Math.min(soft, (x1 - x0) / 2);
      const z = b.cutRight ? x1 : x1 - Math.min(soft, (x1 - x0) / 2);
      if (a > x0) shade(g, x0, a, y - 4, 8, colour, 0, 1);
      g.fillStyle = colour;
      g.fillRect(a, y - 4, Math.max(z - a, soft ? 0 : 2), 8);
      if (z < x1) shade(g, z, x1, y - 4, 8, colour, 1, 0);
      break;
    }
    case 'possible': {
      const best = m.best !== undefined && m.min !== null && m.max !== null && m.max > m.min ? x0 + ((x1 - x0) * (m.best - m.min)) / (m.max - m.min) : (x0 + x1) / 2;
      shade(g, x0, best, y - 4, 8, colour, 0.1, 0.9);
      shade(g, best, x1, y - 4, 8, colour, 0.9, 0.1);
      g.fillStyle = colour;
      if (!b.cutLeft) g.fillRect(Math.round(x0), y - 5, 1, 10);
      if (!b.cutRight) g.fillRect(Math.round(x1) - 1, y - 5, 1, 10);
      if (m.best !== undefined) g.fillRect(best - 1, y - 6, 2, 12);
      break;
    }
    case 'inferred': {
      g.save();
      g.beginPath();
      g.rect(x0 + 0.5, y - 3.5, Math.max(2, x1 - x0 - 1), 7);
      g.fillStyle = p.raised;
      g.fill();
      g.clip();
      g.strokeStyle = colour;
      g.lineWidth = 2;
      g.beginPath();
      for (let q = Math.max(x0, f.left) - 8 - (x0 % 5); q < Math.min(x1, f.right) + 8; q += 5) {
        g.moveTo(q, y + 5);
        g.lineTo(q + 9, y - 5);
      }
      g.stroke();
      g.restore();
      g.strokeStyle = colour;
      g.lineWidth = 1;
      g.strokeRect(Math.round(x0) + 0.5, y - 3.5, Math.max(2, Math.round(x1 - x0) - 1), 7);
      break;
    }
    case 'before':
      shade(g, x1 - OPEN + 8, x1, y - 4, 8, colour, 0, 0.85);
      arrow(g, x1 - OPEN + 2, y, -1, colour);
      g.fillStyle = colour;
      g.fillRect(x1 - 1.5, y - 6, 1.5, 12);
      break;
    case 'after':
      shade(g, x0, x0 + OPEN - 8, y - 4, 8, colour, 0.85, 0);
      arrow(g, x0 + OPEN - 2, y, 1, colour);
      g.fillStyle = colour;
      g.fillRect(x0, y - 6, 1.5, 12);
      break;
    case 'pin': {
      const at = Math.round(b.cluster ? (x0 + x1) / 2 : b.cutLeft ? x1 - ARM : x0 + ARM);
      g.strokeStyle = colour;
      g.setLineDash([2, 2]);
      g.beginPath();
      g.moveTo(at - ARM, y + 0.5);
      g.lineTo(at + ARM, y + 0.5);
      g.stroke();
      g.setLineDash([]);
      g.fillStyle = colour;
      g.fillRect(at - (selected ? 3 : 1), y - 6, selected ? 6 : 2, 12);
      break;
    }
  }
  g.globalAlpha = 1;
}

function drawLabel(g: CanvasRenderingContext2D, b: Box, s: StillInput): void {
  if (b.labelAt === 'none' || b.cluster) return;
  const { palette: p } = s;
  const selected = b.mark.ids.some((id) => s.selected.has(id));
  g.globalAlpha = s.dimmed && !b.mark.ids.some((id) => s.dimmed!.has(id)) ? 0.5 : 1;
  g.font = `${FONT}px ${p.mono}`;
  g.textAlign = 'left';
  if (b.labelAt === 'inside') {
    g.fillStyle = p.panel;
    g.fillRect(b.labelX - 6, b.y - 7, g.measureText(b.label).width + 12, 14);
  }
  g.fillStyle = selected ? p.text : p.dim;
  g.fillText(b.label, b.labelX, Math.round(b.y) + 0.5);
  g.globalAlpha = 1;
}

function boxOf(s: StillInput, id: string): Box | undefined {
  return s.layout.boxes.find((b) => (b.cluster ?? [b.mark]).some((m) => m.ids.includes(id)));
}

function drawConflictGround(g: CanvasRenderingContext2D, s: StillInput, x: (t: UtcMs) => Px): void {
  for (const c of s.conflicts) {
    const a = boxOf(s, c.a);
    const b = boxOf(s, c.b);
    if (!a || !b || !c.overlap) continue;
    const x0 = Math.max(s.frame.left, x(c.overlap.from));
    const x1 = Math.max(Math.min(s.frame.right, x(c.overlap.to + 1)), x0 + 3);
    if (x0 > s.frame.right) continue;
    g.fillStyle = alpha(s.palette.disputed, s.palette.dark ? 0.55 : 0.16);
    const top = Math.min(a.y, b.y) - 9;
    g.fillRect(x0, top, x1 - x0, Math.abs(a.y - b.y) + 18);
  }
}

function drawConflictMarks(g: CanvasRenderingContext2D, s: StillInput, x: (t: UtcMs) => Px): void {
  const { palette: p, frame: f } = s;
  for (const c of s.conflicts) {
    const a = boxOf(s, c.a);
    const b = boxOf(s, c.b);
    if (!a || !b) continue;
    const q = c.overlap ? x((c.overlap.from + c.overlap.to) / 2) : (Math.max(a.x0, f.left) + Math.min(a.x1, f.right)) / 2;
    if (q < f.left || q > f.right) continue;
    const at = Math.round(q) + 0.5;
    g.strokeStyle = p.text;
    g.lineWidth = 1.2;
    g.beginPath();
    g.moveTo(at, Math.min(a.y, b.y) + 5);
    g.lineTo(at, Math.max(a.y, b.y) - 5);
    g.stroke();
    g.lineWidth = 1;
    chip(g, at, (a.y + b.y) / 2, p);
  }
}

function chip(g: CanvasRenderingContext2D, x: Px, y: Px, p: Palette): void {
  g.fillStyle = p.disputed;
  g.strokeStyle = p.dark ? p.text : p.disputed;
  g.beginPath();
  g.roundRect(x - 9, y - 9, 18, 18, 3);
  g.fill();
  g.stroke();
  g.fillStyle = '#FFFFFF';
  g.beginPath();
  g.moveTo(x + 1, y - 5.5);
  g.lineTo(x - 3.5, y + 0.8);
  g.lineTo(x + 0.2, y + 0.8);
  g.lineTo(x - 1, y + 5.5);
  g.lineTo(x + 3.5, y - 1);
  g.lineTo(x, y - 1);
  g.closePath();
  g.fill();
}

function drawGaps(g: CanvasRenderingContext2D, s: StillInput, x: (t: UtcMs) => Px, top: Px): void {
  const { frame: f, palette: p } = s;
  if (f.gapsHeight === 0) return;
  g.fillStyle = p.panel;
  g.fillRect(0, top, f.left, f.gapsHeight);
  g.strokeStyle = p.line;
  g.beginPath();
  g.moveTo(0, top + 0.5);
  g.lineTo(f.width, top + 0.5);
  g.moveTo(0, top + f.gapsHeight + 0.5);
  g.lineTo(f.width, top + f.gapsHeight + 0.5);
  g.stroke();
  g.textAlign = 'left';
  g.font = `${FONT}px ${p.sans}`;
  g.fillStyle = p.text;
  if (!f.narrow) g.fillText(s.gapsTitle, 36, top + f.gapsHeight / 2 + 0.5);
  const used: [Px, Px][] = [];
  for (const gap of s.gaps) {
    const a = x(gap.from);
    const b = x(gap.to + 1);
    if (b < f.left || a > f.right) continue;
    used.push([Math.max(a, f.left), Math.min(b, f.right)]);
  }
  for (const gap of s.gaps) {
    const a = Math.max(f.left - 2, x(gap.from));
    const b = Math.min(f.right + 2, x(gap.to + 1));
    if (b < f.left || a > f.right) continue;
    const strong = gap.selected || gap.asked;
    const y = top + 4.5;
    const h = f.gapsHeight - 9;
    g.save();
    g.beginPath();
    g.rect(a, y, b - a, h);
    g.clip();
    g.strokeStyle = alpha(p.text, strong ? 0.6 : 0.4);
    g.lineWidth = 1.2;
    g.beginPath();
    for (let q = a - h - 2; q < b + 8; q += 8) {
      g.moveTo(q, y);
      g.lineTo(q + h, y + h);
    }
    g.stroke();
    g.restore();
    g.strokeStyle = strong ? p.text : p.faint;
    g.setLineDash(strong ? [] : [3, 3]);
    g.lineWidth = gap.selected ? 2 : 1;
    g.strokeRect(Math.round(a) + 0.5, y, Math.round(b - a) - 1, h);
    g.setLineDash([]);
    g.lineWidth = 1;
    if (gap.rival !== null) {
      const q = Math.round(x(gap.rival)) + 0.5;
      if (q > f.left && q < f.right) {
        g.strokeStyle = p.text;
        g.lineWidth = 1.5;
        g.setLineDash([3, 2]);
        g.beginPath();
        g.moveTo(q, top + 2);
        g.lineTo(q, top + f.gapsHeight - 2);
        g.stroke();
        g.setLineDash([]);
        g.lineWidth = 1;
      }
    }
    // The name goes where it covers no other gap: right, else left, else inside when it fits, else it stays in the list.
    g.font = `${FONT}px ${p.mono}`;
    const w = g.measureText(gap.label).width;
    const free = (u: Px, v: Px) => u >= f.left && v <= f.right && !used.some(([q, r]) => u < r + 4 && v > q - 4);
    const at = free(b + 6, b + 6 + w) ? b + 6 : free(a - 6 - w, a - 6) ? a - 6 - w : NaN;
    if (Number.isNaN(at)) continue;
    used.push([at, at + w]);
    g.fillStyle = strong ? p.text : p.dim;
    g.fillText(gap.label, at, top + f.gapsHeight / 2 + 0.5);
  }
}

function drawAxis(g: CanvasRenderingContext2D, s: StillInput, x: (t: UtcMs) => Px): void {
  const { frame: f, palette: p } = s;
  const top = f.height - f.axisHeight;
  g.fillStyle = p.panel;
  g.fillRect(0, top, f.width, f.axisHeight);
  g.strokeStyle = p.line;
  g.beginPath();
  g.moveTo(0, top + 0.5);
  g.lineTo(f.width, top + 0.5);
  g.stroke();
  g.font = `${FONT}px ${p.mono}`;
  g.fillStyle = p.dim;
  g.textAlign = 'center';
  s.ticks.at.forEach((t, i) => {
    const q = x(t);
    if (q > f.left - 4 && q < f.width - 20) g.fillText(s.ticks.text[i] ?? '', q, top + f.axisHeight / 2 + 0.5);
  });
  g.textAlign = 'left';
}

export interface MovingInput {
  frame: Frame;
  /** Where the axis has its labels, so that the playhead's own label can stand instead of one it would cut. */
  ticks: Px[];
  range: Span;
  now: UtcMs;
  nowText: string;
  hover: Box | null;
  hoverTime: UtcMs | null;
  hoverText: string;
  handles: { x: Px; y: Px }[];
  drag: string;
  palette: Palette;
}

/** The playhead and what is under the pointer: all that a scrub redraws. */
export function drawMoving(g: CanvasRenderingContext2D, s: MovingInput): void {
  const { frame: f, palette: p } = s;
  const axis = f.height - f.axisHeight;
  g.clearRect(0, 0, f.width, f.height);
  if (s.hover) {
    g.save();
    g.beginPath();
    g.rect(f.left, 0, f.width - f.left, axis - f.gapsHeight);
    g.clip();
    g.strokeStyle = p.text;
    g.strokeRect(Math.round(s.hover.x0) - 2.5, Math.round(s.hover.y - f.scroll) - 8.5, Math.round(s.hover.x1 - s.hover.x0) + 5, 17);
    g.restore();
  }
  if (s.hoverTime !== null) {
    const q = xOf(s.hoverTime, s.range, f.left, f.right);
    if (q >= f.left && q <= f.right) {
      g.strokeStyle = p.strong;
      g.beginPath();
      g.moveTo(Math.round(q) + 0.5, 0);
      g.lineTo(Math.round(q) + 0.5, axis);
      g.stroke();
      tag(g, q, axis, s.hoverText, p.dim, f, p);
    }
  }
  for (const h of s.handles) {
    g.fillStyle = p.select;
    g.strokeStyle = p.ground;
    g.beginPath();
    g.rect(Math.round(h.x) - 3.5, Math.round(h.y - f.scroll) - 7.5, 7, 15);
    g.fill();
    g.stroke();
  }
  const x = xOf(s.now, s.range, f.left, f.right);
  if (x >= f.left - 1 && x <= f.right + 1) {
    const q = Math.round(x) + 0.5;
    g.strokeStyle = p.now;
    g.lineWidth = p.dark ? 1 : 2;
    g.beginPath();
    g.moveTo(q, 0);
    g.lineTo(q, axis);
    g.stroke();
    g.lineWidth = 1;
    g.fillStyle = p.panel;
    for (const x of s.ticks) if (Math.abs(x - q) < 48) g.fillRect(x - 22, axis + 1, 44, f.axisHeight - 2);
    tag(g, q, axis, s.nowText, p.now, f, p);
    g.fillStyle = p.now;
    g.beginPath();
    g.moveTo(q - 5, axis + 1);
    g.lineTo(q + 5, axis + 1);
    g.lineTo(q, axis - 5);
    g.closePath();
    g.fill();
  } else {
    // Outside the view: an arrow at the edge says on which side the clock is.
    const right = x > f.right;
    const q = right ? f.right - 4 : f.left + 4;
    g.fillStyle = p.now;
    g.beginPath();
    g.moveTo(q, axis + 6);
    g.lineTo(q, axis + f.axisHeight - 6);
    g.lineTo(q + (right ? 6 : -6), axis + f.axisHeight / 2);
    g.closePath();
    g.fill();
  }
  if (s.drag) {
    g.font = `${FONT}px ${p.mono}`;
    const w = g.measureText(s.drag).width + 16;
    g.fillStyle = p.raised;
    g.strokeStyle = p.strong;
    g.beginPath();
    g.roundRect((f.left + f.right - w) / 2, 4.5, w, 22, 3);
    g.fill();
    g.stroke();
    g.fillStyle = p.text;
    g.textBaseline = 'middle';
    g.textAlign = 'center';
    g.fillText(s.drag, (f.left + f.right) / 2, 16);
  }
}

function tag(g: CanvasRenderingContext2D, x: Px, axis: Px, text: string, colour: string, f: Frame, p: Palette): void {
  g.font = `${FONT}px ${p.mono}`;
  const w = g.measureText(text).width + 10;
  const at = Math.min(Math.max(x, f.left + w / 2 - 20), f.width - w / 2);
  g.fillStyle = p.panel;
  g.fillRect(at - w / 2, axis + 1, w, f.axisHeight - 2);
  g.fillStyle = colour;
  g.textAlign = 'center';
  g.textBaseline = 'middle';
  g.fillText(text, at, axis + f.axisHeight / 2 + 0.5);
}
