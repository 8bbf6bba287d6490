package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/flow"
	"sightline/web"
)

// serveCmd serves the desk of one or more cases, or a published edition.
type serveCmd struct {
	inCase  `embed:""`
	watched `embed:""`
	logged  `embed:""`
	working `embed:""`
	reach   `embed:""`
	Team    teamFlags `embed:""`
	Dirs    []string  `arg:"" optional:"" type:"path" help:"Case folders, folders that hold case folders, or one edition. Default: the case around the current folder, else the cases in Sightline in your home folder."`
	Addr    string    `default:"127.0.0.1:8765" help:"Address of the desk. Port 0 takes a free one."`
	NoWork  bool      `help:"Do not run jobs in this process; \"sightline work\" does."`
	Open    bool      `help:"Open the desk in the browser of this machine."`
	Token   string    `env:"SIGHTLINE_TOKEN" hidden:"" help:"Fixed token, for tests."`
}

func (c *serveCmd) Run(e *env) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := c.reach.open(&c.Team); err != nil {
		return err
	}
	if len(c.Dirs) == 1 {
		if _, err := os.Stat(filepath.Join(c.Dirs[0], "manifest.json")); err == nil {
			return serveFolder(e, c.Addr, c.Dirs[0])
		}
	}
	var folders []*folder
	var home string // where cases made in the desk go
	var err error
	if len(c.Dirs) == 0 {
		var f *folder
		f, err = c.openIn(e.ctx, archive.Options{})
		folders = []*folder{f}
		if c.inCase == (inCase{}) && errors.Is(err, errNoCase) {
			folders, home, err = homeCases(e.ctx)
		}
	} else {
		folders, err = openCases(e.ctx, c.Dirs)
	}
	if err != nil {
		return err
	}
	if home == "" {
		home = caseHome(c.Dirs, folders)
	}
	d, err := newDesk(e, folders, home, c.Addr, c.Token, c.reach)
	if err != nil {
		return err
	}
	defer d.close()
	d.work = &c.working
	d.events = c.logger(e)
	if err := c.watch(e, d.open); err != nil {
		return err
	}
	if err := c.Team.apply(d, e.stdout); err != nil {
		return err
	}
	for _, f := range folders {
		fmt.Fprintf(e.stdout, "case      %s\n", f.Place)
	}
	if c.Open {
		if err := openBrowser(e.ctx, "http://"+d.addr+d.server.OpenPath()); err != nil {
			fmt.Fprintf(e.stderr, "the browser could not be opened (%v): open the address above\n", err)
		}
	}
	return d.run(e.ctx, !c.NoWork)
}

// desk is a running interface over open cases: its own origin, the origin of
// originals, and the workers.
type desk struct {
	server   *web.Server
	addr     string
	main     net.Listener
	original net.Listener
	mu       sync.Mutex // over folders, which a case can join
	folders  []*folder
	log      io.Writer
	events   *slog.Logger // lines for those who collect them
	work     *working     // nil: as "sightline work" without options
	temp     string
	scenes   deskScenes
	workers  sync.WaitGroup
	secure   *tls.Config // nil: the desk speaks no TLS
	idle     bool        // others do the jobs
}

func newDesk(e *env, folders []*folder, home, addr, token string, far ...reach) (*desk, error) {
	var r reach
	if len(far) > 0 {
		r = far[0]
	}
	secure, err := r.config()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, exit(2, fmt.Errorf("the desk cannot listen on %s: %w; choose another with --addr", addr, err))
	}
	host, _, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, err
	}
	second := r.OriginalsAddr
	if second == "" {
		second = net.JoinHostPort(host, "0")
		if !onLoopback(l) {
			second = "127.0.0.1:0"
		}
	}
	if !onLoopback(l) && !r.beyond() {
		l.Close()
		return nil, exit(2, fmt.Errorf("%s can be reached from other machines, so the desk needs accounts and TLS there: --people FILE --host NAME, and --tls-cert FILE --tls-key FILE or, where a proxy speaks TLS, --behind-proxy; without them it listens on 127.0.0.1 only", addr))
	}
	o, err := net.Listen("tcp", second)
	if err != nil {
		l.Close()
		return nil, exit(2, fmt.Errorf("the originals cannot be served on %s: %w; choose another with --originals-addr", second, err))
	}
	if !onLoopback(o) && !r.beyond() {
		l.Close()
		o.Close()
		return nil, exit(2, fmt.Errorf("%s can be reached from other machines; originals are served there only by a desk with accounts and TLS", second))
	}
	d := &desk{addr: l.Addr().String(), main: l, original: o, folders: folders, log: e.stderr, secure: secure}
	room := home
	if len(folders) > 0 {
		room = folders[0].Dir
	}
	if d.temp, err = os.MkdirTemp(room, ".upload-*"); err != nil {
		return nil, fmt.Errorf("failed to make room for uploads in %s: %w", room, err)
	}
	var cases []*web.Case
	for _, f := range folders {
		wc, err := webCase(e.ctx, f)
		if err != nil {
			return nil, err
		}
		cases = append(cases, wc)
	}
	sandboxed, notes := platformNotes(e.ctx)
	var newCase web.NewCaseFunc
	if home != "" {
		newCase = func(_ context.Context, in web.NewCase) (string, error) {
			f, err := newCaseIn(home, in)
			if err != nil {
				return "", err
			}
			wc, err := webCase(e.ctx, f)
			if err != nil {
				return "", errors.Join(err, f.Close())
			}
			d.join(e.ctx, f, wc)
			return wc.ID, nil
		}
	}
	d.server = web.New(web.Config{
		NewCase: newCase,
		Cases:   cases, Addr: d.addr, Token: token, Version: version, Sandbox: sandboxed, Notes: notes,
		Original: "http://" + o.Addr().String(), TempDir: d.temp, Methods: webMethods(d.scene), Reports: d.reports(),
	})
	return d, nil
}

// run serves until ctx ends, with the workers beside.
func (d *desk) run(ctx context.Context, work bool) error {
	if d.events == nil {
		d.events = slog.New(slog.DiscardHandler)
	}
	srv := &http.Server{Handler: logRequests(d.events, d.server.Handler()), ReadHeaderTimeout: 10 * time.Second}
	org := &http.Server{Handler: d.server.Originals(), ReadHeaderTimeout: 10 * time.Second}
	errs := make(chan error, 2)
	begin := func(s *http.Server, l net.Listener) {
		if d.secure == nil {
			errs <- s.Serve(l)
			return
		}
		s.TLSConfig, s.Handler = d.secure.Clone(), secured(s.Handler)
		s.ErrorLog = log.New(io.Discard, "", 0) // strangers' broken handshakes are no news
		errs <- s.ServeTLS(l, "", "")
	}
	d.idle = !work // before anybody can make a case
	go begin(srv, d.main)
	go begin(org, d.original)
	if work {
		for _, f := range d.open() {
			d.busy(ctx, f)
		}
	}
	select {
	case err := <-errs:
		return err
	case <-ctx.Done():
	}
	// Live streams end when their request does; do not wait for them long.
	stop, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		srv.Close()
	}
	org.Close()
	// The workers give back what they were doing; the case is closed after them.
	ended := make(chan struct{})
	go func() {
		d.workers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(15 * time.Second):
	}
	return nil
}

// open lists the cases that are open now.
func (d *desk) open() []*folder {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.folders)
}

// join brings a further case to the running desk and does its jobs.
func (d *desk) join(ctx context.Context, f *folder, c *web.Case) {
	d.mu.Lock()
	d.folders = append(d.folders, f)
	d.mu.Unlock()
	d.server.Join(c)
	if !d.idle {
		d.busy(ctx, f)
	}
}

// busy does the jobs of a case beside the desk until ctx ends. A database or a
// bucket that went away for long ends the work; it is begun again when it is
// back, while the desk says of each request what is wrong.
func (d *desk) busy(ctx context.Context, f *folder) {
	d.workers.Go(func() { collectOn(ctx, f, d.log) })
	d.workers.Go(func() {
		o := (&working{Lease: time.Minute}).options(f)
		if d.work != nil {
			o = d.work.options(f)
		}
		o.Progress = func(ev flow.Event) { logJob(d.events, ev) }
		o.Notice = func(j sightline.Job, why string) {
			logLeft(d.events, j, why)
			fmt.Fprintln(d.log, why)
		}
		for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, time.Minute) {
			began := time.Now()
			_, err := flow.Work(ctx, f.Store, f.Blobs, f.Actor, o)
			if err == nil || ctx.Err() != nil {
				return
			}
			if time.Since(began) > 5*time.Minute {
				wait = time.Second
			}
			d.events.Error("work stopped", "again_in_s", wait.Seconds())
			fmt.Fprintf(d.log, "the jobs of %s stopped: %v. They are begun again in %s.\n", f.Dir, err, wait)
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
	})
}

func (d *desk) close() {
	os.RemoveAll(d.temp)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.folders {
		f.Close()
	}
}

// openCases opens each case folder named, each inside a folder named, or the
// one around the current folder.
func openCases(ctx context.Context, dirs []string) ([]*folder, error) {
	if len(dirs) == 0 {
		f, err := openCase(ctx, "")
		if err != nil {
			return nil, err
		}
		return []*folder{f}, nil
	}
	var out []*folder
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "case.db")); err == nil {
			f, err := openCase(ctx, dir)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
			continue
		}
		found, err := filepath.Glob(filepath.Join(dir, "*", "case.db"))
		if err != nil {
			return nil, err
		}
		sort.Strings(found)
		for _, p := range found {
			f, err := openCase(ctx, filepath.Dir(p))
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return nil, exit(2, fmt.Errorf("no case in %v: make one with \"sightline new NAME\"", dirs))
	}
	return out, nil
}

// serveFolder serves a published edition as static files, with ranges.
func serveFolder(e *env, addr, dir string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return exit(2, fmt.Errorf("cannot listen on %s: %w; choose another with --addr", addr, err))
	}
	fmt.Fprintf(e.stdout, "edition   http://%s/\n", l.Addr())
	return serveStatic(e.ctx, l, http.FileServer(http.Dir(dir)))
}

func serveStatic(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "pages are only read", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-cache")
		h.ServeHTTP(w, r)
	})}
	go func() {
		<-ctx.Done()
		srv.Close()
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// sceneOpener reads the files of a case's scene from its blobs.
func sceneOpener(ctx context.Context, f *folder, doc *sightline.Document) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		for _, l := range doc.Layers {
			if l.File == name {
				return readBlob(ctx, f, l.SHA256)
			}
		}
		return nil, fmt.Errorf("the scene has no file %s: %w", name, sightline.ErrNotFound)
	}
}
