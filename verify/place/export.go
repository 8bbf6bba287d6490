package place

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sightline/sight"
	"sightline/where"
)

// Formats that [Export] writes.
var Formats = []string{"geopose", "kml", "gltf", "colmap", "csv"}

// File is one file of an export.
type File struct {
	Name string
	Data []byte
}

// Export writes solved cameras in another program's format. Cameras of one
// glTF or COLMAP export must share a frame.
func Export(format string, list []*Solved) ([]File, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("no solved camera to export")
	}
	switch format {
	case "geopose":
		return geoPose(list)
	case "kml":
		return kml(list)
	case "gltf":
		return gltf(list)
	case "colmap":
		return colmap(list)
	case "csv":
		return table(list)
	}
	return nil, fmt.Errorf("format %q is not written; use one of %s", format, strings.Join(Formats, ", "))
}

// located is a camera on the Earth.
type located struct {
	at      where.Geodetic
	rows    mat     // the camera's axes in the local east, north, up
	geoid   float64 // height of the geoid there
	sigmaH  float64 // of the vertical datum
	unknown bool
}

func (s *Solved) locate() (l located, err error) {
	f, sigma, err := s.frame()
	if err != nil {
		return l, err
	}
	p := where.ENU(*s.Answer.Position)
	l.at = f.Geodetic(p)
	level := f.Level(p)
	l.rows = mul(matrix(s.View.Camera.Rotation), transpose(level))
	l.geoid = float64(where.Geoid(l.at.Lat, l.at.Lon))
	l.sigmaH = sigma
	l.unknown = s.Problem.Frame.Vertical == "" || s.Problem.Frame.Vertical == "unknown"
	return l, nil
}

func (l *located) note() string {
	if l.unknown {
		return "the vertical datum of the scene is unknown; heights may be off by the height of the geoid (" + strconv.FormatFloat(l.geoid, 'f', 1, 64) + " m here)"
	}
	return "WGS 84; heights converted from the scene's datum"
}

func geoPose(list []*Solved) (out []File, err error) {
	for _, s := range list {
		l, err := s.locate()
		if err != nil {
			return nil, err
		}
		// Body axes in the local east, north, up are the columns of the rotation.
		q := quaternion(transpose(mul(bodyAxes, l.rows)))
		type xyzw struct {
			X float64 `json:"x"`
			Y float64 `json:"y"`
			Z float64 `json:"z"`
			W float64 `json:"w"`
		}
		pose := struct {
			Position struct {
				Lat float64 `json:"lat"`
				Lon float64 `json:"lon"`
				H   float64 `json:"h"`
			} `json:"position"`
			Quaternion xyzw `json:"quaternion"`
		}{Quaternion: xyzw{q[1], q[2], q[3], q[0]}}
		pose.Position.Lat, pose.Position.Lon, pose.Position.H = float64(l.at.Lat), float64(l.at.Lon), float64(l.at.H)
		c := s.View.Camera
		beside := map[string]any{
			"format": "sightline.camera.sidecar/1", "id": s.Answer.ID, "status": s.Answer.Status,
			"axes":  "GeoPose 1.0 Basic-Quaternion; body x forward (the view), y left, z up; position is WGS 84 with h above the ellipsoid",
			"image": s.Problem.Image, "focal_px": c.FocalPx, "principal_point": c.PrincipalPoint, "k1": c.K1,
			"covariance": s.Answer.Covariance, "covariance_order": s.Answer.CovarianceOrder, "covariance_frame": s.Problem.Frame,
			"ellipsoid95": s.Answer.Ellipsoid95, "vertical_sigma_m": l.sigmaH, "datum": l.note(), "input_sha256": s.Answer.InputSHA256, "software": s.Answer.Software,
		}
		a, err := json.MarshalIndent(pose, "", "  ")
		if err != nil {
			return nil, err
		}
		b, err := json.MarshalIndent(beside, "", "  ")
		if err != nil {
			return nil, err
		}
		name := safe(s.Answer.ID)
		out = append(out, File{name + ".geopose.json", append(a, '\n')}, File{name + ".sidecar.json", append(b, '\n')})
	}
	return out, nil
}

// safe makes an id a file name.
func safe(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, id)
}

const deg = 180 / math.Pi

func kml(list []*Solved) ([]File, error) {
	type data struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value"`
	}
	type overlay struct {
		Name        string `xml:"name"`
		Description string `xml:"description"`
		Camera      struct {
			Longitude    float64 `xml:"longitude"`
			Latitude     float64 `xml:"latitude"`
			Altitude     float64 `xml:"altitude"`
			Heading      float64 `xml:"heading"`
			Tilt         float64 `xml:"tilt"`
			Roll         float64 `xml:"roll"`
			AltitudeMode string  `xml:"altitudeMode"`
		} `xml:"Camera"`
		Extended []data `xml:"ExtendedData>Data"`
		Volume   struct {
			Left   float64 `xml:"leftFov"`
			Right  float64 `xml:"rightFov"`
			Bottom float64 `xml:"bottomFov"`
			Top    float64 `xml:"topFov"`
			Near   float64 `xml:"near"`
		} `xml:"ViewVolume"`
		Point struct {
			AltitudeMode string `xml:"altitudeMode"`
			Coordinates  string `xml:"coordinates"`
		} `xml:"Point"`
		Shape string `xml:"shape"`
	}
	doc := struct {
		XMLName  xml.Name  `xml:"http://www.opengis.net/kml/2.2 kml"`
		Name     string    `xml:"Document>name"`
		Overlays []overlay `xml:"Document>PhotoOverlay"`
	}{Name: "Solved cameras"}
	for _, s := range list {
		l, err := s.locate()
		if err != nil {
			return nil, err
		}
		c := s.View.Camera
		a := sight.Camera{Rotation: quaternion(l.rows)}.Angles()
		w, h := float64(c.Width), float64(c.Height)
		e := s.Answer.Ellipsoid95.SemiAxes
		var o overlay
		o.Name = s.Answer.ID
		o.Description = fmt.Sprintf("%s. With 95 %% within %.2f, %.2f and %.2f m (semi-axes). %s.", s.Answer.Status, e[0], e[1], e[2], l.note())
		// KML's absolute altitude is above the EGM96 geoid, its tilt is 0 looking
		// down, and its roll turns about the axis that points at the viewer.
		k := &o.Camera
		k.Longitude, k.Latitude, k.Altitude = float64(l.at.Lon), float64(l.at.Lat), float64(l.at.H)-l.geoid
		k.Heading, k.Tilt, k.Roll, k.AltitudeMode = a.Heading, 90+a.Pitch, -a.Roll, "absolute"
		v := &o.Volume
		v.Left, v.Right = -math.Atan(c.PrincipalPoint[0]/c.FocalPx)*deg, math.Atan((w-c.PrincipalPoint[0])/c.FocalPx)*deg
		v.Top, v.Bottom = math.Atan(c.PrincipalPoint[1]/c.FocalPx)*deg, -math.Atan((h-c.PrincipalPoint[1])/c.FocalPx)*deg
		v.Near = 10
		o.Point.AltitudeMode = "absolute"
		o.Point.Coordinates = fmt.Sprintf("%s,%s,%s", num(k.Longitude), num(k.Latitude), num(k.Altitude))
		o.Shape = "rectangle"
		o.Extended = []data{{"width", strconv.Itoa(c.Width)}, {"height", strconv.Itoa(c.Height)}, {"k1", num(c.K1)}, {"status", s.Answer.Status}, {"input_sha256", s.Answer.InputSHA256}}
		doc.Overlays = append(doc.Overlays, o)
	}
	b, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, err
	}
	return []File{{"cameras.kml", append([]byte(xml.Header), append(b, '\n')...)}}, nil
}

func num(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// sameFrame refuses cameras of different frames in one file.
func sameFrame(list []*Solved) error {
	for _, s := range list[1:] {
		a, b := list[0].Problem.Frame, s.Problem.Frame
		if (a == nil) != (b == nil) || a != nil && *a != *b {
			return fmt.Errorf("%q and %q were solved in different frames; export them apart", list[0].Answer.ID, s.Answer.ID)
		}
	}
	return nil
}

func gltf(list []*Solved) ([]File, error) {
	if err := sameFrame(list); err != nil {
		return nil, err
	}
	type perspective struct {
		AspectRatio float64 `json:"aspectRatio"`
		YFov        float64 `json:"yfov"`
		ZNear       float64 `json:"znear"`
	}
	type camera struct {
		Name        string         `json:"name"`
		Type        string         `json:"type"`
		Perspective perspective    `json:"perspective"`
		Extras      map[string]any `json:"extras"`
	}
	type node struct {
		Name        string     `json:"name"`
		Camera      int        `json:"camera"`
		Translation [3]float64 `json:"translation"`
		Rotation    [4]float64 `json:"rotation"`
	}
	doc := struct {
		Asset  map[string]any `json:"asset"`
		Scene  int            `json:"scene"`
		Scenes []struct {
			Nodes []int `json:"nodes"`
		} `json:"scenes"`
		Nodes   []node   `json:"nodes"`
		Cameras []camera `json:"cameras"`
	}{Asset: map[string]any{"version": "2.0", "generator": "sightline", "extras": map[string]any{
		"frame": list[0].Problem.Frame, "axes": "x = east, y = up, z = -north, metres from the frame's origin"}}}
	doc.Scenes = append(doc.Scenes, struct {
		Nodes []int `json:"nodes"`
	}{})
	for i, s := range list {
		c := s.View.Camera
		rows := mul(mul(glAxes, matrix(c.Rotation)), transpose(glWorld))
		q := quaternion(transpose(rows))
		p := c.Position
		doc.Nodes = append(doc.Nodes, node{s.Answer.ID, i, [3]float64{p[0], p[2], -p[1]}, [4]float64{q[1], q[2], q[3], q[0]}})
		doc.Cameras = append(doc.Cameras, camera{s.Answer.ID, "perspective",
			perspective{float64(c.Width) / float64(c.Height), 2 * math.Atan(float64(c.Height)/2/c.FocalPx), 0.1},
			map[string]any{"width": c.Width, "height": c.Height, "focal_px": c.FocalPx, "principal_point": c.PrincipalPoint, "k1": c.K1, "status": s.Answer.Status,
				"ellipsoid95": s.Answer.Ellipsoid95, "covariance": s.Answer.Covariance, "input_sha256": s.Answer.InputSHA256}})
		doc.Scenes[0].Nodes = append(doc.Scenes[0].Nodes, i)
	}
	b, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, err
	}
	return []File{{"cameras.gltf", append(b, '\n')}}, nil
}

func colmap(list []*Solved) ([]File, error) {
	if err := sameFrame(list); err != nil {
		return nil, err
	}
	head := "# metres east, north, up of the scene"
	if n := list[0].Problem.Frame; n != nil {
		head += fmt.Sprintf("; origin lat %s lon %s h %s (%s)", num(n.Origin.Lat), num(n.Origin.Lon), num(n.Origin.H), n.Vertical)
	}
	var cams, images bytes.Buffer
	fmt.Fprintf(&cams, "# Camera list with one line of data per camera:\n#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n%s\n", head)
	fmt.Fprintf(&images, "# Image list with two lines of data per image:\n#   IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME\n#   POINTS2D[] as (X, Y, POINT3D_ID)\n%s\n", head)
	for i, s := range list {
		c := s.View.Camera
		fmt.Fprintf(&cams, "%d SIMPLE_RADIAL %d %d %s %s %s %s\n", i+1, c.Width, c.Height, num(c.FocalPx), num(c.PrincipalPoint[0]), num(c.PrincipalPoint[1]), num(c.K1))
		r := matrix(c.Rotation)
		var t [3]float64
		for k := range 3 {
			for j := range 3 {
				t[k] -= r[k][j] * c.Position[j]
			}
		}
		q := c.Rotation
		fmt.Fprintf(&images, "%d %s %s %s %s %s %s %s %d %s\n\n", i+1, num(q[0]), num(q[1]), num(q[2]), num(q[3]), num(t[0]), num(t[1]), num(t[2]), i+1, strings.ReplaceAll(s.Answer.ID, "\n", " "))
	}
	return []File{{"cameras.txt", cams.Bytes()}, {"images.txt", images.Bytes()}, {"points3D.txt", []byte("# 3D point list: none\n")}}, nil
}

func table(list []*Solved) ([]File, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head := []string{"id", "status", "east_m", "north_m", "up_m", "lat", "lon", "h_ellipsoid_m", "height_egm96_m", "vertical", "heading_deg", "pitch_deg", "roll_deg", "focal_px", "hfov_deg", "cx_px", "cy_px", "k1",
		"sd_e_m", "sd_n_m", "sd_u_m", "semi1_m", "semi2_m", "semi3_m", "clicks", "agree", "redundancy", "weak_direction", "input_sha256", "software"}
	if err := w.Write(head); err != nil {
		return nil, err
	}
	for _, s := range list {
		a, c := s.Answer, s.View.Camera
		in := 0
		for _, r := range a.Residuals {
			if r.Inlier {
				in++
			}
		}
		lat, lon, h, hg, vertical := "", "", "", "", ""
		if s.Problem.Frame != nil {
			l, err := s.locate()
			if err != nil {
				return nil, err
			}
			lat, lon, h, hg, vertical = num(float64(l.at.Lat)), num(float64(l.at.Lon)), num(float64(l.at.H)), num(float64(l.at.H)-l.geoid), s.Problem.Frame.Vertical
			if l.unknown {
				hg, vertical = "", "unknown"
			}
		}
		red := ""
		if a.Redundancy != nil {
			red = strconv.Itoa(*a.Redundancy)
		}
		e := a.Ellipsoid95.SemiAxes
		sd := func(k int) string { return num(math.Sqrt(a.Covariance[k][k])) }
		row := []string{a.ID, a.Status, num(c.Position[0]), num(c.Position[1]), num(c.Position[2]), lat, lon, h, hg, vertical,
			num(a.Angles.Heading), num(a.Angles.Pitch), num(a.Angles.Roll), num(c.FocalPx), num(a.HFOVDeg), num(c.PrincipalPoint[0]), num(c.PrincipalPoint[1]), num(c.K1),
			sd(0), sd(1), sd(2), num(e[0]), num(e[1]), num(e[2]), strconv.Itoa(len(a.Residuals)), strconv.Itoa(in), red, a.WeakDirection.Text, a.InputSHA256, a.Software.Name + " " + a.Software.Version}
		for i := range row { // a spreadsheet must not run a cell
			if row[i] != "" && strings.ContainsAny(row[i][:1], "=@+\t\r") {
				row[i] = "'" + row[i]
			}
		}
		if err := w.Write(row); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return []File{{"cameras.csv", b.Bytes()}}, w.Error()
}
