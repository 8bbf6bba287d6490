package flow

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"sightline"
	"sightline/identify"
	"sightline/redact"
	"sightline/tool"
)

// Lanes of work. They bound how many jobs of a kind run at once: a video
// encoder fills the machine by itself.
const (
	CPU   = "cpu"
	Video = "video"
)

// Step is one kind of automatic work.
type Step struct {
	Kind     string
	Takes    func(*sightline.Item) bool
	Makes    []string // roles of derivatives, or "facts"
	Lane     string
	Needs    string                    // external program without which there is nothing to do
	With     string                    // external program that changes the result when it is there
	Version  int                       // raised when the result changes
	Priority int                       // higher first
	Params   func(*sightline.Item) any // what else makes the work the same work; nil: nothing
	Run      func(context.Context, *identify.Env, sightline.Job, identify.Progress) error
}

// Road is the table. Its order is the order in which an item passes the steps
// when one worker does them all.
var Road = []Step{
	{Kind: "metadata", Takes: held, Makes: []string{"facts"}, Lane: CPU, With: "exiftool", Version: 1, Priority: 9, Run: identify.Metadata},
	{Kind: "picture", Takes: shown, Makes: []string{"thumb", "preview"}, Lane: CPU, Version: 1, Priority: 8, Run: identify.Picture},
	{Kind: "still", Takes: encoded, Makes: []string{"thumb", "preview"}, Lane: CPU, Needs: "ffmpeg", Version: 1, Priority: 8, Run: identify.Picture},
	{Kind: "poster", Takes: media("video"), Makes: []string{"thumb", "poster"}, Lane: CPU, Needs: "ffmpeg", Version: 1, Priority: 8, Run: identify.Poster},
	{Kind: "alike", Takes: shown, Makes: []string{"facts"}, Lane: CPU, Version: 1, Priority: 7, Run: identify.Alike},
	{Kind: "alike-still", Takes: encoded, Makes: []string{"facts"}, Lane: CPU, Needs: "ffmpeg", Version: 1, Priority: 7, Run: identify.Alike},
	{Kind: "sketch", Takes: shown, Makes: []string{identify.SketchRole, "facts"}, Lane: CPU, Version: 1, Priority: 3, Run: identify.SketchItem},
	{Kind: "sketch-media", Takes: recorded, Makes: []string{identify.SketchRole, "facts"}, Lane: CPU, Needs: "ffmpeg", Version: 1, Priority: 1, Run: identify.SketchItem},
	{Kind: "waveform", Takes: media("video", "audio"), Makes: []string{"waveform"}, Lane: CPU, Needs: "ffmpeg", Version: 1, Priority: 4, Run: identify.Waveform},
	{Kind: "proxy", Takes: media("video"), Makes: []string{"proxy", "frames"}, Lane: Video, Needs: "ffmpeg", Version: 2, Priority: 2, Run: identify.Proxy},
	{Kind: "redact", Takes: redacted, Makes: []string{"redacted-thumb", "redacted-preview", "redacted-poster", "redacted-proxy", "redacted-waveform"}, Lane: Video, With: "ffmpeg", Version: 1, Priority: 1, Params: redactions, Run: redactItem},
}

func recorded(it *sightline.Item) bool { return encoded(it) || media("video", "audio")(it) }

func held(it *sightline.Item) bool { return it.Held }

func redacted(it *sightline.Item) bool { return it.Held && len(it.Redactions) > 0 }

func redactions(it *sightline.Item) any {
	d, err := it.RedactionDigest()
	if err != nil {
		return nil // what cannot be written down is refused when the job reads it
	}
	return redact.Params{Item: it.ID, Digest: d}
}

func redactItem(ctx context.Context, e *identify.Env, j sightline.Job, p identify.Progress) error {
	return redact.Run(ctx, &redact.Env{Store: e.Store, Blobs: e.Blobs, Actor: e.Actor, Box: e.Box}, j, redact.Progress(p))
}

// FollowUp enqueues the work that an edit of an item asks for: redactions make
// copies.
func FollowUp(w sightline.Writer, it *sightline.Item) error {
	if !redacted(it) {
		return nil
	}
	for _, j := range JobsFor(it) {
		if j.Kind == "redact" {
			j.Priority = 10 // a person waits for it
			if err := w.Enqueue(j); err != nil {
				return err
			}
		}
	}
	return nil
}

func media(names ...string) func(*sightline.Item) bool {
	return func(it *sightline.Item) bool {
		for _, n := range names {
			if it.Held && strings.HasPrefix(it.Type, n+"/") {
				return true
			}
		}
		return false
	}
}

func shown(it *sightline.Item) bool {
	switch it.Type {
	case "image/jpeg", "image/png", "image/gif", "image/webp", "image/tiff", "image/bmp":
		return it.Held
	}
	return false
}

func encoded(it *sightline.Item) bool {
	switch it.Type {
	case "image/heic", "image/heif", "image/avif":
		return it.Held
	}
	return false
}

// JobsFor lists the work for an item, without what needs a program that is
// not installed: doctor says what is lost, and the work is found again by
// [Missing] when the program is there.
func JobsFor(it *sightline.Item) []sightline.Job {
	var out []sightline.Job
	for _, s := range Road {
		if !s.Takes(it) {
			continue
		}
		version := strconv.Itoa(s.Version)
		for _, name := range []string{s.Needs, s.With} {
			if name == "" {
				continue
			}
			p, err := tool.Find(name)
			if err != nil && name == s.Needs {
				version = ""
				break
			}
			if err == nil {
				version += "+" + p.Name + " " + p.Version
			}
		}
		if version == "" {
			continue
		}
		j := sightline.Job{Kind: s.Kind, Lane: s.Lane, Item: it.ID, Input: it.SHA256, Version: version, Priority: s.Priority}
		if s.Params != nil {
			j.Params, _ = json.Marshal(s.Params(it)) // strings always marshal
		}
		j.ID = identity(j)
		out = append(out, j)
	}
	return out
}

// identity is the name under which the queue knows the job. What a job here is
// made of always has one.
func identity(j sightline.Job) string {
	id, err := j.Identity()
	if err != nil {
		return ""
	}
	return id
}

// missingPage is how many items Missing looks at in one go.
const missingPage = 500

// Missing enqueues the work that items of the case lack, such as after a new
// program was installed. It returns how many items it looked at. It keeps no
// more than a page of them in memory and lets others write between pages.
func Missing(ctx context.Context, s sightline.Store, a sightline.Actor) (int, error) {
	var ids []string
	err := s.View(ctx, a, func(r sightline.Reader) error {
		ids = ids[:0]
		for row, err := range r.Rows(sightline.KindItem) {
			if err != nil {
				return err
			}
			ids = append(ids, row.ID)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(ids); i += missingPage {
		if err := missing(ctx, s, a, ids[i:min(i+missingPage, len(ids))]); err != nil {
			return i, err
		}
	}
	return len(ids), nil
}

func missing(ctx context.Context, s sightline.Store, a sightline.Actor, ids []string) error {
	var wanted []sightline.Job
	err := s.View(ctx, a, func(r sightline.Reader) error {
		wanted = wanted[:0]
		var all []sightline.Job
		for _, id := range ids {
			it, err := sightline.Get[sightline.Item](r, sightline.KindItem, id)
			if errors.Is(err, sightline.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			all = append(all, JobsFor(it)...)
		}
		have := map[string]bool{}
		var err error
		if q, ok := r.(sightline.JobQueue); ok {
			names := make([]string, len(all))
			for i, j := range all {
				names[i] = j.ID
			}
			have, err = q.KnownJobs(names)
		}
		for _, j := range all {
			if !have[j.ID] {
				wanted = append(wanted, j)
			}
		}
		return err
	})
	if err != nil || len(wanted) == 0 {
		return err
	}
	_, err = s.Update(ctx, a, func(w sightline.Writer) error {
		for _, j := range wanted {
			if err := w.Enqueue(j); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func step(kind string) (*Step, error) {
	for i := range Road {
		if Road[i].Kind == kind {
			return &Road[i], nil
		}
	}
	return nil, errors.New("this version of sightline does not know how to do " + strconv.Quote(kind))
}
