package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"sightline"
)

// Collecting is how things come into a case through the desk, beside plain
// files: addresses of the web, and exports whose records are looked at before
// they are taken.
type Collecting struct {
	// Collect puts addresses into the queue; it fetches nothing itself.
	Collect func(context.Context, sightline.Actor, CollectAsk) (*CollectReport, error)
	// Formats are the exports that Preview and Import read.
	Formats []string
	// Preview says what an export holds; nothing is written.
	Preview func(ctx context.Context, u Upload, as string, o ImportAnswers) (any, error)
	// Seen compares the pictures of the case with one another.
	Seen func(ctx context.Context, by sightline.Actor) (*SeenReport, error)
	// Import takes the records of an export.
	Import func(ctx context.Context, by sightline.Actor, u Upload, as string, o ImportAnswers) (*ImportReport, error)
}

// CollectAsk is a list of addresses and what the custody log asks about them.
type CollectAsk struct {
	URLs    []string `json:"urls"`
	Reason  string   `json:"reason"`
	Persona string   `json:"persona"`
	Access  string   `json:"access"` // public, login, invitation, given
	Seal    bool     `json:"seal"`   // keep the addresses out of the log
}

// CollectReport says what waits now and what was refused.
type CollectReport struct {
	Queued  []QueuedAddress  `json:"queued"`
	Refused []RefusedAddress `json:"refused"`
}

// QueuedAddress is an address with the job that fetches it.
type QueuedAddress struct {
	URL string `json:"url"`
	Job string `json:"job"`
}

// RefusedAddress is an address that is never fetched, and why.
type RefusedAddress struct {
	URL string `json:"url"`
	Why string `json:"why"`
}

// ImportAnswers are what only the person knows about an export.
type ImportAnswers struct {
	Dates   string          `json:"dates"` // order of day, month and year
	Zone    string          `json:"zone"`
	Mapping json.RawMessage `json:"mapping"` // of the columns of a table
	Reason  string          `json:"reason"`
	Rows    int             `json:"rows"` // how many records a preview shows
}

// SeenReport says what was compared.
type SeenReport struct {
	Compared int      `json:"compared"`
	Found    int      `json:"found"` // pairs that look alike
	Left     int      `json:"left"`  // pictures past the limit, not compared
	Failed   []string `json:"failed"`
}

// ImportReport says what became of each record.
type ImportReport struct {
	AddReport
	BadRows []BadRow `json:"bad_rows"`
}

// BadRow is a record that could not be read, and why.
type BadRow struct {
	Row    int    `json:"row"`
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"`
	Why    string `json:"why"`
}

// collectRoutes are the calls of this file.
func (s *Server) collectRoutes(m *router) {
	m.HandleFunc("POST /api/cases/{case}/collect", s.inCase(s.collect))
	m.HandleFunc("GET /api/cases/{case}/collect", s.inCase(s.collecting))
	m.HandleFunc("POST /api/cases/{case}/alike", s.inCase(s.alike))
	m.HandleFunc("GET /api/cases/{case}/formats", s.inCase(s.formats))
	m.HandleFunc("POST /api/cases/{case}/preview", s.inCase(s.preview))
	m.HandleFunc("POST /api/cases/{case}/import", s.inCase(s.importFile))
}

func (s *Server) collect(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Collecting.Collect == nil {
		return fmt.Errorf("addresses cannot be collected here: %w", sightline.ErrDenied)
	}
	var ask CollectAsk
	if err := read(w, r, &ask); err != nil {
		return err
	}
	if len(ask.URLs) == 0 || len(ask.URLs) > 5000 {
		return fmt.Errorf("a list holds 1 to 5000 addresses, this one has %d: %w", len(ask.URLs), sightline.ErrInvalid)
	}
	switch ask.Access {
	case "":
		ask.Access = "public"
	case "public", "login", "invitation", "given":
	default:
		return fmt.Errorf("access is public, login, invitation or given: %w", sightline.ErrInvalid)
	}
	rep, err := c.Collecting.Collect(r.Context(), s.actor(r, c), ask)
	if err == nil {
		reply(w, rep)
	}
	return err
}

// collecting lists the addresses of the queue, newest first.
func (s *Server) collecting(w http.ResponseWriter, r *http.Request, c *Case) error {
	type line struct {
		Job   string `json:"job"`
		URL   string `json:"url"`
		State string `json:"state"` // waiting, running, done, failed
		Why   string `json:"why,omitempty"`
		Tries int    `json:"tries"`
		Asked string `json:"asked"`
		Ended string `json:"ended,omitempty"`
	}
	out := []line{}
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		out = out[:0]
		list, err := rd.JobList(sightline.JobFilter{Kind: "capture", Limit: 2000})
		for _, j := range list {
			var t struct {
				URL   string `json:"url"`
				Asked string `json:"asked"`
			}
			if json.Unmarshal(j.Params, &t) == nil {
				out = append(out, line{j.ID, t.URL, j.State, j.Error, j.Tries, t.Asked, j.Ended})
			}
		}
		return err
	})
	if err == nil {
		reply(w, out)
	}
	return err
}

func (s *Server) alike(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Collecting.Seen == nil {
		return fmt.Errorf("pictures cannot be compared here: %w", sightline.ErrDenied)
	}
	rep, err := c.Collecting.Seen(r.Context(), s.actor(r, c))
	if err == nil {
		reply(w, rep)
	}
	return err
}

func (s *Server) formats(w http.ResponseWriter, r *http.Request, c *Case) error {
	list := c.Collecting.Formats
	if list == nil {
		list = []string{}
	}
	reply(w, list)
	return nil
}

// oneUpload receives one file and the fields beside it.
func (s *Server) oneUpload(r *http.Request) (u Upload, as string, o ImportAnswers, done func(), err error) {
	done = func() {}
	mr, err := r.MultipartReader()
	if err != nil {
		return u, as, o, done, &Problem{Status: 400, Title: "Bad Request", Detail: "the upload is not multipart/form-data", Code: "bad_upload"}
	}
	dir, err := os.MkdirTemp(s.cfg.TempDir, "import-*")
	if err != nil {
		return u, as, o, done, fmt.Errorf("failed to make room for the upload: %w", err)
	}
	done = func() { os.RemoveAll(dir) }
	for {
		p, err := mr.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return u, as, o, done, &Problem{Status: 400, Title: "Bad Request", Detail: "the upload broke off; nothing was added, send it again", Code: "upload_broken"}
		}
		switch p.FormName() {
		case "as":
			b, _ := io.ReadAll(io.LimitReader(p, 100))
			as = string(b)
		case "answers":
			if err := json.NewDecoder(io.LimitReader(p, 1<<20)).Decode(&o); err != nil {
				return u, as, o, done, fmt.Errorf("the answers are not JSON: %w", sightline.ErrInvalid)
			}
		case "file":
			if p.FileName() == "" || u.Path != "" {
				continue
			}
			// The readers go by the name's ending where a format has no other mark.
			sub := filepath.Join(dir, "f")
			if err := os.Mkdir(sub, 0o700); err != nil {
				return u, as, o, done, err
			}
			u = Upload{Name: p.FileName(), Path: filepath.Join(sub, keptName(p.FileName()))}
			if err := saveTo(u.Path, p); err != nil {
				return u, as, o, done, err
			}
		}
	}
	if u.Path == "" {
		return u, as, o, done, &Problem{Status: 400, Title: "Bad Request", Detail: "the upload holds no file", Code: "empty_upload"}
	}
	return u, as, o, done, nil
}

// keptName is the name under which an upload lies on disk: its own, because it
// becomes the name of the item, unless it could mean something to the system.
func keptName(name string) string {
	if len(name) > 200 || strings.HasPrefix(name, ".") || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) }) {
		return "upload" + fileName(filepath.Ext(name))
	}
	return name
}

func (s *Server) preview(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Collecting.Preview == nil {
		return fmt.Errorf("exports cannot be read here: %w", sightline.ErrDenied)
	}
	u, as, o, done, err := s.oneUpload(r)
	defer done()
	if err != nil {
		return err
	}
	v, err := c.Collecting.Preview(r.Context(), u, as, o)
	if err == nil {
		reply(w, v)
	}
	return err
}

func (s *Server) importFile(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Collecting.Import == nil {
		return fmt.Errorf("exports cannot be imported here: %w", sightline.ErrDenied)
	}
	u, as, o, done, err := s.oneUpload(r)
	defer done()
	if err != nil {
		return err
	}
	v, err := c.Collecting.Import(r.Context(), s.actor(r, c), u, as, o)
	if err == nil {
		reply(w, v)
	}
	return err
}
