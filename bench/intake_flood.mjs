// A flood of a call for evidence beside the team's desk: 1,000 requests a
// second of many circuits (pages, wrong codes, small uploads) while the desk
// answers. Prints the desk's p50, p95 and p99 with and without the flood, what
// the flood was answered, and the peak memory and disk of the server.
//   node bench/intake_flood.mjs [seconds a phase, default 20] [rounds, default 3]
// SIGHTLINE names the program (default bin/sightline).
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { setPriority, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const program = process.env.SIGHTLINE ?? join(root, 'bin/sightline');
const seconds = Number(process.argv[2] ?? 20);
const rounds = Number(process.argv[3] ?? 3);
const RATE = 1000;

if (process.env.FLOOD) await flooding(JSON.parse(process.env.FLOOD));
else await measure();

/** The attacker, a process of its own. */
async function flooding({ path, seconds }) {
  const said = {};
  let sent = 0;
  const note = (s) => (said[s] = (said[s] ?? 0) + 1);
  const requests = (n) => {
    const code = 'code=0' + createHash('sha256').update(String(n)).digest('hex').replace(/\D/g, '').padEnd(26, '7').slice(0, 26) + '&lang=es';
    const form = '--x\r\nContent-Disposition: form-data; name="lang"\r\n\r\nes\r\n--x\r\nContent-Disposition: form-data; name="message"\r\n\r\n' + 'spam '.repeat(200) + '\r\n--x--\r\n';
    switch (n % 5) {
      case 0: return `POST /box HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${code.length}\r\n\r\n${code}`;
      case 1: return `POST /send HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: ${form.length}\r\n\r\n${form}`;
      default: return 'GET /es/ HTTP/1.1\r\nHost: x\r\n\r\n';
    }
  };
  const end = Date.now() + 1000 * seconds;
  let circuit = 0;
  const open = new Set();
  const connect = () => {
    const id = ++circuit;
    const s = net.connect(path);
    open.add(s);
    // Each circuit asks ten times at once, twice what it may in a second after its burst.
    s.write(`PROXY TCP6 fc00:dead:beef:4dad::${((id >> 16) & 0xffff).toString(16)}:${(id & 0xffff).toString(16)} ::1 1 80\r\n`);
    for (let i = 0; i < 10; i++) {
      s.write(requests(id * 10 + i));
      sent++;
    }
    let seen = 0;
    s.on('data', (b) => {
      for (const m of b.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3})/g)) {
        note(m[1]);
        if (++seen === 10) s.end();
      }
    });
    s.on('error', () => note('cut'));
    s.on('close', () => open.delete(s));
    setTimeout(() => s.destroy(), 60_000).unref();
  };
  const began = Date.now();
  while (Date.now() < end) {
    const due = ((Date.now() - began) / 1000) * RATE;
    while (sent < due && open.size < 2000) connect();
    await new Promise((f) => setTimeout(f, 5));
  }
  const spent = (Date.now() - began) / 1000;
  for (const s of open) s.destroy();
  console.log(JSON.stringify({ rate: Math.round(sent / spent), said }));
  process.exit(0);
}

async function measure() {
  const dir = await mkdtemp(join(tmpdir(), 'sightline-flood-'));
  const env = { ...process.env, SIGHTLINE_HOME: join(dir, 'home') };
  const run = (...a) => new Promise((ok, no) => execFile(program, a, { env, maxBuffer: 1 << 26 }, (e, out, err) => (e ? no(new Error(err || String(e))) : ok(out))));
  const started = [];
  const start = (args, wanted) => new Promise((ok, no) => {
    const p = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(p);
    let said = '';
    for (const s of [p.stdout, p.stderr]) s.on('data', (b) => {
      said += b;
      const m = wanted.exec(said);
      if (m) ok([p, m]);
    });
    p.on('exit', (c) => no(new Error(`${args[0]} ended with ${c}: ${said}`)));
  });
  try {
    await run('demo', '--build', '--dir', join(dir, 'cases'));
    await writeFile(join(dir, 'pass'), 'correct horse battery\n');
    await writeFile(join(dir, 'a.keys'), await run('key', 'new', 'Ana', '--passphrase-file', join(dir, 'pass')));
    const call = join(dir, 'call');
    await run('key', 'share', '--case', join(dir, 'cases/el-junquito'), '--call', call, join(dir, 'a.keys'));
    const cfg = JSON.parse(await readFile(join(call, 'call.json'), 'utf8'));
    await writeFile(join(call, 'call.json'), JSON.stringify({ ...cfg, limits: { ...cfg.limits, quota: 64 << 20 } }));
    const socket = join(dir, 'intake.sock');
    const [server] = await start(['intake', '--call', call, '--listen', 'unix:' + socket, '--proxy'], /sources\s+(\S+)/);
    const [, [, url]] = await start(['serve', join(dir, 'cases/el-junquito'), '--addr', '127.0.0.1:0'], /(http:\/\/\S+\/open\?token=\S+)/);
    const origin = new URL(url).origin;
    const cookie = (await fetch(url)).headers.get('set-cookie').split(';')[0];
    const ask = async () => {
      const t = performance.now();
      const r = await fetch(origin + '/api/cases/el-junquito/document', { headers: { cookie } });
      await r.arrayBuffer();
      if (!r.ok) throw new Error('the desk answers ' + r.status);
      return performance.now() - t;
    };
    const listen = async (s) => {
      const out = [];
      for (const end = Date.now() + 1000 * s; Date.now() < end; await new Promise((f) => setTimeout(f, 25))) out.push(await ask());
      return out.sort((a, b) => a - b);
    };
    const at = (l, p) => l[Math.min(l.length - 1, Math.floor(p * l.length))];
    await listen(3);
    const ratios = { 0.5: [], 0.95: [], 0.99: [] };
    for (let r = 1; r <= rounds; r++) {
      const alone = await listen(seconds);
      const attacker = spawn(process.execPath, [fileURLToPath(import.meta.url)], { env: { ...env, FLOOD: JSON.stringify({ path: socket, seconds: seconds + 2 }) }, stdio: ['ignore', 'pipe', 'inherit'] });
      setPriority(attacker.pid, 19); // its own work is not what is measured
      let got = '';
      attacker.stdout.on('data', (b) => (got += b));
      const gone = new Promise((f) => attacker.on('exit', f));
      await new Promise((f) => setTimeout(f, 1500));
      const beside = await listen(seconds - 1);
      await gone;
      const f = JSON.parse(got);
      for (const p of [0.5, 0.95, 0.99]) ratios[p].push(at(beside, p) / at(alone, p));
      console.log(`round ${r}: desk alone p50 ${at(alone, 0.5).toFixed(1)} p95 ${at(alone, 0.95).toFixed(1)} p99 ${at(alone, 0.99).toFixed(1)} ms (n ${alone.length}); beside a flood of ${f.rate}/s p50 ${at(beside, 0.5).toFixed(1)} p95 ${at(beside, 0.95).toFixed(1)} p99 ${at(beside, 0.99).toFixed(1)} ms (n ${beside.length}); answers ${JSON.stringify(f.said)}`);
    }
    const median = (l) => [...l].sort((a, b) => a - b)[l.length >> 1];
    console.log('ratio, median of rounds: ' + [0.5, 0.95, 0.99].map((p) => `p${100 * p} ${median(ratios[p]).toFixed(2)}`).join(', '));
    const peak = /VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${server.pid}/status`, 'utf8'));
    let disk = 0;
    for (const e of await readdir(call, { recursive: true, withFileTypes: true })) if (e.isFile()) disk += (await stat(join(e.parentPath, e.name))).size;
    console.log(`server: peak ${Math.round(Number(peak[1]) / 1024)} MiB, folder ${Math.round(disk / 2 ** 20)} MiB of a quota of 64`);
  } finally {
    for (const p of started) {
      p.removeAllListeners('exit');
      p.kill('SIGINT');
    }
    await Promise.all(started.map((p) => new Promise((f) => (p.exitCode === null ? p.once('exit', f) : f()))));
    await rm(dir, { recursive: true, force: true });
  }
}
