import { fromLocal } from './lib/time.ts';
import { desk, localDay, VIEWS, type Desk, type ViewName } from './state.svelte.ts';
import { matches, typing, type KeyLike } from './lib/keys.ts';
import { t, words } from './words.svelte.ts';
import type { SceneMode } from '../scene/handle.ts';

/**
 * One command of the desk. The palette, the key sheet, the buttons' tooltips
 * and the keyboard read this one list. The name is the string "cmd.<id>".
 */
export interface Command {
  id: string;
  /** Chords as lib/keys.ts reads them. */
  keys: string[];
  /** Where the keys work: a pane that has the focus, or everywhere. */
  pane?: 'library' | 'scene' | 'timeline' | 'media' | 'player';
  /** Works while text is being typed. */
  text?: boolean;
  when?(d: Desk): boolean;
  perform(d: Desk): void;
}

const open = (d: Desk) => !!d.doc;
const looking = (d: Desk) => !!d.doc && (d.view === 'place' || d.view === 'story');
const inLibrary = (d: Desk) => !!d.doc && d.view === 'library';

export function show(view: ViewName): void {
  desk.view = view;
}

/** The previous or next item in the order on the screen. */
export function step(d: Desk, by: number): void {
  if (d.large) {
    const { shelf } = d;
    const from = shelf.placeOf(d.sel);
    const to = from < 0 ? (by > 0 ? 0 : shelf.count - 1) : from + by;
    if (to < 0 || to >= shelf.count) return;
    void shelf.reach(to).then((i) => i && d.large && (d.view === 'library' ? d.select(i.id) : d.goTo(i.id)));
    return;
  }
  const list = d.view === 'library' ? d.sorted : d.byTime;
  if (!list.length) return;
  const at = list.findIndex((i) => i.id === d.sel);
  const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.max(0, Math.min(list.length - 1, at + by))];
  if (d.view === 'library') d.select(next.id);
  else d.goTo(next.id);
}

/** The chosen items, else the selected one. */
export function targets(d: Desk): string[] {
  if (d.chosen.size) return [...d.chosen];
  return d.sel && d.items.has(d.sel) ? [d.sel] : [];
}

const WORKFLOW = ['cancelled', 'todo', 'in_progress', 'help_needed', 'ready_for_review', 'reviewed'];
const SENSITIVITY = ['none', 'graphic', 'personal', 'source_at_risk'];

function setAll(d: Desk, label: string, edit: (i: never) => void): void {
  const ids = targets(d);
  if (ids.length) void d.changeAll(label, ids.map((id) => ({ kind: 'item', id, edit })));
}

/** Shows the editor of a section of the inspector. */
export function edit(d: Desk, what: Desk['editing']): void {
  d.guard.leave(d.guard.dirty || !!d.draft?.dirty, () => {
    d.draft = null;
    d.layout.inspectorOpen = true;
    d.editing = what;
  });
}

const mode = (m: SceneMode) => (d: Desk) => d.scene?.mode(m);

export function rate(d: Desk, factor: number): void {
  d.clock.setRate(Math.max(0.1, Math.min(60, Math.abs(d.clock.rate.get()) * factor)));
}

/** From one event on the clock to the next: what happens, not what the list shows. */
export function jump(d: Desk, by: 1 | -1): void {
  const times = [...new Set(d.byTime.map((i) => d.timeOf(i.id)).filter((x): x is number => x !== null))].sort((a, b) => a - b);
  // While a large case is drawn as counts, from one column that holds something to the next.
  const o = d.large && !d.large.inTime ? d.large.overview : null;
  if (o) times.splice(0, Infinity, ...new Set(o.lanes.flatMap((l) => l.counts.flatMap((n, k) => (n ? [o.from + k * o.step] : [])))));
  times.sort((a, b) => a - b);
  const now = d.clock.get();
  const next = by > 0 ? times.find((x) => x > now + 500) : times.findLast((x) => x < now - 500);
  if (next !== undefined) d.clock.seek(next);
}

export function lookThrough(d: Desk): void {
  if (!d.scene || !d.sel) return;
  if (!d.scene.lookThrough(d.sel)) d.notice = { kind: 'info', text: t('scene.no_pose', { id: d.sel }) };
}

export function toStep(d: Desk, n: number): void {
  const s = d.story?.steps;
  if (s?.length) d.step = Math.max(0, Math.min(s.length - 1, n));
}

/** The kinds whose form opens in the inspector. */
const FORMS = ['claim', 'account', 'gap', 'event', 'entity', 'constraint', 'layer'];
const WITHDRAWN = [...FORMS, 'item', 'observation', 'story'];

/** The kind of what is selected, where it has a form. */
function selected(d: Desk): string {
  const k = d.doc && !d.pair ? d.kindOf(d.sel) : '';
  return FORMS.includes(k) ? k : '';
}

/** What a new object starts with: the marked stretch, and the selected item as what it is about. */
function seed(d: Desk, kind: string): Record<string, unknown> {
  const item = d.sel && !d.pair ? d.items.get(d.sel) : undefined;
  const time = d.stretchTime();
  if (kind === 'claim') return item ? { items: [item.id], account: item.lane ?? '' } : {};
  if (kind === 'gap') return time ? { time } : {};
  if (kind === 'event') return { ...(item ? { items: [item.id] } : {}), ...(time ? { times: [time] } : {}) };
  if (kind === 'entity') return item ? { items: [item.id] } : {};
  if (kind === 'constraint') return item ? { to: `${item.id}.start`, evidence: [item.id] } : {};
  return {};
}

export const COMMANDS: Command[] = [
  { id: 'palette', keys: ['Mod+K'], text: true, perform: (d) => (d.dialog = 'palette') },
  { id: 'help', keys: ['?'], perform: (d) => (d.dialog = 'help') },
  { id: 'undo', keys: ['Mod+Z'], when: (d) => d.undoable.length > 0, perform: (d) => void d.undo() },
  { id: 'redo', keys: ['Mod+Shift+Z', 'Mod+Y'], when: (d) => d.redoable.length > 0, perform: (d) => void d.redo() },
  { id: 'add', keys: ['Mod+I'], when: open, perform: (d) => (d.dialog = 'add') },
  { id: 'history', keys: ['H'], when: (d) => open(d) && !!d.sel && !d.pair, perform: (d) => (d.dialog = 'history') },
  { id: 'language', keys: [], perform: () => void words.set(words.lang === 'en' ? 'es' : 'en') },
  { id: 'cases', keys: [], perform: (d) => d.leaveCase(() => d.close()) },
  ...VIEWS.map((v): Command => ({ id: 'view_' + v, keys: [], when: (d) => open(d) && d.view !== v, perform: () => show(v) })),
  { id: 'nav', keys: ['Mod+B'], when: open, perform: (d) => ((d.layout.navOpen = !d.layout.navOpen), d.keepLayout()) },
  { id: 'inspector', keys: ['Shift+I'], when: open, perform: (d) => ((d.layout.inspectorOpen = !d.layout.inspectorOpen), d.keepLayout()) },
  { id: 'time_panel', keys: ['Shift+T'], when: open, perform: (d) => ((d.layout.timeOpen = !d.layout.timeOpen), d.keepLayout()) },

  { id: 'play', keys: ['Space'], when: open, perform: (d) => d.clock.toggle() },
  { id: 'shuttle_back', keys: ['J'], when: open, perform: (d) => d.clock.shuttle(-1) },
  { id: 'shuttle_stop', keys: ['K'], when: open, perform: (d) => d.clock.shuttle(0) },
  { id: 'shuttle_on', keys: ['L'], when: (d) => open(d) && !inLibrary(d), perform: (d) => d.clock.shuttle(1) },
  { id: 'second_back', keys: ['Shift+ArrowLeft'], when: open, perform: (d) => d.clock.seek(d.clock.get() - 1000) },
  { id: 'second_on', keys: ['Shift+ArrowRight'], when: open, perform: (d) => d.clock.seek(d.clock.get() + 1000) },
  { id: 'minute_back', keys: ['ArrowLeft'], when: looking, perform: (d) => d.clock.seek(d.clock.get() - 60_000) },
  { id: 'minute_on', keys: ['ArrowRight'], when: looking, perform: (d) => d.clock.seek(d.clock.get() + 60_000) },
  { id: 'go_time', keys: [], when: open, perform: (d) => (d.dialog = 'goto') },
  { id: 'previous', keys: [',', 'PageUp'], when: open, perform: (d) => step(d, -1) },
  { id: 'next', keys: ['.', 'PageDown'], when: open, perform: (d) => step(d, 1) },
  { id: 'jump_back', keys: [], when: open, perform: (d) => jump(d, -1) },
  { id: 'jump_on', keys: [], when: open, perform: (d) => jump(d, 1) },
  { id: 'zoom_in', keys: ['+'], when: open, perform: (d) => d.timeline?.zoom(1.5) },
  { id: 'zoom_out', keys: ['-'], when: open, perform: (d) => d.timeline?.zoom(1 / 1.5) },
  { id: 'fit', keys: ['Shift+Z'], when: open, perform: (d) => d.timeline?.fit() },
  { id: 'snap', keys: ['S'], when: open, perform: (d) => ((d.snap = !d.snap), d.timeline?.snap(d.snap)) },
  { id: 'gaps', keys: [], when: open, perform: (d) => ((d.gapsOn = !d.gapsOn), d.timeline?.gaps(d.gapsOn)) },
  { id: 'skip_gaps', keys: [], when: open, perform: (d) => d.setSkipGaps(!d.skipGaps) },
  { id: 'lanes', keys: [], when: open, perform: (d) => ((d.lanes = d.lanes === 'account' ? 'perspective' : 'account'), d.timeline?.lanes(d.lanes)) },

  { id: 'orbit', keys: ['Shift+O'], when: looking, perform: mode('orbit') },
  { id: 'walk', keys: ['Shift+W'], when: looking, perform: mode('walk') },
  { id: 'fly', keys: ['Shift+Y'], when: looking, perform: mode('fly') },
  { id: 'top', keys: ['7'], pane: 'scene', when: looking, perform: mode('top') },
  { id: 'north', keys: ['N'], pane: 'scene', when: looking, perform: (d) => d.scene?.north() },
  { id: 'frame', keys: ['F'], when: looking, perform: (d) => d.scene?.frame() },
  { id: 'through', keys: ['0', 'Enter'], pane: 'scene', when: looking, perform: lookThrough },
  { id: 'photo_less', keys: ['8'], pane: 'scene', when: looking, perform: (d) => d.scene?.option('photoOpacity', Math.max(0, d.scene.options.photoOpacity - 0.1)) },
  { id: 'photo_more', keys: ['9'], pane: 'scene', when: looking, perform: (d) => d.scene?.option('photoOpacity', Math.min(1, d.scene.options.photoOpacity + 0.1)) },
  { id: 'certainty', keys: ['Shift+C'], when: looking, perform: (d) => d.scene?.option('certainty', !d.scene.options.certainty) },

  { id: 'grid', keys: ['Shift+1'], when: open, perform: (d) => ((d.view = 'library'), (d.libraryAs = 'grid')) },
  { id: 'table', keys: ['Shift+2'], when: open, perform: (d) => ((d.view = 'library'), (d.libraryAs = 'table')) },
  { id: 'map', keys: ['Shift+3'], when: open, perform: (d) => ((d.view = 'place'), (d.stageAs = d.stageAs === 'map' ? '3d' : 'map')) },
  { id: 'timeline', keys: ['Shift+4'], when: open, perform: (d) => ((d.layout.timeOpen = true), d.timeline?.focus()) },
  { id: 'blur', keys: ['B'], when: open, perform: (d) => (d.blur = !d.blur) },
  { id: 'grey', keys: ['Shift+B'], when: open, perform: (d) => (d.grey = !d.grey) },
  { id: 'sound', keys: ['U'], when: open, perform: (d) => (d.mute = !d.mute) },
  { id: 'reveal', keys: ['V'], when: (d) => open(d) && !!d.sel && d.items.has(d.sel), perform: (d) => d.reveal(d.sel!) },
  { id: 'select', keys: ['X'], when: inLibrary, perform: (d) => d.sel && d.choose(d.sel) },
  { id: 'select_all', keys: ['Mod+A'], when: inLibrary, perform: (d) => (d.chosen = new Set(d.sorted.map((i) => i.id))) },
  { id: 'edit_words', keys: ['E'], when: (d) => open(d) && targets(d).length > 0, perform: (d) => edit(d, 'words') },
  { id: 'tag', keys: ['T'], when: (d) => open(d) && targets(d).length > 0, perform: (d) => edit(d, 'source') },
  { id: 'account', keys: ['A'], when: (d) => open(d) && targets(d).length > 0, perform: (d) => edit(d, 'source') },
  { id: 'set_time', keys: ['L'], when: (d) => inLibrary(d) && targets(d).length > 0, perform: (d) => edit(d, 'time') },
  { id: 'set_place', keys: ['P'], when: (d) => open(d) && targets(d).length > 0, perform: (d) => edit(d, 'place') },
  { id: 'decide', keys: ['D'], when: (d) => open(d) && targets(d).length > 0, perform: (d) => edit(d, 'public') },
  ...[1, 2, 3, 4, 5, 0].map((n): Command => ({
    id: 'flow_' + WORKFLOW[n], keys: [String(n)], when: (d) => inLibrary(d) && targets(d).length > 0,
    perform: (d) => setAll(d, t('label.workflow'), (i: { workflow: string }) => (i.workflow = WORKFLOW[n])),
  })),
  { id: 'relevant', keys: ['R'], when: (d) => inLibrary(d) && targets(d).length > 0,
    perform: (d) => setAll(d, t('label.triage'), (i: { triage?: { relevant?: string } }) => (i.triage = { ...i.triage, relevant: i.triage?.relevant === 'yes' ? 'no' : i.triage?.relevant === 'no' ? 'not_assessed' : 'yes' })) },
  { id: 'sensitivity', keys: ['G'], when: (d) => inLibrary(d) && targets(d).length > 0,
    perform: (d) => setAll(d, t('label.sensitivity'), (i: { sensitivity?: string }) => (i.sensitivity = SENSITIVITY[(SENSITIVITY.indexOf(i.sensitivity || 'none') + 1) % SENSITIVITY.length])) },

  { id: 'step_back', keys: ['ArrowLeft', 'PageUp'], pane: 'player', when: (d) => d.view === 'story', perform: (d) => toStep(d, d.step - 1) },
  { id: 'step_on', keys: ['ArrowRight', 'PageDown'], pane: 'player', when: (d) => d.view === 'story', perform: (d) => toStep(d, d.step + 1) },

  ...['claim', 'account', 'gap', 'event', 'entity', 'constraint'].map((k): Command => ({ id: 'new_' + k, keys: [], when: open, perform: (d) => d.write(k, '', seed(d, k)) })),
  { id: 'new_observation', keys: [], when: (d) => open(d) && !!d.sel && d.items.has(d.sel), perform: (d) => edit(d, 'observation') },
  { id: 'edit_selected', keys: ['Shift+E'], when: (d) => !!selected(d), perform: (d) => d.write(selected(d), d.sel!) },
  { id: 'withdraw', keys: [], when: (d) => open(d) && !!d.sel && !d.pair && WITHDRAWN.includes(d.kindOf(d.sel)), perform: (d) => (d.withdrawing = { kind: d.kindOf(d.sel), id: d.sel! }) },
  { id: 'edit_case', keys: [], when: open, perform: (d) => d.write('case', d.doc!.case.id) },
  { id: 'edit_story', keys: [], when: (d) => open(d) && !!d.story, perform: (d) => d.write('story', d.story!.id) },
  { id: 'phases', keys: [], when: open, perform: (d) => d.write('case', d.doc!.case.id, {}, 'phases') },
  { id: 'mark_in', keys: ['I'], when: open, perform: (d) => d.mark('from') },
  { id: 'mark_out', keys: ['O'], when: open, perform: (d) => d.mark('to') },
  { id: 'mark_clear', keys: ['Shift+X'], when: open, perform: (d) => d.mark(null) },

  { id: 'match', keys: ['G'], when: (d) => open(d) && !inLibrary(d) && ['photo', 'video', 'image'].includes(d.items.get(d.sel ?? '')?.media ?? ''), perform: () => show('match') },
  { id: 'leave', keys: ['Escape'], when: open, perform: leave },
];

/** Escape goes back by one: the look-through, the form, the choice, the selection. */
function leave(d: Desk): void {
  if (d.scene?.through.get()) d.scene.lookThrough(null);
  else if (d.draft) d.guard.leave(d.draft.dirty, () => (d.draft = null));
  else if (d.chosen.size) d.chosen = new Set();
  else if (d.pair || d.sel) d.select(null);
}

export const byId = new Map(COMMANDS.map((c) => [c.id, c]));

/** Finds the command for a key: the focused pane wins. */
export function find(d: Desk, e: KeyLike, pane: string | undefined, inText: boolean): Command | undefined {
  const fits = (c: Command) => (!inText || c.text) && c.keys.some((k) => matches(e, k)) && (c.when?.(d) ?? true);
  return COMMANDS.find((c) => c.pane && c.pane === pane && fits(c)) ?? COMMANDS.find((c) => !c.pane && fits(c));
}

let digits = '';
let since = 0;

/** The keyboard of the whole desk. Typing four digits, such as 0907, goes to that time. */
export function onKey(e: KeyboardEvent): void {
  if (e.defaultPrevented || e.isComposing) return;
  const target = e.target as HTMLElement;
  const inText = typing(target);
  if (desk.dialog || document.querySelector('dialog[open]')) return;
  // A focused button keeps its own Space and Enter.
  if ((e.key === ' ' || e.key === 'Enter') && target.closest('button, a, summary, [role="button"], [role="option"], [role="slider"], video, audio, input, select')) return;
  const pane = target.closest<HTMLElement>('[data-pane]')?.dataset['pane'];
  if (!inText && looking(desk) && pane !== 'scene' && /^Digit\d$/.test(e.code) && !e.ctrlKey && !e.metaKey && !e.altKey && !e.shiftKey) {
    if (e.timeStamp - since > 1500) digits = '';
    since = e.timeStamp;
    digits += e.code.slice(5);
    if (digits.length === 4) {
      goToDigits(digits);
      digits = '';
    }
    e.preventDefault();
    return;
  }
  const c = find(desk, e, pane, inText);
  if (!c) return;
  e.preventDefault();
  c.perform(desk);
}

function goToDigits(s: string): void {
  const at = goToClock(s.slice(0, 2) + ':' + s.slice(2));
  if (at) desk.notice = { kind: 'info', text: at };
}

/** Seeks to a local time of the playhead's day. Returns what is wrong, or "". */
export function goToClock(time: string): string {
  const day = localDay(desk.clock.get());
  const at = fromLocal(day, time, desk.zone);
  if (at === null) return t('goto.bad', { time });
  const { from, to } = desk.clock.range.get();
  if (at < from || at > to) return t('goto.outside', { time });
  desk.clock.seek(at);
  return '';
}
