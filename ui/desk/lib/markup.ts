/**
 * The small allow-list of story text: paragraphs, emphasis, citations. It
 * yields plain data that components set as text nodes; nothing here is HTML.
 */
export type Mark = { text: string; style?: 'em' | 'strong' } | { cite: string }

export interface Paragraph {
  label: 'context' | 'not_established' | null
  marks: Mark[]
  /** Neither cited nor labelled: the preflight refuses it. */
  bare: boolean
}

/** An id as the case writes them: EJ-014, EJ-014.3, C-07, G-02. */
export const ID = /\[([A-Z]{1,4}-\d{1,6}(?:\.\d{1,4})?)\]/g

export function paragraphs(source: string): Paragraph[] {
  return source
    .split(/\n\s*\n/)
    .map((p) => p.trim())
    .filter(Boolean)
    .map((p) => {
      const l = /^(context|not established):\s*/i.exec(p)
      const label = l ? (l[1].toLowerCase() === 'context' ? 'context' : 'not_established') : null
      const marks = inline(l ? p.slice(l[0].length) : p)
      return { label, marks, bare: !label && !marks.some((m) => 'cite' in m) }
    })
}

function inline(s: string): Mark[] {
  const out: Mark[] = []
  const token = /\[([A-Z]{1,4}-\d{1,6}(?:\.\d{1,4})?)\]|\*\*([^*]+)\*\*|\*([^*]+)\*/g
  let last = 0
  for (const m of s.matchAll(token)) {
    if (m.index > last) out.push({ text: s.slice(last, m.index) })
    if (m[1]) out.push({ cite: m[1] })
    else if (m[2]) out.push({ text: m[2], style: 'strong' })
    else out.push({ text: m[3], style: 'em' })
    last = m.index + m[0].length
  }
  if (last < s.length) out.push({ text: s.slice(last) })
  return out
}

/** Every id that a text cites, once, in order. */
export function citations(source: string): string[] {
  return [...new Set([...source.matchAll(ID)].map((m) => m[1]))]
}
