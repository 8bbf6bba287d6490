package sight

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// areas turns cells into connected areas that hold 95 % of the probability
// and everything that fits nearly as well as the best.
func (f *finder) areas(cells []cell, out *Found) {
	best, at := math.Inf(1), 0
	for i := range cells {
		if cells[i].cost < best {
			best, at = cells[i].cost, i
		}
	}
	// How well does the best fit at all?
	eye := f.eye(&cells[at])
	var h SkyOutline
	if f.line != nil {
		f.sky.horizon(eye, &h, &skyScratch{})
	}
	var miss []float64
	f.cost(&cells[at].fit, eye, cells[at].side, &h, &miss)
	off, sum := 0, 0.0
	for _, e := range miss {
		sum += math.Min(9, float64(e*e))
		if math.Abs(e) >= 3 {
			off++
		}
	}
	if len(miss) > 0 && 2*off > len(miss) {
		out.Status = "none"
		out.Reason = fmt.Sprintf("nowhere in the searched area does the photo fit: at the best place %d of %d samples of what was marked miss by more than three times their error; search elsewhere, or check that the scene reaches as far as the hills", off, len(miss))
		return
	}
	// Misses larger than stated make every difference of cost count less.
	scale := 1.0
	if n := len(miss); n > 6 {
		dof := float64(n - 4)
		if sum > chi2q99(dof) {
			scale = (sum + 8) / (dof + 8)
			out.Warnings = append(out.Warnings, Warning{"errors-larger", fmt.Sprintf("the skyline and the features miss by more than their stated errors; the areas were widened %.2f times", math.Sqrt(scale))})
		}
	}
	out.SigmaScale = math.Sqrt(scale)
	if off > 0 {
		out.Warnings = append(out.Warnings, Warning{"part-misses", fmt.Sprintf("%d of %d samples do not fit even at the best place: trees, clouds or buildings that the scene lacks, or another place", off, len(miss))})
	}
	total := 0.0
	weight := make([]float64, len(cells))
	for i := range cells {
		weight[i] = exp(math.Max(-700, -(cells[i].cost-best)/(2*scale))) * cells[i].side * cells[i].side
		total += weight[i]
	}
	order := make([]int, len(cells))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		return weight[order[i]]/(cells[order[i]].side*cells[order[i]].side) > weight[order[j]]/(cells[order[j]].side*cells[order[j]].side)
	})
	keep := map[int]bool{}
	acc := 0.0
	for _, i := range order {
		if acc >= 0.95*total && cells[i].cost-best > 9.21*scale {
			break
		}
		keep[i] = true
		acc += weight[i]
		out.PossibleM2 += float64(cells[i].side * cells[i].side)
		if len(keep) == 100_000 {
			break
		}
	}
	for _, group := range connect(cells, order, keep) {
		out.Areas = append(out.Areas, f.area(cells, group, weight, total))
	}
	sort.SliceStable(out.Areas, func(i, j int) bool { return out.Areas[i].Share > out.Areas[j].Share })
	out.Status = "found"
	near := math.Inf(1)
	for i := range h.Distance {
		if f.line != nil && h.Distance[i] > 0 && inView(&f.p.Image, &cells[at].fit, i) {
			near = math.Min(near, h.Distance[i])
		}
	}
	if near < 4*f.p.Area.StepM {
		out.Warnings = append(out.Warnings, Warning{"near-skyline", fmt.Sprintf("part of the skyline stands only %.0f m from the best place and changes within a step of %.3g m; search again with a step of %.2g m", near, f.p.Area.StepM, math.Max(0.5, near/5))})
	}
	if math.Sqrt(scale) > 1.5 || 10*off > len(miss) {
		out.Status = "doubtful"
		out.Reason = "even the best place misses more than the stated errors allow; the photo may have been taken outside the searched ground, or the scene lacks what it shows"
	}
	if out.PossibleM2 > 0.5*out.SearchedM2 {
		out.Status = "wide"
		out.Reason = "more than half of the searched ground fits; the photo says little about the place, mark more of it"
	}
	if len(out.Areas) > 20 {
		out.Warnings = append(out.Warnings, Warning{"many-areas", fmt.Sprintf("%d further areas with less than %.2g of the probability each are left out of the list", len(out.Areas)-20, out.Areas[20].Share)})
		out.Areas = out.Areas[:20]
	}
}

// inView says whether an azimuth lies within a picture's width.
func inView(im *ImageSize, v *view4, bin int) bool {
	d := math.Remainder(float64(bin)*2*math.Pi/skyBins-v.heading, 2*math.Pi)
	return math.Abs(d) < math.Atan(float64(im.Width)/2/exp(v.logF))
}

func (f *finder) eye(c *cell) vec {
	u, _, _ := f.scene.Ground(c.e, c.n)
	return vec{c.e, c.n, u + f.height}
}

// connect groups kept cells that touch, corners included.
func connect(cells []cell, order []int, keep map[int]bool) [][]int {
	const unit = 64.0
	grid := map[[2]int][]int{}
	key := func(x, y float64) [2]int { return [2]int{int(math.Floor(x / unit)), int(math.Floor(y / unit))} }
	reach := 0.0
	for i := range keep {
		reach = math.Max(reach, cells[i].side)
	}
	for _, i := range order {
		if keep[i] {
			k := key(cells[i].e, cells[i].n)
			grid[k] = append(grid[k], i)
		}
	}
	done := map[int]bool{}
	var out [][]int
	for _, i := range order {
		if !keep[i] || done[i] {
			continue
		}
		group := []int{i}
		done[i] = true
		for k := 0; k < len(group); k++ {
			c := &cells[group[k]]
			lo, hi := key(c.e-c.side-reach, c.n-c.side-reach), key(c.e+c.side+reach, c.n+c.side+reach)
			for x := lo[0]; x <= hi[0]; x++ {
				for y := lo[1]; y <= hi[1]; y++ {
					for _, j := range grid[[2]int{x, y}] {
						o := &cells[j]
						if d := (c.side + o.side) / 2 * 1.05; !done[j] && math.Abs(o.e-c.e) <= d && math.Abs(o.n-c.n) <= d {
							done[j] = true
							group = append(group, j)
						}
					}
				}
			}
		}
		out = append(out, group)
	}
	return out
}

// area describes one group of cells, the best of which comes first.
func (f *finder) area(cells []cell, group []int, weight []float64, total float64) FoundArea {
	a := FoundArea{Bounds: [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}, cost: math.Inf(1)}
	road := len(f.p.Area.Road) > 0
	from, to := math.Inf(1), math.Inf(-1)
	at := group[0]
	for _, i := range group {
		c := &cells[i]
		a.Share += weight[i] / total
		a.AreaM2 += float64(c.side * c.side)
		h := c.side / 2
		a.Bounds[0], a.Bounds[1] = math.Min(a.Bounds[0], c.e-h), math.Min(a.Bounds[1], c.n-h)
		a.Bounds[2], a.Bounds[3] = math.Max(a.Bounds[2], c.e+h), math.Max(a.Bounds[3], c.n+h)
		from, to = math.Min(from, c.along-f.p.Area.StepM/2), math.Max(to, c.along+f.p.Area.StepM/2)
		if c.cost < a.cost {
			a.cost, at = c.cost, i
		}
		if len(a.Cells) < 5000 {
			a.Cells = append(a.Cells, FoundCell{[2]float64{hundredth(c.e), hundredth(c.n)}, hundredth(c.side), math.Round(weight[i]/total*1e6) / 1e6})
		}
	}
	c := &cells[at]
	eye := f.eye(c)
	var h SkyOutline
	if f.line != nil {
		f.sky.horizon(eye, &h, &skyScratch{})
	}
	var miss []float64
	f.cost(&c.fit, eye, c.side, &h, &miss)
	for _, e := range miss {
		a.Fit += math.Min(9, float64(e*e)) / float64(len(miss))
	}
	a.Fit = hundredth(math.Sqrt(a.Fit))
	for k := range a.Bounds {
		a.Bounds[k] = hundredth(a.Bounds[k])
	}
	a.Share, a.AreaM2 = math.Round(a.Share*1e4)/1e4, hundredth(a.AreaM2)
	a.Best = [3]float64{hundredth(eye[0]), hundredth(eye[1]), hundredth(eye[2])}
	const deg = 180 / math.Pi
	hd := math.Mod(c.fit.heading*deg, 360)
	if hd < 0 {
		hd += 360
	}
	a.Angles = Angles{hundredth(hd), hundredth(c.fit.pitch * deg), hundredth(c.fit.roll * deg)}
	a.FocalPx = math.Round(exp(c.fit.logF))
	for i := range f.p.Features {
		if i < 64 && c.seen&(1<<i) != 0 {
			a.Visible = append(a.Visible, f.p.Features[i].ID)
		} else {
			a.Hidden = append(a.Hidden, f.p.Features[i].ID)
		}
	}
	where := fmt.Sprintf("east %.0f to %.0f m, north %.0f to %.0f m", a.Bounds[0], a.Bounds[2], a.Bounds[1], a.Bounds[3])
	if road {
		from, to = hundredth(math.Max(0, from)), hundredth(to)
		a.FromM, a.ToM = &from, &to
		where = fmt.Sprintf("%.0f to %.0f m along the road", from, to)
	}
	a.Text = fmt.Sprintf("%.1f %% of the probability: %.0f m2, %s; misses %.1f times their error", 100*a.Share, a.AreaM2, where, a.Fit)
	if len(miss) > 0 {
		a.Text += fmt.Sprintf("; looking towards %.0f degrees", a.Angles.Heading)
	}
	if len(a.Hidden) > 0 {
		a.Text += "; hidden from there: " + strings.Join(a.Hidden, ", ")
	}
	return a
}

func hundredth(x float64) float64 { return math.Round(x*100) / 100 }
