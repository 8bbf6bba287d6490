import { show } from '../commands.ts';
import { desk } from '../state.svelte.ts';

/** Opens why an item or event is at its time. */
export function derivation(id: string): void {
  desk.guard.leave(desk.guard.dirty, () => {
    show('time');
    void import('./times.svelte.ts').then((m) => m.times.open(id));
  });
}
