package sound

import "math"

// A recording that was cut, or lost samples, fits another one at two lags, each
// over a stretch of its own. Echoes and repeated music fit at two lags over the
// same stretch. The windows of the overlap tell the two apart.

// remainder is a second lag that the windows off the first line agree on.
func remainder(rs []reading, l line) (float64, bool) {
	var rest []reading
	for i, r := range rs {
		if l.used != nil && l.used[i] < 0 && len(r.peaks) > 0 && r.peaks[0].z > 6 {
			rest = append(rest, r)
		}
	}
	if len(rest) < 3 {
		return 0, false
	}
	m := fitLine(rest)
	if m.inliers < 3 {
		return 0, false
	}
	return m.lag, math.Abs(m.lag-l.lag) > 0.01
}

// findBreaks follows the best of several lags through b and returns the jumps,
// and the lags other than the first that hold over a stretch.
func findBreaks(a, b *Track, lag, slope float64, other []float64) (out []Break, held []float64) {
	lags := append([]float64{lag}, other...)
	from, to := math.Inf(1), math.Inf(-1)
	for _, l := range lags {
		from = math.Min(from, math.Max(0, -l))
		to = math.Max(to, math.Min(b.Duration, a.Duration-l))
	}
	step := math.Max(0.5, (to-from)/120)
	const half = 0.5 // s
	n := int((to - from - 2*half) / step)
	if n < 4 {
		return nil, nil
	}
	const reach = 0.004
	ahead := int(reach * SyncRate)
	w := int(2 * half * SyncRate)
	z := make([][]float64, n)
	at := make([][]float64, n)
	f := NewFFT(fftSize(w + 2*ahead))
	fa, fb, r := make([]complex64, f.Len()/2+1), make([]complex64, f.Len()/2+1), make([]float32, f.Len())
	for k := range n {
		t := from + half + float64(k)*step
		ib := int((t - half) * SyncRate)
		xb := b.whiten(ib, ib+w)
		f.Forward(fb, xb)
		for _, l := range lags {
			shift := int(math.Round((l + slope*t) * SyncRate))
			var best peak
			if ib+shift >= 0 && ib+shift+w <= a.n {
				xa := a.whiten(ib+shift-ahead, ib+shift+w+ahead)
				if sd := math.Sqrt(power(xa) * power(xb) / float64(len(xa))); sd > 0 {
					f.Forward(fa, xa)
					against(fa, fb)
					f.Inverse(r, fa)
					if p := peaks(r[:2*ahead+1], 1, 2*ahead, 1.1*sd); len(p) > 0 {
						best = peak{float64(shift-ahead)/SyncRate + p[0].at/SyncRate - slope*t, p[0].z}
					}
				}
			}
			z[k], at[k] = append(z[k], best.z), append(at[k], best.at)
		}
	}
	// The path of most evidence; a jump has to be worth it.
	const jump = 14.0
	m := len(lags)
	sum, back := make([][]float64, n), make([][]int, n)
	for k := range n {
		sum[k], back[k] = make([]float64, m), make([]int, m)
		for j := range m {
			if k > 0 {
				best, arg := sum[k-1][j], j
				for i := range m {
					if v := sum[k-1][i] - jump; v > best {
						best, arg = v, i
					}
				}
				sum[k][j], back[k][j] = best, arg
			}
			sum[k][j] += math.Max(0, z[k][j]-4.5)
		}
	}
	j := 0
	for i := range m {
		if sum[n-1][i] > sum[n-1][j] {
			j = i
		}
	}
	path := make([]int, n)
	for k := n - 1; k >= 0; k-- {
		path[k] = j
		j = back[k][j]
	}
	// The median lag of each stretch makes the size of the jump.
	type stretch struct {
		line, lo, hi int
		lag          float64
	}
	var ss []stretch
	for k := 0; k < n; {
		e := k
		for e < n && path[e] == path[k] {
			e++
		}
		var sw, sl float64
		for q := k; q < e; q++ {
			if v := z[q][path[k]]; v > 6 {
				sw, sl = sw+v*v, sl+v*v*at[q][path[k]]
			}
		}
		if sw > 0 {
			ss = append(ss, stretch{path[k], k, e, sl / sw})
		}
		k = e
	}
	for i := 1; i < len(ss); i++ {
		if d := ss[i].lag - ss[i-1].lag; math.Abs(d) > 0.01 {
			// Between the last window that fits the one and the first that fits
			// the other.
			lo, hi := ss[i-1].hi-1, ss[i].lo
			for lo > ss[i-1].lo && z[lo][ss[i-1].line] < 6 {
				lo--
			}
			for hi < ss[i].hi-1 && z[hi][ss[i].line] < 6 {
				hi++
			}
			out = append(out, Break{At: from + half + step*float64(lo+hi)/2, Jump: d})
		}
	}
	if len(out) > 0 {
		for _, s := range ss {
			if s.line > 0 {
				held = append(held, s.lag)
			}
		}
	}
	return out, held
}

func holds(lags []float64, lag float64) bool {
	for _, l := range lags {
		if math.Abs(l-lag) < 0.02 {
			return true
		}
	}
	return false
}
