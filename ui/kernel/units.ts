// Distinct types for quantities that must not be mixed. They are plain numbers
// at run time; the brand exists for the compiler only.

declare const unit: unique symbol;
type Unit<U extends string> = number & { readonly [unit]?: U };

/** Milliseconds since 1970-01-01T00:00Z, no leap seconds; a double, so fractions of a millisecond survive. */
export type UtcMs = Unit<'utc ms'>;
/** A length of time in milliseconds. */
export type Ms = Unit<'ms'>;
export type Metres = Unit<'m'>;
export type Degrees = Unit<'deg'>;
export type Radians = Unit<'rad'>;
/** CSS pixels of the screen, or pixels of a picture where the name says so. */
export type Px = Unit<'px'>;

/** East, north, up in metres, relative to the frozen origin of the scene. */
export type Enu = readonly [number, number, number];
/** Quaternion [w, x, y, z]. */
export type Quaternion = readonly [number, number, number, number];

export const RAD = Math.PI / 180;
export const SECOND: Ms = 1000;
export const MINUTE: Ms = 60_000;
export const HOUR: Ms = 3_600_000;
export const DAY: Ms = 86_400_000;

export const clamp = (x: number, lo: number, hi: number): number => (x < lo ? lo : x > hi ? hi : x);
export const radians = (d: Degrees): Radians => d * RAD;
export const degrees = (r: Radians): Degrees => r / RAD;
/** An angle brought into 0 (included) to 360 (excluded) degrees. */
export const turn = (d: Degrees): Degrees => ((d % 360) + 360) % 360;
