// Lane A against package tip: codes, keys, padding and bundles are the same
// bytes in both lanes (vectors.json was made by package tip).
import { identityToRecipient } from 'age-encryption';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { bundle, estimate, padme, padTo, type Digest } from './bundle.ts';
import { codeDigits, codeWords, makeList, newCode, parseCode, stripCodes } from './code.ts';
import { look } from './hidden.ts';
import { stretch } from './keys.ts';
import vectors from './test/vectors.json';
import { CHUNK, Refused, SLOW_CHUNK, Upload, type Wire } from './upload.ts';

const root = resolve(process.cwd(), '..');
const text = (l: string) => readFileSync(resolve(root, `tip/words_${l}.txt`), 'utf8');
const es = makeList(text('es'));
const en = makeList(text('en'));
const bytes = (h: string) => Uint8Array.from(h.match(/../g)!, (x) => parseInt(x, 16));

test('codes are written and read as package tip does', () => {
  for (const v of vectors.keys) {
    const c = bytes(v.code);
    assert.deepEqual(codeWords(c, es), v.es);
    assert.deepEqual(codeWords(c, en), v.en);
    assert.equal(codeDigits(c), v.digits);
    for (const typed of [v.es.join(' '), v.en.join(', ').toUpperCase(), v.digits, v.digits.replace(/ /g, ''), v.digits.replace(/\d/g, (d) => String.fromCodePoint(0x660 + Number(d)))]) {
      assert.deepEqual(parseCode(typed, [es, en]), c, typed);
    }
  }
});

test('any code survives four letters a word, no accents, any case', () => {
  for (let i = 0; i < 200; i++) {
    const c = newCode();
    const short = codeWords(c, es).map((w) => [...w.normalize('NFD').replace(/\p{Mn}/gu, '')].slice(0, 4).join('').toUpperCase());
    assert.deepEqual(parseCode(short.join('-'), [es]), c);
    assert.deepEqual(parseCode(codeDigits(c), []), c);
  }
});

test('what is no code is null', () => {
  for (const s of ['', 'ábaco', 'ábaco '.repeat(7), 'ábaco '.repeat(9), 'xxxx '.repeat(8), '9'.repeat(27), '1'.repeat(26), 'a' + '1'.repeat(27), 'x'.repeat(2000)]) assert.equal(parseCode(s, [es, en]), null, s);
});

test('a code inside a message is taken out', () => {
  const c = bytes('0123456789abcdef012345');
  const w = codeWords(c, es).join(' ');
  assert.deepEqual(stripCodes(`Mi código: ${w}. Gracias`, [es]), { text: 'Mi [...]. Gracias', taken: true });
  assert.deepEqual(stripCodes(`Son estas: ${w}. Gracias`, [en, es]), { text: 'Son estas: [...]. Gracias', taken: true });
  assert.deepEqual(stripCodes(`a ${codeDigits(c)} b`, []), { text: 'a [...] b', taken: true });
  assert.deepEqual(stripCodes('Llamen al 0212 555 1234 desde la zona', [es, en]), { text: 'Llamen al 0212 555 1234 desde la zona', taken: false });
});

test('keys are the bytes of package tip', async () => {
  for (const v of vectors.keys) {
    const parts: number[] = [];
    const k = await stretch(bytes(v.code), v.call, (p) => parts.push(p));
    assert.equal(k.box, v.box);
    assert.equal(k.auth, v.auth);
    assert.equal(k.authHash, v.authHash);
    assert.equal(createHash('sha256').update(await identityToRecipient(k.identity)).digest('hex'), v.recipientSha256);
    assert.ok(parts.length > 3 && parts.every((p) => p >= 0 && p <= 1), 'progress is told');
  }
});

test('padding is that of package tip', () => {
  for (const [n, want] of Object.entries(vectors.padme)) assert.equal(padme(Number(n)), want, n);
  for (let n = 65_000; n < 140_000; n += 7) {
    const gap = padTo(n) - n;
    assert.ok(gap === 0 || gap >= 5, `${n}: a gap of ${gap} holds no frame`);
    assert.ok(padTo(n) <= Math.max(65_536, n * 1.07), `${n} becomes ${padTo(n)}`);
  }
});

async function collect(it: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const b of it) all.push(b);
  return Buffer.concat(all);
}

test('a bundle is the bytes of package tip', async () => {
  const digests: Digest[] = [];
  const b = await collect(
    bundle(
      'Yo lo vi.\n',
      [
        { name: 'a.mp4', mime: 'video/mp4', modified: '2026-11-24T00:00:00.000Z', blob: new Blob([new Uint8Array(70_000).fill(7)]) },
        { name: 'b.txt', mime: '', modified: '', blob: new Blob(['x']) },
      ],
      { lang: 'es', at: '2026-11-24T00:00:00Z', reply_to: 'age1pq1x', call: 'call-0001', follows: true, wish: 'ask-first', request: 'G-01' },
      digests,
    ),
  );
  assert.equal(createHash('sha256').update(b).digest('hex'), vectors.bundleSha256);
  assert.equal(digests[1]!.sha256, createHash('sha256').update('x').digest('hex'));
});

test('bundles have only padded lengths, and the estimate is near', async () => {
  for (const n of [0, 1, 60_000, 65_530, 65_536, 131_072, 1_048_576, 1_048_577, 3_000_001]) {
    const b = await collect(bundle('', [{ name: 'f', mime: '', modified: '', blob: new Blob([new Uint8Array(n)]) }], { lang: 'es', at: '', reply_to: '', call: 'c' }, []));
    assert.equal(padTo(b.length), b.length, `${n} bytes came out at ${b.length}`);
    assert.ok(Math.abs(estimate('', [{ size: n }]) / b.length - 1) < 0.08, `${n}: estimated ${estimate('', [{ size: n }])}, is ${b.length}`);
  }
});

/** A server that cuts the line as told: before the bytes arrive, or after them but before the answer. */
function server(cut: (call: number) => '' | 'before' | 'after') {
  const chunks = new Map<number, Buffer>();
  const sent: number[] = [];
  let calls = 0;
  let closed = '';
  const wire: Wire = async (method, path, body, head) => {
    const how = cut(calls++);
    if (how === 'before') throw new Error('cut');
    let status = 200;
    let answer = new Uint8Array(0);
    if (method === 'PUT') {
      const n = Number(path.split('/').pop());
      const b = Buffer.from(body as Uint8Array);
      assert.equal(head['content-digest'], `sha-256=:${createHash('sha256').update(b).digest('base64')}:`);
      sent[n] = (sent[n] ?? 0) + 1;
      const had = chunks.get(n);
      if (had && !had.equals(b)) status = 409;
      else {
        chunks.set(n, b);
        status = 204;
      }
    } else if (path.endsWith('/have')) {
      answer = new Uint8Array(4096);
      for (const n of chunks.keys()) answer[n >> 3]! |= 1 << (n & 7);
    } else closed = body as string;
    if (how === 'after') throw new Error('cut');
    return { status, body: answer };
  };
  return { wire, chunks, sent, closed: () => closed, all: () => Buffer.concat([...chunks].sort((a, b) => a[0] - b[0]).map(([, b]) => b)) };
}
const still = { sent() {}, waiting() {} };
const once = async () => {};

test('an upload survives fifty cuts, and sends no chunk more than twice for each', async () => {
  const data = Buffer.alloc(5 * CHUNK + 12_345);
  for (let i = 0; i < data.length; i += 8) data.writeUInt32LE((i * 2_654_435_761) >>> 0, i > data.length - 8 ? data.length - 8 : i);
  let cuts = 50;
  let seed = 7;
  const s = server(() => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    if (cuts === 0 || (seed >> 8) % 3 === 0) return '';
    cuts--;
    return (seed >> 12) % 2 ? 'before' : 'after';
  });
  let t = 0;
  const up = new Upload('00', s.wire, still, once, () => (t += 61_000));
  for (let o = 0; o < data.length; o += 70_001) await up.write(data.subarray(o, o + 70_001));
  await up.done('b0', 'a0');
  assert.ok(s.all().equals(data), 'the bytes arrive in order');
  assert.equal(cuts, 0);
  const again = s.sent.reduce((n, x) => n + x, 0) - s.chunks.size;
  assert.ok(again <= 50, `${again} chunks were sent again for 50 cuts`);
  assert.deepEqual(JSON.parse(s.closed()), { n: s.chunks.size, box: 'b0', auth: 'a0' });
});

test('the next chunk is filled while one is on its way, and no more than that is held', async () => {
  const s = server(() => '');
  let answer: () => void = () => {};
  let began = 0;
  const held: Wire = async (...a) => {
    began++;
    await new Promise<void>((f) => (answer = f));
    return s.wire(...a);
  };
  const until = async (is: () => boolean) => {
    while (!is()) await new Promise((f) => setTimeout(f, 1));
  };
  const up = new Upload('00', held, still, once);
  await up.write(new Uint8Array(CHUNK).fill(1)); // does not wait for the server
  await until(() => began === 1);
  let second = false;
  const more = up.write(new Uint8Array(CHUNK).fill(2)).then(() => (second = true));
  await new Promise((f) => setTimeout(f, 20));
  assert.equal(second, false, 'a second full chunk waits for the first');
  assert.equal(began, 1);
  answer();
  await more;
  await until(() => began === 2);
  answer();
  await up.flush();
  assert.deepEqual([...s.chunks.values()].map((b) => [b.length, b[0], b[CHUNK - 1]]), [[CHUNK, 1, 1], [CHUNK, 2, 2]]);
});

test('a slow line gets small chunks; a fast one large', async () => {
  let t = 0;
  const s = server(() => '');
  const slow: Wire = (m, p, b, h, w) => {
    t += 70_000;
    return s.wire(m, p, b, h, w);
  };
  const up = new Upload('00', slow, still, once, () => t);
  await up.write(new Uint8Array(CHUNK + SLOW_CHUNK + 10));
  await up.done('b', 'a');
  assert.deepEqual([...s.chunks.values()].map((b) => b.length), [CHUNK, SLOW_CHUNK, 10]);
});

test('a refusal ends the upload at once, in the words of the server', async () => {
  const wire: Wire = async () => ({ status: 413, body: new TextEncoder().encode(JSON.stringify({ error: 'big', title: 'Demasiado', text: 'Envíe partes con el mismo código.' })) });
  const up = new Upload('00', wire, still, once);
  await up.write(new Uint8Array(10));
  await assert.rejects(up.done('b', 'a'), (e) => e instanceof Refused && e.text === 'Envíe partes con el mismo código.');
});

const media = resolve(root, '../shared/fixtures/media');
test('hidden data are found, and gone from the copy', { skip: !existsSync(media) }, async () => {
  const { readdirSync, statSync } = await import('node:fs');
  const files = (readdirSync(media, { recursive: true }) as string[]).filter((f) => /\.(jpe?g|mp4|mov|png|webp|heic)$/i.test(f) && statSync(resolve(media, f)).size < 60e6);
  let places = 0;
  let copies = 0;
  for (const f of files) {
    const b = readFileSync(resolve(media, f));
    const h = await look(new Blob([b]));
    if (h.place) places++;
    if (!h.strip) continue;
    copies++;
    const c = await h.strip();
    const again = await look(c);
    assert.deepEqual(again, { known: true }, f);
    const out = Buffer.from(await c.arrayBuffer());
    assert.ok(out.length <= b.length + 40, f);
    for (const mark of ['Exif\0\0II', 'GPSLatitude', 'http://ns.adobe.com/xap', '\xa9xyz', 'com.apple.quicktime']) assert.equal(out.indexOf(Buffer.from(mark, 'latin1')), -1, `${f} still holds ${mark}`);
  }
  assert.ok(places > 0, `no file of ${files.length} had a place`);
  assert.ok(copies > 0);
});

test('files that lie about themselves are unknown, never a fault', async () => {
  const heads = ['\xff\xd8\xff\xe1\x00\x10Exif\0\0', '\x89PNG\r\n\x1a\n', 'RIFF\0\0\0\0WEBPEXIF', '\0\0\0\x18ftypisom\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08moov', ''];
  let seed = 1;
  for (const head of heads) {
    for (let i = 0; i < 300; i++) {
      const tail = Uint8Array.from({ length: i % 97 }, () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) >> 16);
      const h = await look(new Blob([Buffer.from(head, 'latin1'), tail]));
      assert.equal(typeof h.known, 'boolean');
      if (h.strip) await h.strip();
    }
  }
});
