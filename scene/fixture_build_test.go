package scene

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealTile builds a part of a real 1 m surface model and compares the
// mesh with the stored heights at the posts: a chain from UTM cells to the
// frame and back.
func TestRealTile(t *testing.T) {
	dir := filepath.Join(fixtures(t), "dem")
	const name = "nrw_dom1_32_356_5699_1m_float32_utm32.tif"
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skip("the tile is not here")
	}
	// The middle of the tile, found by Newton's method on the projection.
	lat, lon := 51.43, 6.93
	crs := projectedCRS(25832)
	for range 20 {
		x, y := crs.forward(lat, lon)
		lat += (5_699_500 - y) / 111_200
		lon += (356_500 - x) / 69_400
	}
	b := Builder{Read: func(string) ([]byte, error) { return data, nil }}
	spec := &Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{lat, lon, 120}, Vertical: "ellipsoid"},
		Terrain: &TerrainSpec{Provenance: Provenance{ID: "L-01", Class: "measured", Licence: "dl-zero-de/2.0", AccuracyM: 0.3}, Rings: []Ring{{100, 1}, {480, 8}}, ToleranceM: 0.25,
			Grids: []GridSpec{{File: name, Vertical: "ellipsoid"}}}}
	r, err := b.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	f := r.Document.Layers[0].Terrain
	if f.ErrorMaxM > 0.2501 || f.MissingPosts != 0 || f.FilledPosts != 0 {
		t.Errorf("%+v", f)
	}
	g, err := ReadGeoTIFF(data, Defaults)
	if err != nil {
		t.Fatal(err)
	}
	fr := newFrame(r.Document.Frame.Origin)
	worst := 0.0
	for e := -90.0; e <= 90; e += 10 {
		for n := -90.0; n <= 90; n += 10 {
			u, ok := r.Document.Ground(e, n)
			if !ok {
				t.Fatalf("no ground at %v, %v", e, n)
			}
			la, lo, h := fr.geo([3]float64{e, n, u})
			z, _ := g.sample(la, lo)
			worst = max(worst, math.Abs(h-z))
		}
	}
	if worst > 0.2501 {
		t.Errorf("the mesh leaves the stored heights by %v m at tolerance 0.25", worst)
	}
	spec.Terrain.Grids[0].Vertical = ""
	r, err = b.Build(spec)
	if err != nil || len(r.Document.Layers[0].Warnings) == 0 || !strings.Contains(r.Document.Layers[0].Warnings[0], "vertical datum") {
		t.Errorf("an unknown datum gives no warning: %v", err)
	}
}

// TestRealBuildings: 498 footprints of west Caracas, none with a height, all
// drawn and all marked assumed.
func TestRealBuildings(t *testing.T) {
	dir := filepath.Join(fixtures(t), "osm")
	r, err := Build(&Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{10.468, -66.97, 900}, Vertical: "unknown"}, Layers: []LayerSpec{{
		Provenance: Provenance{ID: "L-02", Class: "derived", Licence: "ODbL-1.0", Attribution: "(c) OpenStreetMap contributors"},
		Buildings:  &BuildingSpec{File: "antimano_caracas_buildings.geojson", RadiusM: 12000}}}}, dir)
	if err != nil {
		t.Fatal(err)
	}
	l := r.Document.Layers[0]
	if *l.Buildings != (BuildingFacts{Count: 498, Assumed: 498, NoGround: 498, Repaired: l.Buildings.Repaired}) || l.Triangles != 12354 {
		t.Errorf("%+v, %d triangles", *l.Buildings, l.Triangles)
	}
	pieces, err := r.Document.Pieces()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pieces {
		if p.Mesh.Class.String() != "conjectural" {
			t.Errorf("%s is %v", p.Mesh.Name, p.Mesh.Class)
		}
	}
	if len(pieces) != 2 || len(pieces[0].Features) != 498 || pieces[0].Features[0].Basis != "assumed" {
		t.Error("the list of buildings is lost")
	}
}
