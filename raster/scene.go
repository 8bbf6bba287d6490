package raster

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"sightline/sight"
)

// Scene is everything that can be drawn.
type Scene struct {
	Meshes []Mesh

	// Sun points from the scene to the sun (east, north, up; any length).
	// Zero: no sun, no shadow, even light.
	Sun [3]float64

	// Focus and FocusRadius (metres) name the part that gets the finest
	// shadows. Zero radius: the box around all meshes that are not terrain.
	Focus       [3]float64
	FocusRadius float64

	// ShadowCells is the side of the shadow maps in cells, 2048 where it is 0:
	// half of it makes shadows twice as coarse at a quarter of the work.
	ShadowCells int

	Lines    []Line
	Ellipses []Ellipse
	Wedges   []Wedge
	Frusta   []Frustum
	Markers  []Marker
	Labels   []Label
}

// Line is a polyline in the world.
type Line struct {
	Points  [][3]float64
	Colour  color.NRGBA
	WidthPx float64   // default 1.2
	Dash    []float64 // lengths in pixels, on and off in turn; nil: solid
	Hidden  Hidden    // what becomes of the part behind a surface
}

// Hidden says how the hidden part of a line is drawn.
type Hidden uint8

const (
	Drop   Hidden = iota // not at all
	Dotted               // as dots
	Shown                // like the visible part

	dottedBehind // as dots behind bodies, not at all below ground
)

// Ellipse is a region on the ground, laid over every terrain and road pixel
// inside it: usually a 95 % region of a position.
type Ellipse struct {
	Centre     [2]float64 // east, north
	SemiMajorM float64
	SemiMinorM float64
	BearingDeg float64 // of the major axis, clockwise from frame north
	Colour     color.NRGBA
	Fill       float64 // opacity of the inside, 0..1
	WidthPx    float64 // of the outline, default 1.4
	Dashed     bool    // approximate or claimed
}

// Wedge is a sector on the ground that fades with distance: a direction with
// its uncertainty.
type Wedge struct {
	Apex       [2]float64 // east, north
	HeadingDeg float64    // clockwise from frame north
	HalfDeg    float64    // half of the opening angle
	RangeM     float64
	Colour     color.NRGBA
	Fill       float64 // opacity at the apex
}

// Frustum is a camera drawn as a pyramid.
type Frustum struct {
	Camera  sight.Camera
	LengthM float64 // of the pyramid along the axis, default 6
	Colour  color.NRGBA
	WidthPx float64 // default 1.2
	Solved  bool    // false: stated by somebody, drawn dashed
}

// Shape of a marker.
type Shape uint8

const (
	Disc Shape = iota
	Ring
	Cross
	Square
)

// Marker is a mark of fixed size in pixels at a point. It has a light and a
// dark casing so that it shows on any ground.
type Marker struct {
	At       [3]float64
	Shape    Shape
	RadiusPx float64 // default 5
	Colour   color.NRGBA
	Text     string // one or two characters inside the disc
	Through  bool   // drawn even where a surface hides the point
}

// Label is text with a leader line to a point.
type Label struct {
	At     [3]float64
	Text   string
	Detail string     // second line in fixed width: an id, a coordinate
	Offset [2]float64 // pixels right and down from the point to the near corner of the text; zero: placed automatically
	Boxed  bool
	Hidden bool // draw even where a surface hides the point
}

// Style of a picture.
type Style uint8

const (
	Paper Style = iota // light schematic, to be read
	Photo              // as a camera would see it
)

// Options of one picture. The zero value is a paper still with contour lines
// chosen by distance.
type Options struct {
	Style Style

	// Samples a side of each pixel for smooth edges: 1, 2 or 3. Default 2.
	Samples int
	// NearM: surfaces nearer than this are not seen. Default 0.1 m.
	NearM float64
	// ContourM is the interval of contour lines on terrain in metres; every
	// fifth is drawn stronger. Zero: chosen from the view. Negative: none.
	ContourM float64
	// Shade adds light slope shading and the sun's shadow to the paper style,
	// 0..1.
	Shade float64
	// Plain switches the certainty textures of the paper style off.
	Plain bool

	// Seed of the invented surfaces, clouds and grain of the photo style.
	Seed uint32
	// Exposure multiplies the light of the photo style. Default 1.
	Exposure float64
	// Grain is the standard deviation of sensor noise in parts of full
	// scale. Default 0.012 in photos; negative: none.
	Grain float64
	// Vignette darkens the corners by this part. Default 0.18 in photos;
	// negative: none.
	Vignette float64
	// HazeM is the distance in metres at which haze hides two thirds of a
	// surface. Default 1800 in photos, 900 in paper; negative: none.
	HazeM float64
	// CloudCover of the photo's sky, 0..1. Default 0.4; negative: none.
	CloudCover float64

	// Scale multiplies text, line widths and marks: 2 for a still printed at
	// twice the density. Default 1.
	Scale float64
	// Caption stands in a box at the lower left: "Approximate place,
	// schematic".
	Caption string
	// Band stands across the top: "EXERCISE - fictional incident".
	Band string

	// BuffersOnly leaves the picture out and computes depth and ids.
	BuffersOnly bool
	// Workers share the rows of the picture. Default 1. The bytes do not
	// depend on it.
	Workers int
}

func (o Options) withDefaults() (Options, error) {
	photo := o.Style == Photo
	def := func(x *float64, paper, photoDef float64) {
		switch {
		case *x == 0 && photo:
			*x = photoDef
		case *x == 0:
			*x = paper
		case *x < 0:
			*x = 0
		}
	}
	for _, x := range []float64{o.NearM, o.ContourM, o.Shade, o.Exposure, o.Grain, o.Vignette, o.HazeM, o.CloudCover, o.Scale} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return o, errors.New("an option of the picture is not a number")
		}
	}
	if o.Samples == 0 {
		o.Samples = 2
	}
	if o.Samples < 1 || o.Samples > 3 {
		return o, fmt.Errorf("%d samples a side of a pixel: use 1, 2 or 3", o.Samples)
	}
	if o.Style > Photo {
		return o, fmt.Errorf("style %d is not known", o.Style)
	}
	def(&o.NearM, 0.1, 0.1)
	o.NearM = max(o.NearM, 1e-3)
	def(&o.Exposure, 1, 1)
	def(&o.Grain, 0, 0.012)
	def(&o.Vignette, 0, 0.18)
	if o.HazeM < 0 {
		o.HazeM = math.Inf(1)
	} else if def(&o.HazeM, 900, 1800); o.HazeM == 0 {
		o.HazeM = math.Inf(1)
	}
	def(&o.CloudCover, 0, 0.4)
	def(&o.Scale, 1, 1)
	if !(o.Scale >= 0.1 && o.Scale <= 20) {
		return o, fmt.Errorf("scale %v of the picture: use 0.1 to 20", o.Scale)
	}
	o.Shade = clamp(o.Shade, 0, 1)
	o.Workers = max(o.Workers, 1)
	return o, nil
}
