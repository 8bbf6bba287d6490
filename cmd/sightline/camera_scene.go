package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"sightline/raster"
	"sightline/scene"
	"sightline/sight"
)

// surroundings loads the models that problems name, each once.
type surroundings struct {
	base string // folder that relative paths start from

	mu   sync.Mutex
	done map[string]loadedScene
}

type loadedScene struct {
	document *scene.Document // nil for a bare model file

	around *sight.Surroundings
	bodies []sight.Body
	points []sight.Candidate // corners of named things, for the next click
	err    error
}

func (s *surroundings) load(path string) loadedScene {
	if path == "" {
		return loadedScene{}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.base, path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.done[path]; ok {
		return l
	}
	if s.done == nil {
		s.done = map[string]loadedScene{}
	}
	l := readScene(path)
	s.done[path] = l
	return l
}

func readScene(path string) (l loadedScene) {
	st, err := os.Stat(path)
	if err != nil {
		return loadedScene{err: fmt.Errorf("scene: %w; name the folder of scene.json or a model file", err)}
	}
	var bodies []sight.Body
	if st.IsDir() {
		d, err := scene.Load(path)
		if err != nil {
			return loadedScene{err: err}
		}
		return sceneOf(d)
	} else {
		if st.Size() > scene.Defaults.Bytes {
			return loadedScene{err: fmt.Errorf("%s is larger than %d bytes; simplify it or build a scene from it", path, scene.Defaults.Bytes)}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return loadedScene{err: err}
		}
		pieces, err := scene.ReadModel(path, b, scene.Defaults)
		if err != nil {
			return loadedScene{err: fmt.Errorf("%s: %w", path, err)}
		}
		// A bare model says nothing about how it was made: it never counts as
		// measured, so it warns and does not decide.
		for i := range pieces {
			b := body(nil, &pieces[i], nil, nil)
			b.Measured = false
			if b.Name == "" {
				b.Name = filepath.Base(path)
			}
			bodies = append(bodies, b)
		}
	}
	l.bodies = bodies
	l.around, l.err = sight.NewSurroundings(bodies)
	if l.err != nil {
		l.err = fmt.Errorf("%s: %w", path, l.err)
	}
	return l
}

// sceneOf is a scene as the solver asks it, with the corners of named things.
func sceneOf(d *scene.Document) (l loadedScene) {
	l.document = d
	pieces, err := d.Pieces()
	if err != nil {
		return loadedScene{err: err}
	}
	accuracy := map[string]float64{}
	title := map[string]string{}
	for _, x := range d.Layers {
		accuracy[x.ID], title[x.ID] = x.AccuracyM, x.Title["en"]
	}
	var bodies []sight.Body
	for i := range pieces {
		bodies = append(bodies, body(d, &pieces[i], accuracy, title))
	}
	for _, o := range d.Objects {
		for _, p := range o.Points {
			c := sight.Candidate{ID: p.ID, World: p.At}
			if p.SigmaM > 0 {
				c.SigmaM = &sight.Triple{V: [3]float64{p.SigmaM, p.SigmaM, p.SigmaM}}
			}
			l.points = append(l.points, c)
		}
	}
	l.bodies = bodies
	if l.around, l.err = sight.NewSurroundings(bodies); l.err != nil {
		l.err = fmt.Errorf("the scene: %w", l.err)
	}
	return l
}

// body turns one mesh of a scene into what the solver asks about.
func body(d *scene.Document, p *scene.Piece, accuracy map[string]float64, title map[string]string) sight.Body {
	m := &p.Mesh
	b := sight.Body{
		Name: m.Name, Positions: m.Positions, Triangles: m.Triangles,
		Measured: m.Class == raster.Measured,
		Ground:   m.Kind == raster.Terrain,
		Solid:    m.Kind == raster.Solid && !m.NoOutline,
		SigmaM:   accuracy[p.Layer],
	}
	if d != nil {
		if o, ok := d.Object(p.Object); ok && o.Label["en"] != "" {
			b.Name = o.Label["en"] + " (" + o.ID + ")"
		} else if b.Name == "" || p.Object == "" && title[p.Layer] != "" {
			b.Name = title[p.Layer]
		}
	}
	if len(p.Features) > 0 && len(m.TriangleIDs) == len(m.Triangles) {
		names := map[uint32]string{}
		for _, f := range p.Features {
			switch {
			case f.Name != "":
				names[f.Number] = f.Name
			case f.ID != "":
				names[f.Number] = "building " + f.ID
			default:
				names[f.Number] = "building " + strconv.Itoa(int(f.Number))
			}
		}
		ids := m.TriangleIDs
		b.Part = func(t int) string { return names[ids[t]] }
	}
	return b
}
