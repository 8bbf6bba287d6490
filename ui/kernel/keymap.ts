// Every key of the product in one list: what it does and where it holds. The
// sheet behind "?" and the test against conflicts read the same records.
// Letters and digits go by their place on the board (event.code), symbols by
// what they print (event.key), so English and Spanish boards both work.

/** Where a binding holds. A pane's own bindings win over the desk's. */
export type Pane = 'desk' | 'library' | 'scene' | 'timeline' | 'media' | 'match' | 'edition';

export interface Binding {
  action: string;
  keys: readonly string[];
  panes: readonly Pane[];
}

const all: Pane[] = ['desk'];
const bind = (action: string, keys: string, panes: Pane[]): Binding => ({ action, keys: keys.split(' '), panes });

/** "Mod" is Ctrl, or Command on a Mac. */
export const KEYMAP: readonly Binding[] = [
  bind('command', 'Mod+K', all),
  bind('paste', 'Mod+V', all),
  bind('new item', 'Mod+I', all),
  bind('undo', 'Mod+Z', all),
  bind('redo', 'Mod+Shift+Z', all),
  bind('help', '?', all),
  bind('close', 'Escape', all),
  bind('history', 'H', all),
  bind('comment', 'C', all),
  bind('cite', 'Shift+C', all),
  bind('approve', 'Alt+Enter', all),
  bind('request changes', 'Alt+Shift+Enter', all),
  bind('info', 'Shift+I', all),
  bind('next', 'ArrowRight PageDown', ['library']),
  bind('previous', 'ArrowLeft PageUp', ['library']),
  bind('open', 'Enter', ['library']),
  bind('select', 'X', ['library']),
  bind('select all', 'Mod+A', ['library']),
  bind('grid', 'Shift+1', ['library']),
  bind('table', 'Shift+2', ['library']),
  bind('map', 'Shift+3', ['library']),
  bind('timeline', 'Shift+4', ['library']),
  bind('status 1', '1', ['library']),
  bind('status 2', '2', ['library']),
  bind('status 3', '3', ['library']),
  bind('status 4', '4', ['library']),
  bind('status 5', '5', ['library']),
  bind('no status', '0', ['library']),
  bind('tag', 'T', ['library']),
  bind('assign', 'A', ['library']),
  bind('set place or time', 'L', ['library']),
  bind('blur', 'B', ['library', 'media']),
  bind('grey', 'Shift+B', ['library', 'media']),
  bind('sound', 'U', ['library', 'media']),
  bind('play', 'Space', ['timeline', 'media', 'scene']),
  bind('shuttle back', 'J', ['timeline', 'media']),
  bind('shuttle stop', 'K', ['timeline', 'media']),
  bind('shuttle on', 'L', ['timeline', 'media']),
  bind('frame back', 'ArrowLeft', ['timeline', 'media']),
  bind('frame on', 'ArrowRight', ['timeline', 'media']),
  bind('second back', 'Shift+ArrowLeft', ['timeline', 'media']),
  bind('second on', 'Shift+ArrowRight', ['timeline', 'media']),
  bind('mark in', 'I', ['timeline', 'media']),
  bind('mark out', 'O', ['timeline', 'media']),
  bind('clear marks', 'Shift+X', ['timeline', 'media']),
  bind('observation', 'N', ['timeline', 'media']),
  bind('marker', 'M', ['timeline', 'media']),
  bind('next marker', 'ArrowDown', ['timeline', 'media']),
  bind('previous marker', 'ArrowUp', ['timeline', 'media']),
  bind('snap', 'S', ['timeline']),
  bind('zoom in', '+', ['timeline', 'scene']),
  bind('zoom out', '-', ['timeline', 'scene']),
  bind('fit', 'Shift+Z', ['timeline']),
  bind('item before', ',', ['scene', 'edition', 'timeline']),
  bind('item after', '.', ['scene', 'edition', 'timeline']),
  bind('nudge back', ',', ['media']),
  bind('nudge on', '.', ['media']),
  bind('auto-sync', 'Y', ['media']),
  bind('accept sync', 'Enter', ['media']),
  bind('reject sync', 'Backspace', ['media']),
  bind('anchor', 'Shift+A', ['media']),
  bind('viewers', 'V', ['media']),
  bind('solo', 'Shift+V', ['media']),
  bind('match', 'G', ['scene']),
  bind('pair', 'P', ['match']),
  bind('delete pair', 'Backspace', ['match']),
  bind('next pair', '.', ['match']),
  bind('solve', 'Mod+Enter', ['match']),
  bind('lock focal length', 'Shift+F', ['match']),
  bind('leave out', 'E', ['match']),
  bind('orbit up', 'ArrowUp', ['scene']),
  bind('orbit down', 'ArrowDown', ['scene']),
  bind('orbit left', 'ArrowLeft', ['scene']),
  bind('orbit right', 'ArrowRight', ['scene']),
  bind('nearer', 'PageUp', ['scene']),
  bind('farther', 'PageDown', ['scene']),
  bind('through the camera', '0', ['scene', 'match']),
  bind('photo fainter', '8', ['scene', 'match']),
  bind('photo stronger', '9', ['scene', 'match']),
  bind('top', '7', ['scene']),
  bind('front', '1', ['scene']),
  bind('side', '3', ['scene']),
  bind('north', 'N', ['scene']),
  bind('frame', 'F', ['scene']),
  bind('walk', 'Shift+W', ['scene']),
  bind('measure', 'D', ['scene']),
];

/** Keys a browser or a board keeps for itself, and symbols that need AltGr or Shift on Spanish boards. */
const KEPT = ['Mod+T', 'Mod+W', 'Mod+N', 'Mod+R', 'Mod+L', 'Mod+P', 'Mod+F', 'Mod+S', 'Mod+Shift+T', 'Mod+Shift+N', 'F5', 'F11', 'F12', '[', ']', '/', '\\', '{', '}', '@', '#', '~'];

export interface KeyConflict {
  keys: string;
  pane: Pane;
  actions: string[];
}

/** Two actions on one key in one pane, and keys that are not ours to take. Escape and Enter of a pane win over the desk's by rule. */
export function conflicts(map: readonly Binding[]): KeyConflict[] {
  const out: KeyConflict[] = [];
  const by = new Map<string, string[]>();
  for (const b of map) for (const k of b.keys) {
    if (KEPT.includes(k)) out.push({ keys: k, pane: b.panes[0] ?? 'desk', actions: [b.action, 'kept by the browser or the board'] });
    for (const p of b.panes) {
      const key = p + ' ' + k;
      by.set(key, [...(by.get(key) ?? []), b.action]);
    }
  }
  const desk = new Map(map.filter((b) => b.panes.includes('desk')).flatMap((b) => b.keys.map((k) => [k, b.action] as const)));
  for (const [key, actions] of by) {
    const [pane, k] = [key.slice(0, key.indexOf(' ')) as Pane, key.slice(key.indexOf(' ') + 1)];
    const over = pane === 'desk' ? undefined : desk.get(k);
    const found = over ? [...actions, over] : actions;
    if (found.length > 1) out.push({ keys: k, pane, actions: found });
  }
  return out;
}
