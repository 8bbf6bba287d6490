// Military Grid Reference of a WGS84 position, for display. Transverse
// Mercator by Krüger's series to the third order in n (below a millimetre
// inside a zone); lettering as in NGA.SIG.0012. Polar regions are left out:
// they use another projection.

const A = 6_378_137;
const F = 1 / 298.257223563;
const K0 = 0.9996;
const N = F / (2 - F);
const RADIUS = (A / (1 + N)) * (1 + N ** 2 / 4 + N ** 4 / 64);
const ALPHA = [N / 2 - (2 * N ** 2) / 3 + (5 * N ** 3) / 16, (13 * N ** 2) / 48 - (3 * N ** 3) / 5, (61 * N ** 3) / 240];

export interface Utm {
  zone: number;
  /** Latitude band, C to X. */
  band: string;
  easting: number;
  northing: number;
}

export function utm(lat: number, lon: number): Utm | null {
  if (!(lat >= -80 && lat < 84) || !(Math.abs(lon) <= 180)) return null;
  const l = lon === 180 ? -180 : lon;
  let zone = Math.floor((l + 180) / 6) + 1;
  // Norway's west coast and Svalbard have zones of their own width.
  if (lat >= 56 && lat < 64 && l >= 3 && l < 12) zone = 32;
  if (lat >= 72 && l >= 0 && l < 42) zone = l < 9 ? 31 : l < 21 ? 33 : l < 33 ? 35 : 37;
  const phi = (lat * Math.PI) / 180;
  const dl = ((l - (zone * 6 - 183)) * Math.PI) / 180;
  const e = (2 * Math.sqrt(N)) / (1 + N);
  const t = Math.sinh(Math.atanh(Math.sin(phi)) - e * Math.atanh(e * Math.sin(phi)));
  const xi = Math.atan2(t, Math.cos(dl));
  const eta = Math.atanh(Math.sin(dl) / Math.hypot(1, t));
  let x = eta;
  let y = xi;
  ALPHA.forEach((a, i) => {
    const j = 2 * (i + 1);
    x += a * Math.cos(j * xi) * Math.sinh(j * eta);
    y += a * Math.sin(j * xi) * Math.cosh(j * eta);
  });
  return { zone, band: 'CDEFGHJKLMNPQRSTUVWXX'[Math.floor((lat + 80) / 8)]!, easting: 500_000 + K0 * RADIUS * x, northing: K0 * RADIUS * y + (lat < 0 ? 10_000_000 : 0) };
}

/** "19P GL 27463 57215"; digits 5 = metres, 4 = ten metres and so on. "" where the grid does not reach. */
export function mgrs(lat: number, lon: number, digits = 5): string {
  const u = utm(lat, lon);
  if (!u) return '';
  const set = (u.zone - 1) % 6;
  const column = ['ABCDEFGH', 'JKLMNPQR', 'STUVWXYZ'][set % 3]![Math.floor(u.easting / 100_000) - 1] ?? '';
  const rows = 'ABCDEFGHJKLMNPQRSTUV';
  const row = rows[(Math.floor(u.northing / 100_000) + (set % 2 ? 5 : 0)) % 20]!;
  const cut = 10 ** (5 - digits);
  // A grid reference names the square that holds the point: truncated, never rounded.
  const part = (v: number) => String(Math.floor((v % 100_000) / cut)).padStart(digits, '0');
  return `${u.zone}${u.band} ${column}${row}${digits ? ' ' + part(u.easting) + ' ' + part(u.northing) : ''}`;
}
