package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func exportFixtures(t testing.TB) string {
	dir := filepath.Join("..", "..", "shared", "fixtures")
	if _, err := os.Stat(filepath.Join(dir, "exports")); err != nil {
		t.Skip("the fixtures are not here")
	}
	return dir
}

// TestHeaderStyles writes a chat in each of the 96 published header styles and
// reads it back: every message is found, with its author, words and, given the
// order of the date, its time.
func TestHeaderStyles(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(exportFixtures(t), "exports", "whatsapp", "whatstk", "header_format_support.json"))
	if err != nil {
		t.Skip("the fixtures are not here")
	}
	var styles []struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(b, &styles); err != nil {
		t.Fatal(err)
	}
	layout := strings.NewReplacer("%Y", "2006", "%y", "06", "%m", "01", "%d", "02", "%H", "15", "%I", "03", "%M", "04", "%S", "05", "%p", "PM")
	for _, s := range styles {
		order := ""
		for _, c := range s.Format {
			if strings.ContainsRune("ymd", c) && len(order) < 3 {
				order += string(c)
			}
		}
		var text strings.Builder
		at := time.Date(2019, 1, 3, 9, 7, 5, 0, time.UTC)
		var want []time.Time
		for i := range 40 {
			head, _, _ := strings.Cut(s.Format, "%name")
			fmt.Fprintf(&text, "%sAna %d: words %d\n", at.Format(layout.Replace(head)), i%3, i)
			if i%7 == 0 {
				text.WriteString("a second line\n")
			}
			want = append(want, at)
			at = at.Add(31*time.Hour + 17*time.Minute)
		}
		path := filepath.Join(t.TempDir(), "_chat.txt")
		os.WriteFile(path, []byte(text.String()), 0o600)
		im, err := ReadAs(path, "whatsapp", ImportOptions{Dates: order})
		if err != nil {
			t.Errorf("%s: %v", s.Format, err)
			continue
		}
		if len(im.Records) != len(want) || len(im.Bad) > 0 {
			t.Errorf("%s: %d messages, %d bad: %v", s.Format, len(im.Records), len(im.Bad), im.Bad)
			continue
		}
		for i, r := range im.Records {
			exp := want[i].Format("2006-01-02T15:04")
			if strings.Contains(s.Format, "%S") {
				exp = want[i].Format("2006-01-02T15:04:05")
			}
			if r.Time.Value != exp || r.Author != fmt.Sprintf("Ana %d", i%3) || !strings.HasPrefix(r.Text, fmt.Sprintf("words %d", i)) || (i%7 == 0) != strings.Contains(r.Text, "a second line") || r.Time.Zone != nil {
				t.Errorf("%s: message %d is %+v %+v, want %s", s.Format, i, r, r.Time, exp)
				break
			}
		}
	}
}

// TestUnclearDatesAreAsked: a chat of one day that fits two orders is an
// interval over both and a question, never a guess.
func TestUnclearDatesAreAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chat.txt")
	os.WriteFile(path, []byte("3/4/18, 09:07 - Ana: hola\n3/4/18, 09:08 - Luis: si\n"), 0o600)
	im, err := ReadAs(path, "whatsapp", ImportOptions{Zone: "America/Caracas"})
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	for _, q := range im.Questions {
		asked = asked || q.About == "dates" && len(q.Options) == 2
	}
	r := im.Records[0]
	if !asked || r.Time.Value != "" || *r.Time.Min != "2018-03-04T13:07:00.000Z" || *r.Time.Max != "2018-04-03T13:07:59.999Z" {
		t.Errorf("questions %v, time %+v", im.Questions, r.Time)
	}
	im, err = ReadAs(path, "whatsapp", ImportOptions{Zone: "America/Caracas", Dates: "dmy"})
	if err != nil || im.Records[0].Time.Value != "2018-04-03T09:07" || *im.Records[0].Time.Min != "2018-04-03T13:07:00.000Z" || len(im.Questions) != 0 {
		t.Errorf("%v %+v", err, im)
	}
	// A chat that runs on shows the order by itself.
	os.WriteFile(path, []byte("3/4/18, 09:07 - Ana: hola\n4/4/18, 09:08 - Luis: si\n5/4/18, 09:08 - Luis: no\n1/5/18, 10:00 - Ana: ya\n"), 0o600)
	if im, err = ReadAs(path, "whatsapp", ImportOptions{}); err != nil || im.Records[3].Time.Value != "2018-05-01T10:00" {
		t.Errorf("%v %+v", err, im.Records[3].Time)
	}
}

// TestSpanishExport: Android and iOS in Spanish, attachments, what was left
// out, words of the program, rare spaces and marks of direction.
func TestSpanishExport(t *testing.T) {
	dir := t.TempDir()
	text := "[15/1/18, 9:07:30\u202fa.\u00a0m.] Brigada: \u200e<adjunto: 00000002-PHOTO-2018-01-15-09-07-30.jpg>\n" +
		"\u200e[15/1/18, 9:08:00\u202fa.\u00a0m.] Brigada: \u200eimagen omitida\n" +
		"[15/1/18, 1:08:01\u202fp.\u00a0m.] \u202a+58 412-0000000\u202c: Nos vamos a entregar: no disparen\notra línea\n" +
		"[16/1/18, 12:00:00\u202fa.\u00a0m.] Los mensajes y las llamadas están cifrados de extremo a extremo.\n"
	os.WriteFile(filepath.Join(dir, "_chat.txt"), []byte(text), 0o600)
	os.WriteFile(filepath.Join(dir, "00000002-PHOTO-2018-01-15-09-07-30.jpg"), []byte("\xff\xd8\xff\xd9"), 0o600)
	im, err := ReadAs(dir, "whatsapp", ImportOptions{Zone: "America/Caracas", Dates: "dmy"})
	if err != nil || len(im.Records) != 4 {
		t.Fatalf("%v %+v", err, im)
	}
	r := im.Records
	if len(r[0].Attachments) != 1 || !r[0].Attachments[0].Held || r[0].Time.Value != "2018-01-15T09:07:30" {
		t.Errorf("attachment: %+v %+v", r[0], r[0].Time)
	}
	if len(r[1].Attachments) != 1 || r[1].Attachments[0].Held || r[1].Attachments[0].Why == "" {
		t.Errorf("left out: %+v", r[1])
	}
	if r[2].Author != "+58 412-0000000" || r[2].Text != "Nos vamos a entregar: no disparen\notra línea" || r[2].Time.Value != "2018-01-15T13:08:01" {
		t.Errorf("message: %+v %+v", r[2], r[2].Time)
	}
	if r[3].Kind != "system" || r[3].Time.Value != "2018-01-16T00:00:00" {
		t.Errorf("program: %+v %+v", r[3], r[3].Time)
	}
	android := filepath.Join(t.TempDir(), "Chat de WhatsApp.txt")
	os.WriteFile(android, []byte("15/01/2018 09:07 - Ana: IMG-20180115-WA0003.jpg (archivo adjunto)\nmira esto\n15/01/2018 09:08 - Ana: <Multimedia omitido>\n"), 0o600)
	im, err = ReadAs(android, "whatsapp", ImportOptions{})
	if err != nil || len(im.Records) != 2 || im.Records[0].Attachments[0].Name != "IMG-20180115-WA0003.jpg" || im.Records[0].Text != "mira esto" || im.Records[0].Attachments[0].Held {
		t.Errorf("Android: %v %+v", err, im)
	}
}

// TestChatFixtures counts the messages of the published chats.
func TestChatFixtures(t *testing.T) {
	dir := filepath.Join(exportFixtures(t), "exports")
	for name, want := range map[string]int{
		"whatsapp/whatstk/lorem.txt": 500, "whatsapp/whatstk/lorem-2000.txt": 2000, "whatsapp/whatstk/lorem-merge-part1.txt": 300,
		"whatsapp/whatstk/lorem-merge-part2.txt": 300, "whatsapp/whatstk/pokemon.txt": 20, "chat-miner/whatsapp/test_ddmmyy_24hrs.txt": 9,
		"chat-miner/whatsapp/test_mmddyy_24hrs.txt": 9, "chat-miner/whatsapp/test_[mmddyy]_24hrs.txt": 9, "chat-miner/whatsapp/test_yyyymmdd_24hrs.txt": 9, "chat-miner/whatsapp/test_mmddyyyy_12hrs.txt": 9,
	} {
		im, err := ReadAs(filepath.Join(dir, filepath.FromSlash(name)), "whatsapp", ImportOptions{})
		if err != nil || len(im.Records) != want || len(im.Bad) > 0 {
			t.Errorf("%s: %v, %d messages, want %d", name, err, len(im.Records), want)
			continue
		}
		if strings.Contains(name, "chat-miner") {
			if r := im.Records[3]; r.Time.Value != "2020-06-10T15:55" || r.Author != "John-John Doe" || r.Text != "Lorem ipsum : dolor sit amet." {
				t.Errorf("%s: %+v %+v", name, r, r.Time)
			}
		}
	}
	im, err := ReadAs(filepath.Join(dir, "chat-miner", "telegram", "test_batch_export.json"), "telegram", ImportOptions{})
	if err != nil || len(im.Records) != 2 || im.Records[1].Text != "Link:https://telegram.org/" || im.Records[1].Time.Value != "2018-12-05T10:49:24" || *im.Records[1].Time.Zone != "UTC" {
		t.Errorf("Telegram: %v %+v", err, im)
	}
	im, err = ReadAs(filepath.Join(dir, "twitter", "tests", "tweets.json"), "twitter", ImportOptions{})
	if err != nil || len(im.Records) != 3 || im.Records[0].ID != "1169246717864136705" {
		t.Errorf("X: %v %+v", err, im)
	}
}

// TestTranscriptFixtures compares the numbers of cues with the manifest.
func TestTranscriptFixtures(t *testing.T) {
	dir := filepath.Join(exportFixtures(t), "documents")
	b, err := os.ReadFile(filepath.Join(dir, "MANIFEST.tsv"))
	if err != nil {
		t.Skip("the fixtures are not here")
	}
	n := 0
	for _, l := range strings.Split(string(b), "\n")[1:] {
		c := strings.Split(l, "\t")
		as := strings.ToLower(strings.TrimPrefix(filepath.Ext(c[0]), "."))
		var want int
		truth := c[len(c)-1]
		if k := strings.Index(truth, " cues"); k > 0 {
			fmt.Sscan(truth[strings.LastIndex(" "+truth[:k], " "):k], &want)
		} else if strings.Contains(truth, "8,778 annotations") {
			want = 8778
		}
		if !transcripts[as] || want == 0 {
			continue
		}
		im, err := ReadAs(filepath.Join(dir, filepath.FromSlash(c[0])), as, ImportOptions{})
		if err != nil || len(im.Records) != want {
			t.Errorf("%s: %v, %d cues, want %d", c[0], err, len(im.Records), want)
		}
		n++
	}
	if n < 50 {
		t.Errorf("only %d files were compared", n)
	}
	im, err := ReadAs(filepath.Join(dir, "subtitles", "tika", "testWebVTT_simple.vtt"), "vtt", ImportOptions{})
	if err != nil || im.Records[0].StartMS == nil {
		t.Errorf("%v %+v", err, im)
	}
}

func TestMaps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.geojson")
	os.WriteFile(path, []byte(`{"type":"FeatureCollection","features":[
		{"type":"Feature","geometry":{"type":"Point","coordinates":[-67.0794,10.4633,1950]},"properties":{"name":"casa","date":"2018-01-15"}},
		{"type":"Feature","geometry":{"type":"Point","coordinates":[10.4633,-167.0794]},"properties":{}},
		{"type":"Feature","geometry":null,"properties":{"name":"sin lugar"}}, 7]}`), 0o600)
	im, err := ReadAs(path, "geojson", ImportOptions{Zone: "America/Caracas"})
	if err != nil || len(im.Records) != 2 || len(im.Bad) != 2 || !strings.Contains(im.Bad[0].Why, "exchanged") {
		t.Fatalf("%v %+v", err, im)
	}
	if r := im.Records[0]; r.Place.Lat != 10.4633 || r.Place.Lon != -67.0794 || *r.Place.Alt != 1950 || r.Title != "casa" || *r.Time.Min != "2018-01-15T04:00:00.000Z" || *r.Time.Max != "2018-01-16T03:59:59.999Z" {
		t.Errorf("%+v %+v", r, r.Time)
	}
	for _, name := range []string{"testKML.kml", "testKMZ.kmz"} {
		im, err := ReadAs(filepath.Join(exportFixtures(t), "incidents", "kml", name), "kml", ImportOptions{})
		if err != nil || len(im.Records) != 20 {
			t.Errorf("%s: %v, %d placemarks", name, err, len(im.Records))
		}
	}
}

// TestAttachmentStaysInItsFolder: a name in an export never leads elsewhere.
func TestAttachmentStaysInItsFolder(t *testing.T) {
	top := t.TempDir()
	os.WriteFile(filepath.Join(top, "secret.txt"), []byte("x"), 0o600)
	dir := filepath.Join(top, "export")
	os.Mkdir(dir, 0o700)
	os.Symlink(filepath.Join(top, "secret.txt"), filepath.Join(dir, "link.txt"))
	os.WriteFile(filepath.Join(dir, "result.json"), []byte(`{"messages":[
		{"type":"message","date_unixtime":"1544006350","text":"a","file":"../secret.txt"},
		{"type":"message","date_unixtime":"1544006350","text":"b","file":"/etc/passwd"},
		{"type":"message","date_unixtime":"1544006350","text":"c","file":"link.txt"}]}`), 0o600)
	im, err := ReadAs(dir, "telegram", ImportOptions{})
	if err != nil || len(im.Records) != 3 {
		t.Fatalf("%v %+v", err, im)
	}
	for _, r := range im.Records {
		if r.Attachments[0].Held {
			t.Errorf("%s was opened", r.Attachments[0].Name)
		}
	}
}

// TestMailFixtures reads every message: an answer or a sentence.
func TestMailFixtures(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(exportFixtures(t), "exports", "expected", "email_expected.tsv"))
	if err != nil {
		t.Skip("the fixtures are not here")
	}
	same, all := 0, 0
	for _, l := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		c := strings.Split(l, "\t")
		all++
		im, err := ReadAs(filepath.Join(exportFixtures(t), "exports", filepath.FromSlash(c[0])), "mail", ImportOptions{})
		if err != nil || len(im.Records) == 0 {
			continue
		}
		if r := im.Records[0]; strings.Join(strings.Fields(r.Title), " ") == strings.Join(strings.Fields(strings.Trim(c[1], `"`)), " ") && r.Fields["parts"] == c[5] {
			same++
		}
	}
	// The rest are malformed on purpose and read differently by every reader.
	if same*100 < all*90 {
		t.Errorf("%d of %d messages have the subject and parts that the other reader found", same, all)
	}
	t.Logf("%d of %d messages read like the other reader", same, all)
}

// FuzzImport: every reader answers or refuses, whatever the bytes.
func FuzzImport(f *testing.F) {
	for _, s := range []string{"15/01/2018, 09:07 - Ana: hola\n", `{"messages":[{"date_unixtime":"1"}]}`, "WEBVTT\n\n00:01.000 --> 00:02.000\na", "From: a\nSubject: b\n\nc",
		`<kml><Placemark><Point><coordinates>1,2</coordinates></Point></Placemark></kml>`, `<gpx><wpt lat="1" lon="2"/></gpx>`, "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n0 1 <exists> 1 \"IntervalTier\" \"a\" 0 1 1 0 1 \"x\"",
		"id,date,description,location\n1,2018-01-15,a,b\n", `{"type":"Point","coordinates":[1,2]}`, "BEGIN:VCARD\nFN:a\nEND:VCARD\n"} {
		for i := range len(ImportFormats()) {
			f.Add([]byte(s), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		as := ImportFormats()[int(which)%len(ImportFormats())]
		path := filepath.Join(t.TempDir(), "f")
		os.WriteFile(path, b, 0o600)
		im, err := ReadAs(path, as, ImportOptions{})
		if err == nil && im == nil {
			t.Error("neither an answer nor an error")
		}
		if err != nil && strings.Contains(err.Error(), "in a way that the reader") {
			t.Errorf("%s gave up: %v", as, err)
		}
	})
}

// TestDamagedExports cuts and turns bytes of good exports: never a panic.
func TestDamagedExports(t *testing.T) {
	dir := exportFixtures(t)
	r := rand.New(rand.NewPCG(1, 2))
	for as, name := range map[string]string{
		"whatsapp": "exports/whatsapp/whatstk/pokemon.txt", "telegram": "exports/chat-miner/telegram/test_batch_export.json", "kml": "incidents/kml/testKMZ.kmz",
		"textgrid": "documents/transcripts/textgrid/mary.TextGrid", "ttml": "documents/subtitles/astisub/example-in.ttml", "ssa": "documents/subtitles/astisub/example-in.ssa",
		"twitter": "exports/twitter/tests/tweets.json", "mail": "exports/email/enmime/attachment-application.raw",
	} {
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Skip("the fixtures are not here")
		}
		path := filepath.Join(t.TempDir(), "f")
		for range 60 {
			c := bytes.Clone(b[:r.IntN(len(b)+1)])
			for range r.IntN(6) {
				if len(c) > 0 {
					c[r.IntN(len(c))] ^= byte(1 << r.IntN(8))
				}
			}
			os.WriteFile(path, c, 0o600)
			if _, err := ReadAs(path, as, ImportOptions{}); err != nil && strings.Contains(err.Error(), "in a way that the reader") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
