/**
 * Reads and prints positions on WGS84. Accepts decimal degrees, degrees with
 * minutes and seconds, MGRS, and pasted map addresses. UTM by the series of
 * Krüger to the fourth order in n (below 1 mm within a zone); MGRS letters by
 * NGA.STND.0037 (UTM zones only: no polar grid).
 */
export interface LatLon {
  lat: number
  lon: number
}

const A = 6378137
const F = 1 / 298.257223563
const K0 = 0.9996
const N = F / (2 - F)
const E = Math.sqrt(F * (2 - F))
const RECTIFYING = (A / (1 + N)) * (1 + N ** 2 / 4 + N ** 4 / 64)
const ALPHA = [N / 2 - (2 / 3) * N ** 2 + (5 / 16) * N ** 3 + (41 / 180) * N ** 4, (13 / 48) * N ** 2 - (3 / 5) * N ** 3 + (557 / 1440) * N ** 4, (61 / 240) * N ** 3 - (103 / 140) * N ** 4, (49561 / 161280) * N ** 4]
const BETA = [N / 2 - (2 / 3) * N ** 2 + (37 / 96) * N ** 3 - (1 / 360) * N ** 4, (1 / 48) * N ** 2 + (1 / 15) * N ** 3 - (437 / 1440) * N ** 4, (17 / 480) * N ** 3 - (37 / 840) * N ** 4, (4397 / 161280) * N ** 4]
const RAD = Math.PI / 180
const BANDS = 'CDEFGHJKLMNPQRSTUVWX'
const ROWS = 'ABCDEFGHJKLMNPQRSTUV'
const COLS = 'ABCDEFGHJKLMNPQRSTUVWXYZ'

function zoneOf(lat: number, lon: number): number {
  if (lat >= 56 && lat < 64 && lon >= 3 && lon < 12) return 32
  if (lat >= 72 && lon >= 0 && lon < 42) return lon < 9 ? 31 : lon < 21 ? 33 : lon < 33 ? 35 : 37
  return Math.min(60, Math.floor((lon + 180) / 6) + 1)
}

function toUtm(p: LatLon): { zone: number; e: number; n: number } {
  const zone = zoneOf(p.lat, p.lon)
  const phi = p.lat * RAD
  const lam = (p.lon - (zone * 6 - 183)) * RAD
  const tau = Math.tan(phi)
  const sigma = Math.sinh(E * Math.atanh((E * tau) / Math.hypot(1, tau)))
  const taup = tau * Math.hypot(1, sigma) - sigma * Math.hypot(1, tau)
  const xi = Math.atan2(taup, Math.cos(lam))
  const eta = Math.asinh(Math.sin(lam) / Math.hypot(taup, Math.cos(lam)))
  let x = xi
  let y = eta
  ALPHA.forEach((a, i) => {
    const k = 2 * (i + 1)
    x += a * Math.sin(k * xi) * Math.cosh(k * eta)
    y += a * Math.cos(k * xi) * Math.sinh(k * eta)
  })
  return { zone, e: 500000 + K0 * RECTIFYING * y, n: K0 * RECTIFYING * x + (p.lat < 0 ? 1e7 : 0) }
}

function fromUtm(zone: number, e: number, n: number, south: boolean): LatLon {
  const xi = (n - (south ? 1e7 : 0)) / (K0 * RECTIFYING)
  const eta = (e - 500000) / (K0 * RECTIFYING)
  let x = xi
  let y = eta
  BETA.forEach((b, i) => {
    const k = 2 * (i + 1)
    x -= b * Math.sin(k * xi) * Math.cosh(k * eta)
    y -= b * Math.cos(k * xi) * Math.sinh(k * eta)
  })
  const taup = Math.sin(x) / Math.hypot(Math.sinh(y), Math.cos(x))
  let tau = taup
  for (let i = 0; i < 6; i++) {
    const sigma = Math.sinh(E * Math.atanh((E * tau) / Math.hypot(1, tau)))
    const t = tau * Math.hypot(1, sigma) - sigma * Math.hypot(1, tau)
    tau += ((taup - t) / Math.hypot(1, t)) * ((1 + (1 - E * E) * tau * tau) / ((1 - E * E) * Math.hypot(1, tau)))
  }
  const lon = Math.atan2(Math.sinh(y), Math.cos(x)) / RAD + zone * 6 - 183
  // A square at the date line may have its middle beyond it.
  return { lat: Math.atan(tau) / RAD, lon: lon < -180 ? lon + 360 : lon > 180 ? lon - 360 : lon }
}

/** MGRS with the digits that the error allows: 5 = 1 m, 4 = 10 m, 3 = 100 m, 2 = 1 km. Empty outside 80°S–84°N. */
export function formatMgrs(p: LatLon, digits = 5): string {
  if (p.lat < -80 || p.lat > 84) return ''
  const u = toUtm(p)
  const band = BANDS[Math.min(19, Math.floor((p.lat + 80) / 8))]
  const col = COLS[((u.zone - 1) % 3) * 8 + Math.floor(u.e / 100000) - 1]
  const row = ROWS[(Math.floor(u.n / 100000) + (u.zone % 2 ? 0 : 5)) % 20]
  const cut = (v: number) => String(Math.floor((v % 100000) / 10 ** (5 - digits))).padStart(digits, '0')
  return `${String(u.zone).padStart(2, '0')}${band} ${col}${row} ${cut(u.e)} ${cut(u.n)}`
}

function parseMgrs(s: string): LatLon | null {
  const m = /^(\d{1,2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])((?:\d\d){1,5})$/.exec(s.replace(/\s+/g, '').toUpperCase())
  if (!m) return null
  const zone = Number(m[1])
  if (zone < 1 || zone > 60) return null
  const half = m[5].length / 2
  const unit = 10 ** (5 - half)
  const col = COLS.indexOf(m[3]) - ((zone - 1) % 3) * 8 + 1
  if (col < 1 || col > 8) return null
  // The middle of the square that the digits name.
  const e = col * 100000 + (Number(m[5].slice(0, half)) + 0.5) * unit
  const row = (ROWS.indexOf(m[4]) - (zone % 2 ? 0 : 5) + 20) % 20
  const band = BANDS.indexOf(m[2])
  const south = band < 10
  for (let k = 0; k < 5; k++) {
    const n = (row + 20 * k) * 100000 + (Number(m[5].slice(half)) + 0.5) * unit
    const p = fromUtm(zone, e, n, south)
    const lo = band * 8 - 80
    if (p.lat >= lo - 0.5 && p.lat < (band === 19 ? 84 : lo + 8) + 0.5) return p
  }
  return null
}

function dms(s: string): LatLon | null {
  const part = /(\d+(?:[.,]\d+)?)\s*[°º]\s*(?:(\d+(?:[.,]\d+)?)\s*['′’]\s*)?(?:(\d+(?:[.,]\d+)?)\s*(?:["″”]|'')\s*)?([NSEWO])/giu
  let lat: number | null = null
  let lon: number | null = null
  for (const m of s.matchAll(part)) {
    const f = (v?: string) => (v ? Number(v.replace(',', '.')) : 0)
    const v = f(m[1]) + f(m[2]) / 60 + f(m[3]) / 3600
    const h = m[4].toUpperCase()
    if (h === 'N' || h === 'S') lat = h === 'S' ? -v : v
    else lon = h === 'E' ? v : -v // W, and O for oeste
  }
  return lat === null || lon === null ? null : { lat, lon }
}

/** Reads one position, or null when the words name none. Latitude comes first. */
export function parsePosition(input: string): LatLon | null {
  const s = input.trim()
  if (!s) return null
  const url = /(?:@|[?&#](?:q|ll|center|mlat)=|map=\d+\/|!3d)(-?\d{1,2}(?:\.\d+)?)(?:,|\/|%2C|!4d|&mlon=)(-?\d{1,3}(?:\.\d+)?)/i.exec(s)
  const plain = /^\(?\s*(-?\d{1,2}(?:\.\d+)?)°?\s*[,;\s]\s*(-?\d{1,3}(?:\.\d+)?)°?\s*\)?$/.exec(s.replace(/−/g, '-'))
  const m = url ?? plain
  const p = m ? { lat: Number(m[1]), lon: Number(m[2]) } : (dms(s) ?? parseMgrs(s))
  return p && Math.abs(p.lat) <= 90 && Math.abs(p.lon) <= 180 ? p : null
}

/** "10.46020, −67.08020": five digits are 1.1 m. */
export function formatLatLon(p: LatLon, digits = 5): string {
  return `${p.lat.toFixed(digits)}, ${p.lon.toFixed(digits)}`.replace(/-/g, '−')
}

/** Digits worth printing beside a radius: never finer than the error. */
export function digitsFor(radiusM: number | undefined): { degrees: number; mgrs: number } {
  if (!radiusM || radiusM < 10) return { degrees: 5, mgrs: 5 }
  if (radiusM < 100) return { degrees: 4, mgrs: 4 }
  if (radiusM < 1000) return { degrees: 3, mgrs: 3 }
  return { degrees: 2, mgrs: 2 }
}

/** "12 m", "1.2 km": a length in metres in words. */
export function metres(m: number): string {
  if (m < 10) return `${+m.toFixed(1)} m`
  if (m < 1000) return `${Math.round(m)} m`
  return `${+(m / 1000).toFixed(m < 10_000 ? 1 : 0)} km`
}
