import { untrack } from 'svelte';
import type { ViewCamera } from '../document/types.ts';
import { readFilter, writeFilter } from './lib/facets.ts';
import { readLink, writeLink, type Link } from './lib/link.ts';
import { desk, VIEWS, type ViewName } from './state.svelte.ts';
import { t } from './words.svelte.ts';

let more: Link['more'];
/** A camera of the address waits here until the scene is there to take it. */
let pendingCam: { cam: number[]; o?: string } | null = null;
let restoring = false;

export function currentLink(): Link {
  const l: Link = { more };
  if (!desk.doc) return l;
  l.case = desk.caseId ?? undefined;
  l.view = desk.view;
  l.t = Math.round(desk.clock.get());
  if (desk.sel) l.sel = desk.sel;
  if (desk.pair) l.pair = desk.pair.id;
  if (desk.view === 'story') l.step = desk.step;
  if (desk.view === 'accounts') l.acc = [...desk.columns];
  l.q = writeFilter(desk.filter) || undefined;
  if (desk.scene && (desk.view === 'place' || desk.view === 'story')) {
    const v = desk.scene.view();
    l.cam = [...v.eye, ...v.target, v.vfov_deg];
    l.o = desk.scene.sceneId;
  } else if (pendingCam) {
    l.cam = pendingCam.cam;
    l.o = pendingCam.o;
  }
  return l;
}

async function restore(hash: string): Promise<void> {
  const { link, bad } = readLink(hash);
  restoring = true;
  more = link.more;
  try {
    const wanted = link.case ?? desk.caseId ?? (desk.cases?.length === 1 ? desk.cases[0].id : undefined);
    if (!wanted) {
      if (desk.doc) desk.close();
      return;
    }
    if (!(await desk.open(wanted))) return;
    if (link.view && (VIEWS as readonly string[]).includes(link.view)) desk.view = link.view as ViewName;
    if (link.q !== undefined) desk.filter = readFilter(link.q);
    if (link.acc) desk.columns = link.acc.filter((a) => desk.accounts.some((x) => x.id === a));
    if (link.step !== undefined) desk.step = Math.max(0, Math.min((desk.story?.steps.length ?? 1) - 1, link.step));
    desk.select(link.sel ?? null);
    const pair = link.pair ? desk.conflicts.find((c) => c.id === link.pair) : undefined;
    if (pair) desk.pair = pair;
    if (link.t !== undefined) desk.clock.seek(link.t);
    if (link.cam) {
      pendingCam = { cam: link.cam, o: link.o };
      takeCamera();
    }
    if (bad.length) desk.notice = { kind: 'info', text: t('link.bad', { keys: bad.join(', ') }) };
  } finally {
    restoring = false;
  }
}

function takeCamera(): void {
  const s = desk.scene;
  const p = pendingCam;
  if (!s || !p) return;
  void s.settled.then(() => {
    if (pendingCam !== p || desk.scene !== s) return;
    pendingCam = null;
    // Metres of another scene's frame would point anywhere.
    if (p.o && s.sceneId && !s.sceneId.startsWith(p.o) && !p.o.startsWith(s.sceneId)) return;
    const [a, b, c, d, e, f, g] = p.cam;
    void s.flyTo({ eye: [a, b, c], target: [d, e, f], vfov_deg: g } as ViewCamera, 0);
  }, () => {});
}

/**
 * Keeps the address and the desk in step: view, selection and step make a new
 * entry of the browser's history; clock and camera replace the present one.
 */
export function startRoute(): void {
  void restore(location.hash).then(() => {
    let last = '';
    let timer = 0;
    let due = 0;
    let push = false;
    const write = (push: boolean) => {
      const hash = writeLink(currentLink());
      if (hash === location.hash) return;
      history[push ? 'pushState' : 'replaceState'](null, '', hash);
    };
    $effect.root(() => {
      $effect(() => {
        const key = [desk.caseId, desk.doc ? 1 : 0, desk.view, desk.sel, desk.pair?.id, desk.view === 'story' ? desk.step : ''].join('|');
        if (key === last) return;
        const first = last === '';
        last = key;
        if (restoring || desk.loading) return;
        // After the frame that shows it: writing the address costs as much as drawing a list.
        push ||= !first;
        due ||= window.setTimeout(() => {
          due = 0;
          const anew = push;
          push = false;
          if (!restoring) write(anew);
        }, 40);
      });
      $effect(() => {
        if (desk.scene) untrack(takeCamera);
      });
    });
    setInterval(() => {
      if (!restoring && desk.doc && !desk.playing && !due) write(false);
    }, 700);
    addEventListener('popstate', () => {
      // From here on nothing may write the state of the screen over the entry
      // of the history that the person went to.
      restoring = true;
      const hash = location.hash;
      clearTimeout(timer);
      clearTimeout(due);
      due = 0;
      push = false;
      timer = window.setTimeout(() => {
        last = 'restored';
        void restore(hash);
      }, 0);
    });
  });
}
