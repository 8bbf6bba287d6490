package redact

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sightline"
	"sightline/tool"
)

// captions writes what stands in place of the sound, one WebVTT file for each
// language that has any.
func captions(dir string, rs []sightline.Redaction, seconds float64) ([]made, error) {
	langs := map[string]bool{}
	for _, r := range rs {
		for l := range r.Say {
			langs[l] = true
		}
	}
	var names []string
	for l := range langs {
		names = append(names, l)
	}
	slices.Sort(names)
	var list []made
	for _, l := range names {
		var b bytes.Buffer
		b.WriteString("WEBVTT\n")
		type cue struct {
			from, to int64
			text     string
		}
		var cues []cue
		for _, r := range rs {
			text := vtt(r.Say[l])
			if !r.Sound() || text == "" {
				continue
			}
			c := cue{0, int64(math.Ceil(seconds * 1000)), text}
			if r.FromMS != nil {
				c.from = max(0, *r.FromMS)
			}
			if r.ToMS != nil {
				c.to = *r.ToMS
			}
			if c.to > c.from {
				cues = append(cues, c)
			}
		}
		if len(cues) == 0 || !plainTag(l) {
			continue
		}
		slices.SortStableFunc(cues, func(a, b cue) int { return int(a.from - b.from) })
		for _, c := range cues {
			fmt.Fprintf(&b, "\n%s --> %s\n%s\n", stamp(c.from), stamp(c.to), c.text)
		}
		path := filepath.Join(dir, "captions."+l+".vtt")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			return nil, err
		}
		list = append(list, made{role: "captions-" + l, typ: "text/vtt", path: path, recipe: sightline.Recipe{Tool: tool.Self, Version: tool.Version, Deterministic: true}, meta: map[string]string{"lang": l}})
	}
	return list, nil
}

func plainTag(l string) bool {
	return l != "" && len(l) <= 20 && strings.Trim(l, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// vtt makes a text safe as the payload of a cue.
func vtt(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func stamp(ms int64) string {
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
