// Lane A in a browser: how fast a film is read, hashed, packed, sealed and
// uploaded in chunks, and how large the script is.
//   node bench/intake_browser.mjs [MiB, default 256]
// SIGHTLINE names the program (default bin/sightline), CHROMIUM the browser.
import { spawn, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const program = process.env.SIGHTLINE ?? join(root, 'bin/sightline');
const mib = Number(process.argv[2] ?? 256);
const { launch } = await import(join(root, 'ui/test/harness.mjs'));

/** Seconds of processor time that each kind of process below this one has used, but for the server. */
function spent(not) {
  const parent = new Map();
  const used = new Map();
  for (const d of readdirSync('/proc')) {
    if (!/^\d+$/.test(d)) continue;
    try {
      const f = readFileSync(`/proc/${d}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
      parent.set(Number(d), Number(f[1]));
      used.set(Number(d), (Number(f[11]) + Number(f[12])) / 100);
    } catch {
      // It ended meanwhile.
    }
  }
  const kinds = {};
  for (const [p, s] of used) {
    for (let a = p; a > 1 && a !== not; a = parent.get(a) ?? 0) {
      if (a !== process.pid || p === process.pid) continue;
      let kind = 'other';
      try {
        const line = readFileSync(`/proc/${p}/cmdline`, 'latin1');
        kind = /--utility-sub-type=\w+\.mojom\.(\w+)/.exec(line)?.[1] ?? /--type=([\w-]+)/.exec(line)?.[1] ?? 'browser';
      } catch {
        // It ended meanwhile.
      }
      kinds[kind] = (kinds[kind] ?? 0) + s;
    }
  }
  return kinds;
}

const dir = await mkdtemp(join(tmpdir(), 'sightline-lane-a-'));
let server, browser;
try {
  const env = { ...process.env, SIGHTLINE_HOME: join(dir, 'home') };
  const run = (...a) => execFileSync(program, a, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  await writeFile(join(dir, 'pass'), 'correct horse battery\n');
  run('new', join(dir, 'case'), '--title', 'x', '--zone', 'UTC');
  await writeFile(join(dir, 'a.keys'), run('key', 'new', 'Ana', '--passphrase-file', join(dir, 'pass')));
  run('key', 'share', '--case', join(dir, 'case'), '--call', join(dir, 'call'), join(dir, 'a.keys'));
  const film = join(dir, 'film.bin');
  const part = randomBytes(1 << 20);
  for (let i = 0; i < mib; i++) appendFileSync(film, part);
  server = spawn(program, ['intake', '--call', join(dir, 'call'), '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const base = await new Promise((ok) => {
    let said = '';
    server.stdout.on('data', (b) => {
      said += b;
      const m = /sources\s+(http:\S+)/.exec(said);
      if (m) ok(m[1].replace(/\/$/, ''));
    });
  });
  let script = 0;
  for (const p of ['/app.js', '/call/worker.js']) {
    const r = await fetch(base + p);
    const b = Buffer.from(await r.arrayBuffer());
    script += gzipSync(b[0] === 0x1f ? gunzipSync(b) : b, { level: 9 }).length;
  }
  console.log(`script: ${(script / 1000).toFixed(1)} kB gzip (goal: 80)`);
  browser = await launch();
  const page = await (await browser.newContext({ viewport: { width: 320, height: 640 } })).newPage();
  let began = 0;
  let ended = 0;
  page.on('request', (r) => {
    if (r.method() === 'PUT') began ||= performance.now();
    if (r.url().endsWith('/done')) ended = performance.now();
  });
  await page.goto(base + '/en/#send');
  await page.locator('#lane-a').getByText('Sealed on your device').waitFor();
  await page.locator('#f1').setInputFiles(film);
  await page.getByText('Together').first().waitFor();
  const before = spent(server.pid);
  await page.getByRole('button', { name: 'Send now' }).click();
  await page.getByRole('heading', { name: 'It has arrived.' }).waitFor({ timeout: 3_600_000 });
  // The first chunk is sealed before it is sent: its share is added.
  const s = ((ended - began) / 1000) * (mib / Math.max(1, mib - 4));
  // On a machine that others use as well the clock says little; this says what the work costs, Argon2id and the page included.
  const after = spent(server.pid);
  const cost = Object.entries(after).map(([k, v]) => [k, v - (before[k] ?? 0)]).filter(([, v]) => v >= 0.05);
  console.log(`processor time: ${cost.map(([k, v]) => `${k} ${v.toFixed(1)} s`).join(', ')}; of the page and its worker ${(mib / (after['renderer'] - (before['renderer'] ?? 0))).toFixed(1)} MiB a second`);
  console.log(`browser: ${mib} MiB in ${s.toFixed(1)} s, ${(mib / s).toFixed(1)} MiB/s (goal: 30)`);
} finally {
  await browser?.close();
  server?.kill('SIGINT');
  await rm(dir, { recursive: true, force: true });
}
