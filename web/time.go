package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"sightline"
)

// TimeCalls are the questions about time that the desk asks of one case. None
// of them changes the case: what a person keeps goes through an edit.
type TimeCalls struct {
	// Network says what follows from the dated facts of the case.
	Network func(ctx context.Context) (any, error)
	// Derive makes the finding of one interval; the question is {about, account}.
	Derive func(ctx context.Context, question []byte) (any, error)
	// Listen compares recordings or finds sudden sounds; it may take minutes.
	Listen func(ctx context.Context, question []byte, progress func(done, of int, what string)) (any, error)
	// Sound writes the sound of an item as one channel of WAV, decoded here: the
	// original's own bytes never reach the browser.
	Sound func(ctx context.Context, item string, w io.Writer) error
	// Export writes the master clock in the format of another program.
	Export func(ctx context.Context, format, lang string, w io.Writer) (mediaType string, err error)
}

// listening keeps two people from decoding the same hours at once.
var listening = make(chan struct{}, 1)

func (s *Server) timeRoutes() {
	s.mux.HandleFunc("GET /api/cases/{case}/network", s.inCase(s.network))
	s.mux.HandleFunc("POST /api/cases/{case}/network/derive", s.inCase(s.derive))
	s.mux.HandleFunc("POST /api/cases/{case}/listen", s.inCase(s.listen))
	s.mux.HandleFunc("GET /api/cases/{case}/sound/{item}", s.inCase(s.sound))
	s.mux.HandleFunc("GET /api/cases/{case}/timeline/{format}", s.inCase(s.timeline))
}

func noTime() error {
	return fmt.Errorf("questions about time are not answered here: %w", sightline.ErrDenied)
}

func (s *Server) network(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Time == nil {
		return noTime()
	}
	a, err := c.Time.Network(r.Context())
	if err == nil {
		reply(w, a)
	}
	return err
}

func (s *Server) derive(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Time == nil {
		return noTime()
	}
	q, err := question(w, r)
	if err != nil {
		return err
	}
	a, err := c.Time.Derive(r.Context(), q)
	if err == nil {
		reply(w, a)
	}
	return err
}

func question(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	q, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxProblemBytes))
	if err != nil {
		return nil, fmt.Errorf("the question is too large or broke off: %w", sightline.ErrInvalid)
	}
	return q, nil
}

// listen answers with lines of JSON: any number of {"done","of","what"}, then
// {"answer"} or {"error"}. The work stops when the reader goes away.
func (s *Server) listen(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Time == nil {
		return noTime()
	}
	q, err := question(w, r)
	if err != nil {
		return err
	}
	select {
	case listening <- struct{}{}:
		defer func() { <-listening }()
	default:
		return &Problem{Status: http.StatusConflict, Title: "Conflict", Code: "busy", Detail: "recordings are being compared already; wait until that is done"}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	var mu sync.Mutex
	line := func(v any) {
		b, err := json.Marshal(v)
		if err != nil {
			b = []byte(`{"error":"the answer could not be written"}`)
		}
		mu.Lock()
		defer mu.Unlock()
		w.Write(append(b, '\n')) //nolint:errcheck // the reader is gone
		rc.Flush()               //nolint:errcheck // not every writer can
	}
	a, err := c.Time.Listen(r.Context(), q, func(done, of int, what string) {
		line(map[string]any{"done": done, "of": of, "what": what})
	})
	if err != nil {
		line(map[string]any{"error": bare(err)})
		return nil
	}
	line(map[string]any{"answer": a})
	return nil
}

// bare takes the kind of an error off its sentence.
func bare(err error) string {
	s := err.Error()
	for _, k := range []error{sightline.ErrInvalid, sightline.ErrNotFound, sightline.ErrDenied} {
		s = strings.TrimSuffix(s, ": "+k.Error())
	}
	return s
}

func (s *Server) sound(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Time == nil {
		return noTime()
	}
	select {
	case solving <- struct{}{}:
	case <-r.Context().Done():
		return nil
	}
	defer func() { <-solving }()
	var b bytes.Buffer
	if err := c.Time.Sound(r.Context(), r.PathValue("item"), &b); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "private, max-age=3600")
	w.Write(b.Bytes()) //nolint:errcheck // the reader is gone
	return nil
}

func (s *Server) timeline(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Time == nil {
		return noTime()
	}
	format := r.PathValue("format")
	var b bytes.Buffer
	typ, err := c.Time.Export(r.Context(), format, r.URL.Query().Get("lang"), &b)
	if err != nil {
		return err
	}
	ext := map[string]string{"offsets": "csv", "network": "json", "textgrid": "TextGrid"}[format]
	if ext == "" {
		ext = format
	}
	w.Header().Set("Content-Type", typ)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": c.ID + "-timeline." + ext}))
	w.Write(b.Bytes()) //nolint:errcheck // the reader is gone
	return nil
}
