// What lane A says, apart from the page it stands on: sentences with their
// values, sizes and times as package pages writes them, and the decisions that
// need no browser. app.ts puts them on the page.

/** Says sentences of one language; values keep their own direction inside an Arabic one. */
export function speaker(words: Record<string, string>, rtl: boolean): (key: string, ...args: (string | number)[]) => string {
  return (key, ...args) =>
    (words[key] ?? key).replace(/\{(\d)\}/g, (_, i) => {
      const v = String(args[Number(i)]);
      return rtl ? `\u2068${v}\u2069` : v;
    });
}

/** Bytes in decimal units: one decimal below ten, cut and not rounded up. */
export function size(n: number): string {
  for (const [of, name] of [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']] as const) {
    if (n >= of) return `${n / of >= 10 ? Math.floor(n / of) : Math.floor((n / of) * 10) / 10} ${name}`;
  }
  return `${Math.max(0, n)} B`;
}

/** Seconds as whole minutes, or hours from 90 minutes on; never less than a minute. */
export function spell(seconds: number): string {
  const m = Math.max(1, Math.round(seconds / 60));
  return m < 90 ? `${m} min` : `${Math.floor(m / 60)} h ${String(m % 60).padStart(2, '0')} min`;
}

export interface Limits { tip: number; files: number; message: number }

/** Why a choice cannot be sent as it stands: told before anything leaves the device. Empty files do not count. */
export function fault(sizes: readonly number[], text: string, limits: Limits): '' | 'many' | 'big' | 'long' {
  if (sizes.filter((n) => n > 0).length > limits.files) return 'many';
  if (sizes.reduce((a, b) => a + b, 0) > limits.tip) return 'big';
  if (new TextEncoder().encode(text).length > limits.message) return 'long';
  return '';
}

/** How far an upload is, and after a while how long the rest takes; null while that is a guess. */
export function progress(arrived: number, about: number, spent: number): { percent: number; left: number | null } {
  const part = about > 0 ? Math.min(1, arrived / about) : 1;
  return { percent: 100 * part, left: spent > 20 && part > 0.02 ? (spent / part) * (1 - part) : null };
}

/** Whether a code that was typed is the code of the receipt. */
export function same(typed: Uint8Array | null, code: Uint8Array): boolean {
  return !!typed && typed.length === code.length && typed.every((b, i) => b === code[i]);
}

/** What the hidden data of a file reveals, as the names of sentences with their values. */
export function reveals(s: { place?: string; device?: string; time?: string; notes?: boolean }): ['place' | 'device' | 'time' | 'notes', ...string[]][] {
  const out: ['place' | 'device' | 'time' | 'notes', ...string[]][] = [];
  if (s.place) out.push(['place', s.place]);
  if (s.device) out.push(['device', s.device]);
  if (s.time) out.push(['time', s.time]);
  if (s.notes) out.push(['notes']);
  return out;
}
