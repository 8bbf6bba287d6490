package web

import (
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sightline"
	"sightline/when"
)

// A case of a million items is asked, never sent whole: docs/formats/find.md
// has the calls of this file.

const (
	findMost     = 500  // rows of one page
	findDefault  = 100  //
	nearMost     = 5000 // places of one answer
	itemsMost    = 200  // whole items of one answer
	paletteMost  = 20   //
	copiesMost   = 500  //
	bucketsUsual = 400  // columns of an overview, unless asked
	copiesUsual  = 31   // bits within which two pictures match, of 256
)

func (s *Server) findRoutes() {
	m := s.mux
	m.HandleFunc("POST /api/cases/{case}/find", s.inCase(s.find))
	m.HandleFunc("GET /api/cases/{case}/overview", s.inCase(s.overview))
	m.HandleFunc("GET /api/cases/{case}/near", s.inCase(s.near))
	m.HandleFunc("GET /api/cases/{case}/outline", s.inCase(s.outline))
	m.HandleFunc("GET /api/cases/{case}/items", s.inCase(s.items))
	m.HandleFunc("GET /api/cases/{case}/copies", s.inCase(s.copies))
}

// library runs fn on one state of a case that can be asked, and keeps that the
// person was told of it.
func (s *Server) library(r *http.Request, c *Case, fn func(sightline.Reader, sightline.Library) error) error {
	return c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		lib, ok := rd.(sightline.Library)
		if !ok {
			return fmt.Errorf("this case cannot be asked without reading it whole: %w", sightline.ErrInvalid)
		}
		if err := fn(rd, lib); err != nil {
			return err
		}
		if asking(r).account == nil {
			return nil
		}
		h, err := rd.Head()
		if err != nil {
			return err
		}
		return s.sent(r, c, h.Size)
	})
}

// findAsk is the body of a question.
type findAsk struct {
	Q      string              `json:"q"`
	Facets map[string][]string `json:"facets"`
	Box    []float64           `json:"box"`
	From   *int64              `json:"from"`
	To     *int64              `json:"to"`
	IDs    []string            `json:"ids"`
	Timed  bool                `json:"timed"`
	Placed bool                `json:"placed"`
	Sort   string              `json:"sort"`
	Offset int                 `json:"offset"`
	Limit  *int                `json:"limit"`
	Count  []string            `json:"count"`
}

// findRow is one item of a list: what a list, a map and a time line draw.
type findRow struct {
	ID          string         `json:"id"`
	Title       sightline.Text `json:"title"`
	Media       string         `json:"media"`
	Type        string         `json:"type"`
	Poster      string         `json:"poster"`
	Timed       bool           `json:"timed"`
	Min         *when.Instant  `json:"min"`
	Max         *when.Instant  `json:"max"`
	Placed      bool           `json:"placed"`
	Lat         *float64       `json:"lat,omitempty"`
	Lon         *float64       `json:"lon,omitempty"`
	Perspective string         `json:"perspective"`
	Status      string         `json:"status"`
	Sensitivity string         `json:"sensitivity"`
	Held        bool           `json:"held"`
	Workflow    string         `json:"workflow"`
	DurationMS  int64          `json:"duration_ms"`
	Width       int            `json:"width"`
	Height      int            `json:"height"`
	Rev         int            `json:"rev"`
}

func boxOf(b []float64) (*sightline.Box, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) != 4 || !(b[0] <= b[2] && b[1] <= b[3]) || math.IsInf(b[0]+b[1]+b[2]+b[3], 0) {
		return nil, fmt.Errorf("a box is [west, south, east, north] in degrees, west before east and south before north: %w", sightline.ErrInvalid)
	}
	return &sightline.Box{West: b[0], South: b[1], East: b[2], North: b[3]}, nil
}

func instant(ms *int64) *when.Instant {
	if ms == nil {
		return nil
	}
	t := when.Instant(*ms)
	return &t
}

// maxQuery is the longest text of a question, in bytes.
const maxQuery = 1000

func (a *findAsk) filter() (f sightline.Filter, err error) {
	if len(a.Q) > maxQuery {
		return f, fmt.Errorf("the words of a question are at most %d bytes: %w", maxQuery, sightline.ErrInvalid)
	}
	if a.From != nil && a.To != nil && *a.From > *a.To {
		return f, fmt.Errorf("a time goes from an earlier to a later one, not from %d to %d: %w", *a.From, *a.To, sightline.ErrInvalid)
	}
	if len(a.IDs) > 10_000 {
		return f, fmt.Errorf("a question names at most 10,000 items: %w", sightline.ErrInvalid)
	}
	f = sightline.Filter{Text: a.Q, Facets: a.Facets, IDs: a.IDs, Timed: a.Timed, Placed: a.Placed, Time: when.Interval{Min: instant(a.From), Max: instant(a.To)}}
	f.Box, err = boxOf(a.Box)
	return f, err
}

func (s *Server) find(w http.ResponseWriter, r *http.Request, c *Case) error {
	var ask findAsk
	if err := read(w, r, &ask); err != nil {
		return err
	}
	limit := findDefault
	if ask.Limit != nil {
		limit = *ask.Limit
	}
	if limit < 0 || limit > findMost || ask.Offset < 0 {
		return fmt.Errorf("a page has 0 to %d items and begins at 0 or later: %w", findMost, sightline.ErrInvalid)
	}
	f, err := ask.filter()
	if err != nil {
		return err
	}
	var out *sightline.Found
	var list []findRow
	err = s.library(r, c, func(_ sightline.Reader, lib sightline.Library) (err error) {
		if out, err = lib.Find(sightline.FindQuery{Filter: f, Sort: ask.Sort, Offset: ask.Offset, Limit: limit, Count: ask.Count}); err != nil {
			return err
		}
		list, err = rowsOf(lib, out.Items)
		return err
	})
	if err != nil {
		return err
	}
	reply(w, map[string]any{"total": out.Total, "capped": out.Capped, "rows": list, "facets": out.Facets, "head": out.Head})
	return nil
}

// rowsOf reads what a list shows of items beside their cards.
func rowsOf(lib sightline.Library, cards []sightline.Card) ([]findRow, error) {
	ids := make([]string, len(cards))
	for i, k := range cards {
		ids[i] = k.ID
	}
	items, err := lib.Pick(sightline.KindItem, ids)
	if err != nil {
		return nil, err
	}
	copies, err := lib.Below(sightline.KindDerivative, ids)
	if err != nil {
		return nil, err
	}
	posters, rank := map[string]string{}, map[string]int{}
	for _, row := range copies {
		var d struct{ Item, Role, SHA256 string }
		if err := json.Unmarshal(row.Value, &d); err != nil {
			return nil, err
		}
		if n := slices.Index([]string{"preview", "poster", "thumb"}, d.Role) + 1; n > rank[d.Item] {
			rank[d.Item], posters[d.Item] = n, d.SHA256
		}
	}
	known := make(map[string]*sightline.Row, len(items))
	for i := range items {
		known[items[i].ID] = &items[i]
	}
	out := make([]findRow, 0, len(cards))
	for _, k := range cards {
		row := known[k.ID]
		if row == nil {
			continue // withdrawn between the two looks
		}
		var it struct {
			Title    sightline.Text
			Type     string
			Held     bool
			Workflow string
			Duration int64 `json:"duration_ms"`
			Width    int
			Height   int
		}
		if err := json.Unmarshal(row.Value, &it); err != nil {
			return nil, err
		}
		x := findRow{ID: k.ID, Title: it.Title, Media: k.Media, Type: it.Type, Poster: posters[k.ID], Timed: k.Timed, Min: k.Min, Max: k.Max, Placed: k.Placed,
			Perspective: k.Perspective, Status: k.Status, Sensitivity: k.Sensitivity, Held: it.Held, Workflow: it.Workflow, DurationMS: it.Duration,
			Width: it.Width, Height: it.Height, Rev: row.Rev}
		if x.Workflow == "" {
			x.Workflow = "todo"
		}
		if k.Placed {
			x.Lat, x.Lon = &k.Lat, &k.Lon
		}
		out = append(out, x)
	}
	return out, nil
}

// asked reads the filter of a question that stands in the address.
func asked(q url.Values) (a findAsk, err error) {
	a.Q = q.Get("q")
	number := func(name string) (*float64, error) {
		v := q.Get(name)
		if v == "" {
			return nil, nil
		}
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || math.Abs(n) > 1e18 {
			return nil, fmt.Errorf("%s=%s is not a number: %w", name, printable(v), sightline.ErrInvalid)
		}
		return &n, nil
	}
	for name, to := range map[string]**int64{"from": &a.From, "to": &a.To} {
		n, err := number(name)
		if err != nil {
			return a, err
		}
		if n != nil {
			ms := int64(*n)
			*to = &ms
		}
	}
	box := []float64{}
	for _, name := range []string{"west", "south", "east", "north"} {
		n, err := number(name)
		if err != nil {
			return a, err
		}
		if n != nil {
			box = append(box, *n)
		}
	}
	if v := q.Get("box"); v != "" {
		for part := range strings.SplitSeq(v, ",") {
			n, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
			if err != nil || math.IsNaN(n) {
				return a, fmt.Errorf("box=%s is not west,south,east,north: %w", printable(v), sightline.ErrInvalid)
			}
			box = append(box, n)
		}
	}
	a.Box = box
	a.Facets = map[string][]string{}
	for _, f := range sightline.Fields {
		name := f
		if f == "lane" { // what an overview is parted by has this name in an address
			name = "in_lane"
		}
		if l := q[name]; len(l) > 0 {
			a.Facets[f] = l
		}
	}
	return a, nil
}

func whole(q url.Values, name string, usual, least, most int) (int, error) {
	v := q.Get(name)
	if v == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s is a whole number from %d to %d, not %s: %w", name, least, most, printable(v), sightline.ErrInvalid)
	}
	return n, nil
}

func (s *Server) overview(w http.ResponseWriter, r *http.Request, c *Case) error {
	q := r.URL.Query()
	ask, err := asked(q)
	if err != nil {
		return err
	}
	o := sightline.OverviewQuery{From: ask.From, To: ask.To, Lane: "perspective"}
	if q.Has("lane") {
		o.Lane = q.Get("lane")
	}
	if o.Buckets, err = whole(q, "buckets", bucketsUsual, 1, 2000); err != nil {
		return err
	}
	if o.Filter, err = ask.filter(); err != nil {
		return err
	}
	var out *sightline.Overview
	if err := s.library(r, c, func(_ sightline.Reader, lib sightline.Library) (err error) {
		out, err = lib.Overview(o)
		return err
	}); err != nil {
		return err
	}
	reply(w, out)
	return nil
}

type nearPlace struct {
	ID          string        `json:"id"`
	Lat         float64       `json:"lat"`
	Lon         float64       `json:"lon"`
	Min         *when.Instant `json:"min"`
	Max         *when.Instant `json:"max"`
	Media       string        `json:"media"`
	Perspective string        `json:"perspective"`
	Status      string        `json:"status"`
}

func (s *Server) near(w http.ResponseWriter, r *http.Request, c *Case) error {
	q := r.URL.Query()
	ask, err := asked(q)
	if err != nil {
		return err
	}
	var n sightline.NearQuery
	if n.Limit, err = whole(q, "limit", nearMost, 0, nearMost); err != nil {
		return err
	}
	if n.Filter, err = ask.filter(); err != nil {
		return err
	}
	var out *sightline.Near
	if err := s.library(r, c, func(_ sightline.Reader, lib sightline.Library) (err error) {
		out, err = lib.Near(n)
		return err
	}); err != nil {
		return err
	}
	places := make([]nearPlace, len(out.Places))
	for i, k := range out.Places {
		places[i] = nearPlace{k.ID, k.Lat, k.Lon, k.Min, k.Max, k.Media, k.Perspective, k.Status}
	}
	reply(w, map[string]any{"total": out.Total, "capped": out.Capped, "head": out.Head, "places": places, "cell": out.Cell, "cells": out.Cells})
	return nil
}

func (s *Server) copies(w http.ResponseWriter, r *http.Request, c *Case) error {
	q := r.URL.Query()
	k := sightline.CopiesQuery{Item: q.Get("item"), PDQ: q.Get("pdq")}
	if (k.Item == "") == (k.PDQ == "") {
		return fmt.Errorf("copies are looked for of one item, ?item=, or of one hash, ?pdq=: %w", sightline.ErrInvalid)
	}
	var err error
	if k.Within, err = whole(q, "within", copiesUsual, 0, 64); err != nil {
		return err
	}
	if k.Limit, err = whole(q, "limit", findDefault, 0, copiesMost); err != nil {
		return err
	}
	var out *sightline.Copies
	if err := s.library(r, c, func(_ sightline.Reader, lib sightline.Library) (err error) {
		out, err = lib.Copies(k)
		return err
	}); err != nil {
		return err
	}
	reply(w, out)
	return nil
}

// secrets notes the items whose source is withheld, without reading the others.
func (l *lens) secrets(lib sightline.Library) error {
	found, err := lib.Find(sightline.FindQuery{Filter: sightline.Filter{Facets: map[string][]string{"sensitivity": {"personal", "source_at_risk"}}}, Limit: math.MaxInt})
	if err != nil {
		return err
	}
	for _, k := range found.Items {
		l.secret[k.ID] = true
		l.covered = true
	}
	return nil
}

// many are the kinds that a large case has too many of to be sent at once.
var many = []sightline.Kind{sightline.KindItem, sightline.KindDerivative, sightline.KindObservation, sightline.KindEvent, sightline.KindFinding}

func (s *Server) outline(w http.ResponseWriter, r *http.Request, c *Case) error {
	type answer struct {
		*sightline.Document
		Outline bool                   `json:"outline"`
		Counts  map[sightline.Kind]int `json:"counts"`
		Span    struct {
			Min *when.Instant `json:"min"`
			Max *when.Instant `json:"max"`
		} `json:"span"`
		Box []float64 `json:"box"`
	}
	out := answer{Outline: true}
	var l *lens
	if err := s.library(r, c, func(rd sightline.Reader, lib sightline.Library) (err error) {
		if l, err = s.look(r, rd, c); err != nil {
			return err
		}
		if out.Document, err = sightline.Load(withoutMany{rd}); err != nil {
			return err
		}
		out.Counts = map[sightline.Kind]int{}
		e, err := lib.Extent()
		if err != nil {
			return err
		}
		for _, k := range many[1:] {
			if out.Counts[k], err = rd.Count(k); err != nil {
				return err
			}
		}
		out.Counts[sightline.KindItem] = e.Items
		out.Span.Min, out.Span.Max = e.Min, e.Max
		if e.Box != nil {
			out.Box = []float64{e.Box.West, e.Box.South, e.Box.East, e.Box.North}
		}
		return nil
	}); err != nil {
		return err
	}
	// Nothing of the items is withheld from whoever may ask this, but the name of
	// an entity may be.
	out.Document = l.document(out.Document)
	etag := fmt.Sprintf(`"%d-outline"`, out.Head.Size)
	if p := asking(r); p.account != nil {
		etag = fmt.Sprintf(`"%d-%s-outline"`, out.Head.Size, p.ID)
	}
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	reply(w, out)
	return nil
}

func (s *Server) items(w http.ResponseWriter, r *http.Request, c *Case) error {
	ids := []string{}
	for _, v := range r.URL.Query()["ids"] {
		for id := range strings.SplitSeq(v, ",") {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 || len(ids) > itemsMost {
		return fmt.Errorf("items are read by ?ids= with 1 to %d ids: %w", itemsMost, sightline.ErrInvalid)
	}
	out := struct {
		Items        []json.RawMessage `json:"items"`
		Derivatives  []json.RawMessage `json:"derivatives"`
		Observations []json.RawMessage `json:"observations"`
		Events       []json.RawMessage `json:"events"`
		Findings     []json.RawMessage `json:"findings"`
		Revs         map[string]int    `json:"revs"`
		Missing      []string          `json:"missing"`
		Head         int64             `json:"head"`
	}{[]json.RawMessage{}, []json.RawMessage{}, []json.RawMessage{}, []json.RawMessage{}, []json.RawMessage{}, map[string]int{}, []string{}, 0}
	if err := s.library(r, c, func(rd sightline.Reader, lib sightline.Library) error {
		add := func(to *[]json.RawMessage, rows ...sightline.Row) {
			for _, row := range rows {
				*to = append(*to, row.Value)
				out.Revs[string(row.Kind)+"/"+row.ID] = row.Rev
			}
		}
		rows, err := lib.Pick(sightline.KindItem, ids)
		if err != nil {
			return err
		}
		add(&out.Items, rows...)
		here := map[string]bool{}
		for _, row := range rows {
			here[row.ID] = true
		}
		for _, id := range ids {
			if !here[id] {
				out.Missing = append(out.Missing, id)
			}
		}
		for k, to := range map[sightline.Kind]*[]json.RawMessage{sightline.KindDerivative: &out.Derivatives, sightline.KindObservation: &out.Observations} {
			rows, err := lib.Below(k, ids)
			if err != nil {
				return err
			}
			add(to, rows...)
		}
		for k, to := range map[sightline.Kind]*[]json.RawMessage{sightline.KindEvent: &out.Events, sightline.KindFinding: &out.Findings} {
			rows, err := naming(rd, lib, k, here)
			if err != nil {
				return err
			}
			add(to, rows...)
		}
		h, err := rd.Head()
		out.Head = h.Size
		return err
	}); err != nil {
		return err
	}
	reply(w, out)
	return nil
}

// scanMost is up to how many objects of a kind are looked through one by one.
const scanMost = 2000

// naming finds the events or findings that name one of the items.
func naming(rd sightline.Reader, lib sightline.Library, k sightline.Kind, items map[string]bool) (out []sightline.Row, err error) {
	names := func(row sightline.Row) (bool, error) {
		var v struct{ Items, About, Inputs []string }
		if err := json.Unmarshal(row.Value, &v); err != nil {
			return false, fmt.Errorf("failed to read %s %s: %w", k, row.ID, err)
		}
		for _, id := range slices.Concat(v.Items, v.About, v.Inputs) {
			if items[id] {
				return true, nil
			}
		}
		return false, nil
	}
	n, err := rd.Count(k)
	if err != nil {
		return nil, err
	}
	if n <= scanMost {
		for row, err := range rd.Rows(k) {
			if err != nil {
				return nil, err
			}
			if yes, err := names(row); err != nil {
				return nil, err
			} else if yes {
				out = append(out, row)
			}
		}
		return out, nil
	}
	// There are many: the index of words has the ids that they name.
	told := map[string]bool{}
	for id := range items {
		refs, err := rd.Search(id, scanMost)
		if err != nil {
			return nil, err
		}
		ids := []string{}
		for _, ref := range refs {
			if ref.Kind == k && !told[ref.ID] {
				told[ref.ID] = true
				ids = append(ids, ref.ID)
			}
		}
		rows, err := lib.Pick(k, ids)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if yes, err := names(row); err != nil {
				return nil, err
			} else if yes {
				out = append(out, row)
			}
		}
	}
	slices.SortFunc(out, func(a, b sightline.Row) int { return sightline.CompareIDs(a.ID, b.ID) })
	return out, nil
}

// withoutMany reads a case as if it had none of what there can be a million of.
type withoutMany struct{ sightline.Reader }

func (r withoutMany) Rows(k sightline.Kind) iter.Seq2[sightline.Row, error] {
	if slices.Contains(many, k) {
		return func(func(sightline.Row, error) bool) {}
	}
	return r.Reader.Rows(k)
}
