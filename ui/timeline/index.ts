// The timeline: one canvas for what stands still, one for the playhead, and a
// list of the same items for keyboards and screen readers. Layout is pure
// (kernel/layout); this file holds the state of the view and its gestures.

import { Value } from '../kernel/observable.ts';
import type { Span } from '../kernel/clock.ts';
import { MarkIndex, holdSpan, hit, layout, ticks, timeOf, xOf, zoomSpan, type Box, type Layout } from '../kernel/layout.ts';
import { clockText, dateText, dayText, offsetAt } from '../kernel/zone.ts';
import { instantOfDigits, timeText } from '../kernel/when.ts';
import { DAY, HOUR, MINUTE, SECOND, clamp, type Px, type UtcMs } from '../kernel/units.ts';
import { t } from '../document/catalogue.ts';
import { element, palette, typing } from '../document/dom.ts';
import { caseSpan, contradictions, denseSpan, isClocked, lanesOf, marksOf, type Lane, type LaneRule } from '../document/marks.ts';
import { say, type Item, type Time } from '../document/types.ts';
import { drawMoving, drawStill, type Frame, type GapBox } from './draw.ts';
import type { MountTimeline, TimelineHandle } from './handle.ts';
export type * from './handle.ts';

const ROW = 15;
const AXIS = 22;
const GAPS = 22;
const TWIN_LIMIT = 200;

export const mountTimeline: MountTimeline = (el, input) => {
  let doc = input.doc;
  let rule: LaneRule = input.lanes;
  let filter = input.filter;
  let showGaps = true;
  let snapping = true;

  el.classList.add('timeline');
  const still = element('canvas', { class: 'timeline-still', 'aria-hidden': 'true' });
  const moving = element('canvas', { class: 'timeline-moving', 'aria-hidden': 'true' });
  const pane = element('div', { class: 'timeline-pane', tabindex: 0, role: 'slider', 'aria-orientation': 'horizontal' });
  const list = element('ol', { class: 'twin' });
  pane.append(still, moving);
  el.append(pane, list);
  const gs = still.getContext('2d')!;
  const gm = moving.getContext('2d')!;

  let lanes: Lane[] = [];
  let index = new MarkIndex([]);
  let bounds: Span = { from: 0, to: 864e5 };
  let items = new Map<string, Item>();
  let unclocked = 0;
  let conflicts = contradictions(doc);
  let plan: Layout = { lanes: [], boxes: [], height: 0 };
  let colours = palette(el);
  let frame: Frame = { width: 0, height: 0, left: 0, right: 1, scroll: 0, axisHeight: AXIS, gapsHeight: GAPS, rowHeight: ROW, narrow: false };
  let hover: Box | null = null;
  let hoverTime: UtcMs | null = null;
  let dragText = '';
  let tickX: Px[] = [];
  let typed = '';
  let typedAt = 0;
  let scroll = 0;
  const height = new Value(0);
  const range = new Value<Span>({ from: 0, to: 864e5 }, (a, b) => a.from === b.from && a.to === b.to);

  const zone = () => doc.case.zone || 'UTC';
  const lang = () => input.lang.get();
  const caseDay = () => (doc.case.date ?? '').slice(0, 10);

  function load(): void {
    lanes = lanesOf(doc, rule);
    const { marks, unclocked: without } = marksOf(doc, rule, filter);
    unclocked = without.length;
    index = new MarkIndex(marks);
    items = new Map(doc.items.map((i) => [i.id, i]));
    conflicts = contradictions(doc);
    bounds = caseSpan(doc);
    arrange();
  }

  // Still and moving parts are marked stale and drawn once in the next frame.
  let staleStill = true;
  let staleMoving = true;
  let asked = 0;
  function ask(stillToo: boolean): void {
    if (stillToo) staleStill = true;
    staleMoving = true;
    if (!asked) asked = requestAnimationFrame(paint);
  }

  function arrange(): void {
    const width = pane.clientWidth;
    const h = pane.clientHeight;
    const narrow = width < 560;
    const gaps = showGaps && doc.gaps.some((g) => g.time) ? GAPS : 0;
    frame = { ...frame, width, height: h, left: narrow ? 36 : 152, right: width - 12, gapsHeight: gaps, narrow };
    plan = layout(index, lanes.map((l) => ({ key: l.key, minRows: l.oneRecording && !narrow ? 2 : 1 })), range.get(), {
      left: frame.left, right: frame.right, rowHeight: ROW, pad: 4, maxRows: 5, labelWidth: (s) => s.length * 7.2,
    });
    height.set(Math.ceil(plan.height) + gaps + AXIS + 1);
    scroll = clamp(scroll, 0, Math.max(0, plan.height - (h - gaps - AXIS)));
    frame.scroll = scroll;
    twin();
    ask(true);
  }

  function resize(): void {
    const r = Math.min(devicePixelRatio || 1, 2);
    for (const [c, g] of [[still, gs], [moving, gm]] as const) {
      c.width = Math.max(1, Math.round(pane.clientWidth * r));
      c.height = Math.max(1, Math.round(pane.clientHeight * r));
      g.setTransform(r, 0, 0, r, 0, 0);
    }
    arrange();
  }

  function selectedSet(): ReadonlySet<string> {
    const id = input.selection.get();
    if (!id) return new Set();
    const claim = doc.claims.find((c) => c.id === id);
    if (claim) return new Set([id, ...claim.items]);
    const event = doc.events.find((e) => e.id === id);
    if (event?.items) return new Set([id, ...event.items]);
    return new Set([id]);
  }

  function gapBoxes(): GapBox[] {
    if (!showGaps) return [];
    const out: GapBox[] = [];
    for (const g of doc.gaps) {
      if (!g.time || g.time.min === null || g.time.max === null) continue;
      const rivalStart = g.rival?.min ?? null;
      const rivalEnd = g.rival?.max ?? null;
      const rival = rivalStart !== null && rivalStart !== g.time.min ? rivalStart : rivalEnd !== null && rivalEnd !== g.time.max ? rivalEnd : null;
      out.push({
        id: g.id, from: g.time.min, to: g.time.max, rival,
        label: g.id + ' ' + timeText(g.time, zone(), lang()) + (rival === null ? '' : ', ' + t(lang(), rival === rivalStart ? 'or from' : 'or until', { time: clockText(zone(), rival) })),
        selected: input.selection.get() === g.id, asked: Object.keys(g.asked ?? {}).length > 0 && g.public,
      });
    }
    return out;
  }

  function shownConflicts() {
    const id = input.selection.get();
    if (!id) return [];
    return conflicts.filter((c) => c.a === id || c.b === id || c.claim === id);
  }

  function axisTicks() {
    const { step, at } = ticks(range.get(), frame.right - frame.left, (x) => offsetAt(zone(), x), frame.narrow ? 64 : 84);
    const text = at.map((x) => {
      if (step >= DAY) return dayText(zone(), x, lang()).replace(/ \d{4}$/, '');
      const s = clockText(zone(), x, step < MINUTE);
      if (step < SECOND) return s.slice(3) + (mod(x, 1000) / 1000).toFixed(1).slice(1);
      return s === '00:00' ? dayText(zone(), x, lang()).replace(/ \d{4}$/, '') : s;
    });
    return { at, text };
  }

  function paint(): void {
    asked = 0;
    if (frame.width < 2 || frame.height < 2) return;
    if (staleStill) {
      staleStill = false;
      const chosen = shownConflicts();
      const marks = axisTicks();
      tickX = marks.at.map((x) => xOf(x, range.get(), frame.left, frame.right));
      drawStill(gs, {
        frame, layout: plan, range: range.get(),
        labels: lanes.map((l) => ({ key: l.key, letter: l.letter, title: laneTitle(l), note: l.oneRecording ? t(lang(), 'one recording') : '' })),
        gaps: gapBoxes(), gapsTitle: t(lang(), 'gaps'), conflicts: chosen, selected: selectedSet(), dimmed: null, ticks: marks, palette: colours,
      });
    }
    if (staleMoving) {
      staleMoving = false;
      const now = input.clock.get();
      const fine = range.get().to - range.get().from < 10 * MINUTE;
      drawMoving(gm, {
        frame, range: range.get(), ticks: tickX, now, nowText: clockText(zone(), now, fine), hover, hoverTime, hoverText: hoverTime === null ? '' : clockText(zone(), hoverTime, fine),
        handles: handles().map(({ x, y }) => ({ x, y })), drag: typed && performance.now() - typedAt < 3000 ? typed : dragText, palette: colours,
      });
      const text = t(lang(), 'playhead at', { time: clockText(zone(), now, true) + ' ' + dateText(zone(), now) });
      // The live value is read out by the slider role; written only when a second has passed, so that playing stays cheap.
      const second = String(Math.floor(now / 1000));
      if (pane.getAttribute('aria-valuenow') !== second) {
        pane.setAttribute('aria-valuenow', second);
        pane.setAttribute('aria-valuetext', text);
      }
    }
  }

  function laneTitle(l: Lane): string {
    return typeof l.title === 'string' ? t(lang(), l.title as 'no account') : say(l.title, lang());
  }

  // The list says what the canvas shows, in order of time.
  let twinAsked = 0;
  function twin(): void {
    clearTimeout(twinAsked);
    twinAsked = window.setTimeout(writeTwin, 120);
  }
  function writeTwin(): void {
    pane.setAttribute('aria-label', t(lang(), 'timeline'));
    pane.setAttribute('aria-description', t(lang(), 'timeline help'));
    pane.setAttribute('aria-valuemin', String(Math.floor(bounds.from / 1000)));
    pane.setAttribute('aria-valuemax', String(Math.floor(bounds.to / 1000)));
    list.setAttribute('aria-label', t(lang(), 'on screen'));
    const marks = plan.boxes.flatMap((b) => (b.cluster ?? [b.mark]).map((m) => ({ m, lane: b.lane })));
    marks.sort((a, b) => (a.m.min ?? a.m.max ?? 0) - (b.m.min ?? b.m.max ?? 0));
    const rows: HTMLElement[] = [];
    for (const { m, lane } of marks.slice(0, TWIN_LIMIT)) {
      const l = lanes.find((x) => x.key === lane);
      for (const id of m.ids) {
        const item = items.get(id);
        const against = conflicts.filter((c) => c.a === id || c.b === id).map((c) => (c.a === id ? c.b : c.a));
        const words = [timeText(item?.times?.[0], zone(), lang(), { caseDay: caseDay() }), l ? laneTitle(l) : '', item ? say(item.title, lang()) : '', against.length ? t(lang(), 'conflicts with', { ids: against.join(', ') }) : ''];
        const button = element('button', { type: 'button', tabindex: -1, 'data-id': id, 'aria-pressed': String(input.selection.get() === id) }, element('bdi', { dir: 'ltr' }, id), ', ' + words.filter(Boolean).join(', '));
        rows.push(element('li', {}, button));
      }
    }
    for (const g of gapBoxes()) rows.push(element('li', {}, element('button', { type: 'button', tabindex: -1, 'data-id': g.id }, t(lang(), 'gap') + ' ' + g.label)));
    if (marks.length > TWIN_LIMIT) rows.push(element('li', {}, t(lang(), 'and more', { n: marks.length - TWIN_LIMIT })));
    const focused = list.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset['id'] : undefined;
    list.replaceChildren(...rows);
    const first = list.querySelector('button');
    if (first) first.tabIndex = 0;
    if (focused) list.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }
  const onList = (e: Event) => {
    const id = (e.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset['id'];
    if (id) input.selection.set(id);
  };
  list.addEventListener('click', onList);
  // One tab stop for the whole list; arrow keys move inside it.
  list.addEventListener('keydown', (e) => {
    const buttons = [...list.querySelectorAll('button')];
    const i = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = e.code === 'ArrowDown' ? i + 1 : e.code === 'ArrowUp' ? i - 1 : e.code === 'Home' ? 0 : e.code === 'End' ? buttons.length - 1 : -1;
    if (e.code === 'Escape') pane.focus();
    else if (to >= 0 && to < buttons.length) buttons[to]!.focus();
    else return;
    e.preventDefault();
    e.stopPropagation();
  });

  function setRange(next: Span): void {
    range.set(holdSpan(next, bounds));
  }

  // Gestures -----------------------------------------------------------------

  const timeAt = (x: Px) => timeOf(clamp(x, frame.left, frame.right), range.get(), frame.left, frame.right);
  const inAxis = (y: Px) => y > frame.height - frame.axisHeight;
  const inGaps = (y: Px) => !inAxis(y) && y > frame.height - frame.axisHeight - frame.gapsHeight;

  /** Ends of the selected item that can be dragged. */
  function handles(): { x: Px; y: Px; side: 'min' | 'max' }[] {
    const id = input.selection.get();
    if (!input.onEdit || !id || !items.has(id)) return [];
    const box = plan.boxes.find((b) => !b.cluster && b.mark.ids.includes(id));
    const time = items.get(id)?.times?.[0];
    if (!box || !isClocked(time)) return [];
    const out: { x: Px; y: Px; side: 'min' | 'max' }[] = [];
    for (const side of ['min', 'max'] as const) {
      const v = dragging?.kind === 'edge' && dragging.side === side ? dragging.value : time[side];
      if (v === null) continue;
      const x = xOf(side === 'max' ? v + 1 : v, range.get(), frame.left, frame.right);
      if (x >= frame.left && x <= frame.right) out.push({ x, y: box.y, side });
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
    if (!snapping) return time;
    const reach = ((range.get().to - range.get().from) / (frame.right - frame.left)) * 6;
    let best = time;
    let near = reach;
    const consider = (x: UtcMs | null) => {
      if (x !== null && Math.abs(x - time) < near) {
        near = Math.abs(x - time);
        best = x;
      }
    };
    for (const b of plan.boxes) {
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
      pinch = { apart: Math.max(20, Math.abs(a.x - b.x)), span: range.get(), at: timeAt((a.x + b.x) / 2) };
      dragging = null;
      return;
    }
    const edge = handles().find((h) => Math.abs(h.x - x) <= 8 && Math.abs(h.y - scroll - y) <= 12);
    const nowX = xOf(input.clock.get(), range.get(), frame.left, frame.right);
    if (edge) {
      const id = input.selection.get()!;
      const v = items.get(id)!.times![0]![edge.side]!;
      dragging = { kind: 'edge', side: edge.side, id, value: v, start: v };
    } else if (inAxis(y) || (Math.abs(nowX - x) <= 6 && !hit(plan, x, y + scroll, ROW))) {
      dragging = { kind: 'scrub' };
      input.clock.seek(timeAt(x));
    } else {
      dragging = { kind: 'pan', x, y, from: range.get(), scroll, moved: false };
    }
  }

  function onMove(e: PointerEvent): void {
    const { x, y } = where(e);
    if (pointers.has(e.pointerId)) pointers.set(e.pointerId, { x, y });
    if (pinch && pointers.size === 2) {
      const [a, b] = [...pointers.values()] as [{ x: Px; y: Px }, { x: Px; y: Px }];
      setRange(zoomSpan(pinch.span, Math.max(20, Math.abs(a.x - b.x)) / pinch.apart, pinch.at, longest()));
      return;
    }
    if (!dragging) {
      const box = y < frame.height - frame.axisHeight - frame.gapsHeight && x >= frame.left ? hit(plan, x, y + scroll, ROW) : null;
      const time = x >= frame.left && x <= frame.right ? timeAt(x) : null;
      if (box !== hover || time !== hoverTime) {
        hover = box;
        hoverTime = time;
        ask(false);
      }
      const onEdge = handles().some((h) => Math.abs(h.x - x) <= 8 && Math.abs(h.y - scroll - y) <= 12);
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
        const shift = ((dragging.x - x) * (dragging.from.to - dragging.from.from)) / (frame.right - frame.left);
        setRange({ from: dragging.from.from + shift, to: dragging.from.to + shift });
        setScroll(dragging.scroll + dragging.y - y);
        break;
      }
      case 'edge': {
        const step = e.shiftKey ? 1 : SECOND;
        let v = Math.round(snapped(timeAt(x), dragging.id) / step) * step;
        if (dragging.side === 'max') v -= 1;
        const other = items.get(dragging.id)?.times?.[0]?.[dragging.side === 'min' ? 'max' : 'min'] ?? null;
        if (other !== null) v = dragging.side === 'min' ? Math.min(v, other) : Math.max(v, other);
        dragging.value = v;
        dragText = t(lang(), dragging.side === 'min' ? 'start of interval' : 'end of interval') + ' ' + clockText(zone(), v, true);
        ask(false);
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
    dragText = '';
    if (d?.kind === 'pan' && !d.moved) press(x, y);
    if (d?.kind === 'edge' && d.value !== d.start) {
      const old = items.get(d.id)?.times?.[0];
      if (old) input.onEdit?.(d.id, { ...old, [d.side]: d.value } as Time);
    }
    ask(false);
  }

  function press(x: Px, y: Px): void {
    if (inGaps(y)) {
      const at = timeAt(x);
      const gap = gapBoxes().find((g) => at >= g.from && at <= g.to);
      if (gap) {
        input.selection.set(gap.id);
        return;
      }
    }
    const chosen = shownConflicts();
    for (const c of chosen) {
      const a = plan.boxes.find((b) => b.mark.ids.includes(c.a));
      const b = plan.boxes.find((k) => k.mark.ids.includes(c.b));
      if (!a || !b || !c.overlap) continue;
      const q = xOf((c.overlap.from + c.overlap.to) / 2, range.get(), frame.left, frame.right);
      if (Math.abs(q - x) < 12 && Math.abs((a.y + b.y) / 2 - scroll - y) < 12) {
        input.onConflict?.(c);
        return;
      }
    }
    const box = hit(plan, x, y + scroll, ROW);
    if (!box || inGaps(y)) {
      if (x >= frame.left) input.clock.seek(timeAt(x));
      return;
    }
    if (box.cluster && box.cluster.length > 1) {
      const from = Math.min(...box.cluster.map((m) => m.min ?? m.max!));
      const to = Math.max(...box.cluster.map((m) => m.max ?? m.min!));
      const air = Math.max((to - from) * 0.2, SECOND);
      if (to - from > 2 * SECOND && to - from < (range.get().to - range.get().from) * 0.9) {
        setRange({ from: from - air, to: to + air });
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
    if (ids.length > 6) return t(lang(), 'cluster', { n: ids.length });
    return ids.map((id) => [id, timeText(items.get(id)?.times?.[0], zone(), lang()), say(items.get(id)?.title, lang())].filter(Boolean).join('  ')).join('\n');
  }

  function onLeave(): void {
    if (dragging) return;
    hover = null;
    hoverTime = null;
    ask(false);
  }

  const longest = () => Math.max(30 * HOUR, bounds.to - bounds.from);

  function setScroll(y: Px): void {
    const most = Math.max(0, plan.height - (frame.height - frame.gapsHeight - frame.axisHeight));
    const next = clamp(y, 0, most);
    if (next === scroll) return;
    scroll = next;
    frame = { ...frame, scroll };
    ask(true);
  }

  function onWheel(e: WheelEvent): void {
    e.preventDefault();
    const { x } = where(e);
    const overflow = plan.height > frame.height - frame.gapsHeight - frame.axisHeight;
    if (Math.abs(e.deltaX) > Math.abs(e.deltaY) || e.shiftKey) {
      const d = ((e.deltaX || e.deltaY) * (range.get().to - range.get().from)) / (frame.right - frame.left);
      setRange({ from: range.get().from + d, to: range.get().to + d });
    } else if (overflow && !e.ctrlKey && !e.metaKey && !e.altKey) {
      setScroll(scroll + e.deltaY);
    } else {
      setRange(zoomSpan(range.get(), Math.exp(-clamp(e.deltaY, -200, 200) * 0.003), timeAt(x), longest()));
    }
  }

  // Keyboard -----------------------------------------------------------------

  function neighbour(direction: 1 | -1): void {
    const order = [...index.byId.entries()].map(([id, m]) => ({ id, at: m.min ?? m.max ?? 0 })).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    if (!order.length) return;
    const i = order.findIndex((o) => o.id === input.selection.get());
    const now = input.clock.get();
    let next: number;
    if (i >= 0) next = clamp(i + direction, 0, order.length - 1);
    else if (direction > 0) next = Math.max(0, order.findIndex((o) => o.at >= now));
    else next = Math.max(0, order.filter((o) => o.at <= now).length - 1);
    input.selection.set(order[next]!.id);
  }

  function onKey(e: KeyboardEvent): void {
    if (typing(e) || e.altKey || e.ctrlKey || e.metaKey) return;
    const c = input.clock;
    const width = range.get().to - range.get().from;
    let used = true;
    if (/^[0-9]$/.test(e.key) && !e.shiftKey) {
      typed = performance.now() - typedAt > 3000 ? e.key : (typed + e.key).slice(-6);
      typedAt = performance.now();
      if (typed.length >= 4) {
        const to = instantOfDigits(typed, zone(), c.get());
        if (to !== null) {
          c.seek(to);
          if (to < range.get().from || to > range.get().to) setRange({ from: to - width / 2, to: to + width / 2 });
        }
      }
      ask(false);
      window.setTimeout(() => ask(false), 3050);
    } else if (e.code === 'ArrowRight' || e.code === 'ArrowLeft') {
      // Without a medium to step through, a frame is a thousandth of what is seen, a round number of it.
      const step = e.shiftKey ? SECOND : Math.max(40, niceStep(width / 400));
      c.seek(c.get() + (e.code === 'ArrowRight' ? step : -step));
    } else if (e.code === 'ArrowDown' || e.key === '.') neighbour(1);
    else if (e.code === 'ArrowUp' || e.key === ',') neighbour(-1);
    else if (e.key === '+' || e.key === '=') handle.zoom(1.5);
    else if (e.key === '-' || e.key === '−') handle.zoom(1 / 1.5);
    else if (e.code === 'KeyZ' && e.shiftKey) handle.fit();
    else if (e.code === 'Space') c.toggle();
    else if (e.code === 'KeyJ') c.shuttle(-1);
    else if (e.code === 'KeyK') c.shuttle(0);
    else if (e.code === 'KeyL') c.shuttle(1);
    else if (e.code === 'KeyS' && !e.shiftKey) snapping = !snapping;
    else if (e.code === 'Home') c.seek(bounds.from);
    else if (e.code === 'End') c.seek(bounds.to);
    else used = false;
    if (used) {
      e.preventDefault();
      e.stopPropagation();
    }
  }

  pane.addEventListener('pointerdown', onDown);
  pane.addEventListener('pointermove', onMove);
  pane.addEventListener('pointerup', onUp);
  pane.addEventListener('pointercancel', onUp);
  pane.addEventListener('pointerleave', onLeave);
  pane.addEventListener('wheel', onWheel, { passive: false });
  pane.addEventListener('keydown', onKey);
  const onFonts = () => ask(true);
  document.fonts?.addEventListener('loadingdone', onFonts);
  // A canvas does not ask for fonts by itself where no text of the page uses them yet.
  void document.fonts?.load(`12px ${colours.mono}`).then(onFonts, () => {});
  void document.fonts?.load(`12px ${colours.sans}`).then(onFonts, () => {});
  const observer = new ResizeObserver(resize);
  observer.observe(pane);

  const stops = [
    input.clock.subscribe((now) => {
      // While playing the view follows the playhead, page by page.
      if (input.clock.playing.get() && input.clock.move !== 'seek') {
        const { from, to } = range.get();
        if (now > to || now < from) setRange({ from: now - (to - from) * 0.05, to: now + (to - from) * 0.95 });
      }
      ask(false);
    }),
    input.selection.subscribe((id) => {
      const m = id ? index.byId.get(id) : undefined;
      if (m && pane.clientWidth > 0) reveal(m.min ?? m.max!, m.max ?? m.min!);
      twin();
      ask(true);
    }),
    input.lang.subscribe(() => {
      twin();
      ask(true);
    }),
    range.subscribe(() => arrange()),
  ];

  /** Brings an interval into view, moving no more than needed and never zooming in. */
  function reveal(from: UtcMs, to: UtcMs): void {
    const r = range.get();
    const width = r.to - r.from;
    if (to < r.from + width * 0.02 || from > r.to - width * 0.02) setRange({ from: (from + to) / 2 - width / 2, to: (from + to) / 2 + width / 2 });
  }

  const handle: TimelineHandle = {
    destroy() {
      cancelAnimationFrame(asked);
      clearTimeout(twinAsked);
      observer.disconnect();
      document.fonts?.removeEventListener('loadingdone', onFonts);
      for (const s of stops) s();
      el.classList.remove('timeline');
      pane.remove();
      list.remove();
    },
    zoomTo: (s) => setRange(s),
    fit: () => range.set(denseSpan(doc)),
    zoom(factor) {
      const now = input.clock.get();
      const r = range.get();
      setRange(zoomSpan(r, factor, now >= r.from && now <= r.to ? now : (r.from + r.to) / 2, longest()));
    },
    update(next) {
      doc = next;
      colours = palette(el);
      load();
    },
    filter(next) {
      filter = next;
      load();
    },
    lanes(by) {
      rule = by;
      load();
    },
    gaps(shown) {
      showGaps = shown;
      arrange();
    },
    snap(on) {
      snapping = on;
    },
    get conflicts() {
      return conflicts.filter((c) => isClocked(items.get(c.a)?.times?.[0]) && isClocked(items.get(c.b)?.times?.[0]));
    },
    range,
    counts() {
      const r = range.get();
      let shown = 0;
      let before = 0;
      let after = 0;
      for (const m of new Set(index.byId.values())) {
        const a = m.min ?? m.max!;
        const b = m.max ?? m.min!;
        if (b < r.from) before += m.ids.length;
        else if (a > r.to) after += m.ids.length;
        else shown += m.ids.length;
      }
      return { shown, before, after, unclocked, conflicts: handle.conflicts.length, gaps: doc.gaps.filter((g) => g.time).length };
    },
    height,
    focus: () => pane.focus(),
  };
  load();
  handle.fit();
  resize();
  return handle;
};

const mod = (a: number, n: number) => ((a % n) + n) % n;

function niceStep(ms: number): number {
  const steps = [40, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000];
  return steps.find((s) => s >= ms) ?? 300_000;
}
