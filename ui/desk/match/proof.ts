// The proof sheet: on one page the photo and the model from the camera found,
// the same numbers and colours in both, the camera with its error, each pair
// with its residual, the alternatives, and the digests that tie it to the log.

import { project, type Pose } from '../../kernel/camera.ts';
import type { Finding } from '../../document/types.ts';
import type { SceneHandle } from '../../scene/handle.ts';
import { desk } from '../state.svelte.ts';
import { say, words } from '../words.svelte.ts';
import type { Match } from './match.svelte.ts';
import { ghostsOf, sig } from './problem.ts';
import { w } from './words.svelte.ts';

export const SHEET = { width: 1600, height: 900 };
const INK = '#17191B';
const DIM = '#50565B';
const PAPER = '#FBFAF7';
const LINE = '#B5AFA4';

/** Draws the sheet, and saves it as PNG or prints it on A4. */
export async function proof(m: Match, scene: SceneHandle, print: boolean): Promise<void> {
  const c = await sheet(m, scene);
  const blob = await new Promise<Blob | null>((done) => c.toBlob(done, 'image/png'));
  if (!blob) throw new Error(w('proof_failed'));
  const url = URL.createObjectURL(blob);
  if (!print) {
    const a = document.createElement('a');
    a.href = url;
    a.download = `${m.item.id}-camera-proof.png`;
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    return;
  }
  // Only the sheet is on the printed page; the style sheet hides the rest while it hangs here.
  const page = document.createElement('div');
  page.className = 'match-print';
  const img = new Image();
  img.alt = w('proof_of', { id: m.item.id });
  img.src = url;
  await img.decode();
  page.append(img);
  document.body.append(page);
  const gone = () => {
    page.remove();
    URL.revokeObjectURL(url);
  };
  addEventListener('afterprint', gone, { once: true });
  window.print();
}

export async function sheet(m: Match, scene: SceneHandle): Promise<HTMLCanvasElement> {
  const a = m.answer;
  const pose = m.pose;
  if (!a || !pose || !m.url) throw new Error(w('proof_failed'));
  const css = getComputedStyle(document.documentElement);
  const [sans, mono] = [css.getPropertyValue('--sans'), css.getPropertyValue('--mono')];
  await Promise.all([document.fonts.load(`400 14px ${sans}`), document.fonts.load(`400 13px ${mono}`)]);
  const c = document.createElement('canvas');
  c.width = SHEET.width;
  c.height = SHEET.height;
  const g = c.getContext('2d')!;
  g.fillStyle = PAPER;
  g.fillRect(0, 0, c.width, c.height);
  const text = (s: string, x: number, y: number, o: { size?: number; weight?: number; colour?: string; face?: string; most?: number } = {}) => {
    g.font = `${o.weight ?? 400} ${o.size ?? 13}px ${o.face ?? sans}`;
    g.fillStyle = o.colour ?? INK;
    g.textAlign = 'left';
    let t = s;
    if (o.most) while (t.length > 1 && g.measureText(t).width > o.most) t = t.slice(0, -2) + '…';
    g.fillText(t, x, y);
  };
  const block = (s: string, x: number, y: number, width: number, lines: number, size = 13): number => {
    g.font = `400 ${size}px ${sans}`;
    let line = '';
    let n = 0;
    const parts = s.split(/\s+/);
    for (let i = 0; i < parts.length; i++) {
      const next = line ? line + ' ' + parts[i] : parts[i]!;
      if (g.measureText(next).width <= width) {
        line = next;
        continue;
      }
      if (++n === lines) {
        text(line + ' ' + parts.slice(i).join(' '), x, y, { size, most: width });
        return y + size * 1.4;
      }
      text(line, x, y, { size });
      y += size * 1.4;
      line = parts[i]!;
    }
    text(line, x, y, { size });
    return y + size * 1.4;
  };

  const band = desk.exercise ? 26 : 0;
  if (band) {
    g.fillStyle = INK;
    g.fillRect(0, 0, c.width, band);
    g.font = `500 13px ${sans}`;
    g.fillStyle = PAPER;
    g.textAlign = 'center';
    g.fillText(w('proof_exercise'), c.width / 2, 18);
  }
  text(w('proof_of', { id: m.id }), 24, band + 32, { size: 20, weight: 600 });
  text(say(m.item.title), 24, band + 54, { colour: DIM, most: 760 });

  // The pictures, one size.
  const box = { y: band + 68, w: 764, h: 430 };
  const scale = Math.min(box.w / m.image.width, box.h / m.image.height);
  const size = { w: m.image.width * scale, h: m.image.height * scale };
  const place = [24 + (box.w - size.w) / 2, 812 + (box.w - size.w) / 2] as const;
  const top = box.y + (box.h - size.h) / 2;
  g.fillStyle = '#16191C';
  g.fillRect(24, box.y, box.w, box.h);
  g.fillRect(812, box.y, box.w, box.h);
  const img = new Image();
  img.src = m.url;
  await img.decode();
  if (desk.grey) g.filter = 'grayscale(1)';
  g.drawImage(img, place[0], top, size.w, size.h);
  g.filter = 'none';
  const model = await scene.picture(pose, Math.round(size.w * 1.5), Math.round(size.h * 1.5));
  if (model) g.drawImage(model, place[1], top, size.w, size.h);

  const residual = new Map((a.residuals ?? []).map((r) => [r.id, r]));
  const colour = (i: number) => css.getPropertyValue(`--m${(i % 8) + 1}`).trim();
  const mark = (i: number, x: number, y: number, wrong: boolean) => {
    const [dx, dy] = [[16, -16], [-16, -16], [16, 16], [-16, 16]][i % 4]!;
    for (const [s, k] of [['#000', 5], ['#fff', 3.6], [colour(i), 2]] as const) {
      g.strokeStyle = s;
      g.lineWidth = k;
      g.beginPath();
      g.moveTo(x - 6, y);
      g.lineTo(x + 6, y);
      g.moveTo(x, y - 6);
      g.lineTo(x, y + 6);
      g.stroke();
    }
    disc(i, x + dx!, y + dy!, wrong);
  };
  const disc = (i: number, x: number, y: number, wrong: boolean) => {
    const shape = (r: number, fill: string) => {
      g.fillStyle = fill;
      g.beginPath();
      if (i % 24 < 8) g.arc(x, y, r, 0, 2 * Math.PI);
      else if (i % 24 < 16) g.rect(x - r, y - r, 2 * r, 2 * r);
      else for (const [px, py] of [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]] as const) g.lineTo(x + px * r, y + py * r);
      g.fill();
    };
    shape(11.5, '#000');
    shape(10.5, '#fff');
    shape(9, colour(i));
    g.font = `500 12px ${mono}`;
    g.textAlign = 'center';
    g.fillStyle = [1, 4, 6].includes(i % 8) ? '#fff' : '#000';
    g.fillText(String(i + 1), x, y + 4.2);
    if (wrong) text('✕', x + 12, y + 4, { size: 14, weight: 600, colour: '#fff' });
  };
  m.pairs.forEach((p, i) => {
    const wrong = residual.get(p.name)?.inlier === false;
    if (p.px) mark(i, place[0] + p.px[0] * scale, top + p.px[1] * scale, wrong);
    // The model is drawn without the lens's distortion.
    const q = p.world && project({ ...pose, k1: 0 }, p.world);
    if (q) mark(i, place[1] + q.u * scale, top + q.v * scale, wrong);
  });
  text(w('proof_photo', { size: `${m.image.width} × ${m.image.height}` }), 24, box.y + box.h + 18, { colour: DIM });
  text(w('model_through'), 812, box.y + box.h + 18, { colour: DIM });

  // The pairs.
  let y = box.y + box.h + 44;
  const columns = [24, 60, 300, 430, 610, 700] as const;
  [w('pair'), w('name'), w('photo_px'), w('model_m'), w('residual'), w('sigma')].forEach((s, k) => text(s, columns[k]!, y, { colour: DIM, size: 12 }));
  y += 8;
  const room = Math.floor((SHEET.height - 46 - y) / 22);
  const rows = m.pairs.filter((p) => p.px && p.world);
  const shown = rows.length > room ? rows.slice(0, room - 1) : rows;
  for (const p of shown) {
    const i = m.pairs.indexOf(p);
    const r = residual.get(p.name);
    g.strokeStyle = LINE;
    g.lineWidth = 0.5;
    g.beginPath();
    g.moveTo(24, y);
    g.lineTo(788, y);
    g.stroke();
    y += 22;
    g.save();
    g.translate(34, y - 9);
    g.scale(0.75, 0.75);
    disc(i, 0, 0, false);
    g.restore();
    text(p.name, columns[1], y - 5, { most: 230 });
    text(p.px!.map((x) => x.toFixed(1)).join(', '), columns[2], y - 5, { face: mono, size: 12 });
    text(p.world!.map((x) => x.toFixed(2)).join(', '), columns[3], y - 5, { face: mono, size: 12, most: 172 });
    text(r ? sig(Math.hypot(...r.px)) + ' px' : w('left_out'), columns[4], y - 5, { face: mono, size: 12 });
    text(r ? (r.inlier ? '' : '✕ ') + r.sigmas.toFixed(2) : '', columns[5], y - 5, { face: mono, size: 12 });
  }
  if (rows.length > shown.length) text(w('proof_more', { n: rows.length - shown.length }), 60, y + 16, { colour: DIM, size: 12 });

  // The camera, and the plan.
  const last: Finding | undefined = m.past.findLast((f) => (f.answer as { input_sha256?: string } | undefined)?.input_sha256 === a.input_sha256);
  plan(g, m, { x: 812, y: box.y + box.h + 30, size: 236 }, sans);
  const x = 1066;
  const wide = SHEET.width - 24 - x;
  y = box.y + box.h + 44;
  text(`${w('status_' + a.status)} · ${w('pairs_agree', { good: (a.residuals ?? []).filter((r) => r.inlier).length, all: a.residuals?.length ?? 0 })}`, x, y, { size: 16, weight: 600 });
  y += 20;
  const sd = [0, 1, 2].map((i) => Math.sqrt(a.covariance?.[i]?.[i] ?? NaN));
  for (const [k, v] of [
    [w('stood'), `${a.position!.map((q) => q.toFixed(2)).join(', ')} m   sd ${sd.map(sig).join(', ')}`],
    [w('ellipsoid'), `${a.ellipsoid95?.semi_axes_m.map(sig).join(' × ')} m`],
    [w('focal_heading'), `${a.focal_px?.toFixed(0)} ± ${a.intrinsics_sigma?.focal_px.toFixed(0)} px · ${a.angles?.heading_deg.toFixed(1)}° · ${a.angles?.pitch_deg.toFixed(1)}°`],
  ] as const) {
    text(k, x, y, { colour: DIM, size: 12 });
    text(v, x, y + 15, { face: mono, size: 12, most: wide });
    y += 34;
  }
  text(w('others'), x, y, { colour: DIM, size: 12 });
  y = block(a.modes.length ? a.modes.map((q) => w('mode', { at: q.position.map((n) => n.toFixed(1)).join(', '), weight: Math.round(q.weight * 100) })).join(' ') : w('no_modes'), x, y + 15, wide, 2, 12) + 3;
  text(w('considered'), x, y, { colour: DIM, size: 12 });
  y = block(last ? say(last.alternatives_considered) : w('proof_unsaved'), x, y + 15, wide, 5, 12) + 3;
  const small = { face: mono, size: 11, colour: DIM, most: SHEET.width - 24 - 812 };
  const foot = SHEET.height - 62;
  text(`${w('proof_item')} ${m.item.sha256}`, 812, foot, small);
  text(`${w('proof_problem')} ${a.input_sha256}`, 812, foot + 15, small);
  text(`${w('proof_scene')} ${m.scene?.content_sha256 ?? ''}`, 812, foot + 30, small);
  text(`${last ? `${last.id} · ${last.analyst ?? ''} · ` : ''}${a.software ? `${a.software.name} ${a.software.version}, ${a.software.method}` : ''} · ${new Date().toISOString().slice(0, 16)}Z · ${words.lang}`, 812, foot + 45, small);
  return c;
}

/** From above: points, the camera with its 95 % ellipse and ghosts, north and a scale. */
function plan(g: CanvasRenderingContext2D, m: Match, at: { x: number; y: number; size: number }, sans: string): void {
  const pose = m.pose!;
  const points = m.pairs.filter((p) => p.world).map((p) => p.world!);
  const e = [...points.map((p) => p[0]), pose.position[0]];
  const n = [...points.map((p) => p[1]), pose.position[1]];
  const span = Math.max(Math.max(...e) - Math.min(...e), Math.max(...n) - Math.min(...n), 4) * 1.3;
  const k = at.size / span;
  const mid = [(Math.max(...e) + Math.min(...e)) / 2, (Math.max(...n) + Math.min(...n)) / 2] as const;
  const to = (p: readonly number[]): [number, number] => [at.x + at.size / 2 + (p[0]! - mid[0]) * k, at.y + at.size / 2 - (p[1]! - mid[1]) * k];
  g.save();
  g.beginPath();
  g.rect(at.x, at.y, at.size, at.size);
  g.fillStyle = '#FFFFFF';
  g.fill();
  g.strokeStyle = LINE;
  g.lineWidth = 1;
  g.stroke();
  g.clip();
  for (const [p, alpha] of [...ghostsOf(m.answer!, m.image).map((q) => [q, 0.3] as const), [pose, 1] as const]) {
    const [x, y] = to(p.position);
    g.strokeStyle = INK;
    g.globalAlpha = alpha;
    g.beginPath();
    for (const u of [0, p.width]) {
      const far = rayOf(p, u);
      g.moveTo(x, y);
      g.lineTo(x + far[0] * at.size * 1.5, y - far[1] * at.size * 1.5);
    }
    g.stroke();
  }
  g.globalAlpha = 1;
  const cov = m.answer!.covariance;
  const [x, y] = to(pose.position);
  if (cov) {
    const [a, b, c] = [cov[0]![0]!, cov[0]![1]!, cov[1]![1]!];
    const mean = (a + c) / 2;
    const r = Math.hypot((a - c) / 2, b);
    g.beginPath();
    g.ellipse(x, y, Math.max(2, Math.sqrt(5.991 * (mean + r)) * k), Math.max(2, Math.sqrt(5.991 * Math.max(0, mean - r)) * k), -Math.atan2(2 * b, a - c) / 2, 0, 2 * Math.PI);
    g.fillStyle = 'rgb(23 25 27 / .2)';
    g.fill();
    g.strokeStyle = INK;
    g.stroke();
  }
  const css = getComputedStyle(document.documentElement);
  m.pairs.forEach((p, i) => {
    if (!p.world) return;
    g.beginPath();
    g.arc(...to(p.world), 4, 0, 2 * Math.PI);
    g.fillStyle = css.getPropertyValue(`--m${(i % 8) + 1}`).trim();
    g.fill();
    g.strokeStyle = INK;
    g.stroke();
  });
  const bar = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((s) => s * k > at.size * 0.15) ?? 1000;
  g.strokeStyle = DIM;
  g.beginPath();
  g.moveTo(at.x + at.size - 10 - bar * k, at.y + at.size - 14);
  g.lineTo(at.x + at.size - 10 - bar * k, at.y + at.size - 10);
  g.lineTo(at.x + at.size - 10, at.y + at.size - 10);
  g.lineTo(at.x + at.size - 10, at.y + at.size - 14);
  g.stroke();
  g.fillStyle = DIM;
  g.font = `400 12px ${sans}`;
  g.textAlign = 'right';
  g.fillText(`${bar} m`, at.x + at.size - 10, at.y + at.size - 18);
  g.textAlign = 'center';
  g.fillText('N ↑', at.x + at.size - 18, at.y + 18);
  g.restore();
}

function rayOf(p: Pose, u: number): [number, number] {
  const [qw, x, y, z] = p.rotation;
  const t = (u - p.principal_point[0]) / p.focal_px;
  const right = [1 - 2 * (y * y + z * z), 2 * (x * y - qw * z)];
  const forward = [2 * (x * z - qw * y), 2 * (y * z + qw * x)];
  const d = [right[0]! * t + forward[0]!, right[1]! * t + forward[1]!];
  const l = Math.hypot(d[0]!, d[1]!) || 1;
  return [d[0]! / l, d[1]! / l];
}
