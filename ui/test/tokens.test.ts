import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

// WCAG 2.2: relative luminance and contrast ratio.
const channel = (x: number) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
const luminance = (hex: string) => [0.2126, 0.7152, 0.0722].reduce((s, k, i) => s + k * channel(parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16) / 255), 0);
const contrast = (a: string, b: string) => {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p) as [number, number];
  return (x + 0.05) / (y + 0.05);
};
const css = readFileSync('tokens.css', 'utf8');
const block = (selector: RegExp) => Object.fromEntries([...(selector.exec(css)?.[1] ?? '').matchAll(/--([\w-]+):\s*(#[0-9A-F]{6})/gi)].map((m) => [m[1]!, m[2]!]));
const themes = { dark: block(/data-theme='dark'\]\s*\{([^}]*)\}/), light: block(/\n\[data-theme='light'\]\s*\{([^}]*)\}/) };
const shared = block(/\n:root\s*\{([^}]*)\}/);

test('both themes: text 4.5 to 1, marks 3 to 1, on each ground', () => {
  for (const [name, t] of Object.entries(themes)) {
    assert.ok(Object.keys(t).length >= 12, name);
    for (const ground of ['ground', 'panel', 'raised']) {
      for (const [token, least] of [['text', 4.5], ['dim', 4.5], ['faint', 3], ['now', 3], ['focus', 3], ['danger', 3]] as const) {
        const c = contrast(t[token]!, t[ground]!);
        assert.ok(c >= least, `${name}: ${token} on ${ground} ${c.toFixed(2)}`);
      }
    }
  }
});

test('white on every status is readable', () => {
  for (const s of ['verified', 'review', 'unverified', 'disputed', 'refuted']) assert.ok(contrast('#FFFFFF', shared[s]!) >= 4.5, s);
});
