// What the timeline promises to whoever mounts it.

import type { Clock, Span } from '../kernel/clock.ts';
import type { Value } from '../kernel/observable.ts';
import type { Document, Lang, Time } from '../document/types.ts';

export interface TimelineInput {
  doc: Document;
  clock: Clock;
  selection: Value<string | null>;
  lang: Value<Lang>;
  lanes: 'account' | 'perspective';
  /** Given when times may be edited: called with the new time of an item after a drag or a typed value. */
  onEdit?(itemId: string, time: Time): void;
  /** Called when a conflict mark is opened. */
  onConflict?(conflict: Conflict): void;
  /** Show only these items; undefined shows all. */
  filter?: ReadonlySet<string>;
}

/** Two things of different accounts that cannot both be so, and where in time they meet. */
export interface Conflict {
  a: string;
  b: string;
  overlap: Span | null;
  /** Claim that states the contradiction, when one does. */
  claim?: string;
}

/** Counts by lane and column of time, where there is too much to draw one by one. */
export interface Density {
  /** Beginning of the first column, UTC milliseconds. */
  from: number;
  /** Width of a column, milliseconds. */
  step: number;
  lanes: readonly { key: string; total: number; counts: readonly number[] }[];
  /** The counts are "at least". */
  capped?: boolean;
}

export interface TimelineHandle {
  destroy(): void;
  zoomTo(span: Span): void;
  /** The whole day of the incident. */
  fit(): void;
  /** In or out around the playhead. */
  zoom(factor: number): void;
  update(doc: Document): void;
  filter(items: ReadonlySet<string> | undefined): void;
  lanes(by: 'account' | 'perspective'): void;
  /** Of a case that is shown by windows: how far the view may go, and counts to draw instead of items; null draws the items of the document. */
  windows(w: { bounds: Span; density: Density | null }): void;
  gaps(shown: boolean): void;
  snap(on: boolean): void;
  /** Conflicts whose two sides have a clock time. */
  readonly conflicts: readonly Conflict[];
  /** The visible stretch of time. */
  readonly range: Value<Span>;
  /** Items on the clock, before and after the visible range, and without a clock time. */
  counts(): { shown: number; before: number; after: number; unclocked: number; conflicts: number; gaps: number };
  /** Natural height in pixels, for the frame to size the pane. */
  readonly height: Value<number>;
  focus(): void;
}

export type MountTimeline = (el: HTMLElement, input: TimelineInput) => TimelineHandle;
