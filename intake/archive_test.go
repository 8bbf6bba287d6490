package intake

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWebArchives reads the collection of archives through the importer.
func TestWebArchives(t *testing.T) {
	dir := "../../shared/fixtures/web/"
	for name, want := range map[string]struct {
		as          string
		pages       int
		attachments int
		bad, note   string
	}{
		"scoop/example.com.wacz":                {"wacz", 1, 1, "", ""},
		"py-wacz/valid_signed_example_1.wacz":   {"wacz", 1, 0, "", "claim of btrix-sign-test.webrecorder.net"},
		"py-wacz/invalid_signed_example_1.wacz": {"wacz", 1, 0, "", "NOT good"},
		"py-wacz/invalid_example_1.wacz":        {"wacz", 0, 0, "not there", ""},
		"py-wacz/example-iana.warc":             {"warc", 2, 0, "", ""},
		"warcio/example.arc.gz":                 {"warc", 1, 0, "", ""},
		"warcio/example-trunc.warc":             {"warc", 1, 0, "WARC-Block-Digest", ""},
	} {
		if _, err := os.Stat(dir + name); err != nil {
			t.Skip("the fixtures are not here")
		}
		im, s, err := readAs(dir+name, want.as, ImportOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n, at := 0, 0
		for _, r := range im.Records {
			if r.Kind == "page" && r.URL != "" {
				n++
				if r.Title == "" && r.Text == "" {
					t.Errorf("%s: the page %s says nothing", name, r.URL)
				}
			}
			for _, a := range r.Attachments {
				if _, err := os.Stat(a.path); err != nil {
					t.Errorf("%s: %s is not there: %v", name, a.Name, err)
				}
				at++
			}
		}
		if n < want.pages || at < want.attachments {
			t.Errorf("%s: %d pages and %d media, want %d and %d", name, n, at, want.pages, want.attachments)
		}
		text := ""
		for _, b := range im.Bad {
			text += b.Why + "\n"
		}
		if want.bad == "" && text != "" || !strings.Contains(text, want.bad) {
			t.Errorf("%s: faults %q", name, text)
		}
		if notes := strings.Join(im.Notes, "\n"); !strings.Contains(notes, want.note) {
			t.Errorf("%s: notes %q", name, notes)
		}
		temp := s.temp
		s.close()
		if _, err := os.Stat(temp); err == nil {
			t.Errorf("%s: %s was left behind", name, temp)
		}
	}
}

func TestArchives(t *testing.T) {
	dir := t.TempDir()
	big := bytes.Repeat([]byte("a"), 64<<20)
	hostile := []string{"../up.txt", "/root.txt", `a\b.txt`, "C:/x.txt", "Same.txt", "same.txt", "a//b", "n\x01.txt"}
	var zb bytes.Buffer
	z := zip.NewWriter(&zb)
	for _, n := range append([]string{"ok.txt", "in/ok.txt"}, hostile...) {
		w, err := z.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, n) //nolint:errcheck // memory
	}
	link, _ := z.CreateHeader(&zip.FileHeader{Name: "link", ExternalAttrs: 0o120777 << 16, CreatorVersion: 3 << 8})
	io.WriteString(link, "/etc/passwd") //nolint:errcheck // memory
	z.Close()
	var tb bytes.Buffer
	gz := gzip.NewWriter(&tb)
	tw := tar.NewWriter(gz)
	for _, n := range []string{"ok.txt", "../up.txt"} {
		tw.WriteHeader(&tar.Header{Name: n, Mode: 0o644, Size: 3, Typeflag: tar.TypeReg}) //nolint:errcheck // memory
		io.WriteString(tw, "abc")                                                         //nolint:errcheck // memory
	}
	tw.WriteHeader(&tar.Header{Name: "ln", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}) //nolint:errcheck // memory
	tw.WriteHeader(&tar.Header{Name: "dev", Typeflag: tar.TypeChar})                            //nolint:errcheck // memory
	tw.Close()
	gz.Close()
	var bb bytes.Buffer
	z = zip.NewWriter(&bb)
	w, _ := z.Create("small.txt")
	io.WriteString(w, "small") //nolint:errcheck // memory
	w, _ = z.Create("bomb.txt")
	w.Write(big) //nolint:errcheck // memory
	z.Close()
	for name, c := range map[string]struct {
		b       []byte
		files   int
		bad     int
		because string
	}{
		"mixed.zip": {zb.Bytes(), 3, 8, "leads out of the folder"},
		"a.tar.gz":  {tb.Bytes(), 1, 3, "a link, a device"},
		"bomb.zip":  {bb.Bytes(), 1, 1, "far more than it is"},
		"cut.zip":   {zb.Bytes()[:200], 0, 0, ""},
		"text.tar":  {[]byte("no archive at all"), 0, 0, ""},
	} {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, c.b, 0o600); err != nil {
			t.Fatal(err)
		}
		im, s, err := readAs(p, "archive", ImportOptions{})
		if c.because == "" {
			if err == nil {
				t.Errorf("%s was read", name)
			}
			if s != nil {
				s.close()
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := ""
		for _, b := range im.Bad {
			text += b.Value + ": " + b.Why + "\n"
		}
		if len(im.Records[0].Attachments) != c.files || len(im.Bad) != c.bad || !strings.Contains(text, c.because) {
			t.Errorf("%s: %d files, %d refused:\n%s", name, len(im.Records[0].Attachments), len(im.Bad), text)
		}
		s.close()
	}
	for _, n := range []string{"up.txt", "root.txt"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(dir), n)); err == nil {
			t.Errorf("%s was written outside", n)
		}
	}
}
