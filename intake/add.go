package intake

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/gowebpki/jcs"

	"sightline"
	"sightline/digest"
	"sightline/tool"
)

// Adder takes things into one case.
type Adder struct {
	Store sightline.Store
	Blobs sightline.Blobs
	Actor sightline.Actor

	Version string // of this program, for the entry
	Reason  string // why this batch is collected; sealed
	Persona string // profile used to collect; "" is none
	Method  string // of capture: manual (default), automatic
	Access  string // public, login, invitation, given (default)
	Argv    []string

	// Jobs names the follow-up work of a new item; it is enqueued in the
	// transaction that creates the item.
	Jobs func(*sightline.Item) []sightline.Job
	// Progress is told about each input in order, from one goroutine.
	Progress func(done, total int, bytes int64, line Line)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Box is where exports, tables and archives are read; nil reads them in this
	// process, which is for tests and for files of our own.
	Box *tool.Box

	once sync.Once
	tool sightline.EntryTool
	seal map[string]any
}

// Line is one input that is in the case now.
type Line struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Path   string `json:"path,omitempty"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Type   string `json:"type"`
	Note   string `json:"note,omitempty"` // what deserves a second look
	Why    string `json:"-"`
}

// Report says what became of every input.
type Report struct {
	Added   []Line    `json:"added"`
	Known   []Line    `json:"known"` // already here, with the item that has these bytes
	Refused []Refusal `json:"refused"`
	Rows    []BadCell `json:"bad_rows,omitempty"`
	Changed []string  `json:"changed,omitempty"` // objects written by a document or scene
}

// Failed reports whether something could not be taken.
func (r *Report) Failed() bool { return len(r.Refused) > 0 || len(r.Rows) > 0 }

func (a *Adder) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// prepare computes what all entries of this batch share.
func (a *Adder) prepare() {
	a.once.Do(func() {
		a.tool = sightline.EntryTool{Name: "sightline", Version: a.Version}
		if path, err := os.Executable(); err == nil {
			if f, err := os.Open(path); err == nil {
				if d, _, err := digest.Read(f); err == nil {
					a.tool.SHA256 = d.String()
				}
				f.Close()
			}
		}
		persona, reason := a.Persona, a.Reason
		if persona == "" {
			persona = "none"
		}
		if reason == "" {
			reason = "not stated"
		}
		a.seal = map[string]any{
			"collector": a.Actor.Name, "persona": persona, "reason": reason,
			"assessment": map[string]any{"relevant": "not_assessed", "reliable": "not_assessed", "removal_risk": "not_assessed", "safe": "not_assessed"},
		}
	})
}

// collected describes the entry that records one new item.
func (a *Adder) collected(it *sightline.Item, args map[string]any) sightline.Draft {
	a.prepare()
	tool := a.tool
	seal := map[string]any{"args": args}
	for k, v := range a.seal {
		seal[k] = v
	}
	if b, err := canonical(args); err == nil {
		sum := sha256.Sum256(b)
		tool.Args = hex.EncodeToString(sum[:])
	}
	c := &sightline.EntryCapture{Method: a.Method, Access: a.Access}
	if c.Method == "" {
		c.Method = "manual"
	}
	if c.Access == "" {
		c.Access = "given"
	}
	return sightline.Draft{
		Kind: sightline.EntryCollect, Result: "ok", Tool: &tool, Capture: c, Seal: seal,
		Item: &sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"},
	}
}

func canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(b)
}

// kept is a file whose bytes are safe and whose item is not written yet.
type kept struct {
	in   Input
	blob sightline.Blob
	kind Kind
	mod  time.Time
	why  string // refused
	err  error  // ends the batch
}

// Files takes the files at and below the paths. An input that cannot be taken
// is refused in the report; the error is for what stops the whole batch, and
// the report then says what was taken before.
func (a *Adder) Files(ctx context.Context, paths []string) (*Report, error) {
	in, refused := Walk(paths)
	r, err := a.Take(ctx, in)
	r.Refused = append(refused, r.Refused...)
	return r, err
}

// Take takes the inputs in order. Bytes are written by several goroutines, so
// that the waits for the disk overlap; items are written one after another,
// one entry each, in the order of the inputs.
func (a *Adder) Take(ctx context.Context, in []Input) (*Report, error) {
	r := &Report{Added: []Line{}, Known: []Line{}, Refused: []Refusal{}}
	var bytes int64
	err := ordered(ctx, len(in), func(ctx context.Context, i int) kept { return a.keep(ctx, in[i]) }, func(i int, k kept) error {
		line := Line{Name: in[i].Name, Path: in[i].Path}
		switch {
		case k.err != nil:
			return a.stopped(k.err, r, len(in))
		case k.why != "":
			r.Refused = append(r.Refused, Refusal{in[i].Path, in[i].Name, k.why})
			line.Why = k.why
		default:
			l, added, err := a.enter(ctx, k)
			if err != nil {
				return a.stopped(err, r, len(in))
			}
			line = l
			if added {
				r.Added = append(r.Added, l)
			} else {
				line.Why = l.ID + " is already here"
				r.Known = append(r.Known, l)
			}
			bytes += l.Size
		}
		if a.Progress != nil {
			a.Progress(i+1, len(in), bytes, line)
		}
		return nil
	})
	return r, err
}

// ordered runs produce for 0..n-1 on several goroutines and use for each result
// in order on this one. The first error of use, or of ctx, ends it.
func ordered[T any](ctx context.Context, n int, produce func(context.Context, int) T, use func(int, T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	slots := make([]chan T, n)
	for i := range slots {
		slots[i] = make(chan T, 1)
	}
	// The window bounds how far the makers run ahead of the user.
	window := make(chan struct{}, 64)
	next := make(chan int)
	go func() {
		defer close(next)
		for i := range n {
			select {
			case window <- struct{}{}:
			case <-ctx.Done():
				return
			}
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for range min(4*runtime.GOMAXPROCS(0), 8, max(n, 1)) {
		wg.Go(func() {
			for i := range next {
				slots[i] <- produce(ctx, i)
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	for i := range n {
		select {
		case v := <-slots[i]:
			<-window
			if err := use(i, v); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (a *Adder) stopped(err error, r *Report, total int) error {
	if isFull(err) && !errors.Is(err, sightline.ErrFull) {
		err = fmt.Errorf("%w: %w", sightline.ErrFull, err)
	}
	if errors.Is(err, sightline.ErrFull) {
		done := len(r.Added) + len(r.Known)
		return fmt.Errorf("the disk is full: %s of %d are safe in the case, the rest were not taken; make room and add them again: %w", countNoun(done, "input", "inputs"), total, err)
	}
	return err
}

// keep writes one file's bytes and watches that they do not change meanwhile.
func (a *Adder) keep(ctx context.Context, in Input) kept {
	k := kept{in: in}
	f, before, err := open(in.Path)
	if err != nil {
		k.why = err.Error()
		return k
	}
	defer f.Close()
	head := &headReader{r: f}
	watch := &sourceErr{r: head}
	blob, err := a.Blobs.Put(ctx, bufio.NewReaderSize(watch, 1<<20))
	switch {
	case err == nil:
	case watch.err != nil && ctx.Err() == nil:
		k.why = reason(watch.err)
		return k
	default:
		k.err = fmt.Errorf("failed to keep %s: %w", Printable(in.Name), err)
		return k
	}
	after, err := f.Stat()
	if err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) || blob.Size != after.Size() {
		k.why = "it changed while it was being read; add it again when nothing writes to it any more"
		return k
	}
	k.blob, k.kind, k.mod = blob, Sniff(head.b), before.ModTime()
	return k
}

// headReader remembers the first bytes that pass.
type headReader struct {
	r io.Reader
	b []byte
}

func (h *headReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if room := SniffLen - len(h.b); room > 0 {
		h.b = append(h.b, p[:min(n, room)]...)
	}
	return n, err
}

// sourceErr tells a failure to read from a failure to write.
type sourceErr struct {
	r   io.Reader
	err error
}

func (s *sourceErr) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// enter writes the item of kept bytes, unless an item has them already.
func (a *Adder) enter(ctx context.Context, k kept) (line Line, added bool, err error) {
	line = Line{Name: k.in.Name, Path: k.in.Path, SHA256: k.blob.Digest.String(), Size: k.blob.Size, Type: k.kind.Type}
	_, err = a.Store.Update(ctx, a.Actor, func(w sightline.Writer) error {
		added = false
		ids, err := w.ItemByDigest(k.blob.Digest)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			line.ID = ids[0]
			return nil
		}
		it := a.fresh(k.blob, k.kind)
		it.Name, it.Held = k.in.Name, true
		it.Source.Method = "file"
		it.Facts = append(it.Facts, sightline.Fact{
			Field: "File:ModifyDate", Value: k.mod.UTC().Format(time.RFC3339), Tool: "sightline",
			Doubt: "the date of the copy that was handed over; copying, downloading or unpacking changes it",
		})
		if ext, agrees := Extension(k.in.Name, k.kind.Type); !agrees {
			line.Note = fmt.Sprintf("the name ends in %s, the bytes are %s", ext, k.kind.Type)
			it.Facts = append(it.Facts, sightline.Fact{Field: "File:Extension", Value: ext, Tool: "sightline", Doubt: line.Note})
		}
		if it.ID, err = w.NextID(sightline.KindItem, ""); err != nil {
			return err
		}
		line.ID = it.ID
		if err := w.Put(it); err != nil {
			return err
		}
		w.Describe(a.collected(it, map[string]any{"path": k.in.Path, "name": k.in.Name, "argv": a.Argv}))
		added = true
		return a.enqueue(w, it)
	})
	return line, added, err
}

func (a *Adder) enqueue(w sightline.Writer, it *sightline.Item) error {
	if a.Jobs == nil {
		return nil
	}
	for _, j := range a.Jobs(it) {
		if err := w.Enqueue(j); err != nil {
			return err
		}
	}
	return nil
}

// fresh is an item about which nothing is known but its bytes.
func (a *Adder) fresh(b sightline.Blob, k Kind) *sightline.Item {
	return &sightline.Item{
		Title: sightline.Text{}, Media: k.Media, SHA256: b.Digest.String(), Size: b.Size, Type: k.Type,
		Source:   sightline.Source{Perspective: "unknown", Collected: a.now().UTC().Format(time.RFC3339)},
		Rights:   sightline.Rights{Consent: "not_asked"},
		Public:   sightline.Public{Decision: "undecided"},
		Workflow: "todo",
		Axes: sightline.Axes{
			Authenticity: sightline.Axis{Status: "not_checked"}, Source: sightline.Axis{Status: "none"}, Place: sightline.Axis{Status: "none"},
			Time: sightline.Axis{Status: "none"}, Content: sightline.Axis{Status: "not_checked"},
		},
	}
}
