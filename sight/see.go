package sight

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Sight is a three-valued answer to "can A see B".
type Sight string

// The values of Sight.
const (
	Visible Sight = "visible"
	Hidden  Sight = "hidden"
	Depends Sight = "depends on position"
)

// See says whether target is visible from an eye that is known with a 3x3
// covariance in square metres (zero for an exact place), and with what
// probability: 400 eyes are drawn from the covariance, always the same ones.
// Below 2.5 % it is hidden, above 97.5 % visible.
func (b *BVH) See(eye [3]float64, covariance [3][3]float64, target [3]float64, tolerance float64) (Sight, float64) {
	val, axes := eigen3(covariance)
	if !(val[0] > 0) {
		if b.Blocked(eye, target, tolerance) {
			return Hidden, 0
		}
		return Visible, 1
	}
	const draws = 400
	rng := newPCG(1)
	seen := 0
	for range draws {
		z0, z1 := rng.normals()
		z2, _ := rng.normals()
		e := eye
		for k, z := range [3]float64{z0, z1, z2} {
			s := float64(z * math.Sqrt(math.Max(0, val[k])))
			for i := range 3 {
				e[i] += float64(s * axes[k][i])
			}
		}
		if !b.Blocked(e, target, tolerance) {
			seen++
		}
	}
	p := float64(seen) / draws
	switch {
	case p < 0.025:
		return Hidden, p
	case p > 0.975:
		return Visible, p
	}
	return Depends, p
}

// Viewshed says which of the targets an eye sees. The targets are shared out
// over the processors; the answer does not depend on how many there are.
func (b *BVH) Viewshed(eye [3]float64, targets [][3]float64, tolerance float64) []bool {
	out := make([]bool, len(targets))
	share(len(targets), func(i int) { out[i] = !b.Blocked(eye, targets[i], tolerance) })
	return out
}

// share calls f once for each i below n, on all processors, in runs that keep
// neighbours together.
func share(n int, f func(i int)) {
	const run = 4096
	if n <= run {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+run-1)/run) {
		wg.Go(func() {
			for {
				from := int(next.Add(run)) - run
				if from >= n {
					return
				}
				for i := from; i < min(from+run, n); i++ {
					f(i)
				}
			}
		})
	}
	wg.Wait()
}
