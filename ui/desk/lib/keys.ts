/**
 * Keys as commands name them: "Mod+K", "Shift+1", "ArrowRight", "Space", "?".
 * Letters and digits go by their place on the keyboard (event.code), symbols
 * by what they print (event.key), so Spanish and English boards both work.
 */
export interface Chord {
  mod: boolean;
  shift: boolean;
  alt: boolean;
  key: string;
}

const chords = new Map<string, Chord>();

export function parseChord(s: string): Chord {
  let c = chords.get(s);
  if (c) return c;
  const parts = s.split('+');
  const key = s.endsWith('++') ? '+' : s === '+' ? '+' : parts[parts.length - 1];
  c = { mod: parts.includes('Mod'), shift: parts.includes('Shift'), alt: parts.includes('Alt'), key };
  chords.set(s, c);
  return c;
}

export interface KeyLike {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

export function matches(e: KeyLike, chord: string): boolean {
  const c = parseChord(chord);
  const mod = e.ctrlKey || e.metaKey;
  if (mod !== c.mod || e.altKey !== c.alt) return false;
  if (/^[A-Z]$/.test(c.key)) return e.shiftKey === c.shift && e.code === 'Key' + c.key;
  if (/^[0-9]$/.test(c.key)) return e.shiftKey === c.shift && (e.code === 'Digit' + c.key || (!c.shift && e.code === 'Numpad' + c.key));
  if (c.key === 'Space') return e.shiftKey === c.shift && e.code === 'Space';
  if (c.key.length === 1) return e.key === c.key; // a symbol: Shift is part of how it is typed
  return e.shiftKey === c.shift && e.key === c.key;
}

/** True where a key belongs to what is being typed. */
export function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range', 'submit', 'file'].includes(target.type);
}

const NAMES: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', PageUp: 'PgUp', PageDown: 'PgDn', Escape: 'Esc' };

/** A chord as the key sheet prints it. */
export function printChord(s: string, mac: boolean): string {
  const c = parseChord(s);
  return [c.mod ? (mac ? '⌘' : 'Ctrl') : '', c.alt ? (mac ? '⌥' : 'Alt') : '', c.shift ? 'Shift' : '', NAMES[c.key] ?? c.key].filter(Boolean).join(' ');
}
