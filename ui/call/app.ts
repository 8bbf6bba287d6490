// Lane A on the page: takes over the forms where the browser runs scripts, so
// that what a source sends is sealed before it leaves the device. Nothing is
// stored: no cookie, no storage, no history entry of its own. Where this
// script cannot start, the forms stay what they are: lane B, with its words.
import { estimate, type Digest } from './bundle.ts';
import { codeDigits, codeWords, makeList, needsLists, newCode, parseCode, stripCodes, type List } from './code.ts';
import { fault, progress as howFar, reveals, same, size, speaker, spell } from './say.ts';
import type { Answer, Ask, Reply, Seen, Told } from './worker.ts';

interface Info {
  id: string;
  keys: string;
  limits: { tip: number; files: number; message: number; slot: number };
  closed: boolean;
}

interface Held {
  file: File;
  seen: Seen | null;
  strip: boolean;
  row: HTMLElement;
}

class Refusal extends Error {}

const lang = document.documentElement.lang;
const rtl = document.documentElement.dir === 'rtl';
const el = <T extends HTMLElement = HTMLElement>(id: string): T | null => document.getElementById(id) as T | null;
const words = JSON.parse(el('words')?.textContent ?? '{}') as Record<string, string>;

const say = speaker(words, rtl);

function make(tag: string, text = '', name = ''): HTMLElement {
  const e = document.createElement(tag);
  if (text) e.textContent = text;
  if (name) e.className = name;
  return e;
}

/** The copy of a template and its parts by data-k. */
function copy(id: string): { all: DocumentFragment; part: Record<string, HTMLElement> } {
  const all = (el(id) as unknown as HTMLTemplateElement).content.cloneNode(true) as DocumentFragment;
  const part: Record<string, HTMLElement> = {};
  for (const e of all.querySelectorAll<HTMLElement>('[data-k]')) part[e.dataset['k']!] = e;
  return { all, part };
}

const worker = new Worker('/call/worker.js');
let asked = 0;
const waiting = new Map<number, { ok(v: unknown): void; no(e: Error): void; tell(t: Told): void }>();
worker.onmessage = ({ data }: MessageEvent<{ id: number; answer: Answer }>) => {
  const w = waiting.get(data.id);
  if (!w) return;
  const a = data.answer;
  if ('told' in a) return w.tell(a.told);
  waiting.delete(data.id);
  if ('ok' in a) w.ok(a.ok);
  else w.no('refused' in a ? new Refusal(a.refused) : new Error(a.failed));
};
function ask<T>(q: Ask, tell: (t: Told) => void = () => {}): Promise<T> {
  return new Promise((ok, no) => {
    waiting.set(++asked, { ok: ok as (v: unknown) => void, no, tell });
    worker.postMessage({ id: asked, ask: q });
  });
}

async function get(path: string): Promise<Response> {
  const r = await fetch(path, { cache: 'no-store', credentials: 'omit', headers: { 'accept-language': lang } });
  if (!r.ok) throw new Error(`${path}: ${r.status}`);
  return r;
}

const listed = new Map<string, Promise<List>>();
function list(l: string): Promise<List> {
  let p = listed.get(l);
  if (!p) {
    p = get('/words/' + l).then(async (r) => makeList(await r.text()));
    p.catch(() => listed.delete(l));
    listed.set(l, p);
  }
  return p;
}
const lists = (): Promise<List[]> => Promise.all([list('es'), list('en')]);
/** Arabic has no list of its own: there the code is digits. */
const wordLang = lang === 'ar' ? null : lang;

/** Goes to a part of the page without an entry in the history. */
function show(id: string): void {
  location.replace('#' + id);
  const first = el(id)?.querySelector<HTMLElement>('[tabindex="-1"], h1');
  if (first) {
    first.tabIndex = -1;
    first.focus();
  }
}

async function start(): Promise<void> {
  const leave = el<HTMLAnchorElement>('leave');
  leave?.addEventListener('click', (e) => {
    e.preventDefault();
    location.replace(leave.href);
  });
  const info = (await (await get('/call.json')).json()) as Info;
  // The worker has to answer before the forms change: without it they stay lane B.
  await ask<Seen>({ op: 'look', blob: new Blob([]) });

  let follow: Uint8Array | null = null;
  const held: Held[] = [];
  let busy = false;
  addEventListener('beforeunload', (e) => {
    if (busy) e.preventDefault();
  });

  const opener = el<HTMLFormElement>('open');
  const opened = el('opened')!;
  opener?.addEventListener('submit', async (e) => {
    e.preventDefault();
    if (busy) return;
    const field = opener.querySelector<HTMLInputElement>('[name=code]')!;
    try {
      const code = parseCode(field.value, needsLists(field.value) ? await lists() : []);
      if (!code) {
        opened.replaceChildren(make('p', say('bad'), 'box'));
        return;
      }
      await mailbox(code);
      field.value = '';
    } catch (err) {
      opened.replaceChildren(make('p', (err instanceof Refusal && err.message) || say('offline'), 'box'));
    }
  });

  async function mailbox(code: Uint8Array): Promise<void> {
    const line = make('p', '', 'count');
    opened.replaceChildren(line);
    const tell = (t: Told) => {
      if ('making' in t) line.textContent = say('opening', Math.floor(t.making * 100));
    };
    const replies = await ask<Reply[]>({ op: 'open', code, call: info.id, slot: info.limits.slot, lang }, tell);
    const { all, part } = copy('t-box');
    for (const r of replies) {
      const a = make('article', '', 'box');
      a.append(make('p', r.day, 'dim'));
      const t = make('p', r.text, 'reply');
      t.dir = 'auto';
      if (/^[a-z]{2}$/.test(r.lang)) t.lang = r.lang;
      a.append(t);
      part['list']!.append(a);
    }
    part['none']!.hidden = replies.length > 0;
    part['more']!.addEventListener('click', () => {
      follow = code;
      const note = el('follow');
      if (note) note.hidden = false;
      show('send');
    });
    const erase = part['erase'] as HTMLButtonElement;
    erase.addEventListener('click', async () => {
      erase.disabled = true;
      try {
        await ask<true>({ op: 'erase', code, call: info.id, lang });
        follow = null;
        el('done')!.replaceChildren(copy('t-erased').all);
        opened.replaceChildren();
        show('done');
      } catch (err) {
        erase.disabled = false;
        erase.after(make('p', (err instanceof Refusal && err.message) || say('offline'), 'box'));
      }
    });
    opened.replaceChildren(all);
    opened.querySelector<HTMLElement>('h2')?.focus();
  }

  const form = el<HTMLFormElement>('tip');
  if (form) {
    for (const e of form.querySelectorAll<HTMLElement>('.lane-b')) e.remove();
    el('lane-a')!.hidden = false;
    const picker = el<HTMLInputElement>('f1')!;
    const shown = el('held')!;
    const note = make('p', '', 'count');
    note.setAttribute('role', 'status');
    shown.after(note);
    const progress = el('progress')!;
    const button = form.querySelector<HTMLButtonElement>('button:not([type=button])')!;
    const text = el<HTMLTextAreaElement>('m')!;

    const total = () => held.reduce((n, h) => n + h.file.size, 0);
    /** The reason why it cannot be sent as it stands, or ''. */
    const wrong = (): string => {
      switch (fault(held.map((h) => h.file.size), text.value, info.limits)) {
        case 'many': return say('many', info.limits.files);
        case 'big': return say('big', size(info.limits.tip));
        case 'long': return say('long', size(info.limits.message));
        default: return '';
      }
    };
    const tally = () => {
      const n = total();
      note.textContent = wrong() || (n ? say('total', size(n), spell((n * 8) / 400e3), spell((n * 8) / 4e6)) : '');
    };

    const row = (h: Held): void => {
      const s = h.seen;
      h.row.replaceChildren();
      const title = make('p');
      const name = make('bdi', h.file.name);
      title.append(name, ' · ', make('bdi', size(h.file.size)));
      h.row.append(title);
      if (h.file.size === 0) h.row.append(make('p', say('empty')));
      else if (s && !s.known) h.row.append(make('p', say('unknown'), 'dim'));
      else if (s) {
        const named = { place: (v: string) => say('place', v), device: (v: string) => say('device', v), time: (v: string) => say('time', v), notes: () => say('notes') };
        const what = reveals(s).map(([k, v]) => named[k](v ?? ''));
        h.row.append(make('p', what.length ? say('hidden', what.join(lang === 'ar' ? '، ' : ', ')) : say('none'), what.length ? '' : 'dim'));
        if (what.length && !s.strippable) h.row.append(make('p', say('cannot'), 'dim'));
        if (s.strippable) {
          const group = `strip-${held.indexOf(h)}-${asked}`;
          for (const strip of [false, true]) {
            const l = make('label', '', 'pick');
            const i = document.createElement('input');
            i.type = 'radio';
            i.name = group;
            i.checked = h.strip === strip;
            i.addEventListener('change', () => {
              h.strip = strip;
            });
            l.append(i, make('span', strip ? say('strip') : say('keep')));
            h.row.append(l);
          }
        }
      }
      const out = make('button', say('out'), 'alt out') as HTMLButtonElement;
      out.type = 'button';
      out.setAttribute('aria-label', `${say('out')}: ${h.file.name}`);
      out.addEventListener('click', () => {
        if (busy) return;
        held.splice(held.indexOf(h), 1);
        h.row.remove();
        tally();
        picker.focus();
      });
      h.row.append(out);
    };
    const take = () => {
      for (const file of picker.files ?? []) {
        const h: Held = { file, seen: null, strip: false, row: make('div', '', 'box') };
        held.push(h);
        shown.append(h.row);
        row(h);
        if (file.size) {
          ask<Seen>({ op: 'look', blob: file }).then(
            (seen) => {
              h.seen = seen;
              row(h);
            },
            () => {
              h.seen = { known: false, strippable: false };
              row(h);
            },
          );
        }
      }
      picker.value = '';
      tally();
    };
    picker.addEventListener('change', take);
    text.addEventListener('input', tally);
    if (picker.files?.length) take();

    form.addEventListener('submit', async (e) => {
      e.preventDefault();
      if (busy) return;
      const files = held.filter((h) => h.file.size > 0);
      const why = wrong() || (!files.length && !text.value.trim() ? say('nothing') : '');
      if (why) {
        progress.replaceChildren(make('p', why, 'box'));
        return;
      }
      busy = true;
      button.disabled = true;
      const bar = document.createElement('progress');
      bar.max = 100;
      bar.setAttribute('aria-labelledby', 'how-far');
      const line = make('p', '', 'count');
      line.id = 'how-far';
      progress.replaceChildren(bar, line);
      try {
        const now = (await (await get('/call.json')).json()) as Info; // keys may have been changed since the page was opened
        const list0 = wordLang ? await list(wordLang) : null;
        const { text: message, taken } = stripCodes(text.value.trim(), list0 ? [list0] : []);
        const code = follow ?? newCode();
        const about = estimate(message, files.map((h) => h.file));
        let began = 0;
        let arrived = 0;
        const tell = (t: Told) => {
          if ('making' in t) {
            bar.value = 0;
            line.textContent = say('making', Math.floor(t.making * 100));
          } else if ('waiting' in t) line.textContent = say('waiting', size(arrived));
          else {
            began ||= performance.now();
            arrived = t.sent;
            const at = howFar(arrived, about, (performance.now() - began) / 1000);
            bar.value = at.percent;
            line.textContent = say('sending', size(arrived), size(about), Math.floor(at.percent)) + (at.left === null ? '' : ' ' + say('left', spell(at.left)));
          }
        };
        const digests = await ask<Digest[]>(
          {
            op: 'send',
            lang,
            what: {
              code,
              call: info.id,
              keys: now.keys,
              message,
              files: files.map((h) => ({ name: h.file.name, mime: h.file.type, modified: h.file.lastModified ? new Date(h.file.lastModified).toISOString() : '', blob: h.file, strip: h.strip })),
              join: { lang, follows: !!follow, wish: el<HTMLSelectElement>('wi')?.value ?? '', request: el<HTMLSelectElement>('rq')?.value ?? '' },
            },
          },
          tell,
        );
        receipt(code, !!follow, digests, taken, list0);
        held.splice(0);
        shown.replaceChildren();
        progress.replaceChildren();
        form.reset();
        tally();
      } catch (err) {
        const because = err instanceof Refusal && err.message ? err.message : err instanceof TypeError ? say('offline') : '';
        progress.replaceChildren(make('p', `${say('failed')} ${because}`.trim(), 'box'));
      } finally {
        busy = false;
        button.disabled = false;
      }
    });
  }

  function receipt(code: Uint8Array, added: boolean, digests: Digest[], taken: boolean, list0: List | null): void {
    const { all, part } = copy('t-receipt');
    part['what']!.textContent = say('what', digests.length, size(digests.reduce((n, d) => n + d.size, 0)));
    part['taken']!.hidden = !taken;
    part['old']!.hidden = !added;
    part['new']!.hidden = added;
    part['proof']!.hidden = !digests.length;
    for (const d of digests) {
      const dd = make('dd');
      dd.append(make('code', d.sha256));
      const dt = make('dt');
      dt.append(make('bdi', d.name));
      part['digests']!.append(dt, dd);
    }
    if (!added) {
      if (list0 && wordLang) {
        part['words']!.lang = wordLang;
        for (const w of codeWords(code, list0)) part['words']!.append(make('li', w));
        part['digits2']!.textContent = codeDigits(code);
        part['digits']!.remove();
      } else {
        part['words']!.remove();
        part['digits']!.textContent = codeDigits(code);
        part['other']!.remove();
      }
      const again = all.querySelector<HTMLInputElement>('#again')!;
      again.addEventListener('input', async () => {
        const typed = again.value;
        const read = parseCode(typed, needsLists(typed) ? await lists().catch(() => (list0 ? [list0] : [])) : []);
        if (typed !== again.value) return;
        const right = same(read, code);
        part['right']!.hidden = !right;
        part['wrong']!.hidden = right || !typed.trim();
      });
    }
    el('done')!.replaceChildren(all);
    show('done');
  }
}

start().catch(() => {
  // The forms stay as they are: lane B, with its own words.
});
