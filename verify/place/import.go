package place

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"sightline/sight"
	"sightline/where"
)

// ViewsFormat is that of imported cameras; its cameras go straight into the
// field of that name of `camera see` and `camera triangulate`.
const ViewsFormat = "sightline.camera.views/1"

// Views are cameras of another program.
type Views struct {
	Format  string           `json:"format"`
	Source  string           `json:"source"`
	Cameras []sight.ViewSpec `json:"cameras"`
	Notes   []string         `json:"notes"`
}

// maxImport bounds a file of poses.
const maxImport = 64 << 20

// Context is what a file of poses may leave out.
type Context struct {
	// Frame places KML, whose cameras have latitude and longitude.
	Frame *where.Frame
	// Width and Height of the photographs, where the file does not say.
	Width, Height int
}

// Import reads the cameras of a file: COLMAP text (images.txt with its
// cameras.txt in more), fSpy (.fspy or its JSON), glTF or GLB, KML. name
// decides by its ending. No imported pose has a covariance: its doubt is
// unknown, and every answer says so.
func Import(name string, data []byte, more map[string][]byte, ctx Context) (*Views, error) {
	if len(data) > maxImport {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", name, len(data), maxImport)
	}
	v := &Views{Format: ViewsFormat, Source: filepath.Base(name), Notes: []string{"imported poses carry no covariance: how sure they are is not known"}}
	var err error
	switch lower := strings.ToLower(name); {
	case strings.HasSuffix(lower, "images.txt"):
		err = v.colmap(data, more["cameras.txt"])
	case strings.HasSuffix(lower, ".fspy"), strings.HasSuffix(lower, ".json") && bytes.Contains(data, []byte("cameraTransform")):
		err = v.fspy(data)
	case strings.HasSuffix(lower, ".gltf"), strings.HasSuffix(lower, ".glb"):
		err = v.gltf(data, ctx)
	case strings.HasSuffix(lower, ".kml"):
		err = v.kml(data, ctx)
	default:
		err = errors.New("is not a file of cameras that is read: images.txt (COLMAP), .fspy, .gltf, .glb and .kml are")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	if len(v.Cameras) == 0 {
		return nil, fmt.Errorf("%s: holds no camera", filepath.Base(name))
	}
	if len(v.Cameras) > sight.MaxPoints {
		return nil, fmt.Errorf("%s: holds %d cameras, at most %d are read", filepath.Base(name), len(v.Cameras), sight.MaxPoints)
	}
	for i := range v.Cameras {
		c := &v.Cameras[i]
		w := sight.View{ID: c.ID, Camera: sight.Camera{Width: c.Image.Width, Height: c.Image.Height, Position: *c.Position, Rotation: *c.Rotation, FocalPx: c.FocalPx, K1: c.K1}}
		if c.PrincipalPoint != nil {
			w.Camera.PrincipalPoint = *c.PrincipalPoint
		}
		if err := w.Check(); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		*c.Rotation = w.Camera.Rotation
	}
	return v, nil
}

func (v *Views) add(id string, w, h int, position [3]float64, rows mat, f float64, pp [2]float64, k1 float64) error {
	if !rigid(rows) {
		return fmt.Errorf("camera %q: its axes are not a rotation (mirrored or scaled)", id)
	}
	q := quaternion(rows)
	v.Cameras = append(v.Cameras, sight.ViewSpec{ID: id, Image: sight.ImageSize{Width: w, Height: h}, Position: &position, Rotation: &q, FocalPx: f, PrincipalPoint: &pp, K1: k1})
	return nil
}

func numbers(fields []string) ([]float64, error) {
	out := make([]float64, len(fields))
	for i, s := range fields {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%q is not a usable number", s)
		}
		out[i] = x
	}
	return out, nil
}

func (v *Views) colmap(images, cameras []byte) error {
	if cameras == nil {
		return errors.New("needs cameras.txt beside it")
	}
	type lens struct {
		w, h int
		f    float64
		pp   [2]float64
		k1   float64
	}
	lenses := map[string]lens{}
	scan := func(b []byte, each func(n int, line string) error) error {
		s := bufio.NewScanner(bytes.NewReader(b))
		s.Buffer(nil, maxImport)
		for n := 1; s.Scan(); n++ {
			if strings.HasPrefix(s.Text(), "#") {
				continue
			}
			if err := each(n, s.Text()); err != nil {
				return err
			}
		}
		return s.Err()
	}
	err := scan(cameras, func(n int, line string) error {
		f := strings.Fields(line)
		if len(f) == 0 {
			return nil
		}
		if len(f) < 5 {
			return fmt.Errorf("cameras.txt line %d: too short", n)
		}
		p, err := numbers(f[2:])
		if err != nil {
			return fmt.Errorf("cameras.txt line %d: %w", n, err)
		}
		if p[0] < 1 || p[1] < 1 || p[0] > 1e6 || p[1] > 1e6 {
			return fmt.Errorf("cameras.txt line %d: the picture is %g x %g pixels", n, p[0], p[1])
		}
		l := lens{w: int(p[0]), h: int(p[1])}
		p = p[2:]
		need := map[string]int{"SIMPLE_PINHOLE": 3, "PINHOLE": 4, "SIMPLE_RADIAL": 4, "RADIAL": 5, "OPENCV": 8}[f[1]]
		if need == 0 {
			return fmt.Errorf("cameras.txt line %d: lens model %s is not read; undistort with COLMAP first", n, f[1])
		}
		if len(p) != need {
			return fmt.Errorf("cameras.txt line %d: %s has %d parameters, found %d", n, f[1], need, len(p))
		}
		fx, fy := p[0], p[0]
		rest := p[1:]
		if f[1] == "PINHOLE" || f[1] == "OPENCV" {
			fy, rest = p[1], p[2:]
		}
		if math.Abs(fx-fy) > 0.002*fx {
			return fmt.Errorf("cameras.txt line %d: pixels are not square (fx %g, fy %g)", n, fx, fy)
		}
		l.f, l.pp = (fx+fy)/2, [2]float64{rest[0], rest[1]}
		if rest = rest[2:]; len(rest) > 0 {
			l.k1 = rest[0]
			for _, k := range rest[1:] {
				if k != 0 {
					return fmt.Errorf("cameras.txt line %d: only one radial term is read; undistort with COLMAP first", n)
				}
			}
		}
		lenses[f[0]] = l
		return nil
	})
	if err != nil {
		return err
	}
	v.Notes = append(v.Notes, "COLMAP's axes and scale are its own unless the model was aligned to the scene")
	odd := false
	return scan(images, func(n int, line string) error {
		if odd = !odd; !odd {
			return nil // the line of points of the image before
		}
		if strings.TrimSpace(line) == "" {
			odd = false
			return nil
		}
		f := strings.Fields(line)
		if len(f) < 10 {
			return fmt.Errorf("line %d: too short for an image", n)
		}
		p, err := numbers(f[1:8])
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		l, ok := lenses[f[8]]
		if !ok {
			return fmt.Errorf("line %d: camera %s is not in cameras.txt", n, f[8])
		}
		q := [4]float64{p[0], p[1], p[2], p[3]}
		s := math.Sqrt(q[0]*q[0] + q[1]*q[1] + q[2]*q[2] + q[3]*q[3])
		if !(s > 0.5 && s < 2) {
			return fmt.Errorf("line %d: the rotation has length %g", n, s)
		}
		for i := range q {
			q[i] /= s
		}
		r := matrix(q)
		var c [3]float64
		for k := range 3 {
			for j := range 3 {
				c[k] -= r[j][k] * p[4+j]
			}
		}
		return v.add(strings.Join(f[9:], " "), l.w, l.h, c, r, l.f, l.pp, l.k1)
	})
}

func (v *Views) fspy(data []byte) error {
	if bytes.HasPrefix(data, []byte("fspy")) {
		if len(data) < 16 {
			return errors.New("cut short")
		}
		if n := binary.LittleEndian.Uint32(data[4:]); n != 1 {
			return fmt.Errorf("fSpy project version %d is not read, 1 is", n)
		}
		n := int64(binary.LittleEndian.Uint32(data[8:]))
		if 16+n > int64(len(data)) {
			return errors.New("cut short")
		}
		data = data[16 : 16+n]
	}
	type params struct {
		PrincipalPoint struct{ X, Y float64 } `json:"principalPoint"`
		Transform      struct {
			Rows [][]float64 `json:"rows"`
		} `json:"cameraTransform"`
		HFOV   float64 `json:"horizontalFieldOfView"`
		Width  int     `json:"imageWidth"`
		Height int     `json:"imageHeight"`
	}
	var doc struct {
		params
		Nested *params `json:"cameraParameters"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("is not an fSpy project: %w", err)
	}
	p := &doc.params
	if doc.Nested != nil {
		p = doc.Nested
	}
	r := p.Transform.Rows
	if len(r) != 4 || len(r[0]) != 4 || len(r[1]) != 4 || len(r[2]) != 4 {
		return errors.New("holds no solved camera; finish the solution in fSpy first")
	}
	if p.Width < 1 || p.Height < 1 || !(p.HFOV > 0 && p.HFOV < math.Pi) {
		return errors.New("lacks the picture's size or a field of view")
	}
	// The transform goes from camera (right, up, backward) to world.
	var rows mat
	for i := range 3 {
		for j := range 3 {
			rows[i][j] = r[j][i]
		}
	}
	w, h := float64(p.Width), float64(p.Height)
	half := math.Max(w, h) / 2 // fSpy's image plane: 1 is half the longer side
	pp := [2]float64{w/2 + p.PrincipalPoint.X*half, h/2 - p.PrincipalPoint.Y*half}
	v.Notes = append(v.Notes, "fSpy's axes and unit are those chosen there; they are metres east, north, up only if they were chosen so")
	return v.add("fspy", p.Width, p.Height, [3]float64{r[0][3], r[1][3], r[2][3]}, mul(transpose(glAxes), rows), w/2/math.Tan(p.HFOV/2), pp, 0)
}

func (v *Views) gltf(data []byte, ctx Context) error {
	if bytes.HasPrefix(data, []byte("glTF")) {
		if len(data) < 20 || binary.LittleEndian.Uint32(data[16:]) != 0x4E4F534A {
			return errors.New("the GLB does not begin with its JSON")
		}
		n := int64(binary.LittleEndian.Uint32(data[12:]))
		if 20+n > int64(len(data)) {
			return errors.New("the GLB is cut short")
		}
		data = data[20 : 20+n]
	}
	var doc struct {
		Nodes []struct {
			Name        string      `json:"name"`
			Camera      *int        `json:"camera"`
			Children    []int       `json:"children"`
			Translation *[3]float64 `json:"translation"`
			Rotation    *[4]float64 `json:"rotation"`
			Scale       *[3]float64 `json:"scale"`
			Matrix      []float64   `json:"matrix"`
		} `json:"nodes"`
		Cameras []struct {
			Name        string `json:"name"`
			Type        string `json:"type"`
			Perspective struct {
				Aspect float64 `json:"aspectRatio"`
				YFov   float64 `json:"yfov"`
			} `json:"perspective"`
			Extras json.RawMessage `json:"extras"`
		} `json:"cameras"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("is not glTF: %w", err)
	}
	if len(doc.Nodes) > 100_000 {
		return fmt.Errorf("has %d nodes, at most 100000 are read", len(doc.Nodes))
	}
	parent := make([]int, len(doc.Nodes))
	for i := range parent {
		parent[i] = -1
	}
	for i, n := range doc.Nodes {
		for _, c := range n.Children {
			if c < 0 || c >= len(parent) || parent[c] >= 0 {
				return fmt.Errorf("node %d: child %d is not there or has two parents", i, c)
			}
			parent[c] = i
		}
	}
	for i, n := range doc.Nodes {
		if n.Camera == nil {
			continue
		}
		if *n.Camera < 0 || *n.Camera >= len(doc.Cameras) {
			return fmt.Errorf("node %d names camera %d, which is not there", i, *n.Camera)
		}
		cam := doc.Cameras[*n.Camera]
		name := n.Name
		if name == "" {
			name = cam.Name
		}
		if name == "" {
			name = "camera " + strconv.Itoa(i)
		}
		if cam.Type != "perspective" {
			v.Notes = append(v.Notes, fmt.Sprintf("%s is an orthographic camera and was left out", name))
			continue
		}
		// From the camera up to the root; depth is bounded by the node count.
		r, t := mat{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, [3]float64{}
		steps := 0
		for k := i; k >= 0; k = parent[k] {
			if steps++; steps > len(doc.Nodes) {
				return errors.New("the nodes are their own parents")
			}
			m, at := mat{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, [3]float64{}
			d := doc.Nodes[k]
			if len(d.Matrix) == 16 {
				for a := range 3 {
					for b := range 3 {
						m[a][b] = d.Matrix[4*b+a]
					}
					at[a] = d.Matrix[12+a]
				}
			} else {
				if q := d.Rotation; q != nil {
					l := math.Sqrt(q[0]*q[0] + q[1]*q[1] + q[2]*q[2] + q[3]*q[3])
					if !(l > 0.5 && l < 2) {
						return fmt.Errorf("node %d: the rotation has length %g", k, l)
					}
					m = matrix([4]float64{q[3] / l, q[0] / l, q[1] / l, q[2] / l})
				}
				if s := d.Scale; s != nil {
					for a := range 3 {
						for b := range 3 {
							m[a][b] *= s[b]
						}
					}
				}
				if d.Translation != nil {
					at = *d.Translation
				}
			}
			r = mul(m, r)
			var o [3]float64
			for a := range 3 {
				o[a] = at[a] + m[a][0]*t[0] + m[a][1]*t[1] + m[a][2]*t[2]
			}
			t = o
		}
		// A uniform scale above a camera moves it and leaves its direction.
		l := math.Sqrt(r[0][0]*r[0][0] + r[1][0]*r[1][0] + r[2][0]*r[2][0])
		if !(l > 1e-9) {
			return fmt.Errorf("%s: its axes have no length", name)
		}
		for a := range 3 {
			for b := range 3 {
				r[a][b] /= l
			}
		}
		var x struct {
			Width  int         `json:"width"`
			Height int         `json:"height"`
			Focal  float64     `json:"focal_px"`
			PP     *[2]float64 `json:"principal_point"`
			K1     float64     `json:"k1"`
		}
		if len(cam.Extras) > 0 {
			_ = json.Unmarshal(cam.Extras, &x) // extras are anybody's; ours are optional
		}
		if x.Width < 1 || x.Height < 1 {
			x.Width, x.Height = ctx.Width, ctx.Height
		}
		if x.Width < 1 || x.Height < 1 {
			return fmt.Errorf("%s: glTF does not say how many pixels the picture has; give its size", name)
		}
		if !(cam.Perspective.YFov > 0 && cam.Perspective.YFov < math.Pi) {
			return fmt.Errorf("%s: the vertical field of view is %g radians", name, cam.Perspective.YFov)
		}
		if a := cam.Perspective.Aspect; a > 0 && math.Abs(a*float64(x.Height)/float64(x.Width)-1) > 0.01 {
			v.Notes = append(v.Notes, fmt.Sprintf("%s: the aspect ratio %.3f is not that of a picture of %d x %d pixels", name, a, x.Width, x.Height))
		}
		f := float64(x.Height) / 2 / math.Tan(cam.Perspective.YFov/2)
		if x.Focal > 0 && math.Abs(x.Focal/f-1) < 1e-6 {
			f = x.Focal // the same number, without the detour through an angle
		}
		pp := [2]float64{float64(x.Width) / 2, float64(x.Height) / 2}
		if x.PP != nil {
			pp = *x.PP
		} else {
			v.Notes = append(v.Notes, name+": glTF knows no lens shift; the principal point is taken as the centre")
		}
		rows := mul(mul(transpose(glAxes), transpose(r)), glWorld)
		if err := v.add(name, x.Width, x.Height, [3]float64{t[0], -t[2], t[1]}, rows, f, pp, x.K1); err != nil {
			return err
		}
	}
	return nil
}

func (v *Views) kml(data []byte, ctx Context) error {
	if ctx.Frame == nil {
		return errors.New("has latitudes and longitudes; give the frame of the scene they shall go into")
	}
	type camera struct {
		Longitude float64 `xml:"longitude"`
		Latitude  float64 `xml:"latitude"`
		Altitude  float64 `xml:"altitude"`
		Heading   float64 `xml:"heading"`
		Tilt      float64 `xml:"tilt"`
		Roll      float64 `xml:"roll"`
		Mode      string  `xml:"altitudeMode"`
	}
	type overlay struct {
		Name     string `xml:"name"`
		Camera   *camera
		Extended []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value"`
		} `xml:"ExtendedData>Data"`
		Volume *struct {
			Left   float64 `xml:"leftFov"`
			Right  float64 `xml:"rightFov"`
			Bottom float64 `xml:"bottomFov"`
			Top    float64 `xml:"topFov"`
		} `xml:"ViewVolume"`
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("is not KML: %w", err)
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "PhotoOverlay" {
			continue
		}
		var o overlay
		if err := d.DecodeElement(&o, &e); err != nil {
			return fmt.Errorf("is not KML: %w", err)
		}
		if o.Camera == nil || o.Volume == nil {
			v.Notes = append(v.Notes, fmt.Sprintf("photo %q has no camera or no view volume and was left out", o.Name))
			continue
		}
		c := o.Camera
		if c.Mode != "absolute" {
			return fmt.Errorf("photo %q: the altitude is %q; only absolute altitudes are read", o.Name, c.Mode)
		}
		g := where.Geodetic{Lat: where.Degrees(c.Latitude), Lon: where.Degrees(c.Longitude)}
		if err := g.Check(); err != nil {
			return fmt.Errorf("photo %q: %w", o.Name, err)
		}
		g.H = where.Metres(c.Altitude) + where.Geoid(g.Lat, g.Lon)
		w, h, k1 := float64(ctx.Width), float64(ctx.Height), 0.0
		for _, x := range o.Extended {
			n, err := strconv.ParseFloat(x.Value, 64)
			if err != nil {
				continue
			}
			switch x.Name {
			case "width":
				w = n
			case "height":
				h = n
			case "k1":
				k1 = n
			}
		}
		if !(w >= 1 && h >= 1 && w <= 1e6 && h <= 1e6) {
			return fmt.Errorf("photo %q: KML does not say how many pixels the picture has; give its size", o.Name)
		}
		l, r, u, b := math.Tan(-o.Volume.Left/deg), math.Tan(o.Volume.Right/deg), math.Tan(o.Volume.Top/deg), math.Tan(-o.Volume.Bottom/deg)
		if !(l+r > 0 && u+b > 0) {
			return fmt.Errorf("photo %q: its view volume is empty", o.Name)
		}
		f := w / (l + r)
		if g := h / (u + b); math.Abs(g/f-1) > 0.01 {
			v.Notes = append(v.Notes, fmt.Sprintf("photo %q: across and down the field of view differ as if pixels were not square (%.0f, %.0f px)", o.Name, f, g))
		}
		p := ctx.Frame.ENU(g)
		// Angles hold where the camera stands, the pose in the scene's frame.
		a := sight.Angles{Heading: c.Heading, Pitch: c.Tilt - 90, Roll: -c.Roll}
		rows := mul(matrix(a.Rotation()), ctx.Frame.Level(p))
		if err := v.add(o.Name, int(w), int(h), p, rows, f, [2]float64{f * l, f * u}, k1); err != nil {
			return err
		}
	}
}
