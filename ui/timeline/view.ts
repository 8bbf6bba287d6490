// What the parts of the timeline share: the state of the view, which gestures
// and keys change and the painting reads.

import type { Span } from '../kernel/clock.ts';
import type { Box, Layout, MarkIndex } from '../kernel/layout.ts';
import type { Value } from '../kernel/observable.ts';
import type { Px, UtcMs } from '../kernel/units.ts';
import type { Lane } from '../document/marks.ts';
import type { Document, Item, Lang } from '../document/types.ts';
import type { Frame, GapBox } from './draw.ts';
import type { Conflict, Density, TimelineInput } from './handle.ts';

/** Height of a row of marks. */
export const ROW: Px = 15;

export interface View {
  readonly input: TimelineInput;
  readonly pane: HTMLElement;
  readonly list: HTMLElement;
  /** The visible stretch of time. */
  readonly range: Value<Span>;
  doc: Document;
  lanes: Lane[];
  index: MarkIndex;
  /** How far the view may go. */
  bounds: Span;
  items: Map<string, Item>;
  conflicts: Conflict[];
  /** Drawn instead of items where the case is shown by windows. */
  density: Density | null;
  plan: Layout;
  frame: Frame;
  /** How far the lanes are scrolled. */
  scroll: Px;
  hover: Box | null;
  hoverTime: UtcMs | null;
  /** What is being dragged, in words. */
  dragText: string;
  /** Digits typed to go to a time, and when the last came. */
  typed: string;
  typedAt: number;
  snapping: boolean;
  zone(): string;
  lang(): Lang;
  /** The day of the incident, as YYYY-MM-DD. */
  caseDay(): string;
  gapBoxes(): GapBox[];
  shownConflicts(): Conflict[];
  laneTitle(l: Lane): string;
  setRange(next: Span): void;
  /** The longest stretch that can be seen at once, milliseconds. */
  longest(): number;
  zoom(factor: number): void;
  fit(): void;
  /** Paints in the next frame; true when more than the playhead changed. */
  ask(stillToo: boolean): void;
}
