/** Levels of a stretch of sound by time and frequency, in decibels over the quietest that is shown: columns of `bins` values. */
export function spectrum(samples: Float32Array, rate: number, from: number, to: number, columns: number, size = 512): { data: Float32Array; bins: number; top: number } {
  const bins = size / 2;
  const data = new Float32Array(columns * bins);
  const window = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const re = new Float32Array(size);
  const im = new Float32Array(size);
  for (let c = 0; c < columns; c++) {
    const mid = Math.round((from + ((to - from) * (c + 0.5)) / columns) * rate);
    for (let i = 0; i < size; i++) {
      re[i] = (samples[mid - bins + i] ?? 0) * window[i];
      im[i] = 0;
    }
    fft(re, im);
    for (let k = 0; k < bins; k++) data[c * bins + k] = 10 * Math.log10(re[k] * re[k] + im[k] * im[k] + 1e-9);
  }
  return { data, bins, top: rate / 2 };
}

/** In place, radix 2. */
export function fft(re: Float32Array, im: Float32Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let len = 2; len <= n; len <<= 1) {
    const a = (-2 * Math.PI) / len;
    for (let k = 0; k < len / 2; k++) {
      const wr = Math.cos(a * k);
      const wi = Math.sin(a * k);
      for (let i = k; i < n; i += len) {
        const j = i + len / 2;
        const xr = re[j] * wr - im[j] * wi;
        const xi = re[j] * wi + im[j] * wr;
        re[j] = re[i] - xr;
        im[j] = im[i] - xi;
        re[i] += xr;
        im[i] += xi;
      }
    }
  }
}
