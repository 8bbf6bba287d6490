package sight

import (
	"fmt"
	"math"
	"sort"
)

// objection is what the scene says against a camera.
type objection struct {
	code     string // below-ground, inside-solid, hidden
	mark     int    // of a hidden point, else -1
	by       string
	metres   float64
	measured bool
}

// Standing in the ground or in a solid house costs as much as two wrong
// clicks, a hidden point as much as one.
const standCost = 32.0

// object asks the scene about every fit. Measured layers raise the cost, which
// lowers the weight among the alternatives; the others warn.
func (t *task) object(fits []fit, scene *Surroundings) []fit {
	for i := range fits {
		f := &fits[i]
		f.objections = t.against(f, scene)
		for _, o := range f.objections {
			switch {
			case !o.measured:
			case o.mark >= 0:
				f.cost += t.m[o.mark].t2
			default:
				f.cost += standCost
			}
		}
	}
	sort.SliceStable(fits, func(i, j int) bool { return fits[i].cost < fits[j].cost })
	return merge(fits, nil, plausible)
}

func (t *task) against(f *fit, scene *Surroundings) (out []objection) {
	var cov mat
	for i := range 3 {
		copy(cov[i][:], f.cov[i][:3])
	}
	c := f.s.c
	if u, sg, ok := scene.Ground(c[0], c[1]); ok {
		s := math.Sqrt(cov[2][2] + float64(sg*sg))
		if deep := u - c[2]; deep > float64(3*s) {
			out = append(out, objection{"below-ground", -1, "the ground", deep, scene.groundMeasured(c[0], c[1])})
		}
	}
	if name, measured, depth, ok := scene.Inside(c); ok {
		val, _ := eigen3(cov)
		// Within the error of the place it may as well stand outside.
		out = append(out, objection{"inside-solid", -1, name, depth, measured && depth*depth > 9*val[0]})
	}
	for i := range t.m {
		m := &t.m[i]
		if !f.in[i] {
			continue
		}
		if by, hidden := scene.Hides(c, cov, m.x, m.smMax); hidden {
			out = append(out, objection{"hidden", i, by.Body, norm(sub(m.x, c)) - by.Distance, by.Measured})
		}
	}
	return out
}

// objections writes what the scene says against the best camera and against
// the alternatives.
func (a *Answer) objections(p *Problem, fits []fit) {
	for _, o := range fits[0].objections {
		how := "; this only warns, because the layer is not measured or the place not known well enough"
		if o.measured {
			how = ""
		}
		switch o.code {
		case "below-ground":
			a.warn(o.code, "the camera would stand %.1f m below the ground of the scene%s", o.metres, how)
		case "inside-solid":
			a.warn(o.code, "the camera would stand inside %s%s", o.by, how)
		case "hidden":
			r := &a.Residuals[o.mark]
			r.Reason = fmt.Sprintf("hidden behind %s, %.1f m in front of it", o.by, o.metres)
			a.warn(o.code, "%s cannot be seen from there: %s stands %.1f m in front of it%s", p.Points[o.mark].ID, o.by, o.metres, how)
		}
	}
}
