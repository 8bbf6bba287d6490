package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sightline"
	"sightline/archive"
	"sightline/order"
	"sightline/sound"
	vtime "sightline/verify/time"
)

// Recordings of a case are compared from the stored bytes; the answer names
// items, its constraints hold the true offset and its finding repeats no path.
func TestSyncOfACase(t *testing.T) {
	media := t.TempDir()
	r := rand.New(rand.NewPCG(3, 3))
	w := make([]float64, 14*8000)
	for i := range w {
		w[i] = 0.1 * r.NormFloat64() * (1 + math.Sin(float64(i)/900))
	}
	writeWAV(t, filepath.Join(media, "a.wav"), w[:10*8000])
	writeWAV(t, filepath.Join(media, "b.wav"), w[3*8000+400:])
	writeWAV(t, filepath.Join(media, "c.wav"), make([]float64, 5*8000))
	dir := filepath.Join(t.TempDir(), "case")
	for _, args := range [][]string{
		{"new", dir, "--title", "T", "--prefix", "SC", "--zone", "UTC", "--lang", "en,es"},
		{"add", "--case", dir, "--reason", "test", media},
	} {
		if status, out, errs := timeRun(t, "", args...); status != 0 {
			t.Fatalf("%v: %d %s %s", args, status, out, errs)
		}
	}
	f, err := (&inCase{Case: dir}).open(archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	calls, ctx := timeCalls(f), context.Background()
	var told []int
	ask := func(q string) (any, error) {
		told = nil
		return calls.Listen(ctx, []byte(q), func(done, of int, what string) {
			if of != 4 && of != 2 || !strings.HasPrefix(what, "SC-") {
				t.Errorf("progress %d of %d, %q", done, of, what)
			}
			told = append(told, done)
		})
	}
	a, err := ask(`{"do":"sync","items":["SC-001","SC-002","SC-003"],"apart_m":34.3,"temperature_c":20}`)
	if err != nil {
		t.Fatal(err)
	}
	s := a.(*syncCase)
	if !slices.Equal(told, []int{1, 2, 3}) || len(s.Tied) != 1 {
		t.Fatalf("told %v, tied %+v", told, s.Tied)
	}
	k := s.Tied[0].Constraint
	if k.From != "SC-001.start" || k.To != "SC-002.start" || *k.MinMS > 2950 || *k.MinMS < 2940 || *k.MaxMS < 3150 || *k.MaxMS > 3160 {
		t.Errorf("the constraint is %s..%s %d..%d", k.From, k.To, *k.MinMS, *k.MaxMS)
	}
	for lang, want := range map[string]string{"en": "stated", "es": "supuesto"} {
		if !strings.Contains(k.Text[lang], want) || !strings.Contains(k.Text[lang], "3") {
			t.Errorf("%s: %q", lang, k.Text[lang])
		}
	}
	b, _ := json.Marshal(s.Finding)
	if strings.Contains(string(b), dir) || s.Finding.Public || s.Finding.Method != "sound.sync" {
		t.Errorf("the finding: %.300s", b)
	}
	a, err = ask(`{"do":"onsets","items":["SC-003","SC-001"]}`)
	if on, _ := a.([]*onsetsAnswer); err != nil || len(on) != 2 || on[0].File != "SC-003" || len(on[0].Onsets) != 0 {
		t.Errorf("%v %v", a, err)
	}
	for _, q := range []string{`{"do":"sync","items":["SC-001"]}`, `{"do":"sync","items":["SC-001","SC-009"]}`, `{"do":"dance","items":[]}`, `[`} {
		if _, err := ask(q); !errors.Is(err, sightline.ErrInvalid) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", q, err)
		}
	}
	var wav bytes.Buffer
	if err := calls.Sound(ctx, "SC-002", &wav); err != nil {
		t.Fatal(err)
	}
	if au, err := sound.ParseWAV(wav.Bytes()); err != nil || au.Rate != 8000 || len(au.Samples) != len(w)-3*8000-400 || math.Abs(float64(au.Samples[777])-w[3*8000+400+777]) > 2e-4 {
		t.Errorf("the sound that is handed out is not what was recorded: %v", err)
	}
	if err := calls.Sound(ctx, "SC-009", &wav); err == nil {
		t.Error("the sound of an item that is not there")
	}

	// Exports read the same case.
	status, out, errs := timeRun(t, "", "export", "network", "--case", dir)
	if n, err := order.Decode([]byte(out)); status != 0 || err != nil || len(n.Constraints) != 0 {
		t.Errorf("%d %s %v", status, errs, err)
	}
	if status, _, errs := timeRun(t, "", "export", "otio", "--case", dir); status != 2 || !strings.Contains(errs, "place on the clock") {
		t.Errorf("an export without a clock: %d %s", status, errs)
	}
	for name := range vtime.Formats {
		if status, _, errs := timeRun(t, "", "export", name, "--help"); status != 0 {
			t.Errorf("there is no verb export %s: %s", name, errs)
		}
	}
}

// A pair that shares a second places nothing; what hung on it stands apart, and
// the others keep their distances.
func TestShortOverlapsPlaceNothing(t *testing.T) {
	a := &syncAnswer{Files: make([]syncFile, 4), Pairs: []syncPair{
		{A: 0, B: 1, Accepted: true, Overlap: 9}, {A: 1, B: 2, Accepted: true, Overlap: 0.97}, {A: 2, B: 3, Accepted: true, Overlap: 5}, {A: 0, B: 3, Reason: "ambiguous"}},
		Graph: []syncComponent{{Reference: 0, Offsets: []syncNode{{File: 0}, {File: 1, Offset: 2, SD: 0.3}, {File: 2, Offset: 30, SD: 0.4}, {File: 3, Offset: 33, SD: 0.3}}, Closures: []syncClosure{}}}}
	a.leaveShort()
	if p := a.Pairs[1]; p.Accepted || p.Reason != "short_overlap" || !a.Pairs[2].Accepted {
		t.Errorf("%+v", a.Pairs)
	}
	if len(a.Graph) != 2 || a.Graph[0].Reference != 0 || len(a.Graph[0].Offsets) != 2 || a.Graph[0].Offsets[1].Offset != 2 {
		t.Fatalf("%+v", a.Graph)
	}
	if g := a.Graph[1]; g.Reference != 2 || g.Offsets[0].Offset != 0 || g.Offsets[1].Offset != 3 || math.Abs(g.Offsets[1].SD-0.5) > 1e-12 {
		t.Errorf("%+v", g)
	}
}

// Two recorders whose places are known are as far apart as those and their
// errors allow; a place without an error says nothing.
func TestRecordersApart(t *testing.T) {
	at := func(x, r float64) *sightline.Item {
		return &sightline.Item{Places: []sightline.Place{{Role: "subject", ENU: &[3]float64{9e9}, RadiusM: 1}, {Role: "camera", ENU: &[3]float64{x, 0, 0}, RadiusM: r}}}
	}
	if m, ok := between(at(0, 2), at(30, 5)); !ok || m != 37 {
		t.Errorf("%v %v", m, ok)
	}
	if _, ok := between(at(0, 2), at(30, 0)); ok {
		t.Error("a place without an error bounds the distance")
	}
	blurred := at(0, 2)
	blurred.Places[1].FuzzM = 150
	if _, ok := between(blurred, at(30, 5)); ok {
		t.Error("the distance to a blurred place is told")
	}
	c := &sightline.Item{Places: []sightline.Place{{Role: "camera", Camera: &sightline.Camera{Solved: true, Position: [3]float64{0, 40, 0}, Covariance: [][]float64{{1, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0}, {0, 0, 1, 0, 0, 0}, {}, {}, {}}}}}}
	if m, ok := between(at(30, 2), c); !ok || math.Abs(m-54.8) > 1e-9 {
		t.Errorf("a solved camera: %v %v", m, ok)
	}
}

func TestFlashMethod(t *testing.T) {
	b, err := methods()["sound.flash"]([]byte(`{"delay_s":1,"temperature_c":20}`))
	var a struct {
		D  float64    `json:"distance_m"`
		IV [2]float64 `json:"interval_m"`
	}
	if err != nil || json.Unmarshal(b, &a) != nil || math.Abs(a.D-343.2) > 0.2 || a.IV[0] >= a.D || a.IV[1] <= a.D {
		t.Errorf("%s %v", b, err)
	}
	if _, err := methods()["sound.flash"]([]byte(`{"delay_s":-1}`)); err == nil {
		t.Error("a negative delay")
	}
}
