package sightline

import "sightline/when"

// Time is when something happened: an interval with the reason for it. The
// interval is in the case's one clock, UTC milliseconds; Printed keeps the
// words of the source beside the interval made from them.
type Time struct {
	when.Interval
	Zone      string `json:"zone,omitempty"`      // IANA name the source's time was read in
	Precision string `json:"precision,omitempty"` // about, minute, interval, before, after, day, estimate, derived, unknown
	Printed   string `json:"printed,omitempty"`   // as the source gives it
	Best      *int64 `json:"best,omitempty"`      // UTC ms, where a method or source names one value
	Status    string `json:"status,omitempty"`    // none, claimed, estimated, verified, disputed, refuted
	Basis     Text   `json:"basis,omitempty"`     // why this interval, in a sentence
	Inferred  bool   `json:"inferred,omitempty"`  // made by us from other times, drawn hatched
	Finding   string `json:"finding,omitempty"`   // the finding that derives it
	Whole     bool   `json:"whole,omitempty"`     // true: it lasted the whole interval; false: it happened somewhere inside it
}

// Place is where something was, in one of several forms. A place without a
// coordinate is normal: "safe house, El Junquito" is a label with a radius.
type Place struct {
	Role     string       `json:"role"` // camera, subject, caller, called, area
	Form     string       `json:"form"` // camera, point, area, named
	Label    Text         `json:"label,omitempty"`
	Geo      *Geo         `json:"geo,omitempty"`
	ENU      *[3]float64  `json:"enu,omitempty"`      // metres in the scene frame
	RadiusM  float64      `json:"radius_m,omitempty"` // 95 %, where only a radius is known
	Ellipse  *Ellipse     `json:"ellipse,omitempty"`  // 95 %
	Area     [][2]float64 `json:"area,omitempty"`     // ring of east, north metres
	Camera   *Camera      `json:"camera,omitempty"`
	Target   *[3]float64  `json:"target,omitempty"` // what the camera looks at, scene frame
	Approx   bool         `json:"approx,omitempty"` // printed with "approximate place" wherever it is shown
	Status   string       `json:"status,omitempty"` // none, claimed, estimated, verified, disputed, refuted
	Basis    Text         `json:"basis,omitempty"`
	Finding  string       `json:"finding,omitempty"`
	FuzzM    float64      `json:"fuzz_m,omitempty"` // public fuzz; above 0 withholds camera, frustum and projection
	Withheld bool         `json:"withheld,omitempty"`
}

// Geo is a WGS84 position. Datum names what the height is measured from.
type Geo struct {
	Lat   float64  `json:"lat"`             // degrees north
	Lon   float64  `json:"lon"`             // degrees east
	H     *float64 `json:"h,omitempty"`     // metres
	Datum string   `json:"datum,omitempty"` // ellipsoid, egm96, unknown
}

// Ellipse is a 95 % region on the ground.
type Ellipse struct {
	SemiMajorM float64 `json:"semi_major_m"`
	SemiMinorM float64 `json:"semi_minor_m"`
	BearingDeg float64 `json:"bearing_deg"` // of the major axis, clockwise from true north
}

// Camera is a pose as place.md of the methods documentation defines it:
// x right, y down, z forward; rotation [w,x,y,z] world to camera.
type Camera struct {
	Width      int         `json:"width"`
	Height     int         `json:"height"`
	Position   [3]float64  `json:"position"` // east, north, up, metres
	Rotation   [4]float64  `json:"rotation"`
	FocalPx    float64     `json:"focal_px"`
	Principal  [2]float64  `json:"principal_point"`
	K1         float64     `json:"k1,omitempty"`
	Covariance [][]float64 `json:"covariance,omitempty"` // 6x6, order e n u wx wy wz, m and rad
	Solved     bool        `json:"solved"`               // false: stated by somebody, drawn differently
}
