package web

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sightline"
	"sightline/digest"
)

// AddFunc takes files into a case.
type AddFunc func(ctx context.Context, files []Upload, reason string) (*AddReport, error)

// Upload is one received file.
type Upload struct {
	Name string // as the browser gave it
	Path string // where it lies now
}

// AddReport says what became of each file.
type AddReport struct {
	Added   []AddedFile   `json:"added"`
	Known   []AddedFile   `json:"known"`
	Refused []RefusedFile `json:"refused"`
}

// AddedFile names a file and the item it is now.
type AddedFile struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// RefusedFile names a file that was not taken, and why.
type RefusedFile struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// PreflightFunc lists what stands in the way of an edition, and wording that
// says more than the evidence, which does not stand in the way.
type PreflightFunc func(ctx context.Context) (problems, advice []PublishProblem, err error)

// PublishProblem is one obstacle with the way out.
type PublishProblem struct {
	Ref  sightline.Ref  `json:"ref"`
	Code string         `json:"code"`
	Text sightline.Text `json:"text"`
	Fix  sightline.Text `json:"fix"`
}

// PublishFunc writes the next edition.
type PublishFunc func(ctx context.Context, notes sightline.Text) (*PublishReport, error)

// PublishReport names the edition, or what stands in its way.
type PublishReport struct {
	Edition  string           `json:"edition,omitempty"`
	Folder   string           `json:"folder,omitempty"`
	URL      string           `json:"url,omitempty"`
	Problems []PublishProblem `json:"problems"`
}

// CheckFunc verifies a case.
type CheckFunc func(ctx context.Context) (*CheckReport, error)

// CheckReport is the verdict of a check.
type CheckReport struct {
	OK      bool           `json:"ok"`
	Faults  []CheckFault   `json:"faults"`
	Checked map[string]int `json:"checked"`
}

// CheckFault is one fault: what, where and the remedy.
type CheckFault struct {
	What   string `json:"what"`
	Where  string `json:"where"`
	Remedy string `json:"remedy"`
}

// ExportFunc writes the evidence log in the format asked for.
type ExportFunc func(ctx context.Context, format, lang string, w io.Writer) error

// RetryFunc puts a failed job back in the queue.
type RetryFunc func(ctx context.Context, jobID string) error

func (s *Server) routes() {
	m := s.mux
	m.HandleFunc("GET /api/me", s.me)
	m.HandleFunc("GET /api/cases", s.listCases)
	m.HandleFunc("POST /api/cases", s.newCase)
	m.HandleFunc("GET /api/cases/{case}/document", s.inCase(s.document))
	m.HandleFunc("GET /api/cases/{case}/revs", s.inCase(s.revs))
	m.HandleFunc("GET /api/cases/{case}/events", s.inCase(s.events))
	m.HandleFunc("POST /api/cases/{case}/edits", s.inCase(s.edit))
	m.HandleFunc("POST /api/cases/{case}/undo", s.inCase(s.undo))
	m.HandleFunc("GET /api/cases/{case}/history/{kind}/{id}", s.inCase(s.history))
	m.HandleFunc("GET /api/cases/{case}/custody/{item}", s.inCase(s.custody))
	m.HandleFunc("GET /api/cases/{case}/derivatives/{digest}", s.inCase(s.derivative))
	m.HandleFunc("GET /api/cases/{case}/scene/{file}", s.inCase(s.sceneFile))
	m.HandleFunc("POST /api/cases/{case}/files", s.inCase(s.upload))
	m.HandleFunc("GET /api/cases/{case}/jobs", s.inCase(s.jobs))
	m.HandleFunc("POST /api/cases/{case}/jobs/{job}/retry", s.inCase(s.retry))
	m.HandleFunc("GET /api/cases/{case}/search", s.inCase(s.search))
	m.HandleFunc("GET /api/cases/{case}/preflight", s.inCase(s.preflight))
	m.HandleFunc("POST /api/cases/{case}/publish", s.inCase(s.publish))
	m.HandleFunc("POST /api/cases/{case}/check", s.inCase(s.check))
	m.HandleFunc("GET /api/cases/{case}/export/{name}", s.inCase(s.export))
	m.HandleFunc("GET /api/cases/{case}/original/{item}", s.inCase(s.original))
	s.collectRoutes(m)
	s.findRoutes()
	s.inboxRoutes(m)
	m.HandleFunc("POST /api/methods/{method}", s.method)
	s.timeRoutes()
	s.modelRoutes()
	s.teamRoutes()
	m.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "no_such_call", "the desk has no call "+printable(r.Method+" "+r.URL.Path))
	})
	m.HandleFunc("/", s.assets)
}

type caseHandler func(http.ResponseWriter, *http.Request, *Case) error

func (s *Server) inCase(h caseHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.RLock()
		c := s.cases[r.PathValue("case")]
		s.mu.RUnlock()
		if c == nil {
			problem(w, http.StatusNotFound, "no_such_case", "there is no case "+printable(r.PathValue("case"))+" on this desk")
			return
		}
		if err := h(w, r, c); err != nil {
			fail(w, err)
		}
	}
}

func (s *Server) me(w http.ResponseWriter, r *http.Request) {
	name, role := "", "owner"
	if cs := s.all(); len(cs) > 0 {
		name, role = cs[0].Actor.Name, cs[0].Actor.Role
	}
	notes := s.cfg.Notes
	if notes == nil {
		notes = []string{}
	}
	id, roles := "", map[string]Grant{}
	if p := asking(r); p.account != nil {
		id, name, role, roles = p.ID, p.Name, "", p.account.Grants
	}
	reply(w, map[string]any{"id": id, "team": s.cfg.People != nil, "roles": roles, "newCase": s.cfg.NewCase != nil && s.cfg.People == nil, "name": name, "role": role, "version": s.cfg.Version, "sandbox": s.cfg.Sandbox, "platformNotes": notes})
}

func (s *Server) listCases(w http.ResponseWriter, r *http.Request) {
	type line struct {
		ID       string         `json:"id"`
		Title    sightline.Text `json:"title"`
		Summary  sightline.Text `json:"summary,omitempty"`
		Exercise bool           `json:"exercise"`
		Items    int            `json:"items"`
		Head     int64          `json:"head"`
	}
	out := []line{}
	for _, c := range s.all() {
		if asking(r).grant(c.ID).Role == "" {
			continue
		}
		l := line{ID: c.ID}
		err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
			cs, err := sightline.All[sightline.Case](rd, sightline.KindCase)
			if err != nil || len(cs) == 0 {
				return err
			}
			l.Title, l.Summary, l.Exercise = cs[0].Title, cs[0].Summary, cs[0].Exercise
			if l.Items, err = rd.Count(sightline.KindItem); err != nil {
				return err
			}
			h, err := rd.Head()
			l.Head = h.Size
			return err
		})
		if err != nil {
			fail(w, fmt.Errorf("failed to open case %s: %w", c.ID, err))
			return
		}
		out = append(out, l)
	}
	reply(w, out)
}

func (s *Server) document(w http.ResponseWriter, r *http.Request, c *Case) error {
	var doc *sightline.Document
	var l *lens
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) (err error) {
		if l, err = s.look(r, rd, c); err != nil {
			return err
		}
		doc, err = sightline.Load(rd)
		return err
	})
	if err != nil {
		return err
	}
	// What a person is sent changes with their rights, which are not in the log.
	etag := fmt.Sprintf(`"%d"`, doc.Head.Size)
	if p := asking(r); p.account != nil {
		etag = fmt.Sprintf(`"%d-%s-%t-%t"`, doc.Head.Size, p.ID, l.sealed, l.veil != nil)
		doc = l.document(doc)
		if err := s.sent(r, c, doc.Head.Size); err != nil {
			return err
		}
	}
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	reply(w, doc)
	return nil
}

func (s *Server) revs(w http.ResponseWriter, r *http.Request, c *Case) error {
	out := map[string]int{}
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		for _, k := range sightline.Kinds {
			for row, err := range rd.Rows(k) {
				if err != nil {
					return err
				}
				out[string(k)+"/"+row.ID] = row.Rev
			}
		}
		return nil
	})
	if err == nil {
		reply(w, out)
	}
	return err
}

func (s *Server) history(w http.ResponseWriter, r *http.Request, c *Case) error {
	var rows []sightline.Row
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		l, err := s.look(r, rd, c)
		if err != nil {
			return err
		}
		if rows, err = rd.History(sightline.Ref{Kind: sightline.Kind(r.PathValue("kind")), ID: r.PathValue("id")}); err != nil {
			return err
		}
		if rows, err = l.rows(rows); err != nil {
			return err
		}
		h, err := rd.Head()
		if err != nil {
			return err
		}
		return s.sent(r, c, h.Size)
	})
	if err == nil {
		reply(w, rows)
	}
	return err
}

// derivative serves bytes that Sightline itself made: digests that no
// derivative or scene layer names are refused, so an original can never be
// fetched here.
func (s *Server) derivative(w http.ResponseWriter, r *http.Request, c *Case) error {
	d, err := digest.Parse(r.PathValue("digest"))
	if err != nil {
		return fmt.Errorf("%w: %w", sightline.ErrInvalid, err)
	}
	typ, err := c.made.typeOf(r.Context(), c, d.String())
	if err != nil {
		return err
	}
	return serveBlob(w, r, c, d, safeType(typ))
}

func (s *Server) sceneFile(w http.ResponseWriter, r *http.Request, c *Case) error {
	name := r.PathValue("file")
	var l *sightline.Layer
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		ls, err := sightline.All[sightline.Layer](rd, sightline.KindLayer)
		for _, x := range ls {
			if x.File == name {
				l = x
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if l == nil {
		return fmt.Errorf("the scene of this case has no file %s: %w", printable(name), sightline.ErrNotFound)
	}
	d, err := digest.Parse(l.SHA256)
	if err != nil {
		return fmt.Errorf("layer %s: %w", l.ID, err)
	}
	// A name of the scene means other bytes when the model has changed.
	w.Header().Set("Cache-Control", "private, no-cache")
	return serveBlob(w, r, c, d, l.Type)
}

// safeType lets through the media types that a browser shows without running
// anything; all else is bytes.
func safeType(t string) string {
	base, _, _ := mime.ParseMediaType(t)
	switch {
	case base == "image/svg+xml", base == "text/html", strings.Contains(base, "xml"), strings.Contains(base, "javascript"):
		return "application/octet-stream"
	case strings.HasPrefix(base, "image/"), strings.HasPrefix(base, "video/"), strings.HasPrefix(base, "audio/"),
		base == "application/json", base == "text/plain", base == "text/vtt", base == "model/gltf-binary":
		return t
	}
	return "application/octet-stream"
}

func serveBlob(w http.ResponseWriter, r *http.Request, c *Case, d digest.Digest, typ string) error {
	f, err := c.Blobs.Open(r.Context(), d)
	if err != nil {
		return err
	}
	defer f.Close()
	h := w.Header()
	if typ == "" {
		typ = "application/octet-stream"
	}
	h.Set("Content-Type", typ)
	h.Set("ETag", `"`+d.String()+`"`)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Add == nil {
		return fmt.Errorf("files cannot be added to this case here: %w", sightline.ErrDenied)
	}
	mr, err := r.MultipartReader()
	if err != nil {
		return &Problem{Status: 400, Title: "Bad Request", Detail: "the upload is not multipart/form-data", Code: "bad_upload"}
	}
	dir, err := os.MkdirTemp(s.cfg.TempDir, "upload-*")
	if err != nil {
		return fmt.Errorf("failed to make room for the upload: %w", err)
	}
	defer os.RemoveAll(dir)
	var files []Upload
	reason := ""
	for n := 0; ; n++ {
		p, err := mr.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return &Problem{Status: 400, Title: "Bad Request", Detail: "the upload broke off; nothing was added, send it again", Code: "upload_broken"}
		}
		if p.FormName() == "reason" {
			b, _ := io.ReadAll(io.LimitReader(p, 4096))
			reason = string(b)
			continue
		}
		if p.FileName() == "" {
			continue
		}
		path := filepath.Join(dir, fmt.Sprintf("%06d", n))
		if err := saveTo(path, p); err != nil {
			return err
		}
		files = append(files, Upload{Name: p.FileName(), Path: path})
	}
	if len(files) == 0 {
		return &Problem{Status: 400, Title: "Bad Request", Detail: "the upload holds no file", Code: "empty_upload"}
	}
	if err := s.audit(r, c, "add files", nil); err != nil {
		return err
	}
	rep, err := c.Add(r.Context(), files, reason)
	if err == nil {
		reply(w, rep)
	}
	return err
}

func saveTo(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return fmt.Errorf("failed to receive the file; nothing was added: %w", err)
	}
	return f.Close()
}

func (s *Server) jobs(w http.ResponseWriter, r *http.Request, c *Case) error {
	var js []sightline.Job
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) (err error) {
		js, err = rd.JobList(sightline.JobFilter{Limit: 2000})
		return err
	})
	if js == nil {
		js = []sightline.Job{}
	}
	if err == nil {
		reply(w, js)
	}
	return err
}

func (s *Server) retry(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Retry == nil {
		return fmt.Errorf("jobs cannot be retried here: %w", sightline.ErrDenied)
	}
	if err := c.Retry(r.Context(), r.PathValue("job")); err != nil {
		return err
	}
	reply(w, map[string]bool{"ok": true})
	return nil
}

func (s *Server) preflight(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Preflight == nil {
		return fmt.Errorf("this case cannot be published here: %w", sightline.ErrDenied)
	}
	ps, advice, err := c.Preflight(r.Context())
	if err != nil {
		return err
	}
	for _, l := range []*[]PublishProblem{&ps, &advice} {
		if *l == nil {
			*l = []PublishProblem{}
		}
	}
	reply(w, map[string]any{"problems": ps, "advice": advice})
	return nil
}

func (s *Server) publish(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Publish == nil {
		return fmt.Errorf("this case cannot be published here: %w", sightline.ErrDenied)
	}
	var in struct {
		Notes sightline.Text `json:"notes"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	if err := s.audit(r, c, "publish", nil); err != nil {
		return err
	}
	rep, err := c.Publish(r.Context(), in.Notes)
	if err != nil {
		return err
	}
	if rep.Problems == nil {
		rep.Problems = []PublishProblem{}
	}
	reply(w, rep)
	return nil
}

func (s *Server) check(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Check == nil {
		return fmt.Errorf("this case cannot be checked here: %w", sightline.ErrDenied)
	}
	if err := s.audit(r, c, "check", nil); err != nil {
		return err
	}
	rep, err := c.Check(r.Context())
	if err != nil {
		return err
	}
	if rep.Faults == nil {
		rep.Faults = []CheckFault{}
	}
	reply(w, rep)
	return nil
}

func (s *Server) export(w http.ResponseWriter, r *http.Request, c *Case) error {
	types := map[string]string{"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
	name := r.PathValue("name")
	base, format, _ := strings.Cut(name, ".")
	if base != "log" || types[format] == "" || c.Export == nil {
		return fmt.Errorf("there is no export %s: %w", printable(name), sightline.ErrNotFound)
	}
	f, err := os.CreateTemp(s.cfg.TempDir, "export-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := s.audit(r, c, "export", map[string]any{"name": name}); err != nil {
		return err
	}
	if err := c.Export(r.Context(), format, r.URL.Query().Get("lang"), f); err != nil {
		return err
	}
	w.Header().Set("Content-Type", types[format])
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": c.ID + "-evidence-log." + format}))
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}
