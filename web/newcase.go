package web

import (
	"context"
	"fmt"
	"net/http"

	"sightline"
)

// NewCase is what a person says of a case to be made: five answers at most.
type NewCase struct {
	Title     string   `json:"title"`
	Place     string   `json:"place"` // LAT,LON or LAT,LON,LABEL; may be empty
	Date      string   `json:"date"`  // EDTF; may be empty
	Zone      string   `json:"zone"`
	Languages []string `json:"languages"`
}

// newCase makes a case and brings it to the desk. A desk of a team has its
// cases from whoever runs the server.
func (s *Server) newCase(w http.ResponseWriter, r *http.Request) {
	if s.cfg.NewCase == nil || s.cfg.People != nil {
		fail(w, fmt.Errorf("cases are not made from this desk: %w", sightline.ErrDenied))
		return
	}
	var in NewCase
	if err := read(w, r, &in); err != nil {
		fail(w, err)
		return
	}
	id, err := s.cfg.NewCase(r.Context(), in)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, map[string]string{"id": id})
}

// NewCaseFunc makes a case, joins it to the desk and returns its id.
type NewCaseFunc func(ctx context.Context, in NewCase) (id string, err error)
