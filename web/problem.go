package web

import (
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"sightline"
)

// Problem is an error as the interface receives it (RFC 9457). Detail is one
// clear sentence; Code lets the interface say it in the reader's language.
type Problem struct {
	Status  int    `json:"status"`
	Title   string `json:"title"`
	Detail  string `json:"detail"`
	Code    string `json:"code"`
	Current any    `json:"current,omitempty"` // what is stored now, for a conflict
}

func (p *Problem) Error() string { return p.Detail }

func problem(w http.ResponseWriter, status int, code, detail string) {
	writeProblem(w, &Problem{Status: status, Title: http.StatusText(status), Detail: detail, Code: code})
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) //nolint:errcheck // the reader is gone
}

// statuses is the one table from a sentinel to an HTTP status.
var statuses = []struct {
	err    error
	status int
	code   string
}{
	{sightline.ErrNotFound, http.StatusNotFound, "not_found"},
	{sightline.ErrConflict, http.StatusConflict, "conflict"},
	{sightline.ErrInvalid, http.StatusUnprocessableEntity, "invalid"},
	{sightline.ErrDenied, http.StatusForbidden, "denied"},
	{sightline.ErrNewer, http.StatusConflict, "newer"},
	{sightline.ErrFull, http.StatusInsufficientStorage, "full"},
	{sightline.ErrDamaged, http.StatusInternalServerError, "damaged"},
}

// fail answers with the status of err.
func fail(w http.ResponseWriter, err error) {
	var p *Problem
	if errors.As(err, &p) {
		writeProblem(w, p)
		return
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		problem(w, http.StatusRequestEntityTooLarge, "too_large", "the request is larger than "+strconv.FormatInt(big.Limit>>20, 10)+" MB")
		return
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			problem(w, s.status, s.code, err.Error())
			return
		}
	}
	problem(w, http.StatusInternalServerError, "internal", err.Error())
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the reader is gone
}

// read decodes a request body of at most 4 MB.
func read(w http.ResponseWriter, r *http.Request, v any) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return &Problem{Status: http.StatusUnsupportedMediaType, Title: "Unsupported Media Type", Detail: "the request must be application/json", Code: "not_json"}
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return err
		}
		return &Problem{Status: http.StatusBadRequest, Title: "Bad Request", Detail: "the request could not be read: " + err.Error(), Code: "bad_json"}
	}
	return nil
}

func writeString(w io.Writer, s string) { io.WriteString(w, s) } //nolint:errcheck // the reader is gone

func htmlAttr(s string) string { return html.EscapeString(s) }

// printable shows untrusted text in a sentence: control and direction
// characters become marks.
func printable(s string) string {
	if len(s) > 100 {
		s = s[:100] + "…"
	}
	return strconv.Quote(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '·'
		}
		return r
	}, s))
}
