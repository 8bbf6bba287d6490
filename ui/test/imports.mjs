// The import rule of the interface: which folder may import which.
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

const RULE = {
  kernel: [],
  document: ['kernel'],
  scene: ['kernel', 'document'],
  timeline: ['kernel', 'document'],
  map: ['kernel', 'document'],
  desk: ['kernel', 'document', 'scene', 'timeline', 'map'],
  edition: ['kernel', 'document', 'scene', 'timeline', 'map'],
  // A source's browser loads nothing that is not needed to seal and send.
  call: [],
};
/** Packages from npm that a folder may use; tests may also use node's own. */
const PACKAGES = {
  kernel: [],
  document: ['lucide'],
  scene: ['three', 'camera-controls', 'three-mesh-bvh', 'meshoptimizer', 'lucide'],
  timeline: ['lucide'],
  map: ['lucide'],
  desk: ['svelte', 'lucide'],
  edition: [],
  call: ['age-encryption', '@noble/hashes', '@scure/base'],
};

export async function importFaults(ui) {
  const faults = [];
  for (const folder of Object.keys(RULE)) {
    let files;
    try {
      files = await readdir(join(ui, folder), { recursive: true });
    } catch {
      continue;
    }
    for (const f of files) {
      if (!/\.(ts|svelte|css)$/.test(f)) continue;
      const path = join(ui, folder, f);
      const src = (await readFile(path, 'utf8')).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
      const test = /\.test\.ts$/.test(f);
      for (const m of src.matchAll(/(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|@import\s+['"]([^'"]+)['"]/g)) {
        const spec = m[1] ?? m[2] ?? m[3];
        if (spec.startsWith('.')) {
          const to = relative(ui, resolve(dirname(path), spec)).split('/')[0];
          const own = /^(tokens|fonts|views)\.css$/.test(to);
          if (to !== folder && !own && !(test && to === 'test') && !RULE[folder].includes(to)) faults.push(`${folder}/${f} imports ${spec}: ${folder} may import ${RULE[folder].join(', ') || 'nothing'}`);
        } else {
          const pkg = spec.startsWith('@') ? spec.split('/').slice(0, 2).join('/') : spec.split('/')[0];
          if (test && spec.startsWith('node:')) continue;
          if (!PACKAGES[folder].includes(pkg)) faults.push(`${folder}/${f} imports package ${pkg}, which ${folder} may not`);
        }
      }
    }
  }
  return faults;
}
