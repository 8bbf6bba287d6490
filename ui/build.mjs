// Builds the interface into ../web/assets, which the Go program embeds.
//
//   desk     ES modules, split by route, file names with a content hash
//   edition  classic scripts and styles without a hash (an edition must open from
//            file://, where modules do not load, and two builds must be equal)
//   call     lane A for sources: app.js on the page and its worker, without a
//            hash in the name, because the page states the hash of app.js
//
// Every text file gets a gzip copy beside it. The build fails when a bundle is
// over its budget or a translation is missing.
import * as esbuild from 'esbuild';
import sveltePlugin from 'esbuild-svelte';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { catalogueFaults } from './test/catalogues.mjs';

export const ui = dirname(fileURLToPath(import.meta.url));
const out = resolve(ui, '../web/assets');
const kB = (n) => (n / 1000).toFixed(1) + ' kB';

/** Largest gzip size of the scripts that run before the first 3-D frame, in bytes; of call: everything that a source's browser loads. */
const BUDGET = { desk: 260_000, edition: 220_000, call: 80_000 };

export const common = {
  absWorkingDir: ui,
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  legalComments: 'none',
  target: ['chrome109', 'firefox115', 'safari16.4'],
  loader: { '.woff2': 'file', '.svg': 'text' },
  conditions: ['svelte', 'browser', 'production'],
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warning',
};
export const svelte = () => sveltePlugin({ compilerOptions: { css: 'external', dev: false, runes: true }, filterWarnings: () => false });

async function buildDesk() {
  if (!existsSync(join(ui, 'desk/main.ts'))) return null;
  const built = await esbuild.build({
    ...common,
    entryPoints: { desk: 'desk/main.ts' },
    outdir: out,
    format: 'esm',
    splitting: true,
    entryNames: '[name]-[hash]',
    chunkNames: 'chunk-[hash]',
    assetNames: 'fonts/[name]-[hash]',
    plugins: [svelte()],
  });
  const main = Object.keys(built.metafile.outputs).find((p) => built.metafile.outputs[p].entryPoint === 'desk/main.ts');
  const css = built.metafile.outputs[main].cssBundle;
  const name = (p) => '/' + relative(out, resolve(ui, p));
  const fonts = Object.keys(built.metafile.outputs).filter((p) => /plex-(sans|mono)-latin-400.*woff2$/.test(p));
  const head = [
    ...(css ? [`<link rel="stylesheet" href="${name(css)}">`] : []),
    ...fonts.map((f) => `<link rel="preload" as="font" type="font/woff2" crossorigin href="${name(f)}">`),
    `<script type="module" src="${name(main)}"></script>`,
  ].join('\n');
  const page = (await readFile(join(ui, 'index.html'), 'utf8')).replace('<!-- assets -->', () => head);
  built.outputFiles.push({ path: join(out, 'index.html'), contents: Buffer.from(page) });
  return { ...built, main };
}

async function buildEdition() {
  const dir = join(ui, 'edition');
  if (!existsSync(dir)) return null;
  const names = (await readdir(dir)).filter((f) => /^[a-z]+\.(ts|css)$/.test(f) && !f.endsWith('.d.ts'));
  // Only these are pages' own scripts; other files of the folder are imported by them.
  const scripts = names.filter((f) => ['page.ts', 'scene.ts', 'verify.ts', 'map.ts'].includes(f));
  // A style of the same name that a script imports comes out beside it anyway.
  const taken = new Set();
  for (const f of scripts) if ((await readFile(join(dir, f), 'utf8')).includes(`'./${f.replace('.ts', '.css')}'`)) taken.add(f.replace('.ts', '.css'));
  const entries = [...scripts, ...names.filter((f) => f.endsWith('.css') && !taken.has(f))];
  if (entries.length === 0) return null;
  return esbuild.build({
    ...common,
    entryPoints: entries.map((f) => 'edition/' + f),
    outdir: join(out, 'edition'),
    outbase: 'edition',
    format: 'iife',
    entryNames: '[name]',
    assetNames: 'fonts/[name]',
  });
}

async function buildCall() {
  if (!existsSync(join(ui, 'call/app.ts'))) return null;
  return esbuild.build({ ...common, entryPoints: ['call/app.ts', 'call/worker.ts'], outdir: join(out, 'call'), outbase: 'call', format: 'iife', entryNames: '[name]' });
}

/** Every output reached from one by static imports. */
function closure(outputs, from, seen = new Set()) {
  if (seen.has(from)) return seen;
  seen.add(from);
  for (const i of outputs[from]?.imports ?? []) if (i.kind === 'import-statement') closure(outputs, i.path, seen);
  return seen;
}

/** The scripts loaded on the way from the entry to the scene: each dynamic import on the shortest way, with what it imports. */
function wayToScene(outputs, main) {
  const holds = (p) => 'scene/index.ts' in (outputs[p].inputs ?? {});
  const queue = [[main, closure(outputs, main)]];
  const seen = new Set([main]);
  while (queue.length) {
    const [, loaded] = queue.shift();
    if ([...loaded].some(holds)) return loaded;
    for (const p of loaded) {
      for (const i of outputs[p].imports) {
        if (i.kind !== 'dynamic-import' || seen.has(i.path) || !outputs[i.path]) continue;
        seen.add(i.path);
        queue.push([i.path, new Set([...loaded, ...closure(outputs, i.path)])]);
      }
    }
  }
  return closure(outputs, main);
}

export async function build() {
  const faults = await catalogueFaults(ui);
  if (faults.length) throw new Error('translations:\n  ' + faults.join('\n  '));
  const [desk, edition, call] = await Promise.all([buildDesk(), buildEdition(), buildCall()]);
  const written = new Set();
  const gz = new Map();
  for (const b of [desk, edition, call]) {
    for (const f of b?.outputFiles ?? []) {
      await mkdir(dirname(f.path), { recursive: true });
      await writeFile(f.path, f.contents);
      written.add(f.path);
      if (/\.(js|css|html|json|svg)$/.test(f.path)) {
        const z = gzipSync(f.contents, { level: 9 });
        await writeFile(f.path + '.gz', z);
        written.add(f.path + '.gz');
        gz.set(relative(ui, f.path), z.length);
      }
    }
  }
  // What an earlier build left is removed only now, so that a reader of the folder never finds it empty.
  if (existsSync(out)) {
    for (const e of await readdir(out, { recursive: true, withFileTypes: true })) {
      const p = join(e.parentPath, e.name);
      if (e.isFile() && !e.name.startsWith('.') && !written.has(p)) await rm(p);
    }
  }
  const sums = {};
  if (desk) {
    const first = [...closure(desk.metafile.outputs, desk.main)].reduce((s, p) => s + (gz.get(p) ?? 0), 0);
    sums.desk = [...wayToScene(desk.metafile.outputs, desk.main)].reduce((s, p) => s + (gz.get(p) ?? 0), 0);
    console.log(`desk: first script ${kB(first)}, before the first 3-D frame ${kB(sums.desk)} gzip`);
  }
  if (edition) {
    const of = (n) => gz.get(relative(ui, join(out, 'edition', n))) ?? 0;
    sums.edition = of('page.js') + of('scene.js');
    console.log(`edition: page ${kB(of('page.js'))}, scene ${kB(of('scene.js'))}, verify ${kB(of('verify.js'))} gzip`);
  }
  if (call) {
    const of = (n) => gz.get(relative(ui, join(out, 'call', n))) ?? 0;
    sums.call = of('app.js') + of('worker.js');
    console.log(`call: page ${kB(of('app.js'))}, worker ${kB(of('worker.js'))} gzip`);
  }
  if (sums.desk > BUDGET.desk) {
    // What weighs most on the way, so that it is known what to load later.
    const by = new Map();
    for (const p of wayToScene(desk.metafile.outputs, desk.main)) for (const [f, i] of Object.entries(desk.metafile.outputs[p].inputs)) {
      const name = f.startsWith('node_modules/') ? f.split('/').slice(1, f.split('/')[1].startsWith('@') ? 3 : 2).join('/') : f;
      by.set(name, (by.get(name) ?? 0) + i.bytesInOutput);
    }
    console.error('heaviest before compression: ' + [...by].sort((a, b) => b[1] - a[1]).slice(0, 16).map(([f, b]) => `${f} ${kB(b)}`).join(', '));
  }
  for (const [k, n] of Object.entries(sums)) if (n > BUDGET[k]) throw new Error(`${k}: ${kB(n)} gzip ${k === 'call' ? 'in all' : 'before the first 3-D frame'}, budget ${kB(BUDGET[k])}`);
  return { desk, edition, call, sums };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build();
  } catch (e) {
    console.error(e.message);
    process.exit(1);
  }
}
