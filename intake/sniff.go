package intake

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"
)

// SniffLen is how many bytes from the start of a file [Sniff] looks at.
const SniffLen = 4096

// Kind is what the bytes of a file are.
type Kind struct {
	Type  string // media type
	Media string // photo, image, video, audio, post, document, record
	Text  bool   // readable as text
}

var magic = []struct {
	at    int
	bytes string
	kind  Kind
}{
	{0, "\xff\xd8\xff", Kind{"image/jpeg", "photo", false}},
	{0, "\x89PNG\r\n\x1a\n", Kind{"image/png", "image", false}},
	{0, "GIF87a", Kind{"image/gif", "image", false}},
	{0, "GIF89a", Kind{"image/gif", "image", false}},
	{0, "BM", Kind{"image/bmp", "image", false}},
	{0, "\x00\x00\x01\x00", Kind{"image/vnd.microsoft.icon", "image", false}},
	{0, "II*\x00\x10\x00\x00\x00CR", Kind{"image/x-canon-cr2", "photo", false}},
	{0, "II*\x00", Kind{"image/tiff", "image", false}},
	{0, "MM\x00*", Kind{"image/tiff", "image", false}},
	{0, "II+\x00", Kind{"image/tiff", "image", false}},
	{0, "MM\x00+", Kind{"image/tiff", "image", false}},
	{0, "IIRO", Kind{"image/x-olympus-orf", "photo", false}},
	{0, "IIU\x00", Kind{"image/x-panasonic-rw2", "photo", false}},
	{0, "FUJIFILMCCD-RAW", Kind{"image/x-fuji-raf", "photo", false}},
	{0, "8BPS", Kind{"image/vnd.adobe.photoshop", "image", false}},
	{0, "\x00\x00\x00\x0cjP  \r\n\x87\n", Kind{"image/jp2", "image", false}},
	{0, "\xff\x0a", Kind{"image/jxl", "image", false}},
	{0, "\x00\x00\x00\x0cJXL \r\n\x87\n", Kind{"image/jxl", "image", false}},
	{0, "\x1a\x45\xdf\xa3", Kind{"video/x-matroska", "video", false}},
	{0, "FLV\x01", Kind{"video/x-flv", "video", false}},
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind{"video/x-ms-asf", "video", false}},
	{0, "\x00\x00\x01\xba", Kind{"video/mpeg", "video", false}},
	{0, "\x00\x00\x01\xb3", Kind{"video/mpeg", "video", false}},
	{0, "OggS", Kind{"audio/ogg", "audio", false}},
	{0, "fLaC", Kind{"audio/flac", "audio", false}},
	{0, "ID3", Kind{"audio/mpeg", "audio", false}},
	{0, "#!AMR-WB\n", Kind{"audio/amr-wb", "audio", false}},
	{0, "#!AMR", Kind{"audio/amr", "audio", false}},
	{0, "MThd", Kind{"audio/midi", "audio", false}},
	{0, "caff", Kind{"audio/x-caf", "audio", false}},
	{0, ".snd", Kind{"audio/basic", "audio", false}},
	{0, "%PDF-", Kind{"application/pdf", "document", false}},
	{0, "{\\rtf", Kind{"application/rtf", "document", false}},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind{"application/x-ole-storage", "document", false}},
	{0, "\x1f\x8b", Kind{"application/gzip", "document", false}},
	{0, "7z\xbc\xaf\x27\x1c", Kind{"application/x-7z-compressed", "document", false}},
	{0, "Rar!\x1a\x07", Kind{"application/vnd.rar", "document", false}},
	{257, "ustar", Kind{"application/x-tar", "document", false}},
	{0, "SQLite format 3\x00", Kind{"application/vnd.sqlite3", "document", false}},
	{0, "glTF", Kind{"model/gltf-binary", "document", false}},
	{0, "age-encryption.org/v1\n", Kind{"application/age-encryption", "document", false}},
	{0, "-----BEGIN AGE ENCRYPTED FILE-----", Kind{"application/age-encryption", "document", false}},
	{0, "\x7fELF", Kind{"application/x-elf", "document", false}},
	{0, "MZ", Kind{"application/vnd.microsoft.portable-executable", "document", false}},
}

// Sniff says what a file is from its first bytes. It never looks at the name:
// a name is a claim. Unknown bytes are application/octet-stream.
func Sniff(head []byte) Kind {
	if len(head) > SniffLen {
		head = head[:SniffLen]
	}
	if k, ok := sniffBox(head); ok {
		return k
	}
	if k, ok := sniffWide(head); ok {
		return k
	}
	for _, m := range magic {
		if len(head) >= m.at+len(m.bytes) && string(head[m.at:m.at+len(m.bytes)]) == m.bytes {
			switch m.kind.Type {
			case "image/tiff":
				return tiffFlavour(head, m.kind)
			case "video/x-matroska":
				if bytes.Contains(head[:min(len(head), 64)], []byte("webm")) {
					return Kind{"video/webm", "video", false}
				}
			case "audio/ogg":
				if bytes.Contains(head[:min(len(head), 256)], []byte("theora")) {
					return Kind{"video/ogg", "video", false}
				}
			case "image/bmp":
				// "BM" alone begins many texts: a bitmap also names the size of its header.
				if len(head) < 18 || !strings.ContainsRune("\x0c\x10\x28\x34\x38\x40\x6c\x7c", rune(head[14])) || head[15] != 0 {
					continue
				}
			case "application/vnd.microsoft.portable-executable":
				if t := sniffText(head); t.Text {
					return t
				}
			}
			return m.kind
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return zipFlavour(head)
	case len(head) > 188 && head[0] == 0x47 && head[188] == 0x47:
		return Kind{"video/mp2t", "video", false}
	case len(head) >= 2 && head[0] == 0xff && head[1]&0xf6 == 0xf0:
		return Kind{"audio/aac", "audio", false}
	case len(head) >= 4 && head[0] == 0xff && head[1]&0xe0 == 0xe0 && head[1]&0x06 != 0 && head[2]&0xf0 != 0xf0 && head[1]&0x18 != 0x08:
		return Kind{"audio/mpeg", "audio", false}
	}
	return sniffText(head)
}

// sniffWide knows a text in UTF-16 by its mark and the zeros between its
// letters: the mark alone looks like the start of an MP3 frame.
func sniffWide(head []byte) (Kind, bool) {
	if len(head) < 8 || !bytes.HasPrefix(head, []byte("\xff\xfe")) && !bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return Kind{}, false
	}
	at := 3
	if head[0] == 0xfe {
		at = 2
	}
	zeros := 0
	for i := at; i < min(len(head), 64); i += 2 {
		if head[i] == 0 {
			zeros++
		}
	}
	if zeros < 3 {
		return Kind{}, false
	}
	return Kind{"text/plain", "document", true}, true
}

// sniffBox reads the three families that put their type in a second word:
// ISO base media, RIFF and IFF.
func sniffBox(head []byte) (Kind, bool) {
	if len(head) < 12 {
		return Kind{}, false
	}
	word, brand := string(head[4:8]), string(head[8:12])
	switch {
	case word == "ftyp":
		return ftyp(head, brand), true
	case word == "moov" || word == "mdat" || word == "wide" || word == "pnot" || (word == "free" || word == "skip") && head[0] == 0:
		return Kind{"video/quicktime", "video", false}, true
	case word == "styp" || word == "sidx" || word == "moof":
		return Kind{"video/mp4", "video", false}, true
	case string(head[:4]) == "RIFF" || string(head[:4]) == "RIFX" || string(head[:4]) == "RF64":
		switch brand {
		case "WAVE":
			return Kind{"audio/wav", "audio", false}, true
		case "AVI ", "AVIX":
			return Kind{"video/x-msvideo", "video", false}, true
		case "WEBP":
			return Kind{"image/webp", "image", false}, true
		}
	case string(head[:4]) == "FORM" && (brand == "AIFF" || brand == "AIFC"):
		return Kind{"audio/aiff", "audio", false}, true
	}
	return Kind{}, false
}

func ftyp(head []byte, brand string) Kind {
	n := min(int(head[2])<<8|int(head[3]), len(head))
	brands := []string{brand}
	for i := 16; i+4 <= n; i += 4 {
		brands = append(brands, string(head[i:i+4]))
	}
	for _, b := range brands {
		switch b {
		case "avif", "avis":
			return Kind{"image/avif", "image", false}
		case "heic", "heix", "heim", "heis", "hevc", "hevx":
			return Kind{"image/heic", "photo", false}
		case "crx ":
			return Kind{"image/x-canon-cr3", "photo", false}
		}
	}
	switch strings.TrimSpace(brand) {
	case "mif1", "msf1":
		return Kind{"image/heif", "photo", false}
	case "qt":
		return Kind{"video/quicktime", "video", false}
	case "M4A", "M4B", "M4P", "F4A":
		return Kind{"audio/mp4", "audio", false}
	}
	switch {
	case strings.HasPrefix(brand, "3g2"):
		return Kind{"video/3gpp2", "video", false}
	case strings.HasPrefix(brand, "3gp"), strings.HasPrefix(brand, "3gr"), strings.HasPrefix(brand, "3gs"):
		return Kind{"video/3gpp", "video", false}
	}
	return Kind{"video/mp4", "video", false}
}

// tiffFlavour tells cameras' raw files from pictures: both are TIFF.
func tiffFlavour(head []byte, k Kind) Kind {
	for _, f := range []struct{ word, typ string }{
		{"NIKON", "image/x-nikon-nef"}, {"SONY", "image/x-sony-arw"}, {"PENTAX", "image/x-pentax-pef"},
	} {
		if bytes.Contains(head, []byte(f.word)) && bytes.Contains(head, []byte("\x00")) {
			return Kind{f.typ, "photo", false}
		}
	}
	return k
}

// zipFlavour tells the document formats that are zip files by the names at
// their start.
func zipFlavour(head []byte) Kind {
	has := func(s string) bool { return bytes.Contains(head, []byte(s)) }
	switch {
	case has("word/"):
		return Kind{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document", false}
	case has("xl/"):
		return Kind{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "document", false}
	case has("ppt/"):
		return Kind{"application/vnd.openxmlformats-officedocument.presentationml.presentation", "document", false}
	case has("mimetypeapplication/epub+zip"):
		return Kind{"application/epub+zip", "document", false}
	case has("mimetypeapplication/vnd.oasis.opendocument.text"):
		return Kind{"application/vnd.oasis.opendocument.text", "document", false}
	case has("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"):
		return Kind{"application/vnd.oasis.opendocument.spreadsheet", "document", false}
	case has("archive/") && (has("datapackage.json") || has(".warc")):
		return Kind{"application/wacz", "document", false}
	case has("doc.kml"):
		return Kind{"application/vnd.google-earth.kmz", "document", false}
	}
	return Kind{"application/zip", "document", false}
}

func sniffText(head []byte) Kind {
	other := Kind{"application/octet-stream", "document", false}
	if len(head) == 0 {
		return other
	}
	s := string(head)
	utf16 := strings.HasPrefix(s, "\xff\xfe") || strings.HasPrefix(s, "\xfe\xff")
	s = strings.TrimPrefix(s, "\xef\xbb\xbf")
	if utf16 {
		return Kind{"text/plain", "document", true}
	}
	if !plain(s) {
		return other
	}
	t := strings.TrimLeft(s, " \t\r\n")
	low := strings.ToLower(t[:min(len(t), 1024)])
	is := func(typ, media string) Kind { return Kind{typ, media, true} }
	switch {
	case strings.HasPrefix(low, "<svg"), strings.HasPrefix(low, "<?xml") && strings.Contains(low, "<svg"), strings.HasPrefix(low, "<!doctype svg"):
		return is("image/svg+xml", "image")
	case strings.HasPrefix(low, "<!doctype html"), strings.HasPrefix(low, "<html"), strings.HasPrefix(low, "<head"), strings.HasPrefix(low, "<body"):
		return is("text/html", "document")
	case strings.HasPrefix(low, "<?xml"), strings.HasPrefix(low, "<kml"), strings.HasPrefix(low, "<gpx"), strings.HasPrefix(low, "<?xpacket"), strings.HasPrefix(low, "<x:xmpmeta"):
		switch {
		case strings.Contains(low, "<kml"):
			return is("application/vnd.google-earth.kml+xml", "document")
		case strings.Contains(low, "<gpx"):
			return is("application/gpx+xml", "document")
		case strings.HasPrefix(low, "<?xpacket"), strings.Contains(low, "<x:xmpmeta"):
			return is("application/rdf+xml", "document")
		case strings.Contains(low, "<tt"):
			return is("application/ttml+xml", "document")
		}
		return is("application/xml", "document")
	case strings.HasPrefix(t, "WEBVTT"):
		return is("text/vtt", "document")
	case strings.HasPrefix(t, "WARC/1."):
		return is("application/warc", "document")
	case strings.HasPrefix(t, "{"), strings.HasPrefix(t, "["):
		if strings.ContainsAny(t, "\":") || strings.HasPrefix(t, "[]") || strings.HasPrefix(t, "{}") {
			return is("application/json", "document")
		}
	case strings.HasPrefix(t, "From "):
		return is("application/mbox", "document")
	case mailHead(t):
		return is("message/rfc822", "post")
	case strings.HasPrefix(low, "begin:vcard"):
		return is("text/vcard", "document")
	case strings.HasPrefix(t, "#!"), strings.HasPrefix(low, "<?php"):
		return is("text/plain", "document")
	}
	if strings.Contains(t, "-->") && strings.Contains(t[:min(len(t), 200)], "00:") {
		return is("application/x-subrip", "document")
	}
	return is("text/plain", "document")
}

func mailHead(t string) bool {
	first, _, _ := strings.Cut(t, "\n")
	for _, h := range []string{"Return-Path:", "Received:", "Delivered-To:", "From:", "MIME-Version:", "Message-ID:", "DKIM-Signature:"} {
		if strings.HasPrefix(first, h) && strings.Contains(t, "\n") && (strings.Contains(t, "\nDate:") || strings.Contains(t, "\nSubject:") || strings.Contains(t, "\nFrom:")) {
			return true
		}
	}
	return false
}

// plain reports whether s, which may end inside a character, is UTF-8 or
// Latin-1 text without control characters.
func plain(s string) bool {
	for i := 0; i < 3 && len(s) > 0; i++ {
		if r, n := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && n == 1 {
			s = s[:len(s)-1]
		}
	}
	odd := 0 // a text may hold a stray control character, never a zero
	for _, b := range []byte(s) {
		if b < 0x20 && b != '\n' && b != '\r' && b != '\t' && b != '\f' && b != 0x1b && b != '\b' || b == 0x7f {
			odd++
		}
		if b == 0 {
			return false
		}
	}
	if odd*64 > len(s) {
		return false
	}
	if utf8.ValidString(s) {
		return true
	}
	high := 0
	for _, b := range []byte(s) {
		if b >= 0x80 {
			if b < 0xa0 && b != 0x85 && b != 0x91 && b != 0x92 && b != 0x93 && b != 0x94 && b != 0x96 && b != 0x97 {
				return false
			}
			high++
		}
	}
	return high*4 < len(s)
}

// extensions lists what a name's ending claims.
var extensions = map[string][]string{
	".jpg": {"image/jpeg"}, ".jpeg": {"image/jpeg"}, ".jpe": {"image/jpeg"}, ".jfif": {"image/jpeg"},
	".png": {"image/png"}, ".gif": {"image/gif"}, ".bmp": {"image/bmp"}, ".ico": {"image/vnd.microsoft.icon"}, ".webp": {"image/webp"},
	".tif": {"image/tiff"}, ".tiff": {"image/tiff"}, ".heic": {"image/heic", "image/heif"}, ".heif": {"image/heic", "image/heif"}, ".avif": {"image/avif"},
	".svg": {"image/svg+xml"}, ".mp4": {"video/mp4", "video/quicktime", "audio/mp4"}, ".m4v": {"video/mp4"}, ".mov": {"video/quicktime", "video/mp4"},
	".3gp": {"video/3gpp", "video/mp4"}, ".3g2": {"video/3gpp2"}, ".avi": {"video/x-msvideo"}, ".mkv": {"video/x-matroska", "video/webm"}, ".webm": {"video/webm"},
	".mpg": {"video/mpeg"}, ".mpeg": {"video/mpeg"}, ".ts": {"video/mp2t", "text/plain"}, ".wmv": {"video/x-ms-asf"}, ".flv": {"video/x-flv"},
	".mp3": {"audio/mpeg"}, ".wav": {"audio/wav"}, ".ogg": {"audio/ogg", "video/ogg"}, ".oga": {"audio/ogg"}, ".opus": {"audio/ogg"}, ".ogv": {"video/ogg"},
	".flac": {"audio/flac"}, ".amr": {"audio/amr", "audio/amr-wb", "video/3gpp"}, ".aac": {"audio/aac"}, ".m4a": {"audio/mp4", "video/mp4"}, ".aif": {"audio/aiff"}, ".aiff": {"audio/aiff"},
	".pdf": {"application/pdf"}, ".zip": {"application/zip"}, ".gz": {"application/gzip"}, ".7z": {"application/x-7z-compressed"}, ".rar": {"application/vnd.rar"},
	".docx": {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip"},
	".xlsx": {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/zip"},
	".html": {"text/html", "text/plain"}, ".htm": {"text/html", "text/plain"}, ".json": {"application/json"}, ".xml": {"application/xml"}, ".vtt": {"text/vtt"},
	".txt": {"text/plain"}, ".csv": {"text/plain", "text/csv"}, ".eml": {"message/rfc822", "text/plain"}, ".doc": {"application/x-ole-storage"}, ".xls": {"application/x-ole-storage"},
}

// Extension compares what a name's ending claims with what the bytes are. It
// returns "" when they agree or the ending claims nothing.
func Extension(name, typ string) (ext string, agrees bool) {
	ext = strings.ToLower(path.Ext(strings.ReplaceAll(name, "\\", "/")))
	want, known := extensions[ext]
	if !known {
		return "", true
	}
	for _, w := range want {
		if w == typ {
			return ext, true
		}
	}
	return ext, false
}
