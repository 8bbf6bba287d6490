// What a pointer does on the timeline: scrub, pan, pinch, drag the end of an
// interval, press a mark, a gap, a conflict or a cluster, and turn the wheel.

import type { Span } from '../kernel/clock.ts';
import { hit, timeOf, xOf, zoomSpan, type Box } from '../kernel/layout.ts';
import { clockText } from '../kernel/zone.ts';
import { timeText } from '../kernel/when.ts';
import { SECOND, clamp, type Px, type UtcMs } from '../kernel/units.ts';
import { t } from '../document/catalogue.ts';
import { isClocked } from '../document/marks.ts';
import { say, type Time } from '../document/types.ts';
import { ROW, type View } from './view.ts';

export function makeGestures(view: View) {
  const { input, pane } = view;
  const timeAt = (x: Px): UtcMs => timeOf(clamp(x, view.frame.left, view.frame.right), view.range.get(), view.frame.left, view.frame.right);
  const inAxis = (y: Px) => y > view.frame.height - view.frame.axisHeight;
  const inGaps = (y: Px) => !inAxis(y) && y > view.frame.height - view.frame.axisHeight - view.frame.gapsHeight;

  /** Ends of the selected item that can be dragged. */
  function handles(): { x: Px; y: Px; side: 'min' | 'max' }[] {
    const id = input.selection.get();
    if (!input.onEdit || !id || !view.items.has(id)) return [];
    const box = view.plan.boxes.find((b) => !b.cluster && b.mark.ids.includes(id));
    const time = view.items.get(id)?.times?.[0];
    if (!box || !isClocked(time)) return [];
    const out: { x: Px; y: Px; side: 'min' | 'max' }[] = [];
    for (const side of ['min', 'max'] as const) {
      const v = dragging?.kind === 'edge' && dragging.side === side ? dragging.value : time[side];
      if (v === null) continue;
      const x = xOf(side === 'max' ? v + 1 : v, view.range.get(), view.frame.left, view.frame.right);
      if (x >= view.frame.left && x <= view.frame.right) out.push({ x, y: box.y, side });
    }
    return out;
  }

  type Drag =
    | { kind: 'scrub' }
    | { kind: 'pan'; x: Px; y: Px; from: Span; scroll: Px; moved: boolean }
    | { kind: 'edge'; side: 'min' | 'max'; id: string; value: UtcMs; start: UtcMs };
  let dragging: Drag | null = null;
  const pointers = new Map<number, { x: Px; y: Px }>();
  let pinch: { apart: Px; span: Span; at: UtcMs } | null = null;

  /** Nearest end of a mark, the playhead, or a round tick, within six pixels. */
  function snapped(time: UtcMs, not?: string): UtcMs {
    if (!view.snapping) return time;
    const reach = ((view.range.get().to - view.range.get().from) / (view.frame.right - view.frame.left)) * 6;
    let best = time;
    let near = reach;
    const consider = (x: UtcMs | null) => {
      if (x !== null && Math.abs(x - time) < near) {
        near = Math.abs(x - time);
        best = x;
      }
    };
    for (const b of view.plan.boxes) {
      if (not && b.mark.ids.includes(not)) continue;
      consider(b.mark.min);
      consider(b.mark.max === null ? null : b.mark.max + 1);
    }
    consider(input.clock.get());
    return best;
  }

  function where(e: PointerEvent | WheelEvent): { x: Px; y: Px } {
    const r = pane.getBoundingClientRect();
    return { x: e.clientX - r.left, y: e.clientY - r.top };
  }

  function onDown(e: PointerEvent): void {
    if (e.button !== 0) return;
    const { x, y } = where(e);
    pane.setPointerCapture(e.pointerId);
    pointers.set(e.pointerId, { x, y });
    if (pointers.size === 2) {
      const [a, b] = [...pointers.values()] as [{ x: Px; y: Px }, { x: Px; y: Px }];
      pinch = { apart: Math.max(20, Math.abs(a.x - b.x)), span: view.range.get(), at: timeAt((a.x + b.x) / 2) };
      dragging = null;
      return;
    }
    const edge = handles().find((h) => Math.abs(h.x - x) <= 8 && Math.abs(h.y - view.scroll - y) <= 12);
    const nowX = xOf(input.clock.get(), view.range.get(), view.frame.left, view.frame.right);
    if (edge) {
      const id = input.selection.get()!;
      const v = view.items.get(id)!.times![0]![edge.side]!;
      dragging = { kind: 'edge', side: edge.side, id, value: v, start: v };
    } else if (inAxis(y) || (Math.abs(nowX - x) <= 6 && !hit(view.plan, x, y + view.scroll, ROW))) {
      dragging = { kind: 'scrub' };
      input.clock.seek(timeAt(x));
    } else {
      dragging = { kind: 'pan', x, y, from: view.range.get(), scroll: view.scroll, moved: false };
    }
  }

  function onMove(e: PointerEvent): void {
    const { x, y } = where(e);
    if (pointers.has(e.pointerId)) pointers.set(e.pointerId, { x, y });
    if (pinch && pointers.size === 2) {
      const [a, b] = [...pointers.values()] as [{ x: Px; y: Px }, { x: Px; y: Px }];
      view.setRange(zoomSpan(pinch.span, Math.max(20, Math.abs(a.x - b.x)) / pinch.apart, pinch.at, view.longest()));
      return;
    }
    if (!dragging) {
      const box = y < view.frame.height - view.frame.axisHeight - view.frame.gapsHeight && x >= view.frame.left ? hit(view.plan, x, y + view.scroll, ROW) : null;
      const time = x >= view.frame.left && x <= view.frame.right ? timeAt(x) : null;
      if (box !== view.hover || time !== view.hoverTime) {
        view.hover = box;
        view.hoverTime = time;
        view.ask(false);
      }
      const onEdge = handles().some((h) => Math.abs(h.x - x) <= 8 && Math.abs(h.y - view.scroll - y) <= 12);
      pane.style.cursor = onEdge ? 'ew-resize' : box ? 'pointer' : inAxis(y) ? 'col-resize' : 'default';
      pane.title = box ? tip(box) : '';
      return;
    }
    switch (dragging.kind) {
      case 'scrub':
        input.clock.seek(timeAt(x));
        break;
      case 'pan': {
        if (!dragging.moved && Math.hypot(x - dragging.x, y - dragging.y) < 4) return;
        dragging.moved = true;
        const shift = ((dragging.x - x) * (dragging.from.to - dragging.from.from)) / (view.frame.right - view.frame.left);
        view.setRange({ from: dragging.from.from + shift, to: dragging.from.to + shift });
        setScroll(dragging.scroll + dragging.y - y);
        break;
      }
      case 'edge': {
        const step = e.shiftKey ? 1 : SECOND;
        let v = Math.round(snapped(timeAt(x), dragging.id) / step) * step;
        if (dragging.side === 'max') v -= 1;
        const other = view.items.get(dragging.id)?.times?.[0]?.[dragging.side === 'min' ? 'max' : 'min'] ?? null;
        if (other !== null) v = dragging.side === 'min' ? Math.min(v, other) : Math.max(v, other);
        dragging.value = v;
        view.dragText = t(view.lang(), dragging.side === 'min' ? 'start of interval' : 'end of interval') + ' ' + clockText(view.zone(), v, true);
        view.ask(false);
        break;
      }
    }
  }

  function onUp(e: PointerEvent): void {
    const { x, y } = where(e);
    pointers.delete(e.pointerId);
    if (pinch) {
      if (pointers.size < 2) pinch = null;
      dragging = null;
      return;
    }
    const d = dragging;
    dragging = null;
    view.dragText = '';
    if (d?.kind === 'pan' && !d.moved) press(x, y);
    if (d?.kind === 'edge' && d.value !== d.start) {
      const old = view.items.get(d.id)?.times?.[0];
      if (old) input.onEdit?.(d.id, { ...old, [d.side]: d.value } as Time);
    }
    view.ask(false);
  }

  function press(x: Px, y: Px): void {
    if (inGaps(y)) {
      const at = timeAt(x);
      const gap = view.gapBoxes().find((g) => at >= g.from && at <= g.to);
      if (gap) {
        input.selection.set(gap.id);
        return;
      }
    }
    const chosen = view.shownConflicts();
    for (const c of chosen) {
      const a = view.plan.boxes.find((b) => b.mark.ids.includes(c.a));
      const b = view.plan.boxes.find((k) => k.mark.ids.includes(c.b));
      if (!a || !b || !c.overlap) continue;
      const q = xOf((c.overlap.from + c.overlap.to) / 2, view.range.get(), view.frame.left, view.frame.right);
      if (Math.abs(q - x) < 12 && Math.abs((a.y + b.y) / 2 - view.scroll - y) < 12) {
        input.onConflict?.(c);
        return;
      }
    }
    const box = hit(view.plan, x, y + view.scroll, ROW);
    if (!box || inGaps(y)) {
      if (x >= view.frame.left) input.clock.seek(timeAt(x));
      return;
    }
    if (box.cluster && box.cluster.length > 1) {
      const from = Math.min(...box.cluster.map((m) => m.min ?? m.max!));
      const to = Math.max(...box.cluster.map((m) => m.max ?? m.min!));
      const air = Math.max((to - from) * 0.2, SECOND);
      if (to - from > 2 * SECOND && to - from < (view.range.get().to - view.range.get().from) * 0.9) {
        view.setRange({ from: from - air, to: to + air });
        return;
      }
    }
    // Reports of one recording share a mark: pressing again goes to the next of them.
    const ids = (box.cluster ?? [box.mark]).flatMap((m) => m.ids);
    const at = ids.indexOf(input.selection.get() ?? '');
    input.selection.set(ids[(at + 1) % ids.length]!);
  }

  function tip(b: Box): string {
    const ids = (b.cluster ?? [b.mark]).flatMap((m) => m.ids);
    if (ids.length > 6) return t(view.lang(), 'cluster', { n: ids.length });
    return ids.map((id) => [id, timeText(view.items.get(id)?.times?.[0], view.zone(), view.lang()), say(view.items.get(id)?.title, view.lang())].filter(Boolean).join('  ')).join('\n');
  }

  function onLeave(): void {
    if (dragging) return;
    view.hover = null;
    view.hoverTime = null;
    view.ask(false);
  }

  function setScroll(y: Px): void {
    const most = Math.max(0, view.plan.height - (view.frame.height - view.frame.gapsHeight - view.frame.axisHeight));
    const next = clamp(y, 0, most);
    if (next === view.scroll) return;
    view.scroll = next;
    view.frame = { ...view.frame, scroll: view.scroll };
    view.ask(true);
  }

  function onWheel(e: WheelEvent): void {
    e.preventDefault();
    const { x } = where(e);
    const overflow = view.plan.height > view.frame.height - view.frame.gapsHeight - view.frame.axisHeight;
    if (Math.abs(e.deltaX) > Math.abs(e.deltaY) || e.shiftKey) {
      const d = ((e.deltaX || e.deltaY) * (view.range.get().to - view.range.get().from)) / (view.frame.right - view.frame.left);
      view.setRange({ from: view.range.get().from + d, to: view.range.get().to + d });
    } else if (overflow && !e.ctrlKey && !e.metaKey && !e.altKey) {
      setScroll(view.scroll + e.deltaY);
    } else {
      view.setRange(zoomSpan(view.range.get(), Math.exp(-clamp(e.deltaY, -200, 200) * 0.003), timeAt(x), view.longest()));
    }
  }

  pane.addEventListener('pointerdown', onDown);
  pane.addEventListener('pointermove', onMove);
  pane.addEventListener('pointerup', onUp);
  pane.addEventListener('pointercancel', onUp);
  pane.addEventListener('pointerleave', onLeave);
  pane.addEventListener('wheel', onWheel, { passive: false });
  return { handles };
}
