package sight

import (
	"errors"
	"fmt"
	"math"
)

// Observation is one mark of a feature in one solved photograph. The view's
// covariance is zero for a camera taken as exact.
type Observation struct {
	View
	Px      [2]float64
	SigmaPx float64
}

// Point3 is a feature placed from several photographs: position and its
// covariance in scene metres, and how far each mark is from its projection in
// units of its error (camera error included).
type Point3 struct {
	Position   [3]float64
	Covariance [3][3]float64
	Sigmas     []float64
}

// Triangulate places a feature seen in two photographs or more. It starts at
// the point closest to all rays and minimises the marks' residuals, each
// weighted by the inverse of its click error plus its camera's error (pose and
// lens) seen through the projection. That is the joint adjustment of feature
// and cameras with the cameras eliminated. The errors of different cameras are
// taken as independent; if the cameras were solved from the same model points
// they share the model's error, which is then to be added. Rays that are nearly parallel are an error: they do not say how
// far the feature is.
func Triangulate(obs []Observation) (p Point3, err error) {
	if len(obs) < 2 {
		return p, errors.New("a feature must be marked in at least two solved photographs")
	}
	var a mat
	var rhs vec
	for i := range obs {
		o := &obs[i]
		if !finite(o.Px[:]...) || !finite(o.SigmaPx) || !(o.SigmaPx > 0) {
			return p, fmt.Errorf("mark %d needs a finite pixel and an error above 0 pixels", i+1)
		}
		d, ok := o.Camera.Ray(o.Px)
		if !ok {
			return p, fmt.Errorf("mark %d lies outside what the lens can draw", i+1)
		}
		for r := range 3 {
			for c := range 3 {
				m := -float64(d[r] * d[c])
				if r == c {
					m++
				}
				a[r][c] += m
				rhs[r] += float64(m * o.Camera.Position[c])
			}
		}
	}
	val, vecs := eigen3(a)
	if !(val[2] > 1e-7*val[0]) {
		return p, errors.New("the rays are nearly parallel and do not say how far the feature is; mark it in a photograph taken from elsewhere")
	}
	var x vec
	for k := range 3 {
		s := dot(vecs[k], rhs) / val[k]
		for i := range 3 {
			x[i] += float64(s * vecs[k][i])
		}
	}
	for range 30 {
		var h mat
		var g vec
		p.Sigmas = p.Sigmas[:0]
		for i := range obs {
			o := &obs[i]
			s := o.state()
			var j [2][nParam]float64
			var jx [2]vec
			if s.jacobian(&x, nParam, &j, &jx) <= 0 {
				return p, fmt.Errorf("the rays meet behind the camera of mark %d; check that all marks show the same thing", i+1)
			}
			suu := float64(o.SigmaPx * o.SigmaPx)
			svv, suv := suu, 0.0
			for r := range nParam {
				for c := range nParam {
					v := o.Covariance[r][c]
					suu += float64(j[0][r] * v * j[0][c])
					suv += float64(j[0][r] * v * j[1][c])
					svv += float64(j[1][r] * v * j[1][c])
				}
			}
			det := float64(suu*svv) - float64(suv*suv)
			if !(det > 0) {
				return p, fmt.Errorf("the covariance of camera %d is not positive definite", i+1)
			}
			w0, w1, w2 := svv/det, -suv/det, suu/det
			u, v, _ := s.project(&x)
			u, v = u-o.Px[0], v-o.Px[1]
			p.Sigmas = append(p.Sigmas, math.Sqrt(float64(w0*u*u)+float64(2*w1*u*v)+float64(w2*v*v)))
			for r := range 3 {
				wa, wb := float64(w0*jx[0][r])+float64(w1*jx[1][r]), float64(w1*jx[0][r])+float64(w2*jx[1][r])
				g[r] += float64(wa*u) + float64(wb*v)
				for c := range 3 {
					h[r][c] += float64(wa*jx[0][c]) + float64(wb*jx[1][c])
				}
			}
		}
		val, vecs := eigen3(h)
		if !(val[2] > 0) {
			return p, errors.New("the marks do not fix the feature in all directions")
		}
		moved := 0.0
		p.Covariance = mat{}
		for k := range 3 {
			s := -dot(vecs[k], g) / val[k]
			moved += math.Abs(s)
			for r := range 3 {
				x[r] += float64(s * vecs[k][r])
				for c := range 3 {
					p.Covariance[r][c] += float64(vecs[k][r]*vecs[k][c]) / val[k]
				}
			}
		}
		p.Position = x
		if moved < 1e-10*(1+norm(x)) {
			break
		}
	}
	return p, nil
}
