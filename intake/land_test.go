package intake_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline/intake"
)

// TestSecondImportAddsNothing lands a chat with an attachment, again, and then
// a longer export of the same chat; two equal messages in one minute are two.
func TestSecondImportAddsNothing(t *testing.T) {
	f := newCase(t)
	a := &intake.Adder{Store: f.Store, Blobs: f.Blobs, Actor: f.Actor, Version: "test"}
	path := filepath.Join(t.TempDir(), "chat.zip")
	pack := func(text string) {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		w, _ := z.Create("_chat.txt")
		w.Write([]byte(text))
		w, _ = z.Create("IMG-20180115-WA0003.jpg")
		w.Write([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00rest"))
		z.Close()
		os.WriteFile(path, buf.Bytes(), 0o600)
	}
	chat := "15/01/2018, 09:07 - Ana: IMG-20180115-WA0003.jpg (file attached)\n15/01/2018, 09:08 - Ana: ok\n15/01/2018, 09:08 - Ana: ok\n"
	pack(chat)
	r, err := a.Import(t.Context(), path, "whatsapp", "", intake.ImportOptions{Zone: "America/Caracas"})
	if err != nil || r.Failed() || len(r.Added) != 5 { // the ZIP, the photo, three messages
		t.Fatalf("%v %+v", err, r)
	}
	if r, err = a.Import(t.Context(), path, "whatsapp", "", intake.ImportOptions{Zone: "America/Caracas"}); err != nil || len(r.Added) != 0 || len(r.Known) != 5 {
		t.Fatalf("the second time: %v %+v", err, r)
	}
	pack(chat + "16/01/2018, 10:00 - Luis: ya\n")
	if r, err = a.Import(t.Context(), path, "whatsapp", "", intake.ImportOptions{Zone: "America/Caracas"}); err != nil || len(r.Added) != 2 {
		t.Fatalf("a longer export: %v %+v", err, r)
	}
	pack("3/4/18, 09:07 - Ana: hola\n")
	if r, err = a.Import(t.Context(), path, "whatsapp", "", intake.ImportOptions{}); err != nil || len(r.Added) != 0 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Why, "--dates") {
		t.Errorf("an unclear date: %v %+v", err, r)
	}
	if r, err = a.Import(t.Context(), path, "srt", "", intake.ImportOptions{}); err != nil || len(r.Refused) != 1 {
		t.Errorf("a transcript without its recording: %v %+v", err, r)
	}
}
