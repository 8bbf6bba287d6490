package publish

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func bundleOf(t *testing.T) string {
	t.Helper()
	dir := publishRecomputable(t, recomputable())
	var one, two bytes.Buffer
	for _, w := range []*bytes.Buffer{&one, &two} {
		if err := Bundle(context.Background(), dir, "C-01", networkOf, w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Fatal("two bundles of one edition differ")
	}
	p := filepath.Join(t.TempDir(), "C-01.zip")
	if err := os.WriteFile(p, one.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBundleHoldsWhatTheClaimRestsOn(t *testing.T) {
	p := bundleOf(t)
	rep, err := CheckBundle(context.Background(), p, nil, nil)
	if err != nil || len(rep.Faults) != 0 || rep.Edition != "test C-01 of v1" {
		t.Fatalf("%+v, %v", rep, err)
	}
	again, err := RecomputeBundle(context.Background(), p, Recomputer{Methods: map[string]Method{"camera.solve": solver}, Network: networkOf})
	if err != nil || len(again.Faults) != 0 || again.Findings["camera.solve"] != 1 || again.Bounds != 1 {
		t.Fatalf("%+v, %v", again, err)
	}
	z, err := zip.OpenReader(p)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open("CLAIM.es.md")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(f)
	for _, s := range []string{"It happened (es)", "[TS-001]", "[TS-002]", "EJERCICIO", "Why. (es)"} {
		if !bytes.Contains(text, []byte(s)) {
			t.Errorf("CLAIM.es.md lacks %q:\n%s", s, text)
		}
	}
	if err := Bundle(context.Background(), filepath.Dir(p), "C-99", nil, io.Discard); err == nil {
		t.Error("a folder that is no edition was bundled")
	}
}

// rezip writes an archive again with its entries changed.
func rezip(t *testing.T, p string, change func(name string, data []byte) (string, []byte), more map[string]string) string {
	t.Helper()
	z, err := zip.OpenReader(p)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := filepath.Join(t.TempDir(), "x.zip")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	put := func(name string, data []byte) {
		e, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		e.Write(data)
	}
	for _, e := range z.File {
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(r)
		r.Close()
		name := e.Name
		if change != nil {
			name, data = change(name, data)
		}
		if name != "" {
			put(name, data)
		}
	}
	for name, s := range more {
		put(name, []byte(s))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	return out
}

func TestBundleTampering(t *testing.T) {
	p := bundleOf(t)
	for _, c := range []struct {
		name   string
		change func(string, []byte) (string, []byte)
		more   map[string]string
		says   string // in a fault or in the refusal
	}{
		{"one byte", func(n string, b []byte) (string, []byte) {
			if n == "CLAIM.en.md" {
				b = append([]byte{b[0] ^ 1}, b[1:]...)
			}
			return n, b
		}, nil, "CLAIM.en.md"},
		{"a file less", func(n string, b []byte) (string, []byte) {
			if n == "data/network.json" {
				return "", nil
			}
			return n, b
		}, nil, "data/network.json"},
		{"a file more", nil, map[string]string{"extra": "x"}, "extra"},
		{"out of the archive", nil, map[string]string{"../../etc/passwd": "x"}, "leads out"},
		{"an absolute path", nil, map[string]string{"/etc/passwd": "x"}, "leads out"},
		{"a backslash", nil, map[string]string{`..\x`: "x"}, "leads out"},
		{"the same name in another case", nil, map[string]string{"claim.EN.md": "x"}, "twice"},
		{"the same name", nil, map[string]string{"CLAIM.en.md": "x"}, "twice"},
		{"a bomb", nil, map[string]string{"bomb": strings.Repeat("\x00", 65<<20)}, "unfold"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep, err := CheckBundle(context.Background(), rezip(t, p, c.change, c.more), nil, nil)
			if err != nil {
				if !strings.Contains(err.Error(), c.says) {
					t.Fatalf("refused with %v, want %q", err, c.says)
				}
				return
			}
			for _, f := range rep.Faults {
				if strings.Contains(f.Where+f.What, c.says) {
					return
				}
			}
			t.Fatalf("no fault about %q: %+v", c.says, rep.Faults)
		})
	}
	if err := os.WriteFile(p, []byte("PK\x03\x04 not an archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := CheckBundle(context.Background(), p, nil, nil); err == nil {
		t.Error("a broken archive was checked")
	}
}
