package web

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"sightline"
	"sightline/digest"
)

// original records that an original is being fetched and sends the browser to
// the second origin with a ticket that works once.
func (s *Server) original(w http.ResponseWriter, r *http.Request, c *Case) error {
	id := r.PathValue("item")
	if s.cfg.Original == "" {
		return fmt.Errorf("originals are not served here: %w", sightline.ErrDenied)
	}
	_, err := c.Store.Update(r.Context(), s.actor(r, c), func(wr sightline.Writer) error {
		l, err := s.look(r, wr, c)
		if err != nil {
			return err
		}
		if l.secret[id] {
			return fmt.Errorf("the original of %s can name its source, which is withheld from you: %w", id, sightline.ErrDenied)
		}
		it, err := sightline.Get[sightline.Item](wr, sightline.KindItem, id)
		if err != nil {
			return err
		}
		wr.Describe(sightline.Draft{
			Kind: sightline.EntryViewOriginal, Result: "ok",
			Item: &sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"},
		})
		return nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, strings.TrimSuffix(s.cfg.Original, "/")+"/o/"+s.tickets.issue(c, id), http.StatusSeeOther)
	return nil
}

// Originals answers the second origin: original bytes as attachments, with a
// policy under which nothing in them can run.
func (s *Server) Originals() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /o/{ticket}", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-site")
		t, ok := s.tickets.take(r.PathValue("ticket"))
		if !ok {
			problem(w, http.StatusGone, "ticket_used", "this address worked once and is used up; ask the desk for the original again")
			return
		}
		var it *sightline.Item
		err := t.c.Store.View(r.Context(), t.c.Actor, func(rd sightline.Reader) (err error) {
			it, err = sightline.Get[sightline.Item](rd, sightline.KindItem, t.item)
			return err
		})
		if err != nil {
			fail(w, err)
			return
		}
		d, err := digest.Parse(it.SHA256)
		if err != nil {
			fail(w, err)
			return
		}
		f, err := t.c.Blobs.Open(r.Context(), d)
		if err != nil {
			fail(w, err)
			return
		}
		defer f.Close()
		name := it.Name
		if name == "" {
			name = it.ID
		}
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": it.ID + "-" + fileName(name)}))
		h.Set("Cache-Control", "no-store")
		http.ServeContent(w, r, "", time.Time{}, f)
	})
	return m
}

// fileName keeps letters, digits and a few marks of a name from outside.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, s)
}
