import { desk } from '../state.svelte.ts';

/**
 * Sound of recordings on the master clock: decoded once each, started together
 * by the audio hardware's own clock, so that two tracks lie on each other to
 * the sample. Sound is heard at normal speed only.
 */
class Overlay {
  #ctx: AudioContext | null = null;
  #buffers = new Map<string, Promise<AudioBuffer>>();
  #nodes: AudioBufferSourceNode[] = [];
  fault = $state('');

  get context(): AudioContext {
    return (this.#ctx ??= new AudioContext());
  }

  buffer(item: string): Promise<AudioBuffer> {
    const key = desk.caseId + '/' + item;
    let p = this.#buffers.get(key);
    if (!p) {
      p = fetch(`/api/cases/${encodeURIComponent(desk.caseId!)}/sound/${encodeURIComponent(item)}`).then(async (r) => {
        if (!r.ok) throw new Error(((await r.json().catch(() => ({}))) as { detail?: string }).detail ?? r.statusText);
        return this.context.decodeAudioData(await r.arrayBuffer());
      });
      p.catch(() => this.#buffers.delete(key));
      // A browser holds a handful of recordings, not a case.
      if (this.#buffers.size >= 8) this.#buffers.delete(this.#buffers.keys().next().value!);
      this.#buffers.set(key, p);
    }
    return p;
  }

  /** Starts recordings so that each is heard where it lies at `now`; pan -1 is left. Returns the hardware's latency in ms. */
  async start(tracks: { item: string; start_ms: number; pan: number }[], now: () => number): Promise<boolean> {
    this.stop();
    this.fault = '';
    let buffers: AudioBuffer[];
    try {
      buffers = await Promise.all(tracks.map((x) => this.buffer(x.item)));
      await this.context.resume();
    } catch (e) {
      this.fault = e instanceof Error ? e.message : String(e);
      return false;
    }
    const ctx = this.context;
    const lead = 0.06;
    const t0 = ctx.currentTime + lead;
    const clock = now() + lead * 1000;
    tracks.forEach((x, i) => {
      const at = (clock - x.start_ms) / 1000;
      const src = new AudioBufferSourceNode(ctx, { buffer: buffers[i] });
      const pan = new StereoPannerNode(ctx, { pan: x.pan });
      src.connect(pan).connect(ctx.destination);
      if (at >= buffers[i].duration) return;
      if (at >= 0) src.start(t0, at);
      else src.start(t0 - at);
      this.#nodes.push(src);
    });
    return this.#nodes.length > 0;
  }

  /** How many recordings are sounding or about to. */
  get sounding(): number {
    return this.#nodes.length;
  }

  stop(): void {
    for (const n of this.#nodes) {
      try {
        n.stop();
      } catch {
        // It had not begun.
      }
      n.disconnect();
    }
    this.#nodes = [];
  }
}

export const overlay = new Overlay();
