package publish

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResponse(t *testing.T) {
	dir := build(t, small(), t.TempDir()).Dir
	data, err := os.ReadFile(filepath.Join(dir, "respond/C-01.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadResponse(data); err == nil || !strings.Contains(err.Error(), "no reason") {
		t.Errorf("the empty form: %v", err)
	}
	var form map[string]any
	if err := json.Unmarshal(data, &form); err != nil {
		t.Fatal(err)
	}
	with := func(k string, v any) []byte {
		m := map[string]any{"reason": "I was there."}
		for a, b := range form {
			if a != "reason" {
				m[a] = b
			}
		}
		m[k] = v
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	r, err := ReadResponse(with("evidence", "https://example.org/a <script>"))
	if err != nil {
		t.Fatal(err)
	}
	d := small()
	if c := r.Comment(WordingDigest(d.Claims[0].Text, d.Case.Languages)); !strings.HasPrefix(c, "A reader disputes C-01 as it stands in edition v1:\nI was there.") || !strings.Contains(c, "Evidence: https://example.org/a <script>") {
		t.Errorf("the remark reads %q", c)
	}
	if c := r.Comment(strings.Repeat("0", 64)); !strings.Contains(c, "has changed since") {
		t.Errorf("a changed sentence is not said: %q", c)
	}
	for name, bad := range map[string][]byte{
		"another format":   with("format", "x/1"),
		"no edition":       with("edition", 0),
		"a path as id":     with("about", "../../etc"),
		"another word":     with("says", "verified"),
		"a turned text":    with("reason", "abc\u202edef"),
		"too long":         with("reason", strings.Repeat("ñ", maxResponseText+1)),
		"an unknown field": with("status", "verified"),
		"not a digest":     with("wording", "zz"),
		"two answers":      append(with("contact", ""), with("contact", "")...),
		"not UTF-8":        {'{', 0xff, '}'},
		"a million bytes":  []byte(strings.Repeat(" ", 1_000_000)),
		"nothing":          nil,
	} {
		if r, err := ReadResponse(bad); err == nil {
			t.Errorf("%s was accepted: %+v", name, r)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "c/C-01.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`data-about="C-01"`, `data-wording="` + WordingDigest(d.Claims[0].Text, d.Case.Languages) + `"`, `href="../respond/C-01.json"`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page of the claim lacks %s", want)
		}
	}
}

func FuzzReadResponse(f *testing.F) {
	f.Add([]byte(`{"format":"sightline.response/1","case":"x","edition":1,"about":"C-01","says":"dispute","reason":"r","evidence":"","contact":""}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ReadResponse(b); err == nil && (r.Reason == "" || r.Comment("") == "") {
			t.Errorf("accepted without a reason: %q", b)
		}
	})
}
