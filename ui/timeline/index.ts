// The timeline: one canvas for what stands still, one for the playhead, and a
// list of the same items for keyboards and screen readers. Layout is pure
// (kernel/layout); this file arranges and paints, gestures and keys lie beside it.

import { Value } from '../kernel/observable.ts';
import type { Span } from '../kernel/clock.ts';
import { MarkIndex, holdSpan, layout, ticks, xOf, zoomSpan } from '../kernel/layout.ts';
import { clockText, dateText, dayText, offsetAt } from '../kernel/zone.ts';
import { timeText } from '../kernel/when.ts';
import { DAY, HOUR, MINUTE, SECOND, clamp, type Px, type UtcMs } from '../kernel/units.ts';
import { t } from '../document/catalogue.ts';
import { element, palette } from '../document/dom.ts';
import { caseSpan, contradictions, denseSpan, isClocked, lanesOf, marksOf, type Lane, type LaneRule } from '../document/marks.ts';
import { say } from '../document/types.ts';
import { columnAt, lanesOfCounts, totalOf } from './density.ts';
import { drawMoving, drawStill, type GapBox } from './draw.ts';
import { makeGestures } from './gestures.ts';
import { makeKeys } from './keys.ts';
import { makeTwin } from './twin.ts';
import { ROW, type View } from './view.ts';
import type { MountTimeline, TimelineHandle } from './handle.ts';
export type * from './handle.ts';

const AXIS = 22;
const GAPS = 22;

export const mountTimeline: MountTimeline = (el, input) => {
  let rule: LaneRule = input.lanes;
  let filter = input.filter;
  let showGaps = true;
  /** Given where the case is shown by windows. */
  let bounds: Span | null = null;

  el.classList.add('timeline');
  const still = element('canvas', { class: 'timeline-still', 'aria-hidden': 'true' });
  const moving = element('canvas', { class: 'timeline-moving', 'aria-hidden': 'true' });
  const pane = element('div', { class: 'timeline-pane', tabindex: 0, role: 'slider', 'aria-orientation': 'horizontal', 'aria-label': t(input.lang.get(), 'timeline') });
  const list = element('ol', { class: 'twin' });
  pane.append(still, moving);
  el.append(pane, list);
  const gs = still.getContext('2d')!;
  const gm = moving.getContext('2d')!;

  let unclocked = 0;
  let colours = palette(el);
  let tickX: Px[] = [];
  const height = new Value(0);
  const range = new Value<Span>({ from: 0, to: 864e5 }, (a, b) => a.from === b.from && a.to === b.to);

  const zone = () => view.doc.case.zone || 'UTC';
  const lang = () => input.lang.get();
  const caseDay = () => (view.doc.case.date ?? '').slice(0, 10);

  function load(): void {
    view.lanes = view.density ? lanesOfCounts(view.doc, rule, view.density) : lanesOf(view.doc, rule);
    const { marks, unclocked: without } = marksOf(view.doc, rule, filter);
    unclocked = without.length;
    view.index = new MarkIndex(marks);
    view.items = new Map(view.doc.items.map((i) => [i.id, i]));
    view.conflicts = contradictions(view.doc);
    view.bounds = bounds ?? caseSpan(view.doc);
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
    const gaps = showGaps && view.doc.gaps.some((g) => g.time) ? GAPS : 0;
    view.frame = { ...view.frame, width, height: h, left: narrow ? 36 : 152, right: width - 12, gapsHeight: gaps, narrow };
    view.plan = layout(view.index, view.lanes.map((l) => ({ key: l.key, minRows: view.density || (l.oneRecording && !narrow) ? 2 : 1 })), range.get(), {
      left: view.frame.left, right: view.frame.right, rowHeight: ROW, pad: 4, maxRows: 5, labelWidth: (s) => s.length * 7.2,
    });
    height.set(Math.ceil(view.plan.height) + gaps + AXIS + 1);
    view.scroll = clamp(view.scroll, 0, Math.max(0, view.plan.height - (h - gaps - AXIS)));
    view.frame.scroll = view.scroll;
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
    const claim = view.doc.claims.find((c) => c.id === id);
    if (claim) return new Set([id, ...claim.items]);
    const event = view.doc.events.find((e) => e.id === id);
    if (event?.items) return new Set([id, ...event.items]);
    return new Set([id]);
  }

  function gapBoxes(): GapBox[] {
    if (!showGaps) return [];
    const out: GapBox[] = [];
    for (const g of view.doc.gaps) {
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
    return view.conflicts.filter((c) => c.a === id || c.b === id || c.claim === id);
  }

  function axisTicks() {
    const { step, at } = ticks(range.get(), view.frame.right - view.frame.left, (x) => offsetAt(zone(), x), view.frame.narrow ? 64 : 84);
    const text = at.map((x) => {
      // Marks a month or more apart would be told apart by their year only.
      if (step >= DAY) return step >= 28 * DAY ? dayText(zone(), x, lang()) : dayText(zone(), x, lang()).replace(/ \d{4}$/, '');
      const s = clockText(zone(), x, step < MINUTE);
      if (step < SECOND) return s.slice(3) + (mod(x, 1000) / 1000).toFixed(1).slice(1);
      return s === '00:00' ? dayText(zone(), x, lang()).replace(/ \d{4}$/, '') : s;
    });
    return { at, text };
  }

  function paint(): void {
    asked = 0;
    if (view.frame.width < 2 || view.frame.height < 2) return;
    if (staleStill) {
      staleStill = false;
      const chosen = shownConflicts();
      const marks = axisTicks();
      tickX = marks.at.map((x) => xOf(x, range.get(), view.frame.left, view.frame.right));
      drawStill(gs, {
        frame: view.frame, layout: view.plan, range: range.get(),
        density: view.density,
        labels: view.lanes.map((l) => ({ key: l.key, letter: l.letter, title: laneTitle(l), note: view.density ? totalOf(view.density, l.key, view.lanes, lang()) : l.oneRecording ? t(lang(), 'one recording') : '' })),
        gaps: gapBoxes(), gapsTitle: t(lang(), 'gaps'), conflicts: chosen, selected: selectedSet(), dimmed: null, ticks: marks, palette: colours,
      });
    }
    if (staleMoving) {
      staleMoving = false;
      const now = input.clock.get();
      const fine = range.get().to - range.get().from < 10 * MINUTE;
      drawMoving(gm, {
        frame: view.frame, range: range.get(), ticks: tickX, now, nowText: clockText(zone(), now, fine), hover: view.hover, hoverTime: view.hoverTime, hoverText: view.hoverTime === null ? '' : hoverWords(view.hoverTime, fine),
        handles: gestures.handles().map(({ x, y }) => ({ x, y })), drag: view.typed && performance.now() - view.typedAt < 3000 ? view.typed : view.dragText, palette: colours,
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

  /** The time under the pointer; over counts also their day, and how many the column holds. */
  function hoverWords(at: UtcMs, fine: boolean): string {
    const d = view.density;
    if (!d) return clockText(zone(), at, fine);
    const n = columnAt(d, at);
    return dateText(zone(), at) + ' ' + clockText(zone(), at, fine) + ' · ' + (d.capped ? '≥ ' : '') + n.toLocaleString(lang() === 'en' ? 'en-GB' : 'es');
  }

  // The list is written when the view has come to rest.
  let twinAsked = 0;
  function twin(): void {
    clearTimeout(twinAsked);
    twinAsked = window.setTimeout(writeTwin, 120);
  }

  function laneTitle(l: Lane): string {
    return typeof l.title === 'string' ? t(lang(), l.title as 'no account') : say(l.title, lang());
  }

  function setRange(next: Span): void {
    range.set(holdSpan(next, view.bounds));
  }

  const view: View = {
    input, pane, list, range, zone, lang, caseDay, gapBoxes, shownConflicts, laneTitle, setRange, ask,
    doc: input.doc, lanes: [], index: new MarkIndex([]), bounds: { from: 0, to: 864e5 }, items: new Map(), conflicts: contradictions(input.doc), density: null, plan: { lanes: [], boxes: [], height: 0 },
    frame: { width: 0, height: 0, left: 0, right: 1, scroll: 0, axisHeight: AXIS, gapsHeight: GAPS, rowHeight: ROW, narrow: false },
    scroll: 0, hover: null, hoverTime: null, dragText: '', typed: '', typedAt: 0, snapping: true,
    longest: () => Math.max(30 * HOUR, view.bounds.to - view.bounds.from),
    zoom(factor) {
      const now = input.clock.get();
      const r = range.get();
      setRange(zoomSpan(r, factor, now >= r.from && now <= r.to ? now : (r.from + r.to) / 2, view.longest()));
    },
    fit: () => range.set(bounds ?? denseSpan(view.doc)),
  };
  const gestures = makeGestures(view);
  makeKeys(view);
  const writeTwin = makeTwin(view);

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
      const m = id ? view.index.byId.get(id) : undefined;
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
    fit: view.fit,
    zoom: view.zoom,
    update(next) {
      view.doc = next;
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
    windows(w) {
      bounds = w.bounds;
      view.density = w.density;
      load();
    },
    gaps(shown) {
      showGaps = shown;
      arrange();
    },
    snap(on) {
      view.snapping = on;
    },
    get conflicts() {
      return view.conflicts.filter((c) => isClocked(view.items.get(c.a)?.times?.[0]) && isClocked(view.items.get(c.b)?.times?.[0]));
    },
    range,
    counts() {
      const r = range.get();
      let shown = 0;
      let before = 0;
      let after = 0;
      for (const m of new Set(view.index.byId.values())) {
        const a = m.min ?? m.max!;
        const b = m.max ?? m.min!;
        if (b < r.from) before += m.ids.length;
        else if (a > r.to) after += m.ids.length;
        else shown += m.ids.length;
      }
      return { shown, before, after, unclocked, conflicts: handle.conflicts.length, gaps: view.doc.gaps.filter((g) => g.time).length };
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
