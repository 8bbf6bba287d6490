package place

import "math"

// Rotations of the formats. Ours is [w, x, y, z] from world (east, north, up)
// to camera (right, down, forward), and the rows of its matrix are the
// camera's axes in the world.

type mat = [3][3]float64

func mul(a, b mat) (o mat) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				o[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return o
}

func transpose(a mat) (o mat) {
	for i := range 3 {
		for j := range 3 {
			o[i][j] = a[j][i]
		}
	}
	return o
}

// matrix of a unit quaternion [w, x, y, z].
func matrix(q [4]float64) mat {
	w, x, y, z := q[0], q[1], q[2], q[3]
	return mat{
		{1 - 2*(y*y+z*z), 2 * (x*y - w*z), 2 * (x*z + w*y)},
		{2 * (x*y + w*z), 1 - 2*(x*x+z*z), 2 * (y*z - w*x)},
		{2 * (x*z - w*y), 2 * (y*z + w*x), 1 - 2*(x*x+y*y)},
	}
}

// quaternion [w, x, y, z] with w >= 0 of a rotation matrix (Shepperd 1978).
func quaternion(m mat) [4]float64 {
	var q [4]float64
	switch t := m[0][0] + m[1][1] + m[2][2]; {
	case t > 0:
		s := math.Sqrt(t+1) * 2
		q = [4]float64{s / 4, (m[2][1] - m[1][2]) / s, (m[0][2] - m[2][0]) / s, (m[1][0] - m[0][1]) / s}
	case m[0][0] > m[1][1] && m[0][0] > m[2][2]:
		s := math.Sqrt(1+m[0][0]-m[1][1]-m[2][2]) * 2
		q = [4]float64{(m[2][1] - m[1][2]) / s, s / 4, (m[0][1] + m[1][0]) / s, (m[0][2] + m[2][0]) / s}
	case m[1][1] > m[2][2]:
		s := math.Sqrt(1+m[1][1]-m[0][0]-m[2][2]) * 2
		q = [4]float64{(m[0][2] - m[2][0]) / s, (m[0][1] + m[1][0]) / s, s / 4, (m[1][2] + m[2][1]) / s}
	default:
		s := math.Sqrt(1+m[2][2]-m[0][0]-m[1][1]) * 2
		q = [4]float64{(m[1][0] - m[0][1]) / s, (m[0][2] + m[2][0]) / s, (m[1][2] + m[2][1]) / s, s / 4}
	}
	if q[0] < 0 {
		for i := range q {
			q[i] = -q[i]
		}
	}
	return q
}

// rigid says whether a matrix is a rotation, to rounding of printed numbers.
func rigid(m mat) bool {
	i := mul(m, transpose(m))
	for r := range 3 {
		for c := range 3 {
			want := 0.0
			if r == c {
				want = 1
			}
			if !(math.Abs(i[r][c]-want) < 1e-3) {
				return false
			}
		}
	}
	d := m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) - m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) + m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
	return d > 0
}

// The turns between our camera axes (right, down, forward) and others; rows
// are the other's axes in ours.
var (
	// glTF, OpenGL, KML: right, up, backward.
	glAxes = mat{{1, 0, 0}, {0, -1, 0}, {0, 0, -1}}
	// GeoPose's body as in its yaw, pitch, roll form: forward, left, up.
	bodyAxes = mat{{0, 0, 1}, {-1, 0, 0}, {0, -1, 0}}
	// The world of glTF: x = east, y = up, z = -north.
	glWorld = mat{{1, 0, 0}, {0, 0, 1}, {0, -1, 0}}
)
