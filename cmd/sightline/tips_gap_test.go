package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"strings"
	"testing"

	"sightline"
	"sightline/archive"
	"sightline/call"
	"sightline/verify/review"
)

// From the page of a source to a closed gap of the exercise: the request is
// read on the page, a photo answers it, the team takes it in, two people verify
// it, it closes the gap, and the page asks for it no more. On the way no
// edition gives the source away.
func TestTipClosesAGapOfTheExercise(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a whole case")
	}
	t.Setenv("SIGHTLINE_HOME", t.TempDir())
	t.Setenv("SIGHTLINE_NAME", "Ana")
	old := scryptWork
	scryptWork = 10
	t.Cleanup(func() { scryptWork = old })
	c := &crew{t, t.TempDir()}
	c.write("pass", "correct horse battery\n")
	c.ok("exercise", "--seed", "5", "--size", "small", "--no-video", "-o", c.path("x"))
	c.ok("new", c.path("case"), "--zone", "America/Caracas", "--title", "Ejercicio")
	c.ok("add", "--case", c.path("case"), "--as", "document", gapOf(t, c.path("x/case/case.json"), c.path("gap.json")))
	c.write("ana.keys", c.ok("key", "new", "Ana", "--passphrase-file", c.path("pass")))
	share := func(keys ...string) call.Config {
		c.ok(append([]string{"key", "share", "--case", c.path("case"), "--call", c.path("call")}, keys...)...)
		cfg, err := call.LoadConfig(c.path("call"))
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	cfg := share(c.path("ana.keys"))
	if len(cfg.Requests) != 1 || cfg.Requests[0].ID != "G-01" {
		t.Fatalf("requests of the call: %+v", cfg.Requests)
	}
	asked := cfg.Requests[0].Text["es"]
	srv := func() (string, string) {
		os.RemoveAll(c.path("call/intake.sqlite"))
		return c.serve()
	}
	sources, team := srv()
	if _, page := c.get(sources + "/es/"); !strings.Contains(page, asked) || !strings.Contains(page, `value="G-01"`) {
		t.Fatalf("the page does not ask %q", asked)
	}
	c.post(sources+"/send", "lang", "es", "request", "G-01", "message", "desde mi ventana", "file:IMG_Juana.jpg", string(photo(t)))
	c.ok(c.tips("pull", "--server", team)...)
	c.ok(c.tips("open", "T-001", "--passphrase-file", c.path("pass"), "--quarantine", c.path("q"))...)
	if out := c.ok(c.tips("accept", "T-001", "--quarantine", c.path("q"), "--perspective", "citizen")...); !strings.Contains(out, "linked to G-01") {
		t.Errorf("accept: %s", out)
	}
	f, err := archive.Open(c.path("case"), archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := loadDocument(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	gap, item := doc.Gaps[0], doc.Items[len(doc.Items)-1]
	if len(gap.Answers) != 1 || gap.Answers[0] != item.ID || gap.Closed != "" {
		t.Fatalf("the gap: %+v", gap)
	}
	f.Close()
	c.no(3, "is not verified yet", c.tips("close", "G-01", item.ID)...)
	c.no(3, "not in this case", c.tips("close", "G-99", item.ID)...)
	c.no(3, "not in this case", c.tips("close", "G-01", "EJ-999")...)

	// Two people, the second blind; the rules of review alone make "verified".
	if f, err = archive.Open(c.path("case"), archive.Options{}); err != nil {
		t.Fatal(err)
	}
	for axis, says := range map[string]string{"authenticity": "no_sign_of_manipulation", "content": "confirmed"} {
		for n, person := range []string{"ana", "beto"} {
			verify(t, f, item.ID, axis, says, person, n > 0)
		}
	}
	f.Close()
	if out := c.ok(c.tips("close", "G-01", item.ID, "--reason", "it shows who fired")...); !strings.Contains(out, "closed by "+item.ID) {
		t.Errorf("close: %s", out)
	}
	if cfg := share(); len(cfg.Requests) != 0 {
		t.Errorf("a closed request is still asked: %+v", cfg.Requests)
	}
	sources, _ = srv()
	if _, page := c.get(sources + "/es/"); strings.Contains(page, asked) {
		t.Error("the page still asks what is closed")
	}

	// Nothing that could lead to the source goes out by oversight.
	edit := func(change func(*sightline.Item)) (codes []string) {
		f, err := archive.Open(c.path("case"), archive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		_, err = f.Store.Update(context.Background(), f.Actor, func(w sightline.Writer) error {
			it, err := sightline.Get[sightline.Item](w, sightline.KindItem, item.ID)
			if err != nil {
				return err
			}
			change(it)
			w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok"})
			return w.Put(it)
		})
		if err != nil {
			t.Fatal(err)
		}
		k, err := webCase(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		problems, _, err := k.Preflight(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			codes = append(codes, p.Code)
		}
		return codes
	}
	all := strings.Join(edit(func(it *sightline.Item) {
		it.Public.Decision, it.Public.Media, it.Public.Hash = "publish", "publish", "publish"
		it.Title, it.Seen, it.Alt = sightline.Text{"en": "T-001-1 shows the road", "es": "T-001-1 muestra la carretera"}, sightline.Text{"en": "x", "es": "x"}, sightline.Text{"en": "x", "es": "x"}
		it.Places = []sightline.Place{{Role: "camera", ENU: &[3]float64{1, 2, 3}, Status: "claimed"}}
	}), " ")
	for _, want := range []string{"source_at_risk", "no_consent", "faces_undecided", "tip_digest", "tip_original", "file_name_told", "witness_place"} {
		if !strings.Contains(all, want) {
			t.Errorf("an edition does not stop at %s: %s", want, all)
		}
	}
	c.ok(c.tips("close", "G-01")...)
	if cfg := share(); len(cfg.Requests) != 1 {
		t.Error("an opened gap is not asked again")
	}
	c.ok("check", c.path("case"))
}

// gapOf writes the gaps of an exercise as a document of their own: the items
// that bound them are not in the small case of the test.
func gapOf(t *testing.T, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Gaps []sightline.Gap `json:"gaps"`
	}
	if err := json.Unmarshal(b, &d); err != nil || len(d.Gaps) == 0 {
		t.Fatalf("the exercise has no gap: %v", err)
	}
	for i := range d.Gaps {
		d.Gaps[i].Items, d.Gaps[i].Text = nil, sightline.Text{"en": "Nothing yet.", "es": "Nada aún."}
	}
	if b, err = json.Marshal(d); err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func photo(t *testing.T) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = uint8(i * 7)
	}
	m.SetGray(3, 3, color.Gray{200})
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// verify adds one person's answer, as the desk does: pinned, in order, and the
// rules draw their conclusion.
func verify(t *testing.T, f *folder, item, axis, says, person string, blind bool) {
	t.Helper()
	_, err := f.Store.Update(context.Background(), f.Actor, func(w sightline.Writer) error {
		doc, err := sightline.Load(w)
		if err != nil {
			return err
		}
		head, err := w.Head()
		if err != nil {
			return err
		}
		a := &sightline.Answer{Status: says}
		q := &sightline.Review{About: item, Axis: axis, Person: person, Name: person, State: "done", Blind: blind, Order: head.Size, At: "2026-11-24T10:00:00Z", Did: []string{"re_watched"}, Answer: a, Reason: "looked at it"}
		q.Pins = review.Pin(doc, item, axis, a)
		if q.ID, err = w.NextID(sightline.KindReview, ""); err != nil {
			return err
		}
		var before []*sightline.Review
		for _, r := range doc.Reviews {
			if r.About == item && r.Axis == axis {
				before = append(before, r)
			}
		}
		if err := review.Check(q, before); err != nil {
			return err
		}
		doc.Reviews = append(doc.Reviews, q)
		if err := w.Put(q); err != nil {
			return err
		}
		for _, it := range doc.Items {
			if it.ID == item && !blind {
				review.Apply(it, a)
				if err := w.Put(it); err != nil {
					return err
				}
			}
		}
		w.Describe(sightline.Draft{Kind: sightline.EntryReview, Result: "ok"})
		for _, o := range review.Derive(doc, []string{item}, nil) {
			if err := w.Put(o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
