// Order of ids as people read them: EJ-9 before EJ-10, C-07 before EJ-001.

export function natural(a: string, b: string): number {
  const pa = a.match(/\d+|\D+/g) ?? [];
  const pb = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(pa.length, pb.length); i++) {
    const x = pa[i]!;
    const y = pb[i]!;
    const digits = x.charCodeAt(0) < 58 && x.charCodeAt(0) > 47 && y.charCodeAt(0) < 58 && y.charCodeAt(0) > 47;
    if (digits) {
      const p = x.replace(/^0+(?=\d)/, '');
      const q = y.replace(/^0+(?=\d)/, '');
      if (p.length !== q.length) return p.length - q.length;
      if (p !== q) return p < q ? -1 : 1;
    } else if (x !== y) {
      return x < y ? -1 : 1;
    }
  }
  if (pa.length !== pb.length) return pa.length - pb.length;
  // Equal but for leading zeros: a fixed order all the same.
  return a < b ? -1 : a > b ? 1 : 0;
}
