// Recomputes the digests of an edition in the reader's browser, with the
// browser's own SHA-256. It trusts the manifest it finds beside the page, so
// it shows the manifest's own digest to compare with one published elsewhere.

import { fromDisk, rootOf } from './files.ts';
import { cameras, networkSums, proofFault, type Outcome } from './proofs.ts';

interface Manifest {
  case: string;
  number: number;
  files: { path: string; size: number; sha256: string }[];
}

const words = {
  en: {
    start: 'Recompute all digests', disk: 'From a USB stick a browser may not read files by itself. Choose the edition’s folder:',
    busy: (n: number, all: number) => `${n} of ${all} files`, ok: (n: number) => `All ${n} files are the ones the manifest lists.`,
    bad: (n: number) => `${n} files are not the ones the manifest lists:`, changed: 'changed', missing: 'missing', added: 'added, not listed',
    manifest: 'SHA-256 of manifest.json; compare it with one published elsewhere:', failed: 'This could not be done here',
    proofs: (n: number) => `${n} items: the entry, its place in the log and the checkpoint hold together.`, proofFaults: (n: number) => `${n} proofs do not hold:`,
    unsigned: 'This browser cannot check Ed25519 signatures; the openssl commands of VERIFY.md can.',
    sums: (n: number) => `${n} intervals and contradictions of the time network added up again.`, sumFaults: (n: number) => `${n} sums of the time network do not come out:`,
    cameras: (n: number) => `${n} solved cameras see their clicked points where the edition says.`, cameraFaults: (n: number) => `${n} cameras do not:`,
    noCrypto: 'This browser offers no SHA-256 on this page. Use sha256sum as shown above.',
  },
  es: {
    start: 'Recalcular todas las huellas', disk: 'Desde una memoria USB el navegador no puede leer archivos por sí mismo. Elija la carpeta de la edición:',
    busy: (n: number, all: number) => `${n} de ${all} archivos`, ok: (n: number) => `Los ${n} archivos son los que lista el manifiesto.`,
    bad: (n: number) => `${n} archivos no son los que lista el manifiesto:`, changed: 'cambiado', missing: 'falta', added: 'agregado, no figura',
    manifest: 'SHA-256 de manifest.json; compárela con una publicada en otro lugar:', failed: 'No se pudo hacer aquí',
    proofs: (n: number) => `${n} piezas: el asiento, su lugar en el registro y el punto de control concuerdan.`, proofFaults: (n: number) => `${n} pruebas no se sostienen:`,
    unsigned: 'Este navegador no puede comprobar firmas Ed25519; los comandos de openssl de VERIFY.md sí.',
    sums: (n: number) => `${n} intervalos y contradicciones de la red de horas sumados de nuevo.`, sumFaults: (n: number) => `${n} sumas de la red de horas no dan:`,
    cameras: (n: number) => `${n} cámaras resueltas ven sus puntos marcados donde dice la edición.`, cameraFaults: (n: number) => `${n} cámaras no:`,
    noCrypto: 'Este navegador no ofrece SHA-256 en esta página. Use sha256sum como se muestra arriba.',
  },
  ar: {
    start: 'أعد حساب كل البصمات', disk: 'قد لا يقرأ المتصفح الملفات من ذاكرة USB بنفسه. اختر مجلد الطبعة:',
    busy: (n: number, all: number) => `${n} من ${all} ملف`, ok: (n: number) => `كل الملفات، وعددها ${n}، هي المدرجة في البيان.`,
    bad: (n: number) => `${n} ملف ليس كما في البيان:`, changed: 'تغيّر', missing: 'مفقود', added: 'أضيف وليس مدرجًا',
    manifest: 'SHA-256 للملف manifest.json؛ قارنها بأخرى منشورة في مكان آخر:', failed: 'تعذر ذلك هنا',
    proofs: (n: number) => `${n} قطعة: القيد وموضعه في السجل ونقطة التحقق متوافقة.`, proofFaults: (n: number) => `${n} إثبات لا يصمد:`,
    unsigned: 'لا يستطيع هذا المتصفح التحقق من توقيعات Ed25519؛ أوامر openssl في VERIFY.md تستطيع.',
    sums: (n: number) => `جُمعت ${n} مدة وتناقضًا من شبكة الأوقات مرة أخرى.`, sumFaults: (n: number) => `${n} مجموع من شبكة الأوقات لا يستقيم:`,
    cameras: (n: number) => `${n} كاميرا محلولة ترى نقاطها المعلَّمة حيث تقول الطبعة.`, cameraFaults: (n: number) => `${n} كاميرا لا ترى ذلك:`,
    noCrypto: 'لا يوفر هذا المتصفح SHA-256 في هذه الصفحة. استخدم sha256sum كما هو مبين أعلاه.',
  },
} as const;

type Read = (path: string) => Promise<ArrayBuffer | null>;

async function sha256(b: ArrayBuffer): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', b))].map((x) => x.toString(16).padStart(2, '0')).join('');
}

function start(box: HTMLElement): void {
  const lang = box.dataset['lang'];
  const w = words[lang === 'es' || lang === 'ar' ? lang : 'en'];
  const root = rootOf(box);
  const out = document.createElement('div');
  out.setAttribute('role', 'status');
  const line = (text: string, mono = false): void => {
    const p = document.createElement('p');
    p.textContent = text;
    if (mono) p.className = 'mono small hash';
    out.append(p);
  };
  if (!globalThis.crypto?.subtle) {
    line(w.noCrypto);
    box.append(out);
    return;
  }

  const check = async (read: Read, extra: readonly string[]): Promise<void> => {
    out.textContent = '';
    const raw = await read('manifest.json');
    if (!raw) return line(`manifest.json: ${w.missing}`);
    const m = JSON.parse(new TextDecoder().decode(raw)) as Manifest;
    const faults: string[] = [];
    const progress = document.createElement('p');
    out.append(progress);
    let done = 0;
    // Small files are read once: the proofs need them again. Several are on
    // their way at a time, because a server far away answers each one late.
    const kept = new Map<string, ArrayBuffer>();
    const todo = m.files.values();
    const worker = async (): Promise<void> => {
      for (const f of todo) {
        const b = await read(f.path);
        if (!b) faults.push(`${f.path}: ${w.missing}`);
        else if (b.byteLength !== f.size || (await sha256(b)) !== f.sha256) faults.push(`${f.path}: ${w.changed}`);
        if (b && b.byteLength < 1 << 20 && /^(proof|data)\//.test(f.path)) kept.set(f.path, b);
        if (++done % 20 === 0) progress.textContent = w.busy(done, m.files.length);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    faults.sort();
    const again: Read = async (path) => kept.get(path) ?? read(path);
    const listed = new Set([...m.files.map((f) => f.path), 'manifest.json', 'SHA256SUMS']);
    for (const p of extra) if (!listed.has(p)) faults.push(`${p}: ${w.added}`);
    progress.remove();
    line(faults.length === 0 ? w.ok(m.files.length) : w.bad(faults.length));
    for (const f of faults.slice(0, 200)) line(f, true);
    const told = (o: Outcome, good: (n: number) => string, bad: (n: number) => string): void => {
      if (o.good > 0) line(good(o.good));
      if (o.faults.length > 0) line(bad(o.faults.length));
      for (const f of o.faults.slice(0, 200)) line(f, true);
      faults.push(...o.faults);
    };
    const proofs: Outcome = { good: 0, unchecked: [], faults: [] };
    for (const d of new Set(m.files.map((f) => /^proof\/([0-9a-f]{64})\//.exec(f.path)?.[1]))) {
      if (!d) continue;
      const p = await proofFault(d, (name) => again(`proof/${d}/${name}`));
      if (p.fault) proofs.faults.push(`proof/${d}: ${p.fault}`);
      else proofs.good++;
      if (!p.signatures) proofs.unchecked.push(d);
    }
    told(proofs, w.proofs, w.proofFaults);
    if (proofs.unchecked.length > 0) line(w.unsigned);
    const json = async <T>(name: string): Promise<T | null> => {
      const b = await again(name);
      return b ? (JSON.parse(new TextDecoder().decode(b)) as T) : null;
    };
    const network = await json<Parameters<typeof networkSums>[0]>('data/network.json');
    if (network) told(networkSums(network), w.sums, w.sumFaults);
    const doc = await json<{ findings?: Parameters<typeof cameras>[0] }>('data/document.json');
    told(cameras(doc?.findings ?? []), w.cameras, w.cameraFaults);
    line(w.manifest);
    line(await sha256(raw), true);
    box.dataset['verdict'] = faults.length === 0 ? 'ok' : 'fault';
  };
  const run = (read: Read, extra: readonly string[] = []): void => {
    check(read, extra).catch((e: unknown) => line(`${w.failed}: ${e instanceof Error ? e.message : String(e)}`));
  };

  if (fromDisk()) {
    const label = document.createElement('label');
    label.textContent = w.disk + ' ';
    const pick = document.createElement('input');
    pick.type = 'file';
    pick.multiple = true;
    pick.webkitdirectory = true;
    label.append(pick);
    box.append(label, out);
    pick.addEventListener('change', () => {
      const files = new Map([...(pick.files ?? [])].map((f) => [f.webkitRelativePath.split('/').slice(1).join('/'), f]));
      run(async (p) => (await files.get(p)?.arrayBuffer()) ?? null, [...files.keys()]);
    });
    return;
  }
  const go = document.createElement('button');
  go.type = 'button';
  go.className = 'btn';
  go.textContent = w.start;
  go.addEventListener('click', () =>
    run(async (p) => {
      const r = await fetch(root + p, { cache: 'no-store' });
      return r.ok ? r.arrayBuffer() : null;
    }),
  );
  box.append(go, out);
}

const box = document.getElementById('verify');
if (box) start(box);
