package call

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sightline/call/pages"
	"sightline/tip"
)

// Options are what the command decides about a server.
type Options struct {
	// Script holds lane A's script as app.js with its parts; nil leaves lane A
	// out of the page.
	Script fs.FS
	// Stretch derives the keys of a code. Nil runs Argon2id in child processes
	// (see Stretcher).
	Stretch func(ctx context.Context, c tip.Code, call string) (tip.Keys, error)
	// Now is the clock; nil is time.Now. Only its UTC day is ever stored.
	Now func() time.Time
	// Clear says that the pages are served over plain HTTPS.
	Clear bool
	// Idle ends a request whose source sends nothing for so long, Whole one
	// that lasts too long. Zero: 120 s and 6 h.
	Idle, Whole time.Duration
}

// Server answers the sources of one call.
type Server struct {
	dir    string
	cfg    Config
	keys   Recipients
	note   []byte
	script map[string][]byte
	app    string // integrity of app.js
	store  *store
	limit  *limiter
	opt    Options
	dummy  *dummies
	policy string
	// joining holds the ids whose chunks are being joined.
	joining sync.Map
	// fault, in tests, is what writing ciphertext meets: a full disk.
	fault func() error
}

// New opens the folder of a call. It fails when the folder holds an identity.
func New(dir string, opt Options) (*Server, error) {
	if err := RefuseIdentity(dir); err != nil {
		return nil, err
	}
	cfg, err := LoadConfig(dir)
	if err != nil {
		return nil, err
	}
	keys, err := LoadRecipients(filepath.Join(dir, KeysFile))
	if err != nil {
		return nil, err
	}
	note, err := os.ReadFile(filepath.Join(dir, NoteFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Idle == 0 {
		opt.Idle = 120 * time.Second
	}
	if opt.Whole == 0 {
		opt.Whole = 6 * time.Hour
	}
	s := &Server{dir: dir, cfg: cfg, keys: keys, note: note, opt: opt, limit: newLimiter(opt.Now)}
	if opt.Stretch == nil {
		s.opt.Stretch = NewStretcher(nil).Stretch
	}
	if err := s.loadScript(); err != nil {
		return nil, err
	}
	if s.dummy, err = newDummies(); err != nil {
		return nil, err
	}
	if s.store, err = openStore(dir, opt.Now); err != nil {
		return nil, err
	}
	if err := s.store.sweepStart(); err != nil {
		s.store.close()
		return nil, err
	}
	s.policy = "default-src 'none'; style-src " + strings.Join(pages.StyleHashes(), " ") +
		"; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	return s, nil
}

// Close releases the store.
func (s *Server) Close() error { return s.store.close() }

func (s *Server) loadScript() error {
	s.script = map[string][]byte{}
	if s.opt.Script == nil {
		return nil
	}
	return fs.WalkDir(s.opt.Script, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(strings.TrimSuffix(p, ".gz"), ".js") {
			return err
		}
		b, err := fs.ReadFile(s.opt.Script, p)
		if err != nil {
			return err
		}
		if p == "app.js" {
			s.app = integrity(b)
		}
		s.script[p] = b
		return nil
	})
}

// Handler is the door for sources: the table of requests of docs/formats/tip.md.
func (s *Server) Handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.root)
	for _, l := range pages.Langs {
		m.HandleFunc("GET /"+l+"/{$}", s.page(pages.Front, l))
		m.HandleFunc("GET /"+l+"/about", s.page(pages.About, l))
	}
	m.HandleFunc("GET /about", s.page(pages.About, ""))
	m.HandleFunc("GET /call.keys", s.text(s.keys.Text()))
	m.HandleFunc("GET /call.keys.note", s.text(s.note))
	m.HandleFunc("GET /call.json", s.callJSON)
	m.HandleFunc("GET /words/{lang}", s.wordList)
	m.HandleFunc("GET /app.js", s.file("app.js"))
	m.HandleFunc("GET /call/{file...}", s.scriptPart)
	m.HandleFunc("POST /send", s.send(false))
	m.HandleFunc("PUT /t/{id}/{n}", s.putChunk)
	m.HandleFunc("POST /t/{id}/have", s.haveChunks)
	m.HandleFunc("POST /t/{id}/done", s.doneTip)
	m.HandleFunc("POST /box", s.openBox)
	m.HandleFunc("POST /box/add", s.send(true))
	m.HandleFunc("POST /box/erase", s.eraseBox)
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, sayNotHere) })
	return s.guard(m)
}

// guard sets the headers of every answer and catches what a handler throws,
// so that no panic reaches a log with a request in it.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Embedder-Policy", "require-corp")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Permissions-Policy", "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), usb=(), web-share=(), xr-spatial-tracking=()")
		h.Set("Content-Security-Policy", s.policy)
		h["Date"] = nil // the answer's time is nobody's business
		if s.cfg.Onion != "" && s.opt.Clear {
			h.Set("Onion-Location", "http://"+s.cfg.Onion+r.URL.Path)
		}
		defer func() {
			if v := recover(); v != nil {
				s.store.count("panic")
				if v == http.ErrAbortHandler {
					panic(v)
				}
				s.refuse(w, r, sayBroken)
			}
		}()
		// Chunks are limited as uploads: counted as requests they would hold a
		// fast line to 20 MiB/s.
		chunk := r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/t/")
		if !chunk && !s.limit.allow(circuit(r)) {
			s.refuse(w, r, sayBusy)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) root(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", "/"+language(r)+"/")
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) page(name, lang string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l := lang
		if l == "" {
			l = language(r)
		}
		s.show(w, r, http.StatusOK, name, s.view(l), 4096)
	}
}

// view fills the part of a View that all pages share.
func (s *Server) view(lang string) pages.View {
	c := pages.Call{
		ID: s.cfg.ID, Name: s.cfg.Name[lang], Onion: s.cfg.Onion, Clear: s.opt.Clear,
		Keys: s.keys.Prints(), MaxTip: s.cfg.Limits.Tip,
		MaxFiles: s.cfg.Limits.Files, MaxText: s.cfg.Limits.Message, Closed: s.full(0),
	}
	for _, r := range s.cfg.Requests {
		c.Requests = append(c.Requests, pages.Request{ID: r.ID, Text: r.Text[lang]})
	}
	for _, ch := range s.cfg.Channels {
		c.Channels = append(c.Channels, pages.Channel(ch))
	}
	if s.app != "" {
		c.Script, c.Integrity = "/app.js", s.app
	}
	return pages.View{Lang: lang, Call: c}
}

// show writes a page padded to a multiple of size bytes.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, name string, v pages.View, size int) {
	b, err := pages.Render(name, v)
	if err != nil {
		s.store.count("page")
		status, b = http.StatusInternalServerError, []byte("<!doctype html>\n")
	}
	// A comment of blanks after the page: valid HTML, invisible, and the length
	// says nothing about which page it was.
	const open, end = "\n<!--", "-->\n"
	n := pad(len(b)+len(open)+len(end), size)
	b = append(b, open...)
	b = append(b, bytes.Repeat([]byte{' '}, n-len(b)-len(end))...)
	b = append(b, end...)
	send(w, status, "text/html; charset=utf-8", b)
}

func pad(n, size int) int { return (n + size - 1) / size * size }

func send(w http.ResponseWriter, status int, kind string, b []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * time.Minute))
	w.WriteHeader(status)
	w.Write(b)
}

// text serves bytes whose meaning would change by padding: keys are read by
// other programs, and what is public has no length to hide.
func (s *Server) text(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(b) == 0 {
			s.refuse(w, r, sayNotHere)
			return
		}
		send(w, http.StatusOK, "text/plain; charset=utf-8", b)
	}
}

func (s *Server) wordList(w http.ResponseWriter, r *http.Request) {
	l, ok := tip.WordList(r.PathValue("lang"))
	if !ok {
		s.refuse(w, r, sayNotHere)
		return
	}
	send(w, http.StatusOK, "text/plain; charset=utf-8", []byte(l))
}

func (s *Server) file(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, ok := s.script[name]
		if !ok {
			s.refuse(w, r, sayNotHere)
			return
		}
		if z, ok := s.script[name+".gz"]; ok && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			b = z
		}
		send(w, http.StatusOK, "text/javascript; charset=utf-8", b)
	}
}

func (s *Server) scriptPart(w http.ResponseWriter, r *http.Request) {
	s.file(path.Clean(r.PathValue("file")))(w, r)
}

// callJSON is what lane A needs to know, in one request.
func (s *Server) callJSON(w http.ResponseWriter, r *http.Request) {
	type limits struct {
		Tip       int64 `json:"tip"`
		Files     int   `json:"files"`
		Message   int   `json:"message"`
		Reply     int   `json:"reply"`
		Chunk     int   `json:"chunk"`
		SlowChunk int   `json:"slow_chunk"`
		Slot      int   `json:"slot"`
	}
	out := struct {
		V        int               `json:"v"`
		ID       string            `json:"id"`
		Name     map[string]string `json:"name"`
		Keys     string            `json:"keys"`
		Requests []Request         `json:"requests"`
		Channels []Channel         `json:"channels"`
		Limits   limits            `json:"limits"`
		Closed   bool              `json:"closed"`
	}{1, s.cfg.ID, s.cfg.Name, string(s.keys.Text()), s.cfg.Requests, s.cfg.Channels,
		limits{s.cfg.Limits.Tip, s.cfg.Limits.Files, s.cfg.Limits.Message, tip.MaxReply, MaxChunk, SlowChunk, tip.SlotSize}, s.full(0)}
	s.json(w, http.StatusOK, out)
}

// json writes an answer for a script, padded with blanks to 4 KiB.
func (s *Server) json(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.store.count("page")
		status, b = http.StatusInternalServerError, []byte("{}")
	}
	b = append(b, bytes.Repeat([]byte{' '}, pad(len(b)+1, 4096)-len(b)-1)...)
	send(w, status, "application/json", append(b, '\n'))
}

// readSmall reads the body of a request that has to be small.
func readSmall(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, most))
}
