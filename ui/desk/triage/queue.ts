import type { Derivative, Item } from '../../document/types.ts';

/** How two files are related, as the finder wrote it: a is the item with the earlier id. */
export interface Relation {
  a: string;
  b: string;
  relation: string;
  also: string[];
  distance: number | null;
  turn?: string;
  cover?: number;
  cover_b?: number;
  offset_s?: number;
  offset_error_s?: number;
  overlap_s?: number;
  by: string;
}

/** What was found alike: the other item and how, in the finder's words, and measured where a close look was taken. */
export interface Like { id: string; how: string; rel?: Relation }

const KEY = 'like.';

/** The relations that stand beside the kept sketches, by the later item's id. */
export function relations(derivatives: readonly Derivative[]): Relation[] {
  const out: Relation[] = [];
  for (const d of derivatives) {
    if (d.role !== 'sketch') continue;
    for (const [k, v] of Object.entries(d.meta ?? {})) {
      if (!k.startsWith(KEY)) continue;
      try {
        const r = JSON.parse(v) as Relation;
        if (typeof r.a === 'string' && typeof r.b === 'string' && typeof r.relation === 'string') out.push({ ...r, also: Array.isArray(r.also) ? r.also : [] });
      } catch {
        // Of another version: the fact still says it in words.
      }
    }
  }
  return out;
}

/** The words of a relation, in their order: what differs first of all first. */
export const differences = (r: Relation): string[] => [r.relation, ...r.also.filter((x) => x !== r.relation)];

/** An item and all that it is alike to, directly or through others; itself first. */
export function cluster(id: string, like: Map<string, Like[]>): string[] {
  const out = [id];
  for (let k = 0; k < out.length && k < 200; k++) for (const l of like.get(out[k]!) ?? []) if (!out.includes(l.id)) out.push(l.id);
  return out;
}

/** By when an item is known to have existed: by its publication, else by when it was taken in; ms, or nothing. */
export function knownBy(i: Item): number | undefined {
  const taken = i.source.collected ? Date.parse(i.source.collected) : NaN;
  const all = [i.posted?.max ?? NaN, taken].filter((x): x is number => Number.isFinite(x));
  return all.length ? Math.min(...all) : undefined;
}

/** Items that look or are the same, from the facts that the machine left, from what people said, and from equal bytes. */
export function likes(items: readonly Item[], derivatives: readonly Derivative[] = []): Map<string, Like[]> {
  const out = new Map<string, Like[]>();
  const known = new Set(items.map((i) => i.id));
  const put = (a: string, b: string, how: string) => {
    if (a === b || !known.has(a) || !known.has(b)) return;
    const list = out.get(a) ?? [];
    if (!list.some((l) => l.id === b)) list.push({ id: b, how });
    out.set(a, list);
  };
  for (const r of relations(derivatives)) {
    if (r.a === r.b || !known.has(r.a) || !known.has(r.b)) continue;
    for (const [me, other] of [[r.a, r.b], [r.b, r.a]] as const) {
      const list = out.get(me) ?? [];
      if (!list.some((l) => l.id === other)) list.push({ id: other, how: '', rel: r });
      out.set(me, list);
    }
  }
  const bytes = new Map<string, string>();
  for (const i of items) {
    for (const f of i.facts ?? []) {
      if (!f.field.startsWith('Alike:')) continue;
      const other = f.field.slice(6);
      put(i.id, other, f.value);
      put(other, i.id, f.value);
    }
    if (i.duplicate_of) {
      put(i.id, i.duplicate_of, '');
      put(i.duplicate_of, i.id, '');
    }
    if (!i.sha256) continue;
    const first = bytes.get(i.sha256);
    if (first) {
      put(i.id, first, 'SHA-256');
      put(first, i.id, 'SHA-256');
    } else bytes.set(i.sha256, i.id);
  }
  return out;
}

export const assessed = (i: Item): boolean => !!i.triage?.relevant;

/** The order of triage: what nobody has looked at, with items that are alike one after the other. */
export function order(items: readonly Item[], like: Map<string, Like[]>): string[] {
  const out: string[] = [];
  const seen = new Set<string>();
  const by = new Map(items.map((i) => [i.id, i]));
  for (const i of items) {
    const group = [i.id];
    for (let k = 0; k < group.length; k++) {
      const id = group[k]!;
      if (seen.has(id)) continue;
      seen.add(id);
      const x = by.get(id);
      if (x && !assessed(x)) out.push(id);
      for (const l of like.get(id) ?? []) if (!seen.has(l.id)) group.push(l.id);
    }
  }
  return out;
}

export interface Field { key: string; values: readonly string[] }

/** The questions, in their order, with the answers that the digits stand for. */
export function fields(languages: readonly string[]): Field[] {
  const some = [...new Set([...languages, 'es', 'en', 'pt', 'fr', 'ar', 'ru', 'uk', 'zh'])].slice(0, 8);
  return [
    { key: 'media', values: ['photo', 'video', 'audio', 'post', 'document', 'record', 'image'] },
    { key: 'perspective', values: ['citizen', 'security_forces', 'victim', 'press', 'official', 'satellite', 'unknown'] },
    { key: 'language', values: [...some, 'zxx'] },
    { key: 'sensitivity', values: ['none', 'graphic', 'personal', 'source_at_risk'] },
    { key: 'relevant', values: ['yes', 'no', 'not_assessed'] },
    { key: 'removal_risk', values: ['yes', 'no', 'not_assessed'] },
    { key: 'reliable', values: ['yes', 'no', 'not_assessed'] },
    { key: 'safe', values: ['yes', 'no', 'not_assessed'] },
  ];
}

/** What an item says already, so that a key is only needed for what is new. */
export function start(i: Item): Record<string, string> {
  const t = i.triage ?? {};
  return {
    media: i.media, perspective: i.source.perspective === 'unknown' ? '' : i.source.perspective, language: i.language ?? '', sensitivity: i.sensitivity ?? '',
    relevant: t.relevant ?? '', removal_risk: t.removal_risk ?? '', reliable: t.reliable ?? '', safe: t.safe ?? '',
  };
}

/** Writes the answers into an item; what was left open says so. */
export function write(i: Item, a: Record<string, string>, by: string): void {
  if (a['media']) i.media = a['media'];
  if (a['perspective']) i.source.perspective = a['perspective'] as Item['source']['perspective'];
  if (a['language']) i.language = a['language'];
  if (a['sensitivity']) i.sensitivity = a['sensitivity'] as Item['sensitivity'];
  i.triage = { relevant: (a['relevant'] || 'not_assessed') as 'yes', reliable: a['reliable'] || 'not_assessed', removal_risk: a['removal_risk'] || 'not_assessed', safe: a['safe'] || 'not_assessed', by };
}
