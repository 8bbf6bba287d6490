/**
 * Ids of a long list, fetched page by page where somebody looks. What was
 * fetched stays; what is on the way is not asked for twice. Another question
 * makes other pages.
 */
export class Pages {
  readonly size: number;
  #fetch: (offset: number, limit: number) => Promise<readonly string[]>;
  #pages = new Map<number, readonly string[]>();
  #places = new Map<string, number>();
  #coming = new Map<number, Promise<void>>();

  constructor(size: number, fetch: (offset: number, limit: number) => Promise<readonly string[]>) {
    this.size = size;
    this.#fetch = fetch;
  }

  /** What was already answered beside something else. */
  put(page: number, ids: readonly string[]): void {
    this.#pages.set(page, ids);
    ids.forEach((id, k) => this.#places.set(id, page * this.size + k));
  }

  at(i: number): string | undefined {
    return this.#pages.get(Math.floor(i / this.size))?.[i % this.size];
  }

  placeOf(id: string): number {
    return this.#places.get(id) ?? -1;
  }

  /** Fetches the pages of a stretch, both ends included; resolves when they are there. Rejects with the first failure. */
  async want(from: number, to: number): Promise<void> {
    const waits: Promise<void>[] = [];
    for (let p = Math.floor(Math.max(0, from) / this.size); p <= Math.floor(to / this.size); p++) {
      if (this.#pages.has(p)) continue;
      let coming = this.#coming.get(p);
      if (!coming) {
        coming = this.#fetch(p * this.size, this.size).then(
          (ids) => {
            this.#coming.delete(p);
            this.put(p, ids);
          },
          (e: unknown) => {
            this.#coming.delete(p);
            throw e;
          },
        );
        this.#coming.set(p, coming);
      }
      waits.push(coming);
    }
    await Promise.all(waits);
  }

  has(from: number, to: number): boolean {
    for (let p = Math.floor(from / this.size); p <= Math.floor(to / this.size); p++) if (!this.#pages.has(p)) return false;
    return true;
  }

  /** The ids from one place to another, both included, that are here. */
  among(from: number, to: number): string[] {
    const out: string[] = [];
    for (let i = from; i <= to; i++) {
      const id = this.at(i);
      if (id !== undefined) out.push(id);
    }
    return out;
  }
}
