import { upload, type Taken } from './lib/api.ts';
import { desk, sentence } from './state.svelte.ts';
import { t, tn } from './words.svelte.ts';

export interface Adding {
  files: { name: string; size: number }[];
  part: number;
  state: 'sending' | 'done' | 'failed';
  result: Taken | null;
  fault: string;
  stop(): void;
}

/** Files on their way in, newest last. */
export const adding: { list: Adding[] } = $state({ list: [] });

/** Sends files to the case; every one of them is answered with its id, or why not. */
export function take(files: File[], reason = ''): void {
  if (!desk.caseId || !files.length) return;
  const one: Adding = $state({ files: files.map((f) => ({ name: f.name, size: f.size })), part: 0, state: 'sending', result: null, fault: '', stop: () => {} });
  adding.list.push(one);
  desk.dialog = 'add';
  const sent = upload(desk.caseId, files, reason, (p) => (one.part = p));
  one.stop = sent.stop;
  sent.done.then(
    (r) => {
      one.state = 'done';
      one.part = 1;
      one.result = { added: r.added ?? [], known: r.known ?? [], refused: r.refused ?? [] };
      desk.say(tn('add.added', one.result.added.length));
      void desk.refresh();
      void desk.reloadJobs();
    },
    (e) => {
      one.state = 'failed';
      one.fault = sentence(e);
    },
  );
}

export function takeDrop(e: DragEvent): void {
  const files = [...(e.dataTransfer?.files ?? [])];
  if (!files.length) return;
  e.preventDefault();
  take(files, t('add.reason_drop'));
}

export function takePaste(e: ClipboardEvent): void {
  const files = [...(e.clipboardData?.files ?? [])];
  if (!files.length) return;
  e.preventDefault();
  take(files, t('add.reason_paste'));
}
