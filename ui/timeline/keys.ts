// What keys do on the timeline (platform note: focused pane wins).

import { instantOfDigits } from '../kernel/when.ts';
import { SECOND, clamp } from '../kernel/units.ts';
import { typing } from '../document/dom.ts';
import type { View } from './view.ts';

export function makeKeys(view: View): void {
  const { input, pane } = view;
  function neighbour(direction: 1 | -1): void {
    const order = [...view.index.byId.entries()].map(([id, m]) => ({ id, at: m.min ?? m.max ?? 0 })).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
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
    const width = view.range.get().to - view.range.get().from;
    let used = true;
    if (/^[0-9]$/.test(e.key) && !e.shiftKey) {
      view.typed = performance.now() - view.typedAt > 3000 ? e.key : (view.typed + e.key).slice(-6);
      view.typedAt = performance.now();
      if (view.typed.length >= 4) {
        const to = instantOfDigits(view.typed, view.zone(), c.get());
        if (to !== null) {
          c.seek(to);
          if (to < view.range.get().from || to > view.range.get().to) view.setRange({ from: to - width / 2, to: to + width / 2 });
        }
      }
      view.ask(false);
      window.setTimeout(() => view.ask(false), 3050);
    } else if (e.code === 'ArrowRight' || e.code === 'ArrowLeft') {
      // Without a medium to step through, a frame is a thousandth of what is seen, a round number of it.
      const step = e.shiftKey ? SECOND : Math.max(40, niceStep(width / 400));
      c.seek(c.get() + (e.code === 'ArrowRight' ? step : -step));
    } else if (e.code === 'ArrowDown' || e.key === '.') neighbour(1);
    else if (e.code === 'ArrowUp' || e.key === ',') neighbour(-1);
    else if (e.key === '+' || e.key === '=') view.zoom(1.5);
    else if (e.key === '-' || e.key === '−') view.zoom(1 / 1.5);
    else if (e.code === 'KeyZ' && e.shiftKey) view.fit();
    else if (e.code === 'Space') c.toggle();
    else if (e.code === 'KeyJ') c.shuttle(-1);
    else if (e.code === 'KeyK') c.shuttle(0);
    else if (e.code === 'KeyL') c.shuttle(1);
    else if (e.code === 'KeyS' && !e.shiftKey) view.snapping = !view.snapping;
    else if (e.code === 'Home') c.seek(view.bounds.from);
    else if (e.code === 'End') c.seek(view.bounds.to);
    else used = false;
    if (used) {
      e.preventDefault();
      e.stopPropagation();
    }
  }

  pane.addEventListener('keydown', onKey);
}

function niceStep(ms: number): number {
  const steps = [40, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000];
  return steps.find((s) => s >= ms) ?? 300_000;
}
