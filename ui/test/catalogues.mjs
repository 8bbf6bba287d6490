// Every folder named "text" with en.json is a catalogue: each language has the
// same keys, none is empty, and the same {names} stand in each translation.
import { readFile, readdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';

export const LANGUAGES = ['en', 'es'];
const holes = (s) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join(',');

async function folders(dir, found = []) {
  for (const e of await readdir(dir, { withFileTypes: true })) {
    if (!e.isDirectory() || e.name === 'node_modules' || e.name.startsWith('.')) continue;
    const p = join(dir, e.name);
    if (e.name === 'text' && existsSync(join(p, 'en.json'))) found.push(p);
    else await folders(p, found);
  }
  return found;
}

export async function catalogueFaults(ui) {
  const faults = [];
  for (const dir of await folders(ui)) {
    const at = relative(ui, dir);
    const texts = {};
    for (const l of LANGUAGES) {
      try {
        texts[l] = JSON.parse(await readFile(join(dir, l + '.json'), 'utf8'));
      } catch (e) {
        faults.push(`${at}/${l}.json: ${e.message}`);
        texts[l] = {};
      }
    }
    const keys = new Set(LANGUAGES.flatMap((l) => Object.keys(texts[l])));
    for (const k of [...keys].sort()) {
      for (const l of LANGUAGES) {
        if (typeof texts[l][k] !== 'string' || texts[l][k].trim() === '') faults.push(`${at}/${l}.json lacks "${k}"`);
        else if (typeof texts.en[k] === 'string' && holes(texts[l][k]) !== holes(texts.en[k])) faults.push(`${at}/${l}.json "${k}" has other {names} than en.json`);
      }
    }
  }
  return faults;
}
