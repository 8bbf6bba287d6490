package scene

import "sightline/where"

// frame is the document's frame with its conversions.
type frame struct{ where.Frame }

// freeze settles the origin: an orthometric height is converted to an
// ellipsoidal one and the given height is kept beside it.
func (b *build) freeze() error {
	f := &b.doc.Frame
	f.StatedH = nil
	if f.Vertical == "egm96" {
		stated := f.Origin.H
		f.StatedH = &stated
		f.Origin.H = round(stated+geoid(f.Origin.Lat, f.Origin.Lon), 1e-3)
	}
	b.frame = newFrame(f.Origin)
	return nil
}

func newFrame(o Origin) frame {
	return frame{where.NewFrame(where.Geodetic{Lat: where.Degrees(o.Lat), Lon: where.Degrees(o.Lon), H: where.Metres(o.H)})}
}

// geoid is the height of EGM96 above the ellipsoid in metres.
func geoid(lat, lon float64) float64 {
	return float64(where.Geoid(where.Degrees(lat), where.Degrees(lon)))
}

// enu converts degrees and ellipsoidal metres to the frame.
func (f frame) enu(lat, lon, h float64) [3]float64 {
	return [3]float64(f.ENU(where.Geodetic{Lat: where.Degrees(lat), Lon: where.Degrees(lon), H: where.Metres(h)}))
}

// geo converts a point of the frame to degrees and ellipsoidal metres.
func (f frame) geo(p [3]float64) (lat, lon, h float64) {
	g := f.Geodetic(where.ENU(p))
	return float64(g.Lat), float64(g.Lon), float64(g.H)
}
