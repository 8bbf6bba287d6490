import { changed } from './lib/draft.ts';

/**
 * What is typed in a form and not yet in the log. It lives here and not in the
 * form, so that closing a panel, turning a phone or changing the view loses nothing.
 */
export class Draft {
  readonly kind: string;
  /** "" for a new object. */
  readonly id: string;
  /** Which form shows it, where a kind has several. */
  readonly form: string;
  readonly base: Record<string, unknown>;
  value: Record<string, unknown> = $state({});
  dirty = $derived.by(() => changed(this.kind, this.base, this.value));

  constructor(kind: string, id: string, base: Record<string, unknown>, form = kind) {
    this.kind = kind;
    this.form = form;
    this.id = id;
    this.base = structuredClone(base);
    this.value = structuredClone(base);
  }
}

/** Asks before typed text goes away. Forms of the inspector's sections register here; drafts are asked by the desk. */
export class Guard {
  #held = new Set<() => boolean>();
  /** What the person wanted to do when typed text stood in the way. */
  asking: { go(): void } | null = $state.raw(null);

  /** A form that can be lost; returns how to let go of it. */
  hold(dirty: () => boolean): () => void {
    this.#held.add(dirty);
    return () => this.#held.delete(dirty);
  }

  get dirty(): boolean {
    return [...this.#held].some((d) => d());
  }

  /** Does it at once, or after the person agreed to lose what was typed. */
  leave(dirty: boolean, go: () => void): void {
    if (dirty) this.asking = { go };
    else go();
  }

  discard(): void {
    const a = this.asking;
    this.asking = null;
    this.#held.clear();
    a?.go();
  }
}
