// The one clock of a window. Videos, map, scene, sun, transcript and lists
// follow it and never lead it. It is advanced from a monotonic clock that the
// caller hands in, so a test can drive it and a change of the computer's wall
// clock cannot move the case.

import { Value, type Readable } from './observable.ts';
import { clamp, type UtcMs } from './units.ts';

export interface Span {
  from: UtcMs;
  to: UtcMs;
}

/** How the clock arrived where it is: a jump is drawn, a tick is not. */
export type Move = 'seek' | 'tick' | 'jump';

export const SLOWEST = 0.1;
export const FASTEST = 60;
/** Above this rate media show stills instead of playing. */
export const STILLS_ABOVE = 4;

export class Clock implements Readable<UtcMs> {
  readonly rate = new Value(1);
  readonly playing = new Value(false);
  /** The stretch of time the clock stays in; playing stops at its end. */
  readonly range: Value<Span>;
  /** Stretches without media that playing jumps over; empty unless the reader asked for it. */
  readonly skip = new Value<readonly Span[]>([]);
  /** The last jump over a gap, so that it can be marked on the screen. */
  readonly jumped = new Value<Span | null>(null);

  #time: Value<UtcMs>;
  #now: () => number;
  #last = 0;
  #move: Move = 'seek';

  /** now: a monotonic clock in milliseconds, such as performance.now. */
  constructor(at: UtcMs, range: Span, now: () => number = () => performance.now()) {
    this.range = new Value(range);
    this.#time = new Value(clamp(at, range.from, range.to));
    this.#now = now;
  }

  get(): UtcMs {
    return this.#time.get();
  }

  get move(): Move {
    return this.#move;
  }

  subscribe(run: (t: UtcMs) => void): () => void {
    return this.#time.subscribe(run);
  }

  seek(t: UtcMs): void {
    if (!Number.isFinite(t)) return;
    const { from, to } = this.range.get();
    this.#move = 'seek';
    this.#last = this.#now();
    this.#time.set(clamp(t, from, to));
  }

  play(): void {
    if (this.playing.get()) return;
    const { from, to } = this.range.get();
    const end = this.rate.get() < 0 ? from : to;
    if (this.get() === end) this.seek(this.rate.get() < 0 ? to : from);
    this.#last = this.#now();
    this.playing.set(true);
  }

  pause(): void {
    if (!this.playing.get()) return;
    this.tick();
    this.playing.set(false);
  }

  toggle(): void {
    if (this.playing.get()) this.pause();
    else this.play();
  }

  /** Rate may be negative (shuttle backwards); its size is kept within 0.1 and 60. */
  setRate(rate: number): void {
    if (!Number.isFinite(rate) || rate === 0) return;
    this.tick();
    this.rate.set(Math.sign(rate) * clamp(Math.abs(rate), SLOWEST, FASTEST));
  }

  /** J, K, L of an editing desk: -1 and +1 double the speed in that direction, 0 stops. */
  shuttle(direction: -1 | 0 | 1): void {
    if (direction === 0) {
      this.pause();
      this.setRate(1);
      return;
    }
    const rate = this.rate.get();
    this.setRate(this.playing.get() && Math.sign(rate) === direction ? rate * 2 : direction);
    this.play();
  }

  /** Brings the time forward to the monotonic clock. Does nothing while paused. */
  tick(): void {
    const now = this.#now();
    const passed = Math.max(0, now - this.#last);
    this.#last = now;
    if (!this.playing.get() || passed === 0) return;
    const rate = this.rate.get();
    const before = this.get();
    let t = before + passed * rate;
    this.#move = 'tick';
    if (rate > 0) {
      for (const gap of this.skip.get()) {
        if (t > gap.from && t < gap.to && before <= gap.from + Math.max(passed * rate, 1)) {
          this.jumped.set({ from: gap.from, to: gap.to });
          this.#move = 'jump';
          t = gap.to;
        }
      }
    }
    const { from, to } = this.range.get();
    const held = clamp(t, from, to);
    this.#time.set(held);
    if (held !== t || held === (rate > 0 ? to : from)) this.playing.set(false);
  }

  /**
   * Ticks once per frame while playing. schedule is requestAnimationFrame in a
   * browser; nothing is scheduled while the clock stands still.
   */
  run(schedule: (frame: () => void) => void): () => void {
    let stopped = false;
    let pending = false;
    const frame = () => {
      pending = false;
      if (stopped) return;
      this.tick();
      next();
    };
    const next = () => {
      if (stopped || pending || !this.playing.get()) return;
      pending = true;
      schedule(frame);
    };
    const off = this.playing.subscribe(next);
    return () => {
      stopped = true;
      off();
    };
  }
}
