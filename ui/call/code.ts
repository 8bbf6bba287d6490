// Receipt codes as docs/formats/tip.md fixes them: 88 bits as eight words of
// one list or as 27 digits. The lists come from the server that also reads the
// codes of people without scripts, so that both read alike.

export const WORDS = 8;
export const DIGITS = 27;
const BYTES = 11;

/** 2,048 words and an index from the first four folded letters. */
export interface List {
  words: string[];
  index: Map<string, number>;
}

/** Case and accents away: "Ábaco" and "abaco" are one word. */
export const fold = (s: string): string => s.toLowerCase().normalize('NFKD').replace(/\p{Mn}/gu, '');
const four = (s: string): string => [...s].slice(0, 4).join('');

export function makeList(text: string): List {
  const words = text.trim().split(/\s+/);
  return { words, index: new Map(words.map((w, i) => [four(fold(w)), i])) };
}

export function newCode(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(BYTES));
}

const toNumber = (code: Uint8Array): bigint => code.reduce((n, b) => (n << 8n) | BigInt(b), 0n);

function toBytes(n: bigint): Uint8Array | null {
  if (n >> BigInt(8 * BYTES)) return null;
  const out = new Uint8Array(BYTES);
  for (let i = BYTES - 1; i >= 0; i--, n >>= 8n) out[i] = Number(n & 255n);
  return out;
}

/** Eleven bits a word, the most significant first. */
export function codeWords(code: Uint8Array, list: List): string[] {
  const n = toNumber(code);
  return Array.from({ length: WORDS }, (_, i) => list.words[Number((n >> BigInt(11 * (WORDS - 1 - i))) & 2047n)]!);
}

/** 27 digits in groups of three. */
export function codeDigits(code: Uint8Array): string {
  return toNumber(code).toString().padStart(DIGITS, '0').replace(/(\d{3})(?=\d)/g, '$1 ');
}

/** The value of a decimal digit of any script, or -1: in Unicode the ten digits of a script stand in order from zero. */
function digit(c: string): number {
  if (!/\p{Nd}/u.test(c)) return -1;
  let p = c.codePointAt(0)!;
  if (p <= 57) return p - 48;
  let first = p;
  while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first--;
  return (p - first) % 10;
}

const digitsOf = (s: string): string | null => {
  let out = '';
  for (const c of s) {
    const d = digit(c);
    if (d >= 0) out += d;
    else if (/\p{L}/u.test(c)) return null;
  }
  return out.length === DIGITS ? out : null;
};

/** Whether a text can only be read with the word lists. */
export const needsLists = (s: string): boolean => digitsOf(s) === null;

/** What a person typed, in any case, with or without accents, four letters of a word or more; null when it is no code at all. */
export function parseCode(s: string, lists: List[]): Uint8Array | null {
  if (s.length > 1024) return null;
  const digits = digitsOf(s);
  if (digits) return toBytes(BigInt(digits));
  const fields = fold(s).split(/[^\p{L}]+/u).filter(Boolean);
  if (fields.length !== WORDS) return null;
  // Whole words first: where the first letters of all eight stand in both lists, the list of the words themselves is meant.
  for (const whole of [true, false]) {
    for (const list of lists) {
      let n = 0n;
      let ok = true;
      for (const f of fields) {
        const i = list.index.get(four(f));
        if (i === undefined || (whole && fold(list.words[i]!) !== f)) {
          ok = false;
          break;
        }
        n = (n << 11n) | BigInt(i);
      }
      if (ok) return toBytes(n);
    }
  }
  return null;
}

/** Takes receipt codes out of a message, so that who reads the message does not get the mailbox. */
export function stripCodes(message: string, lists: List[]): { text: string; taken: boolean } {
  const cut: [number, number][] = [];
  let start = -1;
  let end = 0;
  let n = 0;
  const flush = () => {
    if (n === DIGITS) cut.push([start, end]);
    start = -1;
    n = 0;
  };
  let at = 0;
  for (const c of message) {
    if (digit(c) >= 0) {
      if (start < 0) start = at;
      n++;
      end = at + c.length;
    } else if (start >= 0 && !/[\p{White_Space}\p{P}]/u.test(c)) flush();
    at += c.length;
  }
  flush();
  const words = [...message.matchAll(/[\p{L}\p{Mn}]+/gu)].map((m) => ({ from: m.index, to: m.index + m[0].length, text: fold(m[0]) }));
  for (const list of lists) {
    // The whole run of list words goes: "código" itself is a word of the Spanish list and may stand before the eight.
    let from = 0;
    for (let i = 0; i <= words.length; i++) {
      const w = words[i];
      const k = w && list.index.get(four(w.text));
      if (w && k !== undefined && fold(list.words[k]!) === w.text) continue;
      if (i - from >= WORDS) cut.push([words[from]!.from, words[i - 1]!.to]);
      from = i + 1;
    }
  }
  if (!cut.length) return { text: message, taken: false };
  cut.sort((a, b) => a[0] - b[0]);
  let text = '';
  let done = 0;
  for (const [from, to] of cut) {
    if (from >= done) text += message.slice(done, from) + '[...]';
    done = Math.max(done, to);
  }
  return { text: text + message.slice(done), taken: true };
}
