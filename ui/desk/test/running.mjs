// A desk for browser tests: the case El Junquito built and served by the
// program itself (SIGHTLINE, or ../bin/sightline), or one that already runs
// (SIGHTLINE_URL='http://127.0.0.1:8765/open?token=...').
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserMissing, launch, ui } from '../../test/harness.mjs';

export const program = process.env.SIGHTLINE ?? join(ui, '..', 'bin', 'sightline');
export const given = process.env.SIGHTLINE_URL;
export const skip = browserMissing() ?? (!given && !existsSync(program) ? `no program at ${program}: run "make build", or name one with SIGHTLINE or a running desk with SIGHTLINE_URL` : false);
export const CASE = 'el-junquito';
export const link = (rest) => `#v1&case=${CASE}&${rest}`;

/** Runs the program to its end. */
export const sightline = (...args) => new Promise((done) => execFile(program, args, { maxBuffer: 1 << 26 }, (e, out, err) => done({ status: e ? (e.code ?? 1) : 0, text: out + err })));

/** Builds the case in a folder of its own and serves it on a free port; gives the address that signs in. */
async function serve(dir) {
  const built = await sightline('demo', '--build', '--dir', dir);
  assert.equal(built.status, 0, built.text);
  const server = spawn(program, ['serve', join(dir, CASE), '--addr', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await new Promise((found, failed) => {
    let said = '';
    const hear = (b) => {
      said += b;
      const m = /http:\/\/\S+\/open\?token=\S+/.exec(said);
      if (m) found(m[0]);
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    server.on('exit', (code) => failed(new Error(`the desk ended with status ${code}: ${said}`)));
  });
  return { server, url };
}

/** A signed-in browser at 1366 x 768 in English, with every error that a page reports. */
export async function start() {
  let server = null;
  let dir = null;
  let url = given;
  if (!url) {
    dir = await mkdtemp(join(tmpdir(), 'sightline-desk-'));
    ({ server, url } = await serve(dir));
  }
  const browser = await launch();
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'en', reducedMotion: 'reduce' });
  const errors = [];
  const page = await context.newPage();
  watch(page, errors);
  // Signing in goes on to the desk by a second navigation.
  await page.goto(url);
  await page.waitForFunction(() => location.pathname === '/' && !!window.sightline);
  const origin = new URL(page.url()).origin;
  return {
    browser, context, page, origin, errors, url,
    async open(hash, p = page) {
      await p.goto('about:blank');
      await p.goto(`${origin}/?q=low${hash}`);
      await p.waitForFunction(() => !!window.sightline?.desk.doc);
    },
    async stop() {
      await browser.close();
      if (server) {
        server.removeAllListeners('exit');
        await new Promise((done) => {
          server.once('exit', done);
          server.kill('SIGINT');
        });
      }
      if (dir) await rm(dir, { recursive: true, force: true });
    },
  };
}

export function watch(page, errors) {
  page.on('pageerror', (e) => errors.push(e.message));
  page.on('console', (m) => m.type() === 'error' && !/409/.test(m.text()) && errors.push(m.text() + ' ' + m.location().url));
  page.setDefaultTimeout(45_000);
}
