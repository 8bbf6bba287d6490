package web

import (
	"fmt"
	"io"
	"net/http"
	"runtime"

	"sightline"
)

// maxProblemBytes bounds what a method is asked: 10,000 clicked points fit.
const maxProblemBytes = 16 << 20

// solving keeps questions to the sciences from taking every processor: a
// person who drags a point asks often.
var solving = make(chan struct{}, max(1, runtime.NumCPU()))

// method answers one problem of a science. Nothing is stored: a person saves
// the problem with its answer as a finding, through an edit.
func (s *Server) method(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	ask := s.cfg.Methods[name]
	if ask == nil {
		problem(w, http.StatusNotFound, "no_such_method", "there is no method "+printable(name)+" on this desk")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxProblemBytes))
	if err != nil {
		fail(w, fmt.Errorf("the problem is larger than %d MB or broke off: %w", maxProblemBytes>>20, sightline.ErrInvalid))
		return
	}
	if id, ok := asking(r).mayAsk(body); !ok {
		// The same words as for a case that does not exist.
		problem(w, http.StatusNotFound, "no_such_case", "there is no case "+printable(id)+" on this desk")
		return
	}
	select {
	case solving <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	defer func() { <-solving }()
	if r.Context().Err() != nil { // a newer question has replaced this one
		return
	}
	answer, err := ask(body)
	if err != nil {
		fail(w, fmt.Errorf("%v: %w", err, sightline.ErrInvalid))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(answer) //nolint:errcheck // the reader is gone
}
