package main

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"sync"

	"sightline"
	"sightline/publish"
	"sightline/raster"
	"sightline/scene"
	"sightline/when"
)

// stills draws the pictures of an edition with the software renderer: the
// scene in the paper style, the named objects of the scene, and the selected
// item where it has a place.
type stills struct {
	open func(name string) ([]byte, error) // a file of the scene folder

	once sync.Once
	doc  *scene.Document
	prep *raster.Prepared
	err  error
}

func (s *stills) load() {
	s.once.Do(func() {
		if s.doc, s.err = scene.LoadFrom(s.open); s.err != nil {
			return
		}
		ms, err := s.doc.Meshes()
		if err != nil {
			s.err = err
			return
		}
		s.prep, s.err = raster.Prepare(raster.Scene{Meshes: ms})
	})
}

var (
	ink  = color.NRGBA{0x17, 0x19, 0x1B, 0xFF}
	pale = color.NRGBA{0x50, 0x56, 0x5B, 0xFF}
)

// draw renders one still.
func (s *stills) draw(_ context.Context, q publish.StillRequest) (publish.Picture, error) {
	s.load()
	if s.err != nil {
		return publish.Picture{}, fmt.Errorf("failed to open the scene: %w", s.err)
	}
	v := q.View.Camera
	if v == nil {
		v = &sightline.ViewCamera{Eye: [3]float64{-150, -190, 95}, Target: [3]float64{10, 10, 0}, VFovDeg: 45}
	}
	cam, err := raster.LookAt(s.clear(v.Eye), v.Target, v.VFovDeg, q.Width, q.Height)
	if err != nil {
		return publish.Picture{}, fmt.Errorf("the view cannot be drawn: %w", err)
	}
	over := &raster.Scene{}
	for _, o := range s.doc.Objects {
		if o.Label.In(q.Lang) == "" {
			continue
		}
		at := o.Position
		at[2] += o.Height
		over.Labels = append(over.Labels, raster.Label{At: at, Text: o.Label.In(q.Lang, "en"), Hidden: o.Height > 0})
	}
	for _, it := range q.Doc.Items {
		if it.ID != q.View.Select {
			continue
		}
		s.item(over, it, q)
	}
	o := raster.Options{Style: raster.Paper, Samples: 2, Workers: 2, Scale: float64(q.Width) / 1120}
	if a := s.doc.Approximate; a != nil {
		o.Caption = a.Label.In(q.Lang, "en")
	}
	if q.Doc.Case.Exercise {
		o.Band = map[string]string{"es": "EJERCICIO - incidente ficticio"}[q.Lang]
		if o.Band == "" {
			o.Band = "EXERCISE - fictional incident"
		}
	}
	img, err := s.prep.RenderWith(cam, o, over)
	if err != nil {
		return publish.Picture{}, err
	}
	var buf bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(&buf, paletted(img.RGBA)); err != nil {
		return publish.Picture{}, err
	}
	return publish.Picture{Data: buf.Bytes(), Ext: ".png"}, nil
}

// clear lifts an eye that a view put below the ground.
func (s *stills) clear(eye [3]float64) [3]float64 {
	if u, ok := s.doc.Ground(eye[0], eye[1]); ok {
		eye[2] = math.Max(eye[2], u+1.6)
	}
	return eye
}

// item marks a selected item: its camera where one is public, its ellipse or
// radius, and its id. An approximate place is never a bare point, and a radius
// wider than the scene is said in the caption alone.
func (s *stills) item(over *raster.Scene, it *sightline.Item, q publish.StillRequest) {
	label := it.ID
	if len(it.Times) > 0 {
		if t := it.Times[0]; t.Min != nil || t.Max != nil {
			label += " " + when.Format(t.Interval, when.Display{Zone: q.Doc.Case.Zone, Lang: q.Lang, Approx: t.Precision == "about" || t.Precision == "estimate"})
		}
	}
	for _, p := range it.Places {
		at := [3]float64{}
		switch {
		case p.ENU != nil:
			at = *p.ENU
		case p.Camera != nil:
			at = p.Camera.Position
		default:
			continue
		}
		if p.Ellipse != nil {
			over.Ellipses = append(over.Ellipses, raster.Ellipse{Centre: [2]float64{at[0], at[1]}, SemiMajorM: p.Ellipse.SemiMajorM, SemiMinorM: p.Ellipse.SemiMinorM, BearingDeg: p.Ellipse.BearingDeg, Colour: ink, Fill: 0.08, Dashed: p.Approx})
		} else if p.RadiusM > 0 && p.RadiusM < 500 {
			over.Ellipses = append(over.Ellipses, raster.Ellipse{Centre: [2]float64{at[0], at[1]}, SemiMajorM: p.RadiusM, SemiMinorM: p.RadiusM, Colour: ink, Fill: 0.08, Dashed: true})
		}
		detail := ""
		if p.Approx {
			detail = map[string]string{"es": "lugar aproximado"}[q.Lang]
			if detail == "" {
				detail = "approximate place"
			}
		}
		over.Labels = append(over.Labels, raster.Label{At: at, Text: label, Detail: detail, Boxed: true})
	}
}
