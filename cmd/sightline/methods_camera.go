package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"sightline"
	"sightline/publish"
	"sightline/scene"
	"sightline/sight"
	"sightline/verify/place"
)

// caseScenes gives the scene of an open case; nil where a method has none at
// hand, as in a second look at an edition.
type caseScenes func(caseID string) loadedScene

func (s caseScenes) load(name string) loadedScene {
	switch {
	case name == "":
		return loadedScene{}
	case s == nil:
		return loadedScene{err: errors.New("scene: this question names a scene, which is not at hand here; leave it out")}
	}
	return s(name)
}

// cameraMethods are those of package sight. A problem is put into canonical
// JSON before it is answered, because a case stores it so and the seed of the
// solver and the digest in the answer count on the bytes: the finding in the
// log and its published copy then have the same answer as the live question.
func cameraMethods(scenes caseScenes) map[string]publish.Method {
	solve := func(b []byte, report bool) (*sight.Answer, []byte, error) {
		b, err := sightline.CanonicalJSON(b)
		if err != nil {
			return nil, nil, err
		}
		p, err := sight.ParseProblem(b)
		if err != nil {
			return nil, nil, err
		}
		o := sight.Options{Report: report}
		// A finding stands on the marks alone; what the scene says of it is advice.
		if p.Scene != "" && !report {
			return nil, nil, errors.New(`scene: camera.solve answers from the marks alone; ask "camera.report" what the scene says`)
		}
		if report {
			l := scenes.load(p.Scene)
			if l.err != nil {
				return nil, nil, l.err
			}
			o.Scene = l.around
			if len(p.Candidates) == 0 && len(l.points) <= sight.MaxPoints {
				p.Candidates = l.points
			}
		}
		a := sight.SolveWith(p, b, o)
		a.Software.Version = version
		return a, b, nil
	}
	return map[string]publish.Method{
		"scene.model": modelMethod(scenes),
		"camera.solve": func(b []byte) ([]byte, error) {
			a, _, err := solve(b, false)
			if err != nil {
				return nil, err
			}
			return json.Marshal(a)
		},
		"camera.report": func(b []byte) ([]byte, error) {
			a, _, err := solve(b, true)
			if err != nil {
				return nil, err
			}
			return json.Marshal(a)
		},
		"camera.see": func(b []byte) ([]byte, error) {
			b, err := sightline.CanonicalJSON(b)
			if err != nil {
				return nil, err
			}
			p, err := sight.ParseSee(b)
			if err != nil {
				return nil, err
			}
			if err := noFiles(p.Cameras); err != nil {
				return nil, err
			}
			l := scenes.load(p.Scene)
			if l.err != nil {
				return nil, l.err
			}
			a, err := sight.See(p, b, l.around)
			if err != nil {
				return nil, err
			}
			a.Software.Version = version
			return json.Marshal(a)
		},
		"camera.search": func(b []byte) ([]byte, error) {
			b, err := sightline.CanonicalJSON(b)
			if err != nil {
				return nil, err
			}
			a, err := searchIn(b, scenes.load)
			if err != nil {
				return nil, err
			}
			return json.Marshal(a)
		},
		"camera.triangulate": func(b []byte) ([]byte, error) {
			b, err := sightline.CanonicalJSON(b)
			if err != nil {
				return nil, err
			}
			p, err := sight.ParseTriangulate(b)
			if err != nil {
				return nil, err
			}
			if err := noFiles(p.Cameras); err != nil {
				return nil, err
			}
			a, err := sight.PlaceFeatures(p, b)
			if err != nil {
				return nil, err
			}
			a.Software.Version = version
			return json.Marshal(a)
		},
		"camera.finding": func(b []byte) ([]byte, error) {
			var q findingQuestion
			if err := readJSON(b, &q); err != nil {
				return nil, err
			}
			a, problem, err := solve(q.Problem, false)
			if err != nil {
				return nil, err
			}
			answer, err := json.Marshal(a)
			if err != nil {
				return nil, err
			}
			s, err := place.Read(problem, answer)
			if err != nil {
				return nil, err
			}
			f := s.Finding(q.ID, q.Item, q.Analyst)
			f.Inputs = append(f.Inputs, q.Inputs...)
			f.Considered = q.considered(f.Considered)
			return json.Marshal(map[string]any{"finding": f, "place": s.Place(q.ID, f.Text)})
		},
	}
}

// findingQuestion asks for what the desk saves: the finding and the place that
// follow from a problem. The answer is computed here and never taken from the
// asker.
type findingQuestion struct {
	ID         string          `json:"id"`
	Item       string          `json:"item"`
	Analyst    string          `json:"analyst"`
	Inputs     []string        `json:"inputs,omitempty"` // further items that were used
	Considered sightline.Text  `json:"alternatives_considered"`
	Problem    json.RawMessage `json:"problem"`
}

// considered puts what the person wrote before what the solver found.
func (q *findingQuestion) considered(solver sightline.Text) sightline.Text {
	out := sightline.Text{}
	for l, s := range q.Considered {
		if s != "" {
			out[l] = s
		}
	}
	for l, s := range solver {
		if out[l] != "" {
			out[l] += " " + s
		} else {
			out[l] = s
		}
	}
	return out
}

// noFiles refuses names of files: a question over the network reads none.
func noFiles(cameras []sight.ViewSpec) error {
	for i := range cameras {
		if cameras[i].AnswerFile != "" {
			return fmt.Errorf("cameras[%d].answer_file: give the answer itself; no file is read here", i)
		}
	}
	return nil
}

// deskScenes keeps the scenes of the cases of a desk, each read once and again
// when it has changed.
type deskScenes struct {
	mu   sync.Mutex
	done map[string]loadedScene // by case and digest of scene.json
}

// scene is the scene of an open case as the solver asks it.
func (d *desk) scene(caseID string) loadedScene {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, f := range d.open() {
		k, err := f.Case(ctx)
		if err != nil {
			return loadedScene{err: err}
		}
		if k.ID != caseID {
			continue
		}
		doc, err := loadDocument(ctx, f)
		if err != nil {
			return loadedScene{err: err}
		}
		key := ""
		for _, l := range doc.Layers {
			if l.File == "scene.json" {
				key = caseID + " " + l.SHA256
			}
		}
		if key == "" {
			return loadedScene{err: fmt.Errorf("scene: the case %s has no scene yet; add one with sightline add --as scene", caseID)}
		}
		d.scenes.mu.Lock()
		defer d.scenes.mu.Unlock()
		if l, ok := d.scenes.done[key]; ok {
			return l
		}
		s, err := scene.LoadFrom(sceneOpener(ctx, f, doc))
		if err != nil {
			return loadedScene{err: err}
		}
		l := sceneOf(s)
		if d.scenes.done == nil {
			d.scenes.done = map[string]loadedScene{}
		}
		d.scenes.done[key] = l
		return l
	}
	return loadedScene{err: fmt.Errorf("scene: the case %s is not open on this desk", caseID)}
}
