package call

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"

	"sightline/call/pages"
	"sightline/tip"
)

const (
	streamPrefix = "b-"
	bufferSize   = 64 << 10
	drainSize    = 1 << 20
	formSlack    = 1 << 20 // what a form adds to its content
)

// full says whether n more bytes would pass 90 % of the quota.
func (s *Server) full(n int64) bool {
	return s.store.used.Load()+n > s.cfg.Limits.Quota/10*9
}

// refusal carries a sentence through the code that reads a form.
type refusal struct{ say }

func (r refusal) Error() string { return string(r.say) }

// send is lane B: one form, streamed straight into age. Plaintext is in one
// buffer of 64 KiB (and the message, at most its limit) and nowhere else; the
// file on disk is ciphertext from its first byte.
func (s *Server) send(add bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		lang := language(r)
		give, ok := s.limit.upload(circuit(r))
		if !ok {
			s.refuse(w, r, sayBusy)
			return
		}
		defer give()
		if s.full(0) {
			s.drain(w, r)
			s.refuse(w, r, sayFull)
			return
		}
		if r.ContentLength > s.cfg.Limits.Tip+formSlack {
			s.drain(w, r)
			s.refuse(w, r, sayTooLarge)
			return
		}
		r.Body = s.patient(w, r)
		form, err := r.MultipartReader()
		if err != nil {
			s.refuse(w, r, sayForm)
			return
		}
		f := &formStream{s: s, add: add, lang: lang, ctx: r.Context()}
		defer f.drop()
		err = f.read(form)
		if err == nil {
			err = f.finish()
		}
		if f.lang != "" {
			lang = f.lang
		}
		var no refusal
		switch {
		case err == nil:
			s.store.count("tip")
			v := s.view(lang)
			v.Receipt = f.receipt()
			s.show(w, r, http.StatusOK, pages.Sent, v, 4096)
		case errors.As(err, &no):
			f.drop()
			s.drain(w, r)
			s.refuseIn(w, r, lang, no.say)
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
			f.drop()
			s.drain(w, r)
			s.refuseIn(w, r, lang, sayFull)
		default:
			f.drop()
			s.refuseIn(w, r, lang, sayBroke)
		}
	}
}

// drain reads a little of what a browser still sends: one that is cut off
// while it writes shows an error of its own instead of our page.
func (s *Server) drain(w http.ResponseWriter, r *http.Request) {
	body := r.Body
	if p, ok := body.(*patientBody); ok {
		body = p.ReadCloser
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(5 * time.Second))
	io.CopyN(io.Discard, body, drainSize)
	w.Header().Set("Connection", "close")
}

// patient gives a body whose reader waits for Idle at each read and for Whole
// altogether: a slow line may take hours, a silent one may not.
func (s *Server) patient(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	return &patientBody{r.Body, http.NewResponseController(w), s.opt.Idle, time.Now().Add(s.opt.Whole)}
}

type patientBody struct {
	io.ReadCloser
	c    *http.ResponseController
	idle time.Duration
	end  time.Time
}

func (p *patientBody) Read(b []byte) (int, error) {
	at := time.Now().Add(p.idle)
	if at.After(p.end) {
		at = p.end
	}
	p.c.SetReadDeadline(at)
	return p.ReadCloser.Read(b)
}

// formStream is one form on its way into one age file.
type formStream struct {
	s    *Server
	ctx  context.Context
	add  bool
	lang string

	code  tip.Code
	keys  chan stretched
	id    string
	path  string
	file  *os.File
	seal  io.WriteCloser
	out   *tip.Writer
	join  tip.Join
	files int
	empty int
	bytes int64
	taken bool
	said  bool
	once  sync.Once
}

type stretched struct {
	keys tip.Keys
	err  error
}

// begin draws or takes the code, starts its keys and opens the file.
func (f *formStream) begin() error {
	if f.out != nil {
		return nil
	}
	if f.add && f.keys == nil {
		return refusal{sayCodeLate}
	}
	if f.keys == nil {
		c, err := tip.NewCode(nil)
		if err != nil {
			return err
		}
		f.code = c
		f.stretch()
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	f.id = hex.EncodeToString(id[:])
	f.path = f.s.store.partPath(streamPrefix + f.id)
	var err error
	if f.file, err = os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	if f.seal, err = age.Encrypt(metered{f.file, f.s}, tip.AgeRecipients(f.s.keys.List)...); err != nil {
		return err
	}
	f.out = tip.NewWriter(f.seal)
	return nil
}

// metered counts ciphertext against the quota as it is written.
type metered struct {
	w io.Writer
	s *Server
}

func (m metered) Write(p []byte) (int, error) {
	if m.s.full(int64(len(p))) {
		return 0, refusal{sayFull}
	}
	if m.s.fault != nil {
		if err := m.s.fault(); err != nil {
			return 0, err
		}
	}
	n, err := m.w.Write(p)
	m.s.store.used.Add(int64(n))
	return n, err
}

// stretch derives the keys beside the upload: they are needed at its end.
func (f *formStream) stretch() {
	f.keys = make(chan stretched, 1)
	go func(c tip.Code) {
		k, err := f.s.opt.Stretch(f.ctx, c, f.s.cfg.ID)
		f.keys <- stretched{k, err}
	}(f.code)
}

// read takes the parts of the form in the order they come.
func (f *formStream) read(form *multipart.Reader) error {
	buf := make([]byte, bufferSize)
	for {
		p, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, params := p.FormName(), map[string]string(nil)
		if _, params, err = mime.ParseMediaType(p.Header.Get("Content-Disposition")); err != nil {
			return refusal{sayForm}
		}
		switch name {
		case "lang":
			v, err := f.small(p, 16)
			if err != nil {
				return err
			}
			if pages.Known(v) {
				f.lang = v
			}
		case "code":
			v, err := f.small(p, 1024)
			if err != nil {
				return err
			}
			if !f.add || f.keys != nil {
				continue
			}
			if f.code, err = tip.ParseCode(v); err != nil {
				return refusal{sayCode}
			}
			f.stretch()
		case "wish", "request":
			v, err := f.small(p, 2048)
			if err != nil {
				return err
			}
			if v, took := tip.StripCodes(v); name == "wish" {
				f.join.Wish, f.taken = v, f.taken || took
			} else {
				f.join.Request = v
			}
		case "message":
			if err := f.message(p); err != nil {
				return err
			}
		case "file":
			if err := f.content(p, params["filename"], buf); err != nil {
				return err
			}
		default:
			return refusal{sayForm}
		}
	}
}

func (f *formStream) small(p *multipart.Part, most int64) (string, error) {
	b, err := io.ReadAll(io.LimitReader(p, most+1))
	if err != nil {
		return "", err
	}
	if int64(len(b)) > most {
		return "", refusal{sayTooLong}
	}
	return string(b), nil
}

func (f *formStream) message(p *multipart.Part) error {
	most := f.s.cfg.Limits.Message
	b, err := io.ReadAll(io.LimitReader(p, int64(most)+1))
	if err != nil {
		return err
	}
	defer clear(b)
	if len(b) > most {
		return refusal{sayTooLong}
	}
	if len(b) == 0 {
		return nil
	}
	if err := f.begin(); err != nil {
		return err
	}
	text, took := tip.StripCodes(string(b))
	f.taken = f.taken || took
	f.said = true
	return f.out.Message([]byte(text))
}

func (f *formStream) content(p *multipart.Part, name string, buf []byte) error {
	defer clear(buf)
	n, err := fill(p, buf)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n == 0 && name == "" {
		return nil // the field of a form with nothing chosen
	}
	if f.files++; f.files > f.s.cfg.Limits.Files {
		return refusal{sayTooMany}
	}
	if n == 0 {
		f.empty++
	}
	if err := f.begin(); err != nil {
		return err
	}
	if err := f.out.Begin(tip.Head{Name: tip.BaseName(name), Mime: p.Header.Get("Content-Type")}); err != nil {
		return err
	}
	for {
		if f.bytes += int64(n); f.bytes > f.s.cfg.Limits.Tip {
			return refusal{sayTooLarge}
		}
		if _, werr := f.out.Write(buf[:n]); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if n, err = fill(p, buf); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	_, _, err = f.out.End()
	return err
}

// fill reads until buf is full or the reader ends. Unlike io.ReadFull it keeps
// the end of a part (io.EOF) apart from a connection that was cut.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// finish closes the bundle, makes the file last, and enters it: only then the
// source is told.
func (f *formStream) finish() error {
	if !f.said && f.bytes == 0 {
		return refusal{sayEmpty}
	}
	k := <-f.keys
	if errors.Is(k.err, errQueue) {
		return refusal{sayQueue}
	}
	if k.err != nil {
		return k.err
	}
	id, err := k.keys.Identity()
	if err != nil {
		return err
	}
	j := f.join
	j.Lang, j.At, j.ReplyTo = f.lang, f.s.store.day(), id.Recipient().String()
	j.Call, j.Lane, j.Follows = f.s.cfg.ID, "B", f.add
	if err := f.out.Close(j); err != nil {
		return err
	}
	if err := f.seal.Close(); err != nil {
		return err
	}
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return err
	}
	if err := f.s.store.enter(f.path, f.id, info.Size(), k.keys.Box, k.keys.AuthHash()); err != nil {
		return err
	}
	f.file.Close()
	f.file = nil
	return nil
}

// drop removes what an unfinished form left.
func (f *formStream) drop() {
	f.once.Do(func() {
		if f.file == nil {
			return
		}
		n := int64(0)
		if i, err := f.file.Stat(); err == nil {
			n = i.Size()
		}
		f.file.Close()
		os.Remove(f.path)
		f.s.store.used.Add(-n)
	})
}

func (f *formStream) receipt() *pages.Receipt {
	r := &pages.Receipt{Lane: "B", Files: f.files, Bytes: f.bytes, Added: f.add, Empty: f.empty, CodeTaken: f.taken}
	if !f.add {
		r.Lang = f.lang
		if _, ok := tip.WordList(f.lang); !ok {
			r.Lang = "en"
		}
		r.Words, r.Digits = f.code.Words(r.Lang), f.code.Digits()
		if f.lang == "ar" {
			r.Words, r.Lang = nil, "" // digits only: no list of Arabic words exists
		}
	}
	return r
}
