import type { Item } from '../../document/types.ts';
import { derivativeUrl } from '../lib/api.ts';
import { desk } from '../state.svelte.ts';
import { w } from './words.svelte.ts';

/**
 * The picture on which a person marks, and the size that its pixels count in:
 * that of the original as it is shown, whatever the working copy measures. Of
 * a video it is the frame at a time, taken from the working copy.
 */
export async function frameOf(item: Item, ms: number | null): Promise<{ url: string; image: { width: number; height: number } }> {
  if (ms === null) {
    const copy = desk.copy(item.id, 'preview', 'poster');
    const url = derivativeUrl(desk.caseId!, copy?.sha256);
    if (!url) throw new Error(w('no_picture', { id: item.id }));
    const img = new Image();
    img.src = url;
    await img.decode();
    return { url, image: sized(item, img.naturalWidth, img.naturalHeight) };
  }
  const url = derivativeUrl(desk.caseId!, desk.copy(item.id, 'proxy')?.sha256);
  if (!url) throw new Error(w('no_picture', { id: item.id }));
  const v = document.createElement('video');
  v.muted = true;
  v.preload = 'auto';
  v.src = url;
  await event(v, 'loadeddata');
  // In the middle of the frame, where a seek is sure to land on it.
  v.currentTime = Math.min(v.duration || 0, ms / 1000 + 0.001);
  await event(v, 'seeked');
  const c = document.createElement('canvas');
  c.width = v.videoWidth;
  c.height = v.videoHeight;
  c.getContext('2d')!.drawImage(v, 0, 0);
  const blob = await new Promise<Blob | null>((done) => c.toBlob(done, 'image/png'));
  if (!blob) throw new Error(w('no_picture', { id: item.id }));
  return { url: URL.createObjectURL(blob), image: sized(item, c.width, c.height) };
}

function sized(item: Item, width: number, height: number): { width: number; height: number } {
  const [a, b] = [item.width ?? 0, item.height ?? 0];
  if (!a || !b) return { width, height };
  // A working copy is turned upright; sizes that were noted before turning are turned with it.
  return a >= b === width >= height ? { width: a, height: b } : { width: b, height: a };
}

const event = (v: HTMLVideoElement, name: string): Promise<void> =>
  new Promise((ok, bad) => {
    v.addEventListener(name, () => ok(), { once: true });
    v.addEventListener('error', () => bad(new Error(w('no_frame'))), { once: true });
  });
