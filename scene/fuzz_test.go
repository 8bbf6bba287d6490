package scene

import (
	"bytes"
	"os"
	"testing"

	"sightline/raster"
)

// tight limits keep a fuzzing process small; the readers must respect them.
var tight = Limits{Bytes: 1 << 20, Vertices: 20_000, Triangles: 20_000, Pixels: 1 << 18, Nodes: 200}

func checkPieces(t *testing.T, pieces []Piece, err error) {
	if err != nil {
		return
	}
	for i := range pieces {
		m := &pieces[i].Mesh
		if len(m.Triangles) > tight.Triangles || len(m.Positions) > tight.Vertices {
			t.Fatalf("limits are not kept: %d vertices, %d triangles", len(m.Positions), len(m.Triangles))
		}
		if err := m.Check(); err != nil {
			t.Fatalf("a mesh that cannot be drawn was returned: %v", err)
		}
	}
}

func FuzzGLB(f *testing.F) {
	m := raster.Mesh{Name: "m", Class: raster.Derived, Positions: [][3]float64{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, Triangles: [][3]uint32{{0, 1, 2}}, TriangleIDs: []uint32{1}, UV: make([][2]float64, 3)}
	b, err := WriteGLB([]Piece{{Mesh: m}}, "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"asset":{"version":"2.0"},"nodes":[{"children":[0]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ReadGLB(b, tight)
		checkPieces(t, p, err)
	})
}

func FuzzOBJ(f *testing.F) {
	f.Add([]byte("o a\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0.5 2 1\nvt 0 0\nf 1/1 2/1 3/1 4/1 5/1\nf -1 -2 -3\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ReadOBJ(b, tight)
		checkPieces(t, p, err)
	})
}

func FuzzPLY(f *testing.F) {
	f.Add([]byte("ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"))
	f.Add([]byte("ply\nformat binary_big_endian 1.0\nelement vertex 1\nproperty double x\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n0000000000000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ReadPLY(b, tight)
		checkPieces(t, p, err)
	})
}

func FuzzSTL(f *testing.F) {
	f.Add([]byte("solid x\nfacet\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendfacet\n"))
	f.Add(append(append(make([]byte, 80), 1, 0, 0, 0), make([]byte, 50)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ReadSTL(b, tight)
		checkPieces(t, p, err)
	})
}

func FuzzGeoTIFF(f *testing.F) {
	for _, c := range []int{1, 5, 8} {
		for _, big := range []bool{false, true} {
			f.Add(makeTIFF(tiffSpec{w: 9, h: 9, format: 3, bits: 32, compression: c, predictor: 3, tile: 16, big: big, epsg: 4326, nodata: "-9999", scale: [2]float64{1, 1}, value: func(x, y int) float64 { return float64(x) }}))
		}
	}
	f.Add(makeTIFF(tiffSpec{w: 9, h: 9, format: 2, bits: 16, predictor: 2, rows: 2, epsg: 32619, value: func(x, y int) float64 { return float64(x) }}))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ReadGeoTIFF(b, tight)
		if err != nil {
			return
		}
		if g.W*g.H > tight.Pixels {
			t.Fatal("limits are not kept")
		}
		g.info()
		if g.Located() == nil {
			g.sample(10.5, -67)
		}
	})
}

func FuzzHGT(f *testing.F) {
	f.Add("N10W068.hgt", make([]byte, 2*3*3))
	f.Add("S01E001.hgt.gz", []byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if g, err := ReadHGT(name, b, tight); err == nil {
			g.info()
			g.sample(10.5, -67.5)
		}
	})
}

func FuzzFootprints(f *testing.F) {
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"height":"3"},"geometry":{"type":"Polygon","coordinates":[[[0,0],[0.001,0],[0.001,0.001],[0,0]],[[0.0002,0.0001],[0.0004,0.0001],[0.0004,0.0002]]]}}]}`))
	f.Add([]byte(`{"elements":[{"type":"way","id":1,"geometry":[{"lat":0,"lon":0},{"lat":0,"lon":0.001},null,{"lat":0.001,"lon":0},{"lat":0,"lon":0}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<14 {
			return // ears are cut in quadratic time
		}
		bl := Builder{Read: func(string) ([]byte, error) { return b, nil }}
		r, err := bl.Build(&Spec{Format: SpecFormat, Frame: Frame{Vertical: "ellipsoid"}, Layers: []LayerSpec{{
			Provenance: Provenance{ID: "L-02", Class: "derived", Licence: "x"}, Buildings: &BuildingSpec{File: "x"}}}})
		if err != nil {
			return
		}
		p, err := r.Document.Pieces()
		if err != nil {
			t.Fatal(err)
		}
		for i := range p {
			if err := p[i].Mesh.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzSpec(f *testing.F) {
	if b, err := os.ReadFile("../demo/el-junquito/scene.json"); err == nil {
		f.Add(b)
	}
	f.Add([]byte(`{"format":"sightline.scene.spec/1","frame":{"origin":{"lat":1,"lon":2,"h":3},"vertical":"ellipsoid"},"layers":[{"id":"L-1","class":"derived","licence":"x","parts":[{"kind":"box","width_m":1,"length_m":1,"height_m":1}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSpec(b)
		if err != nil {
			return
		}
		if s.Terrain != nil {
			s.Terrain.Rings = []Ring{{20, 5}} // the number of posts is tested elsewhere
		}
		r, err := (&Builder{}).Build(s)
		if err != nil {
			return
		}
		if _, err := LoadFrom(r.Open); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasSuffix(r.Files["scene.json"], []byte("}\n")) {
			t.Fatal("scene.json does not end in a line feed")
		}
	})
}
