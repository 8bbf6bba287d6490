package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"sightline"
)

// lists are the parts of a document that a person writes, in the order in
// which they are written to the store.
var lists = []struct {
	name string
	kind sightline.Kind
	make func() sightline.Object
}{
	{"accounts", sightline.KindAccount, func() sightline.Object { return new(sightline.Account) }},
	{"entities", sightline.KindEntity, func() sightline.Object { return new(sightline.Entity) }},
	{"items", sightline.KindItem, func() sightline.Object { return new(sightline.Item) }},
	{"observations", sightline.KindObservation, func() sightline.Object { return new(sightline.Observation) }},
	{"events", sightline.KindEvent, func() sightline.Object { return new(sightline.Event) }},
	{"findings", sightline.KindFinding, func() sightline.Object { return new(sightline.Finding) }},
	{"claims", sightline.KindClaim, func() sightline.Object { return new(sightline.Claim) }},
	{"constraints", sightline.KindConstraint, func() sightline.Object { return new(sightline.Constraint) }},
	{"layers", sightline.KindLayer, func() sightline.Object { return new(sightline.Layer) }},
	{"gaps", sightline.KindGap, func() sightline.Object { return new(sightline.Gap) }},
	{"stories", sightline.KindStory, func() sightline.Object { return new(sightline.Story) }},
}

// Fault is one thing wrong with a document: where and why.
type Fault struct {
	Where string // claims[3].items[0]
	Why   string
}

// Document merges a JSON file of objects into the case, in one entry. Items
// and the case are patched (RFC 7396): what the file does not name stays, and
// an item must be there already. Other objects are written whole. With any
// fault, an unknown reference included, nothing is written.
func (a *Adder) Document(ctx context.Context, path string) (*Report, error) {
	r := &Report{Added: []Line{}, Known: []Line{}, Refused: []Refusal{}}
	no := func(f ...Fault) (*Report, error) {
		for _, x := range f {
			why := x.Why
			if x.Where != "" {
				why = x.Where + ": " + why
			}
			r.Refused = append(r.Refused, Refusal{path, filepath.Base(path), why})
		}
		return r, nil
	}
	f, fi, err := open(path)
	if err != nil {
		return no(Fault{"", err.Error()})
	}
	defer f.Close()
	if fi.Size() > MaxTableBytes {
		return no(Fault{"", fmt.Sprintf("a document of %d MiB is too large", fi.Size()>>20)})
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return no(Fault{"", reason(err)})
	}
	parts := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &parts); err != nil {
		return no(Fault{"", "this is not a readable JSON object: " + jsonFault(b, err)})
	}
	var faults []Fault
	var rejected = errors.New("rejected")
	_, err = a.Store.Update(ctx, a.Actor, func(w sightline.Writer) error {
		faults, r.Changed = nil, nil
		m := &merge{w: w, parts: parts}
		if err := m.run(); err != nil {
			return err
		}
		if len(m.faults) > 0 {
			faults = m.faults
			return rejected
		}
		r.Changed = m.changed
		if len(m.changed) > 0 {
			a.prepare()
			tool := a.tool
			w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Tool: &tool,
				Seal: map[string]any{"reason": a.seal["reason"], "args": map[string]any{"path": path, "argv": a.Argv}}})
		}
		return nil
	})
	switch {
	case errors.Is(err, rejected):
		return no(faults...)
	case err != nil:
		return r, err
	}
	return r, nil
}

// merge is one run of a document against one state of the case.
type merge struct {
	w       sightline.Writer
	parts   map[string]json.RawMessage
	faults  []Fault
	changed []string
}

func (m *merge) fault(where, why string, args ...any) {
	m.faults = append(m.faults, Fault{where, fmt.Sprintf(why, args...)})
}

func (m *merge) run() error {
	known := map[string]bool{"format": true, "case": true}
	for _, l := range lists {
		known[l.name] = true
	}
	for _, k := range sortedKeys(m.parts) {
		switch {
		case k == "derivatives" || k == "editions" || k == "head":
			if s := string(bytes.TrimSpace(m.parts[k])); s != "[]" && s != "null" {
				m.fault(k, "these are made by the program and cannot be written by hand")
			}
		case !known[k]:
			m.fault(k, "a document has no part of this name")
		}
	}
	if f, ok := m.parts["format"]; ok {
		var s string
		if json.Unmarshal(f, &s) != nil || s != sightline.DocumentFormat {
			m.fault("format", "this program reads %q", sightline.DocumentFormat)
		}
	}
	if c, ok := m.parts["case"]; ok {
		if err := m.theCase(c); err != nil {
			return err
		}
	}
	for _, l := range lists {
		raw, ok := m.parts[l.name]
		if !ok {
			continue
		}
		var objects []json.RawMessage
		if err := json.Unmarshal(raw, &objects); err != nil {
			m.fault(l.name, "a list of objects is expected")
			continue
		}
		seen := map[string]bool{}
		for i, o := range objects {
			where := fmt.Sprintf("%s[%d]", l.name, i)
			var id struct{ ID string }
			if err := json.Unmarshal(o, &id); err != nil || id.ID == "" {
				m.fault(where, "an object needs an id")
				continue
			}
			where += " " + id.ID
			if seen[id.ID] {
				m.fault(where, "the id is used twice in this file")
				continue
			}
			seen[id.ID] = true
			if err := m.object(where, l.kind, l.make(), id.ID, o); err != nil {
				return err
			}
		}
	}
	if len(m.faults) > 0 {
		return nil // references would only repeat what is wrong
	}
	return m.references()
}

func (m *merge) theCase(patch json.RawMessage) error {
	list, err := sightline.All[sightline.Case](m.w, sightline.KindCase)
	if err != nil || len(list) == 0 {
		return fmt.Errorf("failed to read the case: %w", err)
	}
	return m.patch("case", list[0], new(sightline.Case), patch, "id", "prefix")
}

// patch merges into an object that exists. The fixed fields may be repeated
// but not changed.
func (m *merge) patch(where string, old, merged sightline.Object, patch json.RawMessage, fixed ...string) error {
	before, err := json.Marshal(old)
	if err != nil {
		return err
	}
	var a, p map[string]any
	if err := json.Unmarshal(before, &a); err != nil {
		return err
	}
	if err := json.Unmarshal(patch, &p); err != nil {
		m.fault(where, "an object is expected")
		return nil
	}
	for _, f := range fixed {
		if v, ok := p[f]; ok && fmt.Sprint(v) != fmt.Sprint(a[f]) {
			m.fault(where, "%s cannot be changed: it is %v", f, a[f])
			return nil
		}
	}
	b, err := json.Marshal(mergePatch(a, p))
	if err != nil {
		return err
	}
	return m.put(where, merged, b)
}

// mergePatch is RFC 7396.
func mergePatch(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	for k, v := range p {
		if v == nil {
			delete(t, k)
		} else {
			t[k] = mergePatch(t[k], v)
		}
	}
	return t
}

func (m *merge) object(where string, k sightline.Kind, o sightline.Object, id string, raw json.RawMessage) error {
	if k != sightline.KindItem {
		return m.put(where, o, raw)
	}
	old, err := sightline.Get[sightline.Item](m.w, k, id)
	if errors.Is(err, sightline.ErrNotFound) {
		m.fault(where, "there is no such item: an item begins with its bytes, add the file or record first")
		return nil
	}
	if err != nil {
		return err
	}
	return m.patch(where, old, o, raw, "id", "sha256", "size", "type", "name", "held")
}

// put decodes strictly and writes, if it changes anything.
func (m *merge) put(where string, o sightline.Object, raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil {
		m.fault(where, "%s", strings.TrimPrefix(err.Error(), "json: "))
		return nil
	}
	now, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if row, err := m.w.Row(o.Ref()); err == nil && same(row.Value, now) {
		return nil
	}
	if err := m.w.Put(o); err != nil {
		return err
	}
	m.changed = append(m.changed, string(o.Ref().Kind)+" "+o.Ref().ID)
	return nil
}

func same(a, b []byte) bool {
	x, err1 := canonical(json.RawMessage(a))
	y, err2 := canonical(json.RawMessage(b))
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// references reads the state as it would be and reports every id that names
// nothing.
func (m *merge) references() error {
	ids := map[sightline.Kind]map[string]bool{}
	for _, k := range sightline.Kinds {
		ids[k] = map[string]bool{}
		for row, err := range m.w.Rows(k) {
			if err != nil {
				return err
			}
			ids[k][row.ID] = true
		}
	}
	cases, err := sightline.All[sightline.Case](m.w, sightline.KindCase)
	if err != nil {
		return err
	}
	phases := map[string]bool{}
	for _, c := range cases {
		for _, p := range c.Phases {
			phases[p.ID] = true
		}
	}
	need := func(where, id string, kinds ...sightline.Kind) {
		if id == "" {
			return
		}
		for _, k := range kinds {
			if ids[k][id] {
				return
			}
		}
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = string(k)
		}
		m.fault(where, "there is no %s %q", strings.Join(names, " or "), id)
	}
	phase := func(where, id string) {
		if id != "" && !phases[id] {
			m.fault(where, "the case has no phase %q", id)
		}
	}
	const (
		item, obs, find, claim = sightline.KindItem, sightline.KindObservation, sightline.KindFinding, sightline.KindClaim
		entity, event, account = sightline.KindEntity, sightline.KindEvent, sightline.KindAccount
		layer, gap             = sightline.KindLayer, sightline.KindGap
	)
	all := func(where string, list []string, kinds ...sightline.Kind) {
		for i, id := range list {
			need(fmt.Sprintf("%s[%d]", where, i), id, kinds...)
		}
	}
	each(m, item, func(w string, x *sightline.Item) {
		need(w+".lane", x.Lane, account)
		phase(w+".phase", x.Phase)
		all(w+".entities", x.Entities, entity)
		need(w+".duplicate_of", x.DuplicateOf, item)
	})
	each(m, obs, func(w string, x *sightline.Observation) {
		need(w+".item", x.Item, item)
		all(w+".entities", x.Entities, entity)
	})
	each(m, entity, func(w string, x *sightline.Entity) { all(w+".items", x.Items, item) })
	each(m, event, func(w string, x *sightline.Event) {
		all(w+".entities", x.Entities, entity)
		all(w+".items", x.Items, item)
		phase(w+".phase", x.Phase)
		need(w+".account", x.Account, account)
	})
	each(m, find, func(w string, x *sightline.Finding) { all(w+".about", x.About, item, event, obs, entity, claim) })
	each(m, claim, func(w string, x *sightline.Claim) {
		need(w+".account", x.Account, account)
		all(w+".items", x.Items, item)
		for i, l := range append(append([]sightline.Link{}, x.For...), x.Against...) {
			need(fmt.Sprintf("%s.links[%d]", w, i), l.To, item, obs, find, claim, event)
		}
	})
	each(m, sightline.KindConstraint, func(w string, x *sightline.Constraint) {
		for _, e := range []struct{ name, p string }{{".from", x.From}, {".to", x.To}} {
			// "clock:ID" is the error of the clock that made an item.
			if id, _ := strings.CutSuffix(strings.TrimSuffix(strings.TrimPrefix(e.p, "clock:"), ".start"), ".end"); id != "z" {
				need(w+e.name, id, item, event, obs, gap)
			}
		}
		all(w+".evidence", x.Evidence, item, obs, find, claim)
		all(w+".accounts", x.Accounts, account)
	})
	each(m, gap, func(w string, x *sightline.Gap) { all(w+".items", x.Items, item) })
	each(m, sightline.KindStory, func(w string, x *sightline.Story) {
		for i, s := range x.Steps {
			at := fmt.Sprintf("%s.steps[%d]", w, i)
			phase(at+".phase", s.Phase)
			need(at+".claim", s.Claim, claim)
			for _, lang := range sortedKeys(s.Text) {
				for _, c := range citation.FindAllStringSubmatch(s.Text[lang], -1) {
					for _, id := range strings.FieldsFunc(c[1], func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
						need(at+".text."+lang, id, item, obs, claim, find, gap, event, entity)
					}
				}
			}
			need(at+".view.select", s.View.Select, item, obs, claim, find, gap, event, entity)
			all(at+".view.accounts", s.View.Accounts, account)
			all(at+".view.media", s.View.Media, item)
			if s.View.Camera != nil {
				need(at+".view.camera.item", s.View.Camera.Item, item)
			}
		}
	})
	sort.SliceStable(m.faults, func(i, j int) bool { return m.faults[i].Where < m.faults[j].Where })
	return nil
}

// citation is an id in square brackets that is not the text of a link.
var citation = regexp.MustCompile(`\[([A-Z]{1,8}-[0-9A-Za-z.]+(?:[,; ]+[A-Z]{1,8}-[0-9A-Za-z.]+)*)\](?:[^(]|$)`)

func each[T any](m *merge, k sightline.Kind, f func(where string, v *T)) {
	for row, err := range m.w.Rows(k) {
		if err != nil {
			return
		}
		v := new(T)
		if json.Unmarshal(row.Value, v) == nil {
			f(string(k)+" "+row.ID, v)
		}
	}
}

// Scene takes a folder made by the scene builder: scene.json and the models it
// names become blobs and layer objects, one entry each.
func (a *Adder) Scene(ctx context.Context, dir string) (*Report, error) {
	r := &Report{Added: []Line{}, Known: []Line{}, Refused: []Refusal{}}
	no := func(name, why string) { r.Refused = append(r.Refused, Refusal{filepath.Join(dir, name), name, why}) }
	b, err := os.ReadFile(filepath.Join(dir, "scene.json"))
	if err != nil {
		no("scene.json", "the folder holds no readable scene.json; make one with sightline scene build")
		return r, nil
	}
	var doc struct {
		Format string         `json:"format"`
		Title  sightline.Text `json:"title"`
		Layers []struct {
			ID          string         `json:"id"`
			Title       sightline.Text `json:"title"`
			Class       string         `json:"class"`
			AccuracyM   float64        `json:"accuracy_m"`
			Date        string         `json:"date"`
			Licence     string         `json:"licence"`
			Attribution string         `json:"attribution"`
			File        string         `json:"file"`
			SHA256      string         `json:"sha256"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		no("scene.json", "it is not readable: "+jsonFault(b, err))
		return r, nil
	}
	if !strings.HasPrefix(doc.Format, "sightline.scene/") {
		no("scene.json", fmt.Sprintf("its format is %q, not a built scene; make one with sightline scene build", doc.Format))
		return r, nil
	}
	put := func(name string, data []byte, typ string, l sightline.Layer, want string) error {
		if data == nil {
			if !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) {
				no(name, "a layer's file lies beside scene.json and is named without folders")
				return nil
			}
			f, _, err := open(filepath.Join(dir, name))
			if err != nil {
				no(name, err.Error())
				return nil
			}
			defer f.Close()
			if data, err = io.ReadAll(f); err != nil {
				no(name, reason(err))
				return nil
			}
		}
		blob, err := a.Blobs.Put(ctx, bytes.NewReader(data))
		if err != nil {
			return a.stopped(fmt.Errorf("failed to keep %s: %w", name, err), r, len(doc.Layers)+1)
		}
		if want != "" && blob.Digest.String() != want {
			no(name, "its bytes are not those that scene.json names: build the scene again")
			return nil
		}
		l.File, l.SHA256, l.Size, l.Type = name, blob.Digest.String(), blob.Size, typ
		_, err = a.Store.Update(ctx, a.Actor, func(w sightline.Writer) error {
			raw, err := json.Marshal(&l)
			if err != nil {
				return err
			}
			if row, err := w.Row(l.Ref()); err == nil && same(row.Value, raw) {
				return nil
			}
			if err := w.Put(&l); err != nil {
				return err
			}
			a.prepare()
			tool := a.tool
			w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Tool: &tool,
				Seal: map[string]any{"reason": a.seal["reason"], "args": map[string]any{"path": filepath.Join(dir, name), "argv": a.Argv}}})
			return nil
		})
		if err != nil {
			return err
		}
		r.Changed = append(r.Changed, "layer "+l.ID)
		return nil
	}
	for _, l := range doc.Layers {
		if l.ID == "" || l.ID == "scene" {
			no("scene.json", fmt.Sprintf("a layer has the id %q", l.ID))
			continue
		}
		lay := sightline.Layer{ID: l.ID, Title: l.Title, Class: l.Class, AccuracyM: l.AccuracyM, Date: l.Date, Licence: l.Licence, Attribution: l.Attribution}
		typ := "model/gltf-binary"
		if strings.HasSuffix(l.File, ".gltf") {
			typ = "model/gltf+json"
		}
		if err := put(l.File, nil, typ, lay, l.SHA256); err != nil {
			return r, err
		}
	}
	if len(r.Refused) > 0 {
		return r, nil // scene.json last: it never names what is not there
	}
	class := "conjectural"
	for _, l := range doc.Layers {
		class = l.Class
		if class == "conjectural" {
			break
		}
	}
	return r, put("scene.json", b, "application/json", sightline.Layer{ID: "scene", Title: doc.Title, Class: class}, "")
}
