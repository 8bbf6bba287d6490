package intake

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBombsStopEarly: an export that unpacks to far more than it is is refused
// by what its entry says and, where that lies, by what comes out of it; a long
// chat that shrinks well is read.
func TestBombsStopEarly(t *testing.T) {
	write := func(name string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create("_chat.txt")
		if err == nil {
			_, err = w.Write(data)
		}
		if err == nil {
			err = z.Close()
		}
		if err == nil {
			err = os.WriteFile(path, b.Bytes(), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	bomb := write("bomb.zip", make([]byte, 40<<20))
	if _, err := ReadAs(bomb, "whatsapp", ImportOptions{}); err == nil || !strings.Contains(err.Error(), "40 MiB when unpacked") {
		t.Errorf("a bomb: %v", err)
	}
	// The same with a header that says 100 bytes.
	b, err := os.ReadFile(bomb)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.LastIndex(b, []byte("PK\x01\x02"))
	copy(b[i+24:], []byte{100, 0, 0, 0})
	if err := os.WriteFile(bomb, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAs(bomb, "whatsapp", ImportOptions{}); err == nil {
		t.Error("a bomb with a lying header was read")
	}
	chat := write("chat.zip", bytes.Repeat([]byte("[16.04.19, 02:09:31] Ana: Llegaron por la calle de atrás\n"), 20_000))
	if im, err := ReadAs(chat, "whatsapp", ImportOptions{}); err != nil || len(im.Records) != 20_000 {
		t.Errorf("a chat: %v", err)
	}
}
