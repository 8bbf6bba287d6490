// How a script of an edition reads the edition's own files: by fetch from a
// server, and from file:// as a classic script that hands over its bytes,
// because fetch does not work there.

type Pack = Record<string, string>;

/** The edition's top, seen from the page that runs this. */
export function rootOf(el: HTMLElement): string {
  return el.dataset['root'] ?? '';
}

export const fromDisk = (): boolean => location.protocol === 'file:';

function bytesOf(base64: string): ArrayBuffer {
  const s = atob(base64);
  const out = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++) out[i] = s.charCodeAt(i);
  return out.buffer;
}

/** Reads a file that has a pack beside it ("scene/scene.json" has "scene/scene.json.pack.js"). */
export async function readFile(path: string, packed = path + '.pack.js'): Promise<ArrayBuffer> {
  if (!fromDisk()) {
    const r = await fetch(path);
    if (!r.ok) throw new Error(`${path} could not be read (${r.status})`);
    return r.arrayBuffer();
  }
  const name = path.slice(path.lastIndexOf('/') + 1);
  const packs = ((self as unknown as { sightlinePack?: Pack }).sightlinePack ??= {});
  if (packs[name] === undefined) {
    await new Promise<void>((resolve, reject) => {
      const s = document.createElement('script');
      s.src = packed;
      s.onload = () => resolve();
      s.onerror = () => reject(new Error(`${packed} could not be read`));
      document.head.append(s);
    });
  }
  const b = packs[name];
  if (b === undefined) throw new Error(`${packed} does not hold ${name}`);
  delete packs[name];
  return bytesOf(b);
}
