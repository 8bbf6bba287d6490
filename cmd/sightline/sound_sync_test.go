package main

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeWAV writes 16-bit mono at 8 kHz.
func writeWAV(t *testing.T, path string, x []float64) {
	t.Helper()
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data")
	b = binary.LittleEndian.AppendUint32(b, uint32(2*len(x)))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(math.Max(-32767, math.Min(32767, v*32767)))))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSoundSyncAndOnsets(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 1))
	w := make([]float64, 14*8000)
	for i := range w {
		w[i] = 0.1 * r.NormFloat64() * (1 + math.Sin(float64(i)/900))
	}
	at := func(n string) string { return filepath.Join(dir, n) }
	writeWAV(t, at("a.wav"), w[:10*8000])
	writeWAV(t, at("b.wav"), w[3*8000+400:])
	writeWAV(t, at("silent.wav"), make([]float64, 5*8000))
	writeWAV(t, at("short.wav"), make([]float64, 800))
	shots := make([]float64, 6*8000)
	for i := range shots {
		shots[i] = 0.001 * r.NormFloat64()
	}
	burst := make([]float64, 800)
	for i := range burst {
		burst[i] = 0.5 * r.NormFloat64() * math.Exp(-float64(i)/100)
	}
	for _, k := range []int{16000, 25000} {
		for i, v := range burst {
			shots[k+i] += v
		}
	}
	writeWAV(t, at("shots.wav"), shots)
	if err := os.WriteFile(at("pos.json"), []byte(`{"recorders":[{"id":0,"x":0,"y":0},{"id":1,"x":343,"y":0}],"temperature_c":20,"source":{"x":0,"y":0}}`), 0o600); err != nil {
		t.Fatal(err)
	}

	status, out, errs := sunRun(t, "", "sound", "sync", at("a.wav"), at("b.wav"), at("silent.wav"))
	var a syncAnswer
	if err := json.Unmarshal([]byte(out), &a); status != 0 || err != nil {
		t.Fatalf("status %d, %v, %s", status, err, errs)
	}
	if p := a.Pairs[0]; !p.Accepted || math.Abs(*p.Lag-3.05) > 1e-4 {
		t.Errorf("pair %+v", p)
	}
	for _, p := range a.Pairs[1:] {
		if p.Accepted || p.Reason != "silent" || p.Lag != nil {
			t.Errorf("a silent recording was placed: %+v", p)
		}
	}
	if len(a.Graph) != 2 || len(a.Graph[0].Offsets) != 2 {
		t.Errorf("graph %+v", a.Graph)
	}
	// The second recorder hears the source a second later: its clock started earlier.
	_, out, _ = sunRun(t, "", "sound", "sync", at("a.wav"), at("b.wav"), "--positions", at("pos.json"))
	a = syncAnswer{}
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatal(err)
	}
	if q := a.Graph[0].Offsets[1]; q.Of != "clock" || math.Abs(q.Offset-(3.05+343/343.21)) > 2e-3 {
		t.Errorf("with positions: %+v", q)
	}

	_, out, _ = sunRun(t, "", "sound", "onsets", at("shots.wav"))
	var o onsetsAnswer
	if err := json.Unmarshal([]byte(out), &o); err != nil || len(o.Onsets) != 2 || math.Abs(o.Onsets[0].T-2) > 0.001 || math.Abs(o.Onsets[1].T-3.125) > 0.001 {
		t.Errorf("onsets %v %s", err, out)
	}
	for code, args := range map[string][]string{
		"too_short":    {"sound", "onsets", at("short.wav")},
		"unreadable":   {"sound", "sync", at("a.wav"), at("pos.json")},
		"bad_json":     {"sound", "sync", at("a.wav")},
		"out_of_range": {"sound", "flash", "500"},
	} {
		if status, _, errs := sunRun(t, "", args...); status != 2 || !strings.Contains(errs, code) {
			t.Errorf("%v: status %d, %s", args, status, errs)
		}
	}
	if status, out, _ := sunRun(t, "", "sound", "flash", "2", "--temperature", "0"); status != 0 || !strings.Contains(out, `"distance_m":662.6`) {
		t.Errorf("flash: %d %s", status, out)
	}
}
