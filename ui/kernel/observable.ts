// One value that others follow. The contract is that of a Svelte store
// (subscribe calls at once, then on every change), so a panel can write
// $selection and a canvas can call get() inside its frame loop.

export interface Readable<T> {
  get(): T;
  /** Calls run with the present value now and with each later one; returns how to stop. */
  subscribe(run: (value: T) => void): () => void;
}

export class Value<T> implements Readable<T> {
  #value: T;
  #runs = new Set<(value: T) => void>();
  #same: (a: T, b: T) => boolean;

  constructor(value: T, same: (a: T, b: T) => boolean = Object.is) {
    this.#value = value;
    this.#same = same;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (this.#same(this.#value, value)) return;
    this.#value = value;
    // A copy, because a follower may stop following while it is told.
    for (const run of [...this.#runs]) if (this.#runs.has(run)) run(this.#value);
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  subscribe(run: (value: T) => void): () => void {
    // The same function may follow twice; each registration stops on its own.
    const own = (value: T) => run(value);
    this.#runs.add(own);
    own(this.#value);
    return () => void this.#runs.delete(own);
  }
}

/** A value computed from others, kept current while somebody follows it. */
export function derive<A, T>(from: Readable<A>, compute: (a: A) => T): Readable<T> {
  return {
    get: () => compute(from.get()),
    subscribe(run) {
      let last: T;
      let first = true;
      return from.subscribe((a) => {
        const next = compute(a);
        if (!first && Object.is(last, next)) return;
        first = false;
        last = next;
        run(next);
      });
    },
  };
}
