package raster

import "math"

// Value noise on an integer lattice. It is made from integers only up to the
// last interpolation, so the invented surfaces of an exercise are the same on
// every machine.

// hash mixes lattice coordinates and a seed (finaliser of MurmurHash3).
func hash(x, y, z int32, seed uint32) uint32 {
	h := uint32(x)*0x8da6b343 ^ uint32(y)*0xd8163841 ^ uint32(z)*0xcb1ab31f ^ seed*0x9e3779b9
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	h ^= h >> 16
	return h
}

func hash01(x, y, z int32, seed uint32) float64 {
	return float64(hash(x, y, z, seed)>>8) * (1.0 / (1 << 24))
}

// noise2 is smooth noise in 0..1 with a wavelength of one.
func noise2(x, y float64, seed uint32) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	i, j := int32(int64(fx)), int32(int64(fy))
	u, v := x-fx, y-fy
	u = float64(u * u * (3 - float64(2*u)))
	v = float64(v * v * (3 - float64(2*v)))
	a, b := hash01(i, j, 0, seed), hash01(i+1, j, 0, seed)
	c, d := hash01(i, j+1, 0, seed), hash01(i+1, j+1, 0, seed)
	return lerp(lerp(a, b, u), lerp(c, d, u), v)
}

// fbm2 sums octaves of noise2, each half as long and half as strong, mean 0.5.
// Octaves shorter than twice the footprint (in the same unit as x and y) are
// left out, so that a far surface does not shimmer.
func fbm2(x, y float64, octaves int, footprint float64, seed uint32) float64 {
	sum, amp, wave := 0.0, 0.5, 1.0
	for o := 0; o < octaves && wave > 2*footprint; o++ {
		sum += float64(amp * (noise2(x/wave, y/wave, seed+uint32(o)*101) - 0.5))
		amp *= 0.5
		wave *= 0.47
	}
	return 0.5 + sum
}

// Fbm is the invented roughness used for surfaces, offered to those who invent
// terrain: octaves of smooth noise about zero, each half as long and half as
// strong, the first with wavelength 1 and range -0.25..0.25. The same seed
// gives the same values on every machine.
func Fbm(x, y float64, octaves int, seed uint32) float64 { return fbm2(x, y, octaves, 0, seed) - 0.5 }
