package intake

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sightline"
	"sightline/when"
)

func TestSniffFixtures(t *testing.T) {
	want := map[string]string{
		"mini/gif87.gif": "image/gif", "mini/gif89.gif": "image/gif", "mini/pdf.pdf": "application/pdf", "mini/id3v1.mp3": "audio/mpeg", "mini/id3v2.mp3": "audio/mpeg",
		"mini/riff.wav": "audio/wav", "mini/rifx.wav": "audio/wav", "mini/webpl.webp": "image/webp", "mini/webp.webp": "image/webp",
		"mini/png.png": "image/png", "mini/jpg.jpg": "image/jpeg", "mini/tiff-be.tif": "image/tiff", "mini/tiff-le.tif": "image/tiff", "mini/mp4.mp4": "video/mp4",
		"mini/svg.svg": "image/svg+xml", "mini/webm.webm": "video/webm", "mini/matroska.mkv": "video/x-matroska", "mini/heic.heic": "image/heic", "mini/zip.zip": "application/zip",
		"text/blns.json": "application/json", "text/blns.txt": "text/plain", "images/circle.svg": "image/svg+xml",
	}
	root := filepath.Join("..", "..", "shared", "fixtures", "hostile")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the fixtures are not here")
	}
	for name, typ := range want {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := Sniff(b); got.Type != typ {
			t.Errorf("%s: %s, want %s", name, got.Type, typ)
		}
	}
}

func TestSniff(t *testing.T) {
	for _, c := range []struct{ head, typ, media string }{
		{"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "image/heic", "photo"},
		{"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00avifmif1miaf", "image/avif", "image"},
		{"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", "video/quicktime", "video"},
		{"\x00\x00\x00\x18ftyp3gp4\x00\x00\x00\x00", "video/3gpp", "video"},
		{"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00", "audio/mp4", "audio"},
		{"#!AMR\n\x3c", "audio/amr", "audio"},
		{"\xff\xfb\x90\x64\x00\x00", "audio/mpeg", "audio"},
		{"\xff\xf1\x50\x80\x00\x00", "audio/aac", "audio"},
		{"BMW drove past at nine\n", "text/plain", "document"},
		{"MZ is a rank\n", "text/plain", "document"},
		{"{\"a\":1}", "application/json", "document"},
		{"From: a@b\r\nSubject: x\r\n\r\n", "message/rfc822", "post"},
		{"1\n00:00:01,000 --> 00:00:02,000\nhola\n", "application/x-subrip", "document"},
		{"WEBVTT\n", "text/vtt", "document"},
		{"caf\xe9 con leche, a las nueve de la ma\xf1ana", "text/plain", "document"},
		{"\x01\x02\x03", "application/octet-stream", "document"},
		{"", "application/octet-stream", "document"},
	} {
		k := Sniff([]byte(c.head))
		if k.Type != c.typ || k.Media != c.media {
			t.Errorf("%q: %s %s, want %s %s", c.head, k.Type, k.Media, c.typ, c.media)
		}
	}
	if ext, ok := Extension("IMG.JPG", "image/png"); ok || ext != ".jpg" {
		t.Errorf("a PNG named .JPG: %q %v", ext, ok)
	}
	if _, ok := Extension("clip.MOV", "video/mp4"); !ok {
		t.Error("an MP4 named .mov is common and no mismatch")
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x18ftypheic"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVE"))
	f.Add([]byte("From: x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k := Sniff(b); k.Type == "" || k.Media == "" {
			t.Errorf("no answer for %q", b)
		}
	})
}

func TestWalkRefusesWhatIsNotAFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs pipes and links")
	}
	d := t.TempDir()
	names := []string{"a\nb.txt", "\u202egpj.exe", "📷.jpg", "plain.txt"}
	for _, n := range names {
		os.WriteFile(filepath.Join(d, n), []byte("x"), 0o644)
	}
	os.WriteFile(filepath.Join(d, ".DS_Store"), []byte("x"), 0o644)
	os.Symlink("/etc/passwd", filepath.Join(d, "link.jpg"))
	mkfifo(filepath.Join(d, "pipe.jpg"))
	os.Mkdir(filepath.Join(d, "case"), 0o755)
	os.WriteFile(filepath.Join(d, "case", "case.db"), []byte("x"), 0o644)
	empty := t.TempDir()
	in, refused := Walk([]string{d, empty, "/dev/null", filepath.Join(d, "missing")})
	var got []string
	for _, x := range in {
		got = append(got, x.Name)
	}
	if strings.Join(got, "|") != "a\nb.txt|plain.txt|\u202egpj.exe|📷.jpg" {
		t.Errorf("listed %q", got)
	}
	why := map[string]string{}
	for _, r := range refused {
		why[r.Name] = r.Why
	}
	for name, word := range map[string]string{".DS_Store": "file browser", "link.jpg": "link", "pipe.jpg": "pipe", "case": "case of Sightline", filepath.Base(empty): "empty", "null": "device", "missing": "no such file"} {
		if !strings.Contains(why[name], word) {
			t.Errorf("%s: %q does not say %q", name, why[name], word)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got := Printable("a\n\x1b[31m\u202eb📷ñ"); got != "a␊␛[31m\ufffdb📷ñ" {
		t.Errorf("got %q", got)
	}
}

func zoneOf(t *testing.T, name string) when.Zone {
	z, err := when.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestClockCells(t *testing.T) {
	z := zoneOf(t, "America/Caracas")
	ms := func(s string) when.Instant {
		r, _ := when.Parse(when.Written{Kind: "rfc3339", Value: s})
		return *r.Hypotheses[0].Min
	}
	day0, day1 := ms("2018-01-15T00:00:00-04:00"), ms("2018-01-16T00:00:00-04:00")-1
	for _, c := range []struct {
		in       clockCells
		prec     string
		min, max when.Instant
		fault    string
	}{
		{clockCells{date: "2018-01-15"}, "day", day0, day1, ""},
		{clockCells{date: "15/1/2018"}, "", day0, day1, ""},
		{clockCells{date: "2018-01-15", from: "11:15", to: "11:32"}, "interval", ms("2018-01-15T11:15:00-04:00"), ms("2018-01-15T11:33:00-04:00") - 1, ""},
		{clockCells{date: "2018-01-15", to: "06:45"}, "before", day0, ms("2018-01-15T06:46:00-04:00") - 1, ""},
		{clockCells{date: "2018-01-15", from: "9:07"}, "minute", ms("2018-01-15T09:07:00-04:00"), ms("2018-01-15T09:08:00-04:00") - 1, ""},
		{clockCells{date: "2018-01-15", from: "9:07"}, "about", ms("2018-01-15T08:52:00-04:00"), ms("2018-01-15T09:23:00-04:00") - 1, ""},
		{clockCells{date: "2018-01-15", from: "9:07 p.m."}, "", ms("2018-01-15T21:07:00-04:00"), ms("2018-01-15T21:08:00-04:00") - 1, ""},
		{clockCells{date: "2018-01-15", from: "23:30", to: "24:00"}, "", ms("2018-01-15T23:30:00-04:00"), day1, ""},
		{clockCells{utcFrom: "2018-01-15T15:15:00Z", utcTo: "2018-01-15T15:32:00Z"}, "", ms("2018-01-15T15:15:00Z"), ms("2018-01-15T15:32:00Z") + 999, ""},
		{clockCells{date: "3/4/2018"}, "", 0, 0, "date"},
		{clockCells{date: "2018-02-30"}, "", 0, 0, "date"},
		{clockCells{date: "yesterday"}, "", 0, 0, "date"},
		{clockCells{date: "2018-01-15", from: "25:00"}, "", 0, 0, "from"},
		{clockCells{date: "2018-01-15", from: "12:00", to: "11:00"}, "", 0, 0, "to"},
		{clockCells{from: "12:00"}, "", 0, 0, "from"},
		{clockCells{date: "2016-05-01", from: "02:45"}, "", 0, 0, "from"}, // clocks in Caracas jumped from 02:30 to 03:00
	} {
		tm, err := c.in.read(z, "", 0, c.prec)
		if c.fault != "" {
			cf, ok := err.(*cellFault)
			if !ok || cf.cell != c.fault || cf.why == "" {
				t.Errorf("%+v: %v, want a fault in %s", c.in, err, c.fault)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", c.in, err)
			continue
		}
		if tm.Min == nil || tm.Max == nil || *tm.Min != c.min || *tm.Max != c.max {
			t.Errorf("%+v: %v, want %v to %v", c.in, tm.Interval, c.min, c.max)
		}
		if tm.Printed == "" || tm.Zone != "America/Caracas" && c.in.utcFrom == "" {
			t.Errorf("%+v: printed %q zone %q", c.in, tm.Printed, tm.Zone)
		}
	}
}

func TestMappingNamesItsFaults(t *testing.T) {
	for in, word := range map[string]string{
		`{"format":"sightline.map/2","columns":{"a":"notes"}}`:               "sightline.map/1",
		`{"format":"sightline.map/1"}`:                                       "no columns",
		`{"format":"sightline.map/1","columns":{"a":"titel.en"}}`:            "titel",
		`{"format":"sightline.map/1","columns":{"a":"sha256"}}`:              "preserved bytes",
		`{"format":"sightline.map/1","columns":{"a":"@time.when"}}`:          "@time.when",
		`{"format":"sightline.map/1","columns":{"a":"notes.x"}}`:             "nothing lies below",
		`{"format":"sightline.map/1","columns":{"a":"notes"},"extra":1}`:     "extra",
		`{"format":"sightline.map/1","columns":{"a":"notes"},"dates":"ymd"}`: "dmy",
		`{"format":`: "ends in the middle",
	} {
		_, err := ReadMapping(strings.NewReader(in))
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v does not name %q", in, err, word)
		}
	}
}

const rows = `id;fecha;de;a;hecho;url;lat;lon;perspectiva
EJ-003;2018-01-15;11:15;11:32;"Radio: ""alto""";https://example.org/a;10,46;-67.07;press
EJ-004;2018-01-15;09:07;;Segundo cohete;https://example.org/b;10.46;-67.07;press
XX-1;2018-01-15;;;id de otro caso;;;;press
;15/13/2018;;;fecha imposible;;;;press
;2018-01-15;;;perspectiva inventada;;;;martian
;2018-01-15;;;"comillas" rotas;;;;press
;2018-01-15;;;demasiadas;;;;press;x;y
;2018-01-15;;;bien;;;;citizen
`

func TestBadRowsAreNamed(t *testing.T) {
	tb, err := parseTable("r.csv", []byte(rows), "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadMapping(strings.NewReader(`{"format":"sightline.map/1","columns":{"id":"id","fecha":"@time.date","de":"@time.from","a":"@time.to",
		"hecho":["title.es","seen.es"],"url":"source.url","lat":"@place.lat","lon":"@place.lon","perspectiva":"source.perspective"},
		"constants":{"language":"es","times.0.precision":"interval","public.decision":"publish"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if m, err = m.over(tb); err != nil {
		t.Fatal(err)
	}
	a := &Adder{}
	var good []*record
	bad := append([]BadCell{}, tb.Bad...)
	for _, r := range tb.Rows {
		rec, b := a.record(tb, r, m, zoneOf(t, "America/Caracas"), &sightline.Case{Prefix: "EJ"})
		if len(b) == 0 {
			good = append(good, rec)
		}
		bad = append(bad, b...)
	}
	at := map[int]string{}
	for _, b := range bad {
		at[b.Row] = b.Column
		if b.Why == "" || !strings.Contains(b.String(), "r.csv, row ") {
			t.Errorf("%+v", b)
		}
	}
	want := map[int]string{2: "lat", 4: "id", 5: "fecha", 6: "perspectiva", 7: "", 8: ""}
	for row, col := range want {
		if got, ok := at[row]; !ok || got != col {
			t.Errorf("row %d: reported column %q (%v), want %q", row, got, ok, col)
		}
	}
	if len(at) != len(want) || len(good) != 2 {
		t.Fatalf("reported %v, took %d", at, len(good))
	}
	it := good[0].item
	if good[0].id != "EJ-004" || it.Title["es"] != "Segundo cohete" || it.Source.Perspective != "press" || it.Public.Decision != "publish" || it.Held || it.Media != "record" ||
		it.Times[0].Precision != "interval" || it.Places[0].Geo.Lat != 10.46 || it.Axes.Place.Status != "claimed" {
		b, _ := json.MarshalIndent(it, "", " ")
		t.Errorf("%s", b)
	}
	if want := `{"a":"","de":"09:07","fecha":"2018-01-15","hecho":"Segundo cohete","id":"EJ-004","lat":"10.46","lon":"-67.07","perspectiva":"press","url":"https://example.org/b"}`; string(good[0].bytes) != want {
		t.Errorf("the row is preserved as %s", good[0].bytes)
	}
}

func TestRecognise(t *testing.T) {
	for _, c := range []struct {
		name, header string
	}{
		{"auto-archiver sheet", "Link,Archive Status,Destination Folder,Archive Location,Archive Date,Thumbnail,Upload Timestamp,Upload Title,Text Content,Screenshot,Hash,Perceptual Hashes,WACZ,ReplayWebpage"},
		{"TimeMap event", "id,description,date,time,time_precision,location,latitude,longitude,type,category,associations[],sources[],comments,ours"},
		{"TimeMap source", "id,title,thumbnail,paths[],type,affil_s[],url,description,parent,author,date,notes"},
		{"Atlos export", "slug,status,description,sensitive,latitude,longitude"},
	} {
		m, err := Recognise(strings.Split(c.header, ","))
		if err != nil || m.Name != c.name {
			t.Errorf("%s: %v %v", c.name, m, err)
			continue
		}
		for _, h := range strings.Split(c.header, ",") {
			if len(m.Columns[h]) == 0 {
				t.Errorf("%s: column %q is not used", c.name, h)
			}
		}
		if err := m.check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := Recognise([]string{"a", "b"}); err == nil {
		t.Error("unknown headers were recognised")
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte(rows))
	f.Add([]byte("a,b\n\"1,2\n"))
	f.Add([]byte("\xff\xfea\x00,\x00b\x00\n\x00"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tb, err := parseTable("f", b, "")
		if err != nil {
			return
		}
		for _, r := range tb.Rows {
			if len(r.Cells) != len(tb.Header) {
				t.Errorf("row %d has %d cells under %d headers", r.Number, len(r.Cells), len(tb.Header))
			}
		}
	})
}

func TestMergePatch(t *testing.T) {
	// Cases of RFC 7396, appendix A.
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`}, {`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`}, {`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`}, {`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		var a, p any
		json.Unmarshal([]byte(c[0]), &a)
		json.Unmarshal([]byte(c[1]), &p)
		got, _ := json.Marshal(mergePatch(a, p))
		if string(got) != c[2] {
			t.Errorf("%s + %s = %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
