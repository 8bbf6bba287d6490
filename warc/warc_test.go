package warc

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const fixtures = "../../shared/fixtures/web"

// TestFixtures reads every archive of the collection and holds what was found
// against what its list says a reader must do.
func TestFixtures(t *testing.T) {
	if _, err := os.Stat(fixtures); err != nil {
		t.Skip("the fixtures are not here")
	}
	type want struct {
		records int    // at least
		fault   string // part of a fault that must be there; "" none may be but warnings
	}
	truth := map[string]want{
		"gowarc/corrupted-mid-record.warc.gz.open":     {12, "no gzip member"},
		"gowarc/corrupted-trailing-bytes.warc.gz.open": {1, "no gzip member"},
		"gowarc/empty.warc.gz.open":                    {0, ""},
		"gowarc/good.warc.gz.open":                     {2, ""},
		"gowarc/single-record.warc.gz.open":            {1, ""},
		"gowarc/skip-non-open.warc.gz":                 {1, ""},
		"gowarc/test.warc.gz":                          {3, ""},
		"py-wacz/example-collection-with-lists.warc":   {3, ""},
		"py-wacz/example-collection.warc":              {2, ""},
		"py-wacz/example-iana.warc":                    {10, ""},
		"py-wacz/example-resource.warc.gz":             {2, ""},
		"py-wacz/example-warcinfo-metadata.warc":       {2, ""},
		"tika/cc.warc.gz":                              {1, ""},
		"tika/example.arc.gz":                          {2, ""},
		"tika/gzip_extra_sl.warc.gz":                   {1, ""},
		"tika/testARC.arc":                             {2, ""},
		"tika/testWARC_multiple.warc":                  {3, ""},
		"tika/testWARC_multiple.warc.gz":               {3, ""},
		"warcio/bad.arc":                               {0, "no record"},
		"warcio/example-bad-non-chunked.warc.gz":       {6, "one gzip member"},
		"warcio/example-bad.warc.gz.bad":               {6, "one gzip member"},
		"warcio/example-digest.warc":                   {3, "WARC-"},
		"warcio/example-iana.org-chunked.warc":         {2, ""},
		"warcio/example-resource.warc.gz":              {2, ""},
		"warcio/example-space-in-target-uri.warc.gz":   {1, ""},
		"warcio/example-space-in-url.arc":              {2, "1579 of 1591"},
		"warcio/example-trunc.warc":                    {4, "of"},
		"warcio/example-wget-bad-target-uri.warc.gz":   {3, ""},
		"warcio/example-wrong-chunks.warc.gz":          {2, "WARC-Block-Digest"},
		"warcio/example.arc":                           {2, ""},
		"warcio/example.arc.gz":                        {2, ""},
		"warcio/example.warc":                          {4, ""},
		"warcio/example.warc.gz":                       {4, ""},
		"warcio/post-test.warc.gz":                     {3, ""},
	}
	f, err := os.Open(fixtures + "/MANIFEST.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := csv.NewReader(f)
	c.Comma, c.LazyQuotes = '\t', true
	rows, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		name := row[0]
		if !strings.Contains(name, "arc") || strings.HasSuffix(name, ".wacz") || strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, "http-response") || !strings.Contains(filepath.Base(name), ".warc") && !strings.Contains(filepath.Base(name), ".arc") {
			continue
		}
		w, ok := truth[name]
		if !ok {
			t.Errorf("%s is not in the table of this test", name)
			continue
		}
		b, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		faults, err := Scan(bytes.NewReader(b), int64(len(b)), Limits{}, func(r *Record) error {
			n++
			if r.Type == "response" && strings.HasPrefix(r.URI, "http") {
				if m, err := ReadHTTP(r.Block); err != nil {
					t.Errorf("%s, record %d: %v", name, r.Number, err)
				} else if _, err := io.Copy(io.Discard, m.Body); err != nil {
					t.Errorf("%s, record %d: %v", name, r.Number, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n < w.records {
			t.Errorf("%s: %d records, want %d or more; %v", name, n, w.records, faults)
		}
		hit := w.fault == ""
		for _, f := range faults {
			if w.fault != "" && strings.Contains(f.What, w.fault) {
				hit = true
			} else if w.fault == "" && !f.Warn {
				t.Errorf("%s: %s", name, f)
			}
		}
		if !hit {
			t.Errorf("%s (%s): the damage was not reported: %v", name, row[8], faults)
		}
	}
}

func TestPackages(t *testing.T) {
	for name, want := range map[string]struct {
		fault, claim string
		pages        int
	}{
		"py-wacz/valid_example_1.wacz":          {"", "", 1},
		"py-wacz/valid_example_2.wacz":          {"", "", 1},
		"py-wacz/invalid_example_1.wacz":        {"not there", "", 0},
		"py-wacz/valid_signed_example_1.wacz":   {"", "agrees", 1},
		"py-wacz/invalid_signed_example_1.wacz": {"", "not", 1},
		"scoop/example.com.wacz":                {"", "", 3},
		"scoop/noarchive.netlify.app.wacz":      {"", "", 1},
		"tika/testWACZ.wacz":                    {"", "", 1},
	} {
		b, err := os.ReadFile(filepath.Join(fixtures, name))
		if errors.Is(err, os.ErrNotExist) {
			t.Skip("the fixtures are not here")
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := OpenWACZ(bytes.NewReader(b), int64(len(b)), Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(p.Faults, "; "); want.fault == "" && got != "" || !strings.Contains(got, want.fault) {
			t.Errorf("%s: faults %q, want %q", name, got, want.fault)
		}
		if len(p.Pages) < want.pages {
			t.Errorf("%s: %d pages", name, len(p.Pages))
		}
		switch {
		case want.claim == "" && p.Claim != nil:
			t.Logf("%s: claim of %s: %v, %s", name, p.Claim.Signer, p.Claim.Agrees, p.Claim.Why)
		case want.claim != "" && (p.Claim == nil || p.Claim.Agrees != (want.claim == "agrees")):
			t.Errorf("%s: claim %+v", name, p.Claim)
		}
	}
	if b, err := os.ReadFile(fixtures + "/py-wacz/invalid.jsonl"); err == nil {
		if _, faults := ReadPages(bytes.NewReader(b)); len(faults) == 0 {
			t.Error("a malformed list of pages was taken")
		}
	}
}

// TestRoundTrip: what was written is read, whole and in place.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		w := NewWriter(&b)
		type one struct {
			p    Placed
			body []byte
			uri  string
		}
		var all []one
		for range rapid.IntRange(1, 6).Draw(t, "n") {
			body := rapid.SliceOfN(rapid.Byte(), 0, 4000).Draw(t, "body")
			uri := "https://example.com/" + rapid.StringMatching(`[a-z]{0,8}`).Draw(t, "uri")
			sum := sha256.Sum256(body)
			p, err := w.Write(Draft{Type: "resource", URI: uri, Date: time.Unix(1_700_000_000, 0), Mime: "text/plain", Block: bytes.NewReader(body), Entity: &sum,
				Extra: Fields{{"X-Odd", "a\r\nWARC-Type: forged"}}})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, one{p, body, uri})
		}
		i := 0
		faults, err := Scan(bytes.NewReader(b.Bytes()), int64(b.Len()), Limits{}, func(r *Record) error {
			got, _ := io.ReadAll(r.Block)
			x := all[i]
			if !bytes.Equal(got, x.body) || r.URI != x.uri || r.Offset != x.p.Offset || r.Length != x.p.Length || r.ID != x.p.ID || r.Type != "resource" {
				t.Fatalf("record %d: %+v, want %+v", i, r, x.p)
			}
			i++
			return nil
		})
		if err != nil || len(faults) > 0 || i != len(all) {
			t.Fatalf("%d of %d records, %v, %v", i, len(all), faults, err)
		}
		// A flipped bit is either damage that is named, or lies where gzip keeps nothing.
		at := rapid.IntRange(0, b.Len()-1).Draw(t, "at")
		bad := bytes.Clone(b.Bytes())
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		same := 0
		faults, err = Scan(bytes.NewReader(bad), int64(len(bad)), Limits{}, func(r *Record) error {
			got, _ := io.ReadAll(r.Block)
			for _, x := range all {
				if r.ID == x.p.ID && bytes.Equal(got, x.body) {
					same++
				}
			}
			return nil
		})
		if err == nil && len(faults) == 0 && same != len(all) {
			t.Fatalf("a changed bit at %d went unnoticed: %d of %d records", at, same, len(all))
		}
	})
}

func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	if _, err := w.Write(Draft{Type: "resource", URI: "x:y", Date: time.Now(), Mime: "text/plain", Block: bytes.NewReader(make([]byte, 64<<20))}); err != nil {
		t.Fatal(err)
	}
	_, err := Scan(bytes.NewReader(b.Bytes()), int64(b.Len()), Limits{}, func(*Record) error { return nil })
	if !errors.Is(err, ErrLimit) {
		t.Errorf("%d bytes became 64 MiB: %v", b.Len(), err)
	}
}

func TestKey(t *testing.T) {
	for in, want := range map[string]string{
		"https://www.Example.com/A?b=2&a=1": "com,example)/a?a=1&b=2",
		"http://127.0.0.1:8080/x":           "127.0.0.1:8080)/x",
		"http://sub.example.org":            "org,example,sub)/",
		"urn:fullPage:https://a.b/":         "urn:fullPage:https://a.b/",
	} {
		if got := Key(in); got != want {
			t.Errorf("Key(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: 5\r\n\r\nHTTP/", "http://a.b/ 1.2.3.4 20200101000000 text/html 3\nabc\n", "\x1f\x8b\x08\x00"} {
		f.Add([]byte(s))
	}
	if list, err := filepath.Glob(fixtures + "/*/*arc*"); err == nil {
		for _, p := range list {
			if b, err := os.ReadFile(p); err == nil && len(b) < 8<<10 {
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := Scan(bytes.NewReader(b), int64(len(b)), Limits{}, func(r *Record) error {
			if m, err := ReadHTTP(r.Block); err == nil {
				if d, _, err := m.Decoded(); err == nil {
					io.Copy(io.Discard, io.LimitReader(d, 1<<20)) //nolint:errcheck // damage may end it
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, ErrLimit) {
			t.Fatal(err)
		}
		if p, err := OpenWACZ(bytes.NewReader(b), int64(len(b)), Limits{}); err == nil && p == nil {
			t.Fatal("neither a package nor an error")
		}
	})
}

func FuzzReadPage(f *testing.F) {
	f.Add([]byte("<title>a</title><img src=x><base href=//b><p hidden>c"), "text/html; charset=iso-8859-1")
	f.Add([]byte("\xff\xfe<\x00"), "")
	base, _ := url.Parse("https://example.com/a")
	f.Fuzz(func(t *testing.T, b []byte, typ string) {
		d, err := ReadPage(bytes.NewReader(b), typ, base)
		if err == nil {
			for _, r := range d.Refs {
				if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
					t.Fatalf("a reference to %s", r.URL)
				}
			}
		}
	})
}
