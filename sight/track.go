package sight

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
)

// Formats of `sightline camera track`.
const (
	TrackFormat   = "sightline.camera.track/1"
	TrackedFormat = "sightline.camera.tracked/1"
)

// KeyFrame is a solved frame of a video at a time in seconds.
type KeyFrame struct {
	T float64 `json:"t_s"`
	ViewSpec
}

// Motion says how unsteadily a camera moves: the spectral density of its
// random acceleration, m^2/s^3 and rad^2/s^3.
type Motion struct {
	Metres  float64 `json:"metres"`
	Radians float64 `json:"radians"`
}

// TrackProblem asks where a moving camera was between solved frames.
type TrackProblem struct {
	Format string     `json:"format"`
	ID     string     `json:"id"`
	Keys   []KeyFrame `json:"keys"`
	Motion *Motion    `json:"motion,omitempty"` // default 0.5 and 0.2: held in the hand, walking
	At     []float64  `json:"at_s"`
}

// TrackedFrame is a camera at a time. Solved is true at a key frame only.
type TrackedFrame struct {
	T              float64       `json:"t_s"`
	Solved         bool          `json:"solved"`
	Position       [3]float64    `json:"position"`
	Rotation       Quaternion    `json:"rotation"`
	FocalPx        float64       `json:"focal_px"`
	PrincipalPoint [2]float64    `json:"principal_point"`
	K1             float64       `json:"k1"`
	Covariance     [6][6]float64 `json:"covariance"`
	Ellipsoid95    Ellipsoid     `json:"ellipsoid95"`
}

// Tracked is the answer to a [TrackProblem].
type Tracked struct {
	Format      string         `json:"format"`
	ID          string         `json:"id"`
	Frames      []TrackedFrame `json:"frames"`
	InputSHA256 string         `json:"input_sha256"`
	Software    Software       `json:"software"`
}

// ParseTrack reads a problem strictly.
func ParseTrack(b []byte) (*TrackProblem, error) {
	p := new(TrackProblem)
	if err := strict(b, p, "track"); err != nil {
		return nil, err
	}
	switch {
	case p.Format != TrackFormat:
		return nil, bad("format", "must be %q, not %q", TrackFormat, p.Format)
	case p.ID == "":
		return nil, bad("id", "missing; name the track")
	case len(p.Keys) < 2 || len(p.Keys) > MaxPoints:
		return nil, bad("keys", "2 to %d are accepted, not %d", MaxPoints, len(p.Keys))
	case len(p.At) == 0 || len(p.At) > 1_000_000:
		return nil, bad("at_s", "1 to 1000000 times are accepted, not %d", len(p.At))
	}
	if m := p.Motion; m != nil && (!finite(m.Metres, m.Radians) || m.Metres < 0 || m.Radians < 0) {
		return nil, bad("motion", "metres and radians must be 0 or more")
	}
	for i, k := range p.Keys {
		if !finite(k.T) || i > 0 && !(k.T > p.Keys[i-1].T) {
			return nil, bad(fmt.Sprintf("keys[%d].t_s", i), "must be a number of seconds above that of the key before")
		}
		if k.Image != p.Keys[0].Image {
			return nil, bad(fmt.Sprintf("keys[%d].image", i), "differs from that of the first key; frames of one video have one size")
		}
	}
	for i, t := range p.At {
		if !finite(t) || t < p.Keys[0].T || t > p.Keys[len(p.Keys)-1].T {
			return nil, bad(fmt.Sprintf("at_s[%d]", i), "%g lies outside the solved frames, from %g to %g s; nothing is known there", t, p.Keys[0].T, p.Keys[len(p.Keys)-1].T)
		}
	}
	return p, nil
}

// Track interpolates between solved frames: the position by Catmull and Rom's
// curve through the keys, the rotation along the shortest turn (SLERP), the
// lens linearly in log focal. The error between two keys is theirs,
// interpolated, plus that of a motion with random acceleration of density q
// that passes both: q t^2 (T-t)^2 / (3T), with t of the gap T gone by (the
// integrated Wiener process, pinned at both ends, its velocity unknown).
func Track(p *TrackProblem, raw []byte) (*Tracked, error) {
	sum := sha256.Sum256(raw)
	out := &Tracked{Format: TrackedFormat, ID: p.ID, InputSHA256: hex.EncodeToString(sum[:]), Software: Software{"sightline", "dev", "catmull-rom+slerp+wiener-bridge/1"}}
	q := Motion{0.5, 0.2}
	if p.Motion != nil {
		q = *p.Motion
	}
	keys := make([]View, len(p.Keys))
	for i := range p.Keys {
		v, err := p.Keys[i].view(fmt.Sprintf("keys[%d]", i))
		if err != nil {
			return nil, err
		}
		keys[i] = v
	}
	for _, t := range p.At {
		i := 0
		for lo, hi := 0, len(keys)-1; lo < hi; {
			m := (lo + hi + 1) / 2
			if p.Keys[m].T <= t {
				lo = m
			} else {
				hi = m - 1
			}
			i = lo
		}
		f := TrackedFrame{T: t, Solved: p.Keys[i].T == t}
		a := &keys[i]
		b := a
		u, gap := 0.0, 1.0
		if i+1 < len(keys) {
			b = &keys[i+1]
			gap = p.Keys[i+1].T - p.Keys[i].T
			u = (t - p.Keys[i].T) / gap
		}
		f.Position = curve(p.Keys, keys, i, u)
		f.Rotation = slerp(a.Camera.Rotation, b.Camera.Rotation, u)
		f.FocalPx = exp(float64((1-u)*log(a.Camera.FocalPx)) + float64(u*log(b.Camera.FocalPx)))
		if f.Solved { // to the last bit
			f.Position, f.Rotation, f.FocalPx = a.Camera.Position, a.Camera.Rotation, a.Camera.FocalPx
		}
		for k := range 2 {
			f.PrincipalPoint[k] = float64((1-u)*a.Camera.PrincipalPoint[k]) + float64(u*b.Camera.PrincipalPoint[k])
		}
		f.K1 = float64((1-u)*a.Camera.K1) + float64(u*b.Camera.K1)
		// Neighbouring keys see the same model and err alike: their covariances
		// are interpolated, not combined as if they were independent.
		for r := range 6 {
			for c := range 6 {
				f.Covariance[r][c] = float64((1-u)*a.Covariance[r][c]) + float64(u*b.Covariance[r][c])
			}
		}
		s := float64(u * gap)
		grow := float64(s*s*(gap-s)*(gap-s)) / (3 * gap)
		for k := range 3 {
			f.Covariance[k][k] += float64(q.Metres * grow)
			f.Covariance[3+k][3+k] += float64(q.Radians * grow)
		}
		var c3 mat
		for k := range 3 {
			copy(c3[k][:], f.Covariance[k][:3])
		}
		val, axes := eigen3(c3)
		f.Ellipsoid95.Axes = axes
		for k := range 3 {
			f.Ellipsoid95.SemiAxes[k] = math.Sqrt(float64(7.814728 * math.Max(0, val[k])))
		}
		out.Frames = append(out.Frames, f)
	}
	return out, nil
}

// curve is Catmull and Rom's curve in Hermite form with unequal times.
func curve(at []KeyFrame, keys []View, i int, u float64) vec {
	if i+1 >= len(keys) {
		return keys[i].Camera.Position
	}
	gap := at[i+1].T - at[i].T
	slope := func(k, axis int) float64 {
		lo, hi := max(k-1, 0), min(k+1, len(keys)-1)
		return (keys[hi].Camera.Position[axis] - keys[lo].Camera.Position[axis]) / (at[hi].T - at[lo].T)
	}
	u2, u3 := float64(u*u), float64(u*u*u)
	var x vec
	for k := range 3 {
		x[k] = float64((float64(2*u3)-float64(3*u2)+1)*keys[i].Camera.Position[k]) + float64((float64(3*u2)-float64(2*u3))*keys[i+1].Camera.Position[k]) +
			float64((u3-float64(2*u2)+u)*gap*slope(i, k)) + float64((u3-u2)*gap*slope(i+1, k))
	}
	return x
}

// slerp turns from a to b along the shorter way (Shoemake 1985).
func slerp(a, b Quaternion, u float64) Quaternion {
	d := 0.0
	for i := range 4 {
		d += float64(a[i] * b[i])
	}
	if d < 0 {
		d = -d
		for i := range b {
			b[i] = -b[i]
		}
	}
	wa, wb := 1-u, u
	if th := math.Acos(math.Min(1, d)); th > 1e-6 {
		wa, wb = math.Sin(float64((1-u)*th))/math.Sin(th), math.Sin(float64(u*th))/math.Sin(th)
	}
	var q Quaternion
	n := 0.0
	for i := range q {
		q[i] = float64(wa*a[i]) + float64(wb*b[i])
		n += float64(q[i] * q[i])
	}
	n = math.Sqrt(n)
	if q[0] < 0 {
		n = -n
	}
	for i := range q {
		q[i] /= n
	}
	return q
}

// Prose writes the answer for people.
func (t *Tracked) Prose(w io.Writer) error {
	for _, f := range t.Frames {
		kind := "interpolated"
		if f.Solved {
			kind = "solved"
		}
		e := f.Ellipsoid95.SemiAxes
		if _, err := fmt.Fprintf(w, "%.3f s, %s: east %.2f, north %.2f, up %.2f m; 95 %% semi-axes %.2f, %.2f and %.2f m\n", f.T, kind, f.Position[0], f.Position[1], f.Position[2], e[0], e[1], e[2]); err != nil {
			return err
		}
	}
	return nil
}
