import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fft, spectrum } from './spectrum.ts';
import { linkOnsets } from './sounds.ts';

const on = (...t: number[]) => ({ onsets: t.map((t_s) => ({ t_s, sd_s: 0.0004, snr_db: 20, p_impulse: 1, group: 0, hints: [] })) });

test('onsets that fall together are one sound, one for each recording', () => {
  const start = new Map([['A', 1000], ['B', 3000], ['C', 9000]]);
  const s = linkOnsets({ A: on(5, 6.5, 20), B: on(3.01, 4.52), D: on(1) }, start, 60);
  assert.deepEqual(s.map((x) => x.heard.map((h) => h.item).join('')), ['AB', 'AB', 'A']);
  assert.ok(Math.abs(s[0].spread - 10) < 1e-6 && s[0].at >= 6000);
  // Two onsets of one recording never make one sound.
  assert.equal(linkOnsets({ A: on(1, 1.01) }, start, 60).length, 2);
});

test('the spectrum of a tone has its peak at the tone', () => {
  const rate = 16000;
  const tone = Float32Array.from({ length: rate }, (_, i) => Math.sin((2 * Math.PI * 1000 * i) / rate));
  const s = spectrum(tone, rate, 0.2, 0.8, 4);
  for (let c = 0; c < 4; c++) {
    const col = s.data.subarray(c * s.bins, (c + 1) * s.bins);
    assert.equal(col.indexOf(Math.max(...col)), Math.round((1000 / s.top) * s.bins));
  }
  const re = Float32Array.from([1, 0, 0, 0]);
  const im = new Float32Array(4);
  fft(re, im);
  assert.deepEqual([...re], [1, 1, 1, 1]);
});
