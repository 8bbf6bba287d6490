package web

import (
	"encoding/json"
	"net/http"
	"strings"

	"sightline"
)

// hit is one line of the palette.
type hit struct {
	sightline.Ref
	Title sightline.Text `json:"title,omitempty"`
}

// search finds objects of every kind for a person who types.
func (s *Server) search(w http.ResponseWriter, r *http.Request, c *Case) error {
	hits := []hit{}
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	if len(q) > maxQuery {
		q = strings.ToValidUTF8(q[:maxQuery], "")
	}
	if q == "" {
		reply(w, hits)
		return nil
	}
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		l, err := s.look(r, rd, c)
		if err != nil {
			return err
		}
		lib, ok := rd.(sightline.Library)
		var found []sightline.Ref
		if open := !l.covered && !l.sealed; ok && open {
			found, err = lib.Names(q, paletteMost)
		} else {
			found, err = rd.Search(q, 200)
		}
		if err != nil {
			return err
		}
		for _, f := range found {
			if len(hits) == paletteMost {
				break
			}
			ok, err := l.finds(rd, f, q)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			row, err := rd.Row(f)
			if err != nil {
				return err
			}
			v, err := l.value(f.Kind, row.Value)
			if err != nil {
				return err
			}
			hits = append(hits, hit{f, titleOf(v)})
		}
		return nil
	})
	if err == nil {
		reply(w, hits)
	}
	return err
}

// titleOf is what an object is called in a list: its title, name or text.
func titleOf(value json.RawMessage) sightline.Text {
	var v struct{ Title, Name, Text sightline.Text }
	json.Unmarshal(value, &v) //nolint:errcheck // a kind whose members of these names mean something else has no title
	for _, t := range []sightline.Text{v.Title, v.Name, v.Text} {
		if len(t) > 0 {
			return t
		}
	}
	return nil
}
