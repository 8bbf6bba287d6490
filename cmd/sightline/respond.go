package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"sightline"
	"sightline/digest"
	"sightline/publish"
)

// takeResponses brings in files in which readers of an edition confirm or
// dispute something. Each becomes an open remark in the review of the case;
// it never changes a status by itself.
func takeResponses(ctx context.Context, f *folder, names []string, out io.Writer) error {
	var faults []error
	for _, name := range names {
		id, known, err := takeResponse(ctx, f, name)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		case known:
			fmt.Fprintf(out, "%s is known already: %s\n", name, id)
		default:
			fmt.Fprintf(out, "%s is taken in as %s\n", name, id)
		}
	}
	return errors.Join(faults...)
}

func takeResponse(ctx context.Context, f *folder, name string) (id string, known bool, err error) {
	in, err := os.Open(name)
	if err != nil {
		return "", false, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, publish.MaxResponse+1))
	if err != nil {
		return "", false, err
	}
	r, err := publish.ReadResponse(data)
	if err != nil {
		return "", false, err
	}
	doc, err := loadDocument(ctx, f)
	if err != nil {
		return "", false, err
	}
	if r.Case != doc.Case.ID {
		return "", false, fmt.Errorf("it answers an edition of %q, and this case is %q: %w", r.Case, doc.Case.ID, sightline.ErrInvalid)
	}
	wording, found := "", false
	for _, c := range doc.Claims {
		if c.ID == r.About {
			wording, found = publish.WordingDigest(c.Text, doc.Case.Languages), true
		}
	}
	for _, it := range doc.Items {
		found = found || it.ID == r.About
	}
	for _, g := range doc.Gaps {
		found = found || g.ID == r.About
	}
	if !found {
		return "", false, fmt.Errorf("there is no %s in this case: %w", r.About, sightline.ErrNotFound)
	}
	c := &sightline.Comment{About: r.About, Text: r.Comment(wording), Person: "reader", Name: "A reader", At: time.Now().UTC().Format(time.RFC3339)}
	for _, o := range doc.Comments {
		if o.Person == c.Person && o.About == c.About && o.Text == c.Text {
			return o.ID, true, nil
		}
	}
	_, err = f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		id, err := w.NextID(sightline.KindComment, "")
		if err != nil {
			return err
		}
		c.ID = id
		w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Tool: &sightline.EntryTool{Name: "sightline", Version: version},
			Seal: map[string]any{"label": "a reader's answer to an edition, on " + r.About, "digest": digest.Of(data).String()}})
		return w.Put(c)
	})
	return c.ID, false, err
}
