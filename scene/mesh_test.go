package scene

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sightline/raster"
)

// TestGroundHasNoCracks: in a terrain of several rings every inner edge
// belongs to exactly two triangles, the border is the square of the outer
// ring, and the mesh stays within its tolerance at all posts.
func TestGroundHasNoCracks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint32().Draw(t, "seed")
		tol := rapid.SampledFrom([]float64{0, 0.2, 2}).Draw(t, "tolerance")
		step := rapid.SampledFrom([]float64{2, 2.5, 3}).Draw(t, "step")
		rings := []Ring{{rapid.Float64Range(10, 30).Draw(t, "inner"), step}, {70, 4 * step}, {210, 16 * step}}
		h := func(e, n float64) (float64, quality) { return 40 * raster.Fbm(e/60, n/60, 4, seed), good }
		g, err := meshGround(h, rings, tol)
		if err != nil {
			t.Fatal(err)
		}
		type edge [2]uint32
		uses := map[edge]int{}
		area := 0.0
		for _, tr := range g.triangles {
			p, q, r := g.positions[tr[0]], g.positions[tr[1]], g.positions[tr[2]]
			a := (q[0]-p[0])*(r[1]-p[1]) - (r[0]-p[0])*(q[1]-p[1])
			if a <= 0 {
				t.Fatalf("triangle %v does not face up", tr)
			}
			area += a / 2
			for k := range 3 {
				a, b := tr[k], tr[(k+1)%3]
				uses[edge{min(a, b), max(a, b)}]++
			}
		}
		side := 2 * g.facts.Rings[2].ToM
		if math.Abs(area-side*side) > 1e-6*side*side {
			t.Fatalf("the mesh covers %v m2 of %v", area, side*side)
		}
		for e, n := range uses {
			a, b := g.positions[e[0]], g.positions[e[1]]
			border := false
			for k := range 2 {
				border = border || math.Abs(math.Abs(a[k])-side/2) < 1e-9 && a[k] == b[k]
			}
			if n != 2 && !border || n > 2 {
				t.Fatalf("edge %v to %v is used %d times", a, b, n)
			}
		}
		if g.facts.ErrorMaxM > tol+1e-4 {
			t.Fatalf("the mesh leaves the heights by %v m at tolerance %v", g.facts.ErrorMaxM, tol)
		}
	})
}

// TestGroundFollowsTheEllipsoid: a level sea meshed 5 km out falls 1.97 m
// below the frame's plane (place.md, section 2).
func TestGroundFollowsTheEllipsoid(t *testing.T) {
	s := tiffSpec{w: 40, h: 40, format: 3, bits: 32, epsg: 4326, scale: [2]float64{0.01, 0.01}, tie: [2]float64{-67.3, 10.7},
		value: func(x, y int) float64 { return 1000 }}
	spec := &Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{10.5, -67.1, 1000}, Vertical: "ellipsoid"},
		Terrain: &TerrainSpec{Provenance: Provenance{ID: "L-01", Class: "measured", Licence: "CC0-1.0"}, Rings: []Ring{{5100, 100}},
			Grids: []GridSpec{{File: "sea.tif", Vertical: "ellipsoid"}}}}
	b := Builder{Read: func(string) ([]byte, error) { return makeTIFF(s), nil }}
	r, err := b.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ e, n, want float64 }{{0, 0, 0}, {5000, 0, -1.959}, {0, 5000, -1.970}, {-3000, 4000, -1.966}} {
		u, ok := r.Document.Ground(c.e, c.n)
		if !ok || math.Abs(u-c.want) > 0.012 {
			t.Errorf("ground at %v,%v: %v, expected %v", c.e, c.n, u, c.want)
		}
	}
	// The same grid above EGM96 lies lower by the height of the geoid.
	spec.Terrain.Grids[0].Vertical = "egm96"
	r2, err := b.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := r2.Document.Ground(0, 0)
	if want := geoid(10.5, -67.1); math.Abs(u-want) > 0.01 || want > -10 || want < -25 {
		t.Errorf("orthometric ground at %v, geoid %v", u, want)
	}
}

// TestVoidInTerrain: the triangles of a filled void are kept apart and are
// conjectural, and a hole beyond reach stays a hole.
func TestVoidInTerrain(t *testing.T) {
	s := tiffSpec{w: 60, h: 60, format: 2, bits: 16, epsg: 4326, nodata: "-32768", scale: [2]float64{0.001, 0.001}, tie: [2]float64{-67.13, 10.53},
		value: func(x, y int) float64 {
			if x >= 28 && x < 32 && y >= 28 && y < 32 {
				return -32768
			}
			return 500
		}}
	b := Builder{Read: func(string) ([]byte, error) { return makeTIFF(s), nil }}
	r, err := b.Build(&Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{10.5, -67.1, 480}, Vertical: "egm96"},
		Terrain: &TerrainSpec{Provenance: Provenance{ID: "L-01", Class: "measured", Licence: "CC0-1.0"}, Rings: []Ring{{1500, 50}}, Grids: []GridSpec{{File: "a.tif", Vertical: "egm96"}}}})
	if err != nil {
		t.Fatal(err)
	}
	f := r.Document.Layers[0].Terrain
	if f.VoidCells != 16 || f.FilledPosts == 0 || f.MissingPosts != 0 {
		t.Errorf("%+v", f)
	}
	pieces, err := r.Document.Pieces()
	if err != nil {
		t.Fatal(err)
	}
	if len(pieces) != 2 || pieces[0].Mesh.Class != raster.Measured || pieces[1].Mesh.Class != raster.Conjectural {
		t.Fatalf("%d pieces", len(pieces))
	}
	if r.Document.Frame.StatedH == nil || *r.Document.Frame.StatedH != 480 {
		t.Error("the stated height of the origin is lost")
	}
	if u, ok := r.Document.Ground(0, 0); !ok || math.Abs(u-20) > 0.05 {
		t.Errorf("ground in the void %v %v, expected 20", u, ok)
	}
}

// star is a random simple polygon around a point.
func star(t *rapid.T, name string, cx, cy, lo, hi float64) []point2 {
	n := rapid.IntRange(3, 24).Draw(t, name+" corners")
	out := make([]point2, n)
	for i := range out {
		r := rapid.Float64Range(lo, hi).Draw(t, name)
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		out[i] = point2{cx + r*c, cy + r*s}
	}
	return out
}

// TestEarClip: the triangles of a polygon with holes have its area, face up
// and lie inside it.
func TestEarClip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		outer := star(t, "outer", 0, 0, 30, 60)
		var holes [][]point2
		for i := range rapid.IntRange(0, 4).Draw(t, "holes") {
			s, c := math.Sincos(float64(i) * math.Pi / 2)
			if len(outer) >= 8 { // the inner radius of fewer corners is too small
				holes = append(holes, star(t, "hole", 12*c, 12*s, 1, 5))
			}
		}
		pts, tris, err := earClip(outer, holes)
		if err != nil {
			t.Fatal(err)
		}
		want := math.Abs(area2(outer))
		for _, h := range holes {
			want -= math.Abs(area2(h))
		}
		got := 0.0
		for _, k := range tris {
			a := orient(pts[k[0]], pts[k[1]], pts[k[2]])
			if a < 0 {
				t.Fatalf("triangle %v faces down", k)
			}
			got += a
			mid := point2{(pts[k[0]][0] + pts[k[1]][0] + pts[k[2]][0]) / 3, (pts[k[0]][1] + pts[k[1]][1] + pts[k[2]][1]) / 3}
			if a > 1e-6 && !contains(outer, mid) {
				t.Fatalf("triangle %v lies outside", k)
			}
			for _, h := range holes {
				if a > 1e-6 && contains(h, mid) {
					t.Fatalf("triangle %v lies in a hole", k)
				}
			}
		}
		if math.Abs(got-want) > 1e-6*want {
			t.Fatalf("area %v, expected %v", got/2, want/2)
		}
	})
}

// TestGLBRoundTrip: what is written is read back, to the last bit of a 32-bit
// float.
func TestGLBRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pieces []Piece
		for i := range rapid.IntRange(1, 3).Draw(t, "pieces") {
			m := raster.Mesh{Name: fmt.Sprint("piece ", i), Class: raster.Class(1 + i), Kind: raster.Kind(i), Material: raster.Material(i)}
			n := rapid.IntRange(3, 30).Draw(t, "vertices")
			for range n {
				var p [3]float64
				for k := range p {
					p[k] = float64(float32(rapid.Float64Range(-5000, 5000).Draw(t, "x"))) + 0 // no negative zero in a file
				}
				m.Positions = append(m.Positions, p)
			}
			for range rapid.IntRange(1, 20).Draw(t, "triangles") {
				var k [3]uint32
				for j := range k {
					k[j] = uint32(rapid.IntRange(0, n-1).Draw(t, "i"))
				}
				m.Triangles = append(m.Triangles, k)
			}
			if rapid.Bool().Draw(t, "uv") {
				for range n {
					m.UV = append(m.UV, [2]float64{float64(float32(rapid.Float64Range(0, 1).Draw(t, "u"))), 0.5})
				}
			}
			pieces = append(pieces, Piece{Mesh: m, Object: fmt.Sprintf("S-%02d", i)})
		}
		b, err := WriteGLB(pieces, "x")
		if err != nil {
			t.Fatal(err)
		}
		again, _ := WriteGLB(pieces, "x")
		if !bytes.Equal(b, again) {
			t.Fatal("other bytes the second time")
		}
		got, err := ReadGLB(b, Defaults)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(pieces) {
			t.Fatalf("%d pieces of %d", len(got), len(pieces))
		}
		for i := range got {
			a, w := &got[i].Mesh, &pieces[i].Mesh
			if fmt.Sprint(a.Positions, a.Triangles, a.UV, a.Class, a.Kind, a.Material, a.Name, got[i].Object) != fmt.Sprint(w.Positions, w.Triangles, w.UV, w.Class, w.Kind, w.Material, w.Name, pieces[i].Object) {
				t.Fatalf("piece %d changed: %+v", i, got[i])
			}
		}
	})
}

// TestGLBTextureAndFeatures: textures and numbers of buildings survive.
func TestGLBTextureAndFeatures(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 2, 2))
	img.Set(1, 0, color.RGBA{200, 10, 20, 255})
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	m := raster.Mesh{Name: "two", Class: raster.Derived, Positions: [][3]float64{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {5, 0, 0}, {6, 0, 0}, {5, 1, 0}}, Triangles: [][3]uint32{{0, 1, 2}, {3, 4, 5}},
		TriangleIDs: []uint32{1, 2}, UV: make([][2]float64, 6), Colour: color.NRGBA{255, 255, 255, 255}}
	b, err := WriteGLB([]Piece{{Mesh: m, Image: file.Bytes(), ImageType: "image/png", Features: []Feature{{Number: 1, ID: "way/1", HeightM: 3, Basis: "assumed"}}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadGLB(b, Defaults)
	if err != nil {
		t.Fatal(err)
	}
	p := got[0]
	if fmt.Sprint(p.Mesh.TriangleIDs) != "[1 2]" || len(p.Features) != 1 || p.Features[0].ID != "way/1" {
		t.Errorf("features: %v %v", p.Mesh.TriangleIDs, p.Features)
	}
	if p.Mesh.Texture == nil || p.Mesh.Texture.Image.RGBAAt(1, 0) != (color.RGBA{200, 10, 20, 255}) || !bytes.Equal(p.Image, file.Bytes()) {
		t.Error("the texture changed")
	}
}

// TestHostileGLB: each fault is named in a sentence.
func TestHostileGLB(t *testing.T) {
	good := `{"asset":{"version":"2.0"},"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],"meshes":[{"primitives":[{"attributes":{"POSITION":0},"indices":1}]}],
		"buffers":[{"byteLength":42,"uri":"data:application/octet-stream;base64,AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAAAAABAAIA"}],
		"bufferViews":[{"buffer":0,"byteLength":36},{"buffer":0,"byteOffset":36,"byteLength":6}],
		"accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3"},{"bufferView":1,"componentType":5123,"count":3,"type":"SCALAR"}]}`
	if p, err := ReadGLB([]byte(good), Defaults); err != nil || len(p) != 1 || len(p[0].Mesh.Triangles) != 1 {
		t.Fatalf("the good file: %v %v", p, err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`data:application/octet-stream;base64,`, `../../etc/passwd?`, "outside the file"},
		{`data:application/octet-stream;base64,`, `http://example.org/x?`, "outside the file"},
		{`"nodes":[{"mesh":0}]`, `"nodes":[{"mesh":0,"children":[0]}]`, "refers to itself"},
		{`"nodes":[{"mesh":0}]`, `"nodes":[{"mesh":7}]`, "does not exist"},
		{`"nodes":[{"mesh":0}]`, `"nodes":[null]`, "does not exist"},
		{`"count":3,"type":"VEC3"`, `"count":30000000,"type":"VEC3"`, "beyond"},
		{`"count":3,"type":"VEC3"`, `"count":2,"type":"VEC3"`, "index"},
		{`"byteOffset":36`, `"byteOffset":9223372036854775807`, "beyond"},
		{`"asset"`, `"extensionsRequired":["EXT_meshopt_compression"],"asset"`, "without compression"},
		{`"asset"`, `"extensionsRequired":["ACME_x"],"asset"`, "ACME_x"},
		{`"scenes":[{"nodes":[0]}]`, `"scene":5,"scenes":[{"nodes":[0]}]`, "does not exist"},
	} {
		if _, err := ReadGLB([]byte(strings.Replace(good, c.old, c.new, 1)), Defaults); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s -> %s: %v", c.old, c.new, err)
		}
	}
	lim := Defaults
	lim.Triangles = 0
	if _, err := ReadGLB([]byte(good), lim); err == nil || !strings.Contains(err.Error(), "triangles") {
		t.Errorf("limit of triangles: %v", err)
	}
}

func TestFootprints(t *testing.T) {
	over := `{"elements":[
	 {"type":"way","id":5,"tags":{"building":"yes","height":"12 m"},"geometry":[{"lat":10,"lon":-67},{"lat":10,"lon":-66.9999},{"lat":10.0001,"lon":-66.9999},{"lat":10,"lon":-67}]},
	 {"type":"relation","id":6,"tags":{"building":"school","building:levels":"2"},"members":[
	   {"type":"way","role":"outer","geometry":[{"lat":10,"lon":-67},{"lat":10,"lon":-66.999},{"lat":10.001,"lon":-66.999}]},
	   {"type":"way","role":"outer","geometry":[{"lat":10,"lon":-67},{"lat":10.001,"lon":-67},{"lat":10.001,"lon":-66.999}]},
	   {"type":"way","role":"inner","geometry":[{"lat":10.0002,"lon":-66.9998},{"lat":10.0002,"lon":-66.9996},{"lat":10.0004,"lon":-66.9996},{"lat":10.0002,"lon":-66.9998}]}]},
	 {"type":"way","id":7,"center":{"lat":10,"lon":-67},"tags":{"building":"yes"}},
	 {"type":"way","id":8,"tags":{"building":"yes"},"geometry":[{"lat":10,"lon":-67},{"lat":10,"lon":-66.9999},{"lat":10.0001,"lon":-66.9999}]}]}`
	list, skipped, err := ReadFootprints([]byte(over))
	if err != nil || len(list) != 2 || skipped != 2 {
		t.Fatalf("%d footprints, %d skipped, %v", len(list), skipped, err)
	}
	if list[1].ID != "relation/6" || len(list[1].Outer) != 5 || len(list[1].Inner) != 1 {
		t.Errorf("relation: %+v", list[1])
	}
	for _, c := range []struct {
		tags  map[string]string
		h     float64
		basis string
	}{
		{map[string]string{"height": "12 m"}, 12, "height"}, {map[string]string{"height": "7.5"}, 7.5, "height"}, {map[string]string{"height": "10'6\""}, 3.2004, "height"},
		{map[string]string{"height": "tall", "building:levels": "4"}, 12, "levels"}, {map[string]string{"building:levels": "2", "roof:levels": "1"}, 9, "levels"},
		{map[string]string{"building": "church"}, 12, "assumed"}, {map[string]string{"building": "yes"}, 5, "assumed"}, {map[string]string{"height": "-4"}, 5, "assumed"},
	} {
		if h, b := (&BuildingSpec{}).height(c.tags); math.Abs(h-c.h) > 1e-9 || b != c.basis {
			t.Errorf("%v: %v %s", c.tags, h, b)
		}
	}
	// A bow tie is drawn as its hull and counted; nothing is lost in silence.
	spec := &Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{10, -67, 100}, Vertical: "unknown"}, Layers: []LayerSpec{{
		Provenance: Provenance{ID: "L-02", Class: "derived", Licence: "ODbL-1.0"}, Buildings: &BuildingSpec{File: "b.geojson"}}}}
	bow := `{"type":"FeatureCollection","features":[
	 {"type":"Feature","id":"bow","properties":{"height":"9"},"geometry":{"type":"Polygon","coordinates":[[[-67,10],[-66.9998,10.0002],[-66.9998,10],[-67,10.0002],[-67,10]]]}},
	 {"type":"Feature","id":"line","properties":{},"geometry":{"type":"Polygon","coordinates":[[[-67,10],[-66.9999,10],[-66.9998,10],[-67,10]]]}},
	 {"type":"Feature","id":"far","properties":{},"geometry":{"type":"Polygon","coordinates":[[[-60,10],[-60,10.001],[-60.001,10],[-60,10]]]}},
	 {"type":"Feature","id":"point","properties":{},"geometry":{"type":"Point","coordinates":[-67,10]}}]}`
	b := Builder{Read: func(string) ([]byte, error) { return []byte(bow), nil }}
	r, err := b.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	if f := *r.Document.Layers[0].Buildings; f != (BuildingFacts{Count: 1, ByTag: 1, Skipped: 2, Repaired: 1, NoGround: 1, OutOfRange: 1}) {
		t.Errorf("%+v", f)
	}
	if w := strings.Join(r.Document.Layers[0].Warnings, "; "); !strings.Contains(w, "1 footprints cross themselves") {
		t.Errorf("the bow tie is not named: %s", w)
	}
}

func TestModels(t *testing.T) {
	obj := "o roof\nv 0 0 0\nv 2 0 0\nv 2 1 0\nv 1 0.4 0\nv 0 1 0\nf 1 2 3 4 5\n"
	p, err := ReadOBJ([]byte(obj), Defaults)
	if err != nil || len(p) != 1 || p[0].Mesh.Name != "roof" || len(p[0].Mesh.Triangles) != 3 {
		t.Fatalf("%+v %v", p, err)
	}
	area := 0.0
	for _, k := range p[0].Mesh.Triangles {
		q := p[0].Mesh.Positions
		area += orient(point2{q[k[0]][0], q[k[0]][1]}, point2{q[k[1]][0], q[k[1]][1]}, point2{q[k[2]][0], q[k[2]][1]}) / 2
	}
	if math.Abs(area-1.4) > 1e-9 {
		t.Errorf("a concave face has area %v, expected 1.4", area)
	}
	ply := "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0 255 0 0\n1 0 0 0 255 0\n0 1 0 0 0 255\n3 0 1 2\n"
	if p, err := ReadPLY([]byte(ply), Defaults); err != nil || len(p[0].Mesh.Triangles) != 1 || p[0].Mesh.VertexColours[1] != (color.NRGBA{0, 255, 0, 255}) {
		t.Errorf("PLY: %+v %v", p, err)
	}
	bin := []byte("ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n")
	for range 3 {
		bin = append(bin, 0, 0, 0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	bin = append(bin, 3, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0)
	if p, err := ReadPLY(bin, Defaults); err != nil || p[0].Mesh.Positions[2] != [3]float64{1, 0, 0} {
		t.Errorf("binary PLY: %+v %v", p, err)
	}
	stl := "solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid\n"
	if p, err := ReadSTL([]byte(stl), Defaults); err != nil || len(p[0].Mesh.Positions) != 3 {
		t.Errorf("STL: %+v %v", p, err)
	}
	sb := make([]byte, 84+50)
	sb[80] = 1
	sb[84+12+3], sb[84+12+2] = 0x3f, 0x80
	if p, err := ReadSTL(sb, Defaults); err != nil || len(p[0].Mesh.Triangles) != 1 || len(p[0].Mesh.Positions) != 2 {
		t.Errorf("binary STL: %+v %v", p, err)
	}
	for _, bad := range []string{"v 0 0\nf 1 1 1\n", "v 0 0 0\nf 1 2 3\n", "v 0 0 nan\n", "v 1 2 3\n", "f 1 2 3\n", ""} {
		if _, err := ReadOBJ([]byte(bad), Defaults); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// TestPlacedModel: a model file stands where the spec says, turned and scaled.
func TestPlacedModel(t *testing.T) {
	b := Builder{Read: func(string) ([]byte, error) { return []byte("v 0 0 0\nv 0 2 0\nv 0 0 3\nf 1 2 3\n"), nil }}
	r, err := b.Build(&Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{1, 2, 3}, Vertical: "ellipsoid"}, Layers: []LayerSpec{{
		Provenance: Provenance{ID: "L-01", Class: "from_plans", Licence: "own"}, Models: []ModelSpec{{File: "a.obj", Object: "S-01", At: [3]float64{100, 50, 7}, HeadingDeg: 90, Scale: 10}}}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Document.Meshes()
	if err != nil {
		t.Fatal(err)
	}
	// y of the model points along heading 90: east.
	want := [][3]float64{{100, 50, 7}, {120, 50, 7}, {100, 50, 37}}
	for i, p := range m[0].Positions {
		for k := range p {
			if math.Abs(p[k]-want[i][k]) > 1e-4 {
				t.Fatalf("vertex %d at %v, expected %v", i, p, want[i])
			}
		}
	}
	if m[0].Class != raster.FromPlans {
		t.Errorf("class %v", m[0].Class)
	}
	if o, ok := r.Document.Object("S-01"); !ok || o.Height != 30 || o.Position != [3]float64{110, 50, 7} {
		t.Errorf("object %+v", o)
	}
}

// TestDocument: the folder is read back, a changed byte is found, and a
// changed origin no longer fits its id.
func TestDocument(t *testing.T) {
	r, err := Build(demoSpec(t), "")
	if err != nil {
		t.Fatal(err)
	}
	r2, err := Build(demoSpec(t), "")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, n := range r.Names() {
		if !bytes.Equal(r.Files[n], r2.Files[n]) {
			t.Errorf("%s: other bytes the second time", n)
		}
		total += len(r.Files[n])
	}
	if total > 1_500_000 {
		t.Errorf("the scene has %d bytes: the base is to be below 1.5 MB", total)
	}
	dir := t.TempDir()
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	d, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range d.Layers {
		if l.Class != "conjectural" {
			t.Errorf("layer %s is %s: nothing at El Junquito is measured", l.ID, l.Class)
		}
	}
	if d.Approximate == nil || d.Approximate.RadiusM != 3000 || d.Approximate.Label["es"] == "" {
		t.Error("the place is not marked approximate")
	}
	house, ok := d.Object("S-01")
	if !ok || len(house.Points) < 6 {
		t.Fatalf("house %+v", house)
	}
	if u, ok := d.Ground(0, 0); !ok || math.Abs(u) > 0.05 {
		t.Errorf("ground under the house: %v %v", u, ok)
	}
	terrace, _ := d.Object("S-02")
	if away := math.Hypot(terrace.Position[0], terrace.Position[1]); away < 80 || away > 120 || terrace.Position[2] < 5 {
		t.Errorf("terrace %v m away at %v", away, terrace.Position)
	}
	meshes, err := d.Meshes()
	if err != nil {
		t.Fatal(err)
	}
	// Points to click on are corners of the mesh, bit for bit.
	corner := map[[3]float64]bool{}
	for i := range meshes {
		for _, p := range meshes[i].Positions {
			corner[p] = true
		}
	}
	for _, p := range house.Points {
		if !strings.HasPrefix(p.ID, "S-01.foot") && !corner[p.At] {
			t.Errorf("point %s is no corner of the mesh", p.ID)
		}
	}
	// One byte of a mesh.
	b := append([]byte(nil), r.Files["l-02.glb"]...)
	b[len(b)-1] ^= 1
	if err := os.WriteFile(dir+"/l-02.glb", b, 0o644); err != nil {
		t.Fatal(err)
	}
	d, _ = Load(dir)
	if _, err := d.Pieces(); err == nil || !strings.Contains(err.Error(), "l-02.glb") {
		t.Errorf("a changed byte: %v", err)
	}
	moved := bytes.Replace(r.Files["scene.json"], []byte("10.4633"), []byte("10.4634"), 1)
	if _, err := Parse(moved); err == nil || !strings.Contains(err.Error(), "origin") {
		t.Errorf("a moved origin: %v", err)
	}
	for _, n := range []string{"../l-02.glb", "a/b.glb", `c:\x.glb`} {
		evil := bytes.Replace(r.Files["scene.json"], []byte(`"l-02.glb"`), []byte(mustJSON(n)), 1)
		if _, err := Parse(evil); err == nil {
			t.Errorf("file %q is accepted", n)
		}
	}
}

func mustJSON(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// TestSpecFaults: each fault of a spec is one sentence that names the field.
func TestSpecFaults(t *testing.T) {
	good, err := os.ReadFile("../demo/el-junquito/scene.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"lat": 10.4633`, `"lat": 104.633`, "latitude"},
		{`"vertical": "unknown"`, `"vertical": "sea"`, "vertical datum"},
		{`"width_m": 10.4`, `"widht_m": 10.4`, "widht_m"},
		{`"width_m": 10.4`, `"width_m": -10.4`, "a_frame S-01"},
		{`"class": "conjectural"`, `"class": "guessed"`, "class"},
		{`"class": "conjectural"`, `"class": "measured"`, "conjectural"},
		{`"licence": "CC0-1.0"`, `"licence": ""`, "licence"},
		{`"id": "L-03"`, `"id": "L-02"`, "L-02"},
		{`"id": "L-03"`, `"id": "../L"`, "letters"},
		{`"kind": "a_frame"`, `"kind": "castle"`, "kind"},
		{`"step_m": 2.5`, `"step_m": 0.001`, "ring"},
		{`"format": "sightline.scene.spec/1"`, `"format": "x"`, "format"},
	} {
		s, err := ParseSpec([]byte(strings.Replace(string(good), c.old, c.new, 1)))
		if err == nil {
			_, err = Build(s, "")
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s -> %s: %v", c.old, c.new, err)
		}
	}
	b := `{"format":"sightline.scene.spec/1","frame":{"origin":{"lat":1,"lon":2,"h":3},"vertical":"ellipsoid"},"layers":[{"id":"L-1","title":{},"class":"derived","licence":"x","models":[{"file":"../../secret.obj"}]}]}`
	s, err := ParseSpec([]byte(b))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(s, t.TempDir()); err == nil || !strings.Contains(err.Error(), "outside the folder") {
		t.Errorf("a path out of the folder: %v", err)
	}
}

// TestSchema: built documents are valid against the JSON Schema; the small
// validator below knows the keywords that the schema uses and refuses others.
func TestSchema(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	r, err := Build(demoSpec(t), "")
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(r.Files["scene.json"], &doc); err != nil {
		t.Fatal(err)
	}
	v := &validator{root: schema}
	if v.check(schema, doc, "$"); len(v.faults) > 0 {
		t.Errorf("%s", strings.Join(v.faults, "\n"))
	}
	doc.(map[string]any)["layers"].([]any)[0].(map[string]any)["class"] = "guessed"
	doc.(map[string]any)["surprise"] = 1
	v = &validator{root: schema}
	if v.check(schema, doc, "$"); len(v.faults) != 2 {
		t.Errorf("the validator finds %v", v.faults)
	}
}

type validator struct {
	root   map[string]any
	faults []string
}

func (v *validator) fail(path, format string, a ...any) {
	v.faults = append(v.faults, path+": "+fmt.Sprintf(format, a...))
}

func (v *validator) check(s map[string]any, x any, path string) {
	keys := make([]string, 0, len(s))
	for k := range s {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		switch a := s[k]; k {
		case "$schema", "$id", "$defs", "title", "description", "additionalProperties":
		case "$ref":
			name := strings.TrimPrefix(a.(string), "#/$defs/")
			v.check(v.root["$defs"].(map[string]any)[name].(map[string]any), x, path)
		case "type":
			ok := false
			for _, want := range list(a) {
				ok = ok || isType(want.(string), x)
			}
			if !ok {
				v.fail(path, "is not %v", a)
			}
		case "const":
			if x != a {
				v.fail(path, "is not %v", a)
			}
		case "enum":
			ok := false
			for _, e := range a.([]any) {
				ok = ok || x == e
			}
			if !ok {
				v.fail(path, "%v is not one of %v", x, a)
			}
		case "pattern":
			if str, ok := x.(string); ok && !regexp.MustCompile(a.(string)).MatchString(str) {
				v.fail(path, "%q does not match", str)
			}
		case "minimum":
			if f, ok := x.(float64); ok && f < a.(float64) {
				v.fail(path, "too small")
			}
		case "maximum":
			if f, ok := x.(float64); ok && f > a.(float64) {
				v.fail(path, "too large")
			}
		case "exclusiveMinimum", "exclusiveMaximum":
		case "minItems", "maxItems":
			if l, ok := x.([]any); ok && float64(len(l)) != a.(float64) {
				v.fail(path, "%d items", len(l))
			}
		case "minLength":
			if str, ok := x.(string); ok && str == "" {
				v.fail(path, "is empty")
			}
		case "required":
			if m, ok := x.(map[string]any); ok {
				for _, r := range a.([]any) {
					if _, has := m[r.(string)]; !has {
						v.fail(path, "lacks %v", r)
					}
				}
			}
		case "properties":
			m, ok := x.(map[string]any)
			if !ok {
				continue
			}
			for name, val := range m {
				if p, ok := a.(map[string]any)[name].(map[string]any); ok {
					v.check(p, val, path+"."+name)
				} else if s["additionalProperties"] == false {
					v.fail(path, "has the unknown field %q", name)
				}
			}
		case "items":
			if l, ok := x.([]any); ok {
				for i, e := range l {
					v.check(a.(map[string]any), e, fmt.Sprintf("%s[%d]", path, i))
				}
			}
		default:
			v.fail(path, "schema keyword %s is not known to the test", k)
		}
	}
}

func list(a any) []any {
	if l, ok := a.([]any); ok {
		return l
	}
	return []any{a}
}

func isType(want string, x any) bool {
	switch want {
	case "object":
		_, ok := x.(map[string]any)
		return ok
	case "array":
		_, ok := x.([]any)
		return ok
	case "string":
		_, ok := x.(string)
		return ok
	case "number":
		_, ok := x.(float64)
		return ok
	case "integer":
		f, ok := x.(float64)
		return ok && f == math.Trunc(f)
	case "boolean":
		_, ok := x.(bool)
		return ok
	case "null":
		return x == nil
	}
	return false
}
