/** What the media player of the inspector shows, for the sections beside it. */
class Player {
  item: string | null = $state(null);
  ms = $state(0);
  inMs: number | null = $state(null);
  outMs: number | null = $state(null);
  #go: ((ms: number) => void) | null = null;

  attach(item: string, go: (ms: number) => void): () => void {
    this.item = item;
    this.ms = 0;
    this.inMs = this.outMs = null;
    this.#go = go;
    return () => {
      if (this.#go !== go) return;
      this.item = null;
      this.#go = null;
    };
  }

  seek(item: string, ms: number): void {
    if (this.item === item) this.#go?.(ms);
  }
}

export const player = new Player();
