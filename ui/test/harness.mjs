// What a browser test needs: a browser, a server for a bundled page, and
// assertions on pixels instead of golden pictures. The file system is served
// with Range and the same policy as the product.
import * as esbuild from 'esbuild';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ui = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-dev-shm-usage', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json', '.woff2': 'font/woff2', '.png': 'image/png', '.jpg': 'image/jpeg', '.svg': 'image/svg+xml' };
export const POLICY = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'";

export const browserMissing = () => (existsSync(CHROMIUM) ? null : `no browser at ${CHROMIUM}: install the package chromium, or name another with CHROMIUM`);

export async function launch() {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/** Bundles a page's script and style; returns its files by path. */
export async function bundle(entry, more = {}) {
  const built = await esbuild.build({
    absWorkingDir: ui, entryPoints: { page: entry }, outdir: '/', bundle: true, write: false, format: 'esm', target: 'chrome109', legalComments: 'none', logLevel: 'warning',
    loader: { '.woff2': 'file', '.svg': 'text' }, assetNames: '[name]', conditions: ['svelte', 'browser'], ...more,
  });
  return Object.fromEntries(built.outputFiles.map((f) => [f.path, Buffer.from(f.contents)]));
}

/** Serves files by path, and folders for what is not among them; index is the page that mounts page.js. */
export async function serve(files, { folders = {}, theme = 'dark' } = {}) {
  const page = `<!doctype html><html lang="en" data-theme="${theme}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>test</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"></head><body><div id="root"></div><script type="module" src="/page.js"></script></body></html>`;
  const server = createServer(async (req, res) => {
    const path = decodeURIComponent(new URL(req.url, 'http://x').pathname);
    let body = path === '/' ? Buffer.from(page) : files[path];
    for (const [prefix, dir] of Object.entries(folders)) {
      if (!body && path.startsWith(prefix)) body = await readFile(join(dir, path.slice(prefix.length).replace(/\.\./g, ''))).catch(() => undefined);
    }
    if (!body) {
      res.writeHead(404, { 'content-type': 'text/plain' });
      return res.end('not found');
    }
    const head = { 'content-type': TYPES[extname(path)] ?? (path === '/' ? TYPES['.html'] : 'application/octet-stream'), 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'accept-ranges': 'bytes' };
    const range = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
    if (range) {
      const from = Number(range[1]);
      const to = range[2] ? Math.min(Number(range[2]), body.length - 1) : body.length - 1;
      res.writeHead(206, { ...head, 'content-range': `bytes ${from}-${to}/${body.length}`, 'content-length': to - from + 1 });
      return res.end(body.subarray(from, to + 1));
    }
    res.writeHead(200, { ...head, 'content-length': body.length });
    res.end(body);
  });
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  const { port } = server.address();
  return { url: `http://127.0.0.1:${port}/`, close: () => new Promise((ok) => server.close(ok)) };
}

/** A page that collects errors and every request to another host. */
export async function open(browser, url, { width = 1366, height = 768, ...context } = {}) {
  const ctx = await browser.newContext({ viewport: { width, height }, ...context });
  const page = await ctx.newPage();
  const faults = [];
  page.on('pageerror', (e) => faults.push(String(e.stack ?? e)));
  page.on('console', (m) => {
    if (m.type() === 'error') faults.push(m.text());
  });
  page.on('request', (r) => {
    const host = new URL(r.url()).host;
    if (host && host !== new URL(url).host && !/^(data|blob):/.test(r.url())) faults.push('request to another host: ' + r.url());
  });
  await page.goto(url);
  return { page, faults, close: () => ctx.close() };
}

/** Pixels of a screenshot of an element or region, read back in the page: { width, height, data }. */
export async function pixels(page, clip) {
  const png = await page.screenshot(clip ? { clip } : {});
  const data = await page.evaluate(async (b64) => {
    const bytes = Uint8Array.from(atob(b64), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const c = new OffscreenCanvas(bitmap.width, bitmap.height);
    const g = c.getContext('2d');
    g.drawImage(bitmap, 0, 0);
    const d = g.getImageData(0, 0, bitmap.width, bitmap.height).data;
    let s = '';
    for (let i = 0; i < d.length; i += 32768) s += String.fromCharCode(...d.subarray(i, i + 32768));
    return { width: bitmap.width, height: bitmap.height, b64: btoa(s) };
  }, png.toString('base64'));
  return { width: data.width, height: data.height, data: Buffer.from(data.b64, 'base64') };
}

/** How many pixels satisfy a test of (r, g, b, x, y). */
export function count(p, is) {
  let n = 0;
  for (let i = 0; i < p.width * p.height; i++) if (is(p.data[4 * i], p.data[4 * i + 1], p.data[4 * i + 2], i % p.width, Math.floor(i / p.width))) n++;
  return n;
}

/** Pictures for people to look at, only when SHOTS names a folder. */
export async function shot(page, name) {
  if (!process.env.SHOTS) return;
  await mkdir(process.env.SHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.SHOTS, name + '.png') });
}
