// Without WebGL, or without any picture, the evidence is a list: it says the
// same, and selecting works.

import { Value } from '../kernel/observable.ts';
import { element } from '../document/dom.ts';
import { sitesOf } from '../document/places.ts';
import { say } from '../document/types.ts';
import type { SceneHandle, SceneInput, SceneMode, SceneOptions } from './handle.ts';

export function plainScene(input: SceneInput, list: HTMLElement, options: SceneOptions, gone: () => void): SceneHandle {
  let doc = input.doc;
  let sites = sitesOf(doc, input.toEnu);
  const current = new Value<SceneMode>('orbit');
  const through = new Value<string | null>(null);
  const write = () => list.replaceChildren(...sites.map((s) => element('li', {}, element('button', { type: 'button', 'data-id': s.id }, s.id + ' ' + say(s.place.label, input.lang.get())))));
  const press = (e: Event) => {
    const id = (e.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset['id'];
    if (id) input.selection.set(id);
  };
  list.classList.remove('twin');
  list.addEventListener('click', press);
  const off = input.lang.subscribe(write);
  return {
    destroy() {
      off();
      list.removeEventListener('click', press);
      gone();
    },
    mode: (m) => current.set(m), current, through, options,
    view: () => ({ eye: [0, 0, 0], target: [0, 1, 0], vfov_deg: 45 }),
    flyTo: () => Promise.resolve(), lookThrough: () => false, frame() {}, north() {},
    update(next) {
      doc = next;
      sites = sitesOf(doc, input.toEnu);
      write();
    },
    option: (name, value) => void (options[name] = value), layer() {}, attempt() {},
    onPick: () => () => {},
    document: null, pointAt: () => null, project: () => null, between: () => null, onDraw: () => () => {}, extra() {}, lookAs() {}, picture: () => Promise.resolve(null),
    settled: Promise.resolve(), twin: () => sites.map((s) => ({ id: s.id, text: s.id })), sceneId: '', stats: { calls: 0, triangles: 0, frames: 0 },
  };
}
