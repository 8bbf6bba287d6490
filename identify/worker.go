package identify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/bep/imagemeta"
)

// Worker is the part of this package that runs in the box: it reads one file
// of untrusted bytes and answers with JSON on out. Args are what follows
// "sightline worker":
//
//	tags IN TYPE             common metadata of a picture
//	picture IN OUT ORIENT    thumbnail and preview into the folder OUT
//	look IN TYPE ORIENT [OUT] hashes, thumbnail, embedded files; light-only copy into OUT
//	heif IN OUT              coded tiles of a HEIF into OUT
//	join RAW OUT PLAN W H    decoded tiles laid out as still.png in OUT
//	telemetry IN TYPE        positions inside a recording
func Worker(args []string, out io.Writer) error {
	answer := func(v any, err error) error {
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(v)
	}
	switch {
	case len(args) == 3 && args[0] == "tags":
		return answer(readTags(args[1], args[2]))
	case len(args) == 4 && args[0] == "picture":
		o, err := strconv.Atoi(args[3])
		if err != nil {
			return errors.New("the orientation is not a number")
		}
		return answer(drawPicture(args[1], args[2], o))
	case (len(args) == 4 || len(args) == 5) && args[0] == "look":
		o, err := strconv.Atoi(args[3])
		if err != nil {
			return errors.New("the orientation is not a number")
		}
		dir := ""
		if len(args) == 5 {
			dir = args[4]
		}
		return answer(lookAt(args[1], args[2], dir, o))
	case len(args) == 3 && args[0] == "heif":
		return answer(heifStream(args[1], args[2]))
	case len(args) == 6 && args[0] == "join":
		var p heifPlan
		w, err1 := strconv.Atoi(args[4])
		h, err2 := strconv.Atoi(args[5])
		if err := errors.Join(json.Unmarshal([]byte(args[3]), &p), err1, err2); err != nil {
			return errors.New("the plan of the picture is not readable")
		}
		return answer(heifJoin(args[1], args[2], p, w, h))
	case len(args) == 3 && args[0] == "telemetry":
		return answer(readTelemetry(args[1], args[2]))
	}
	return errors.New("this verb is called by sightline itself, in the sandbox: there is nothing to see")
}

var metaFormats = map[string]imagemeta.ImageFormat{
	"image/jpeg": imagemeta.JPEG, "image/png": imagemeta.PNG, "image/webp": imagemeta.WebP, "image/tiff": imagemeta.TIFF,
	"image/heic": imagemeta.HEIF, "image/heif": imagemeta.HEIF, "image/avif": imagemeta.AVIF, "image/x-canon-cr2": imagemeta.CR2,
	"image/x-nikon-nef": imagemeta.NEF, "image/x-sony-arw": imagemeta.ARW, "image/x-pentax-pef": imagemeta.PEF,
}

// tag is one value read from a file, named "Group:Name".
type tag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type tagReport struct {
	Width   int    `json:"width,omitempty"` // as stored
	Height  int    `json:"height,omitempty"`
	Tags    []tag  `json:"tags"`
	Warning string `json:"warning,omitempty"`
}

// readTags runs in the box.
func readTags(in, typ string) (*tagReport, error) {
	format, ok := metaFormats[typ]
	if !ok {
		return &tagReport{Tags: []tag{}}, nil
	}
	b, err := os.ReadFile(in)
	if err != nil {
		return nil, err
	}
	r := &tagReport{Tags: []tag{}}
	res, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(b), ImageFormat: format, Sources: imagemeta.EXIF | imagemeta.IPTC | imagemeta.XMP | imagemeta.CONFIG,
		Timeout: 10 * time.Second,
		HandleTag: func(t imagemeta.TagInfo) error {
			group := t.Source.String()
			switch {
			case strings.Contains(t.Namespace, "InteroperabilityIFD"):
				group = "InteropIFD" // its tags 1 and 2 carry other names here: those of the GPS block
			case strings.Contains(t.Namespace, "SubIFD"):
				group = "SubIFD"
			case t.Source == imagemeta.EXIF && strings.HasPrefix(t.Tag, "SubSecTime"):
				return nil // read as a number, so "05" would become "5": half a second instead of a twentieth
			}
			v, ok := printed(t.Value)
			if ok {
				r.Tags = append(r.Tags, tag{group + ":" + t.Tag, v})
			}
			return nil
		},
	})
	r.Width, r.Height = res.ImageConfig.Width, res.ImageConfig.Height
	if err != nil {
		r.Warning = err.Error()
	}
	sort.SliceStable(r.Tags, func(i, j int) bool { return r.Tags[i].Name < r.Tags[j].Name })
	return r, nil
}

// printed renders a value for a person; binary values are left out.
func printed(v any) (string, bool) {
	switch x := v.(type) {
	case nil, []byte:
		return "", false
	case string:
		return clean(x), true
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64), true
	case time.Time:
		return x.Format(time.RFC3339), true
	case []any:
		if len(x) > 64 {
			return "", false
		}
		parts := make([]string, 0, len(x))
		for _, e := range x {
			p, ok := printed(e)
			if !ok {
				return "", false
			}
			parts = append(parts, p)
		}
		return strings.Join(parts, " "), true
	}
	s := clean(fmt.Sprint(v))
	return s, len(s) < 2000
}

// clean cuts a value to what can be stored as text.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.TrimRight(s, "\x00 "), "\ufffd")
	s = strings.ReplaceAll(s, "\x00", "")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "…"
	}
	return s
}
