package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sightline"
	"sightline/digest"
	"sightline/store/sqlite"
)

// Fault is one thing that is not as the log says it should be.
type Fault struct {
	What   string         `json:"what"`             // in a sentence
	Where  string         `json:"where"`            // file, row or entry
	Digest string         `json:"sha256,omitempty"` // of the bytes concerned
	Entry  *sightline.Seq `json:"entry,omitempty"`  // of the log
	Remedy string         `json:"remedy"`

	bytes digest.Digest // of a blob that is missing or damaged and could be restored
	size  int64         // -1 unknown
}

// String is the fault on one line, as the command prints it.
func (f Fault) String() string {
	s := f.Where + ": " + f.What
	if f.Digest != "" {
		s += " [sha256 " + f.Digest + "]"
	}
	if f.Entry != nil {
		s += fmt.Sprintf(" [entry %d]", *f.Entry)
	}
	return s + ". " + f.Remedy
}

// Report is what a check found. It never repairs anything.
type Report struct {
	OK      bool     `json:"ok"`
	Faults  []Fault  `json:"faults"`
	Notes   []string `json:"notes"` // not faults, but somebody should know
	Checked Checked  `json:"checked"`
}

// Checked counts what a check read.
type Checked struct {
	Entries     int64 `json:"entries"`
	Objects     int64 `json:"objects"`
	Sealed      int64 `json:"sealed"`
	Checkpoints int64 `json:"checkpoints"`
	Witnesses   int64 `json:"witnesses"` // checkpoints kept outside the case file
	Blobs       int64 `json:"blobs"`
	Bytes       int64 `json:"bytes"`
	Skipped     int64 `json:"skipped"`          // blobs left out by Since or Sample
	Stamps      int64 `json:"stamps,omitempty"` // time-stamps over checkpoints
	Copies      int64 `json:"copies,omitempty"`
	Rebuilt     bool  `json:"rebuilt"`
}

// CheckOptions tune a check. The zero options read everything but replay
// nothing.
type CheckOptions struct {
	Rebuild  bool      // replay the log into an empty database and compare every row
	Since    time.Time // read only blobs that entries since then brought in
	Kept     []Kept    // checkpoints from elsewhere that the log has to extend
	Sample   float64   // read only this part of the blobs, 0 < Sample < 1; 0 reads all
	Progress func(done, total int64, what string)
}

const (
	restore = "Restore it from a copy of the case; never edit it by hand."
	history = "Compare with an older copy of the case and with checkpoints that others hold; the log may have been changed on purpose."
)

// checker gathers the report of one check.
type checker struct {
	f    *CaseFolder
	o    CheckOptions
	mu   sync.Mutex
	rep  Report
	want map[digest.Digest]wanted // bytes that must be there
	gone map[digest.Digest]string // bytes erased by law: when and by which entry

	witness []witness
}

// wanted is why bytes must be there.
type wanted struct {
	size int64 // -1 unknown
	ref  sightline.Ref
	seq  sightline.Seq
	at   string
}

func (c *checker) fault(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rep.Faults = append(c.rep.Faults, f)
}

func (c *checker) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rep.Notes = append(c.rep.Notes, fmt.Sprintf(format, args...))
}

func at(seq sightline.Seq) *sightline.Seq { return &seq }

// Check reads a whole case and reports every fault: the database, each entry
// with its place, signature, key and sealed values, the tree against every
// checkpoint, each object against the log, and each blob by digest and size.
// The error says only why the check could not be made.
func Check(ctx context.Context, f *CaseFolder, o CheckOptions) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func(int64, int64, string) {}
	}
	c := &checker{f: f, o: o, rep: Report{Faults: []Fault{}, Notes: []string{}}, want: map[digest.Digest]wanted{}, gone: map[digest.Digest]string{}}
	// The witnesses first: the log may grow meanwhile, and one that was read
	// later would seem to know entries that were taken away.
	origin, err := f.Store.Origin(ctx)
	if err := c.damage(err); err != nil {
		return nil, err
	}
	if c.witness, err = f.witnesses(origin); err != nil {
		return nil, err
	}
	for _, k := range o.Kept {
		c.witness = append(c.witness, witness{where: k.Where, note: k.Note, given: true})
	}
	err = f.Store.Raw(ctx, func(r *sqlite.Raw) error {
		lines, err := r.Integrity()
		for _, l := range lines {
			c.fault(Fault{What: "SQLite finds its file damaged: " + l, Where: caseFile, Remedy: restore})
		}
		if err != nil {
			return err
		}
		return c.log(r)
	})
	// A file that cannot be read is a fault, and the blobs can still be read.
	if err := c.damage(err); err != nil {
		return nil, err
	}
	if err := c.blobs(ctx); err != nil {
		return nil, err
	}
	if o.Rebuild {
		if err := c.damage(c.rebuild(ctx)); err != nil {
			return nil, err
		}
	}
	c.rep.OK = len(c.rep.Faults) == 0
	return &c.rep, nil
}

// damage turns the error of a damaged file into a fault.
func (c *checker) damage(err error) error {
	if errors.Is(err, sightline.ErrDamaged) {
		c.fault(Fault{What: err.Error(), Where: caseFile, Remedy: restore})
		return nil
	}
	return err
}

func (c *checker) rebuild(ctx context.Context) error {
	diffs, err := c.f.Store.Rebuild(ctx, "")
	if err != nil {
		return err
	}
	c.rep.Checked.Rebuilt = true
	for _, d := range diffs {
		what := fmt.Sprintf("the row is %q and replaying the log gives %q", d.Stored, d.Replay)
		switch {
		case d.Stored == "":
			what = fmt.Sprintf("the row is missing; replaying the log gives %q", d.Replay)
		case d.Replay == "":
			what = fmt.Sprintf("the row %q is not in the log", d.Stored)
		}
		c.fault(Fault{What: what, Where: "table " + d.Table + ", " + d.Row, Remedy: restore})
	}
	return nil
}

// orphanAge is how long bytes that no row names are kept without a word: an
// upload may be between its bytes and its row.
const orphanAge = 7 * 24 * time.Hour

// blobs reads every blob in the folder and looks for those that are missing.
func (c *checker) blobs(ctx context.Context) error {
	type task struct {
		d digest.Digest
		w wanted
	}
	there := map[digest.Digest]bool{}
	var tasks []task
	var total int64
	for b, err := range c.f.Blobs.List(ctx) {
		if errors.Is(err, sightline.ErrDamaged) {
			c.fault(Fault{What: err.Error(), Where: blobsDir, Remedy: "Move the file out of the folder of blobs."})
			continue
		}
		if err != nil {
			return err
		}
		there[b.Digest] = true
		w, known := c.want[b.Digest]
		if when, erased := c.gone[b.Digest]; erased {
			c.fault(Fault{What: "the bytes are still here, though they were erased " + when, Where: c.path(b.Digest), Digest: b.Digest.String(), Remedy: "Run the erasure again."})
			continue
		}
		if !known {
			c.orphan(ctx, b)
			w = wanted{size: b.Size}
		}
		if known && w.size >= 0 && b.Size != w.size {
			c.fault(Fault{What: fmt.Sprintf("the file has %d bytes and should have %d", b.Size, w.size), Where: c.path(b.Digest), Digest: b.Digest.String(), Entry: at(w.seq), Remedy: restore, bytes: b.Digest, size: w.size})
			continue
		}
		if c.leftOut(w) {
			c.rep.Checked.Skipped++
			continue
		}
		tasks = append(tasks, task{b.Digest, w})
		total += b.Size
	}
	for d, w := range c.want {
		if _, erased := c.gone[d]; !there[d] && !erased {
			c.fault(Fault{What: fmt.Sprintf("the bytes of %s %s are missing", w.ref.Kind, w.ref.ID), Where: c.path(d), Digest: d.String(), Entry: at(w.seq), Remedy: restore, bytes: d, size: w.size})
		}
	}
	var done atomic.Int64
	feed := make(chan task)
	var wg sync.WaitGroup
	for range min(runtime.NumCPU(), 4) {
		wg.Go(func() {
			for t := range feed {
				n := c.blob(ctx, t.d, t.w)
				c.o.Progress(done.Add(n), total, "blobs")
			}
		})
	}
	for _, t := range tasks {
		feed <- t
	}
	close(feed)
	wg.Wait()
	c.rep.Checked.Blobs, c.rep.Checked.Bytes = int64(len(tasks)), done.Load()
	return ctx.Err()
}

// onDisk are blobs that lie in a folder.
type onDisk interface{ Path(digest.Digest) string }

func (c *checker) path(d digest.Digest) string {
	on, ok := c.f.Blobs.(onDisk)
	if !ok {
		return d.Address()
	}
	rel, err := filepath.Rel(c.f.Dir, on.Path(d))
	if err != nil {
		return d.Address()
	}
	return filepath.ToSlash(rel)
}

// leftOut reports whether Since or Sample leaves a blob out.
func (c *checker) leftOut(w wanted) bool {
	if !c.o.Since.IsZero() && w.at != "" {
		if t, err := time.Parse(time.RFC3339, w.at); err == nil && t.Before(c.o.Since) {
			return true
		}
	}
	return c.o.Sample > 0 && c.o.Sample < 1 && rand.Float64() >= c.o.Sample
}

func (c *checker) orphan(ctx context.Context, b sightline.Blob) {
	if on, ok := c.f.Blobs.(onDisk); ok {
		if fi, err := os.Stat(on.Path(b.Digest)); err == nil && time.Since(fi.ModTime()) < orphanAge {
			return
		}
	}
	if dated, ok := c.f.Blobs.(interface {
		Modified(context.Context, digest.Digest) (time.Time, error)
	}); ok {
		if at, err := dated.Modified(ctx, b.Digest); err == nil && time.Since(at) < orphanAge {
			return
		}
	}
	c.note("%s: no row names these bytes; they were left by an interrupted upload", c.path(b.Digest))
}

// blob reads one blob and returns how many bytes it read.
func (c *checker) blob(ctx context.Context, d digest.Digest, w wanted) int64 {
	fault := Fault{Where: c.path(d), Digest: d.String(), Remedy: restore, bytes: d, size: w.size}
	if w.ref.ID != "" {
		fault.Entry = at(w.seq)
		fault.Where += fmt.Sprintf(" (%s %s)", w.ref.Kind, w.ref.ID)
	}
	r, err := c.f.Blobs.Open(ctx, d)
	if err != nil {
		fault.What = err.Error()
		c.fault(fault)
		return 0
	}
	defer r.Close()
	got, n, err := digest.Read(contextReader{ctx, r})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		fault.What = "the file cannot be read: " + err.Error()
		c.fault(fault)
	case got != d:
		fault.What = "the bytes have changed; their SHA-256 is now " + got.String()
		c.fault(fault)
	}
	return n
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
