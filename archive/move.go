package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sightline"
	"sightline/blob/dir"
	"sightline/digest"
	"sightline/store/postgres"
	"sightline/store/sqlite"
	"sightline/store/tables"
)

// MoveReport is what a move did and what it compared.
type MoveReport struct {
	From    string         `json:"from"`
	To      string         `json:"to"`
	Head    sightline.Head `json:"head"`    // of both logs
	Before  int64          `json:"before"`  // entries that were there already
	Entries int64          `json:"entries"` // entries that were moved now
	Blobs   int64          `json:"blobs"`   // bytes that were moved now
	Bytes   int64          `json:"bytes"`
	Known   int64          `json:"known"` // blobs that were there already
	Jobs    int            `json:"jobs"`
	Objects map[string]int `json:"objects"` // counted on both sides
	Behind  int64          `json:"behind"`  // entries the source took while it was compared; 0 but for a case at work
}

// MoveOptions tune a move.
type MoveOptions struct {
	WithoutLogKey bool // leave the key that signs checkpoints where it is
	Batch         int  // entries in one transaction; 0 is 200
	Progress      func(done, total int64, what string)
}

// Move takes a case to another place: from a folder into a team's database and
// bucket, or back. Bytes go first and are hashed on the way; then the log is
// replayed, each entry verified; at the end the heads of both logs and the
// counts of all objects are compared. The case stays readable and may even grow
// meanwhile. A move that was cut off goes on where it stopped; one into
// something else than an earlier state of the same case is refused.
//
// Both places then hold the case. Only one may go on: see docs/guide/team.md.
func Move(ctx context.Context, f *CaseFolder, to Place, o MoveOptions) (*MoveReport, error) {
	if o.Progress == nil {
		o.Progress = func(int64, int64, string) {}
	}
	if o.Batch <= 0 {
		o.Batch = 200
	}
	if !f.Place.Team() && !to.Team() && inside(f.Dir, to.Dir) {
		return nil, fmt.Errorf("a case cannot be moved into itself (%s): %w", to.Dir, sightline.ErrInvalid)
	}
	rep := &MoveReport{From: f.Place.String(), To: to.String(), Objects: map[string]int{}}
	store, blobs, folder, err := target(ctx, f, to)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	// What is there must be an earlier state of this case, before a single
	// byte is copied.
	if err := f.Store.Raw(ctx, func(r *tables.Raw) (err error) { rep.Before, err = store.Extends(ctx, r); return err }); err != nil {
		return nil, fmt.Errorf("%s: %w", rep.To, err)
	}
	if err := f.moveRest(folder, o); err != nil {
		return nil, err
	}
	if err := moveBlobs(ctx, f, blobs, rep, o); err != nil {
		return nil, err
	}
	if err := moveLog(ctx, f, store, rep, o); err != nil {
		return nil, err
	}
	// Bytes that came in while the log was read.
	if err := moveBlobs(ctx, f, blobs, rep, o); err != nil {
		return nil, err
	}
	return rep, compareMoved(ctx, f, store, rep)
}

// target opens or makes what a case is moved into, with no key to sign with: a
// move writes what others have signed.
func target(ctx context.Context, f *CaseFolder, to Place) (mover, sightline.Blobs, string, error) {
	origin, err := f.Store.Origin(ctx)
	if err != nil {
		return nil, nil, "", err
	}
	if to.Team() {
		_, id, _ := strings.Cut(origin, "/case/")
		a, err := postgres.ParseAddress(to.DB)
		if err != nil {
			return nil, nil, "", err
		}
		if a.Case == "" {
			a = a.WithCase(id)
		}
		folder, err := stateDir(to, origin)
		if err != nil {
			return nil, nil, "", err
		}
		blobs, _, err := openBlobs(ctx, to.Blobs, filepath.Join(folder, "tmp"), false)
		if err != nil {
			return nil, nil, "", err
		}
		store, err := postgres.Open(ctx, a, postgres.Options{})
		if errors.Is(err, sightline.ErrNotFound) {
			store, err = postgres.Create(ctx, a, origin, postgres.Options{})
		}
		return store, blobs, folder, err
	}
	file := filepath.Join(to.Dir, caseFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if list, err := os.ReadDir(to.Dir); err == nil && len(list) > 0 {
			return nil, nil, "", fmt.Errorf("the folder %s is not empty and holds no case; choose another: %w", to.Dir, sightline.ErrInvalid)
		}
		if err := os.MkdirAll(to.Dir, 0o700); err != nil {
			return nil, nil, "", fmt.Errorf("failed to make the case folder: %w", err)
		}
		made, err := sqlite.Create(file, origin, sqlite.Options{})
		if err != nil {
			return nil, nil, "", err
		}
		if err := made.Close(); err != nil {
			return nil, nil, "", err
		}
	}
	store, err := sqlite.Open(file, sqlite.Options{})
	if err != nil {
		return nil, nil, "", err
	}
	blobs, err := dir.Open(filepath.Join(to.Dir, blobsDir))
	if err != nil {
		store.Close()
		return nil, nil, "", err
	}
	return store, blobs, to.Dir, nil
}

// moveRest copies the keys and what else lies in the case's folder.
func (f *CaseFolder) moveRest(folder string, o MoveOptions) error {
	if err := os.MkdirAll(filepath.Join(folder, keysDir), 0o700); err != nil {
		return fmt.Errorf("failed to make the folder for the keys: %w", err)
	}
	if a, err1 := filepath.Abs(f.Dir); err1 == nil {
		if b, err2 := filepath.Abs(folder); err2 == nil && a == b {
			return nil
		}
	}
	return copyRest(f.Dir, folder, CopyOptions{WithoutLogKey: o.WithoutLogKey})
}

func moveBlobs(ctx context.Context, f *CaseFolder, to sightline.Blobs, rep *MoveReport, o MoveOptions) error {
	var list []sightline.Blob
	var total, done int64
	known := int64(0)
	for b, err := range f.Blobs.List(ctx) {
		if errors.Is(err, sightline.ErrDamaged) {
			continue // no blob of ours; "sightline check" names it
		}
		if err != nil {
			return err
		}
		have, err := to.Stat(ctx, b.Digest)
		switch {
		case err == nil && have.Size == b.Size:
			known++
			continue
		case err != nil && !errors.Is(err, sightline.ErrNotFound):
			return err
		}
		list = append(list, b)
		total += b.Size
	}
	if rep.Blobs == 0 {
		rep.Known = known
	}
	for _, b := range list {
		if err := moveBlob(ctx, f, to, b); err != nil {
			return err
		}
		rep.Blobs++
		rep.Bytes += b.Size
		done += b.Size
		o.Progress(done, total, "bytes")
	}
	return nil
}

func moveBlob(ctx context.Context, f *CaseFolder, to sightline.Blobs, b sightline.Blob) error {
	r, err := f.Blobs.Open(ctx, b.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	// The reader breaks off before its end when the bytes are not those of the
	// digest, so the target never acknowledges others.
	_, err = to.Put(ctx, &verified{r: r, want: b})
	return err
}

// moveLog replays the log until the source has nothing more.
func moveLog(ctx context.Context, f *CaseFolder, to mover, rep *MoveReport, o MoveOptions) error {
	next := rep.Before
	for {
		var list []tables.Moved
		var head sightline.Head
		err := f.Store.Raw(ctx, func(r *tables.Raw) (err error) {
			if head, err = r.Head(); err == nil {
				list, err = r.Moving(next, o.Batch)
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		if err := to.Append(ctx, list); err != nil {
			return err
		}
		next += int64(len(list))
		rep.Entries += int64(len(list))
		o.Progress(next, head.Size, "entries")
	}
	var jobs []sightline.Job
	var points []sightline.Checkpoint
	tokens := map[int64][]sightline.Token{}
	err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) (err error) {
		if jobs, err = r.JobList(sightline.JobFilter{}); err != nil {
			return err
		}
		if points, err = r.Checkpoints(); err != nil {
			return err
		}
		points = slices.DeleteFunc(points, func(c sightline.Checkpoint) bool { return c.Size > next })
		for _, c := range points {
			if tokens[c.Size], err = r.Tokens(c.Size); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	rep.Jobs = len(jobs)
	return errors.Join(to.TakeCheckpoints(ctx, points, tokens), to.TakeJobs(ctx, jobs))
}

// compareMoved holds both sides against each other.
func compareMoved(ctx context.Context, f *CaseFolder, to mover, rep *MoveReport) error {
	type side struct {
		head   sightline.Head
		counts map[string]int
	}
	look := func(s sightline.Store) (x side, err error) {
		x.counts = map[string]int{}
		err = s.View(ctx, sightline.Actor{}, func(r sightline.Reader) (err error) {
			if x.head, err = r.Head(); err != nil {
				return err
			}
			for _, k := range sightline.Kinds {
				n, err := r.Count(k)
				if err != nil {
					return err
				}
				if n > 0 {
					x.counts[string(k)] = n
				}
			}
			return nil
		})
		return x, err
	}
	there, err := look(to)
	if err != nil {
		return err
	}
	here, err := look(f.Store)
	if err != nil {
		return err
	}
	rep.Head, rep.Objects, rep.Behind = there.head, there.counts, here.head.Size-there.head.Size
	if rep.Behind > 0 {
		return nil // somebody is at work; the caller says so
	}
	if there.head.Root != here.head.Root {
		return fmt.Errorf("after the move the two logs differ (%s and %s); remove what was made at %s and move again: %w", here.head.Root, there.head.Root, rep.To, sightline.ErrDamaged)
	}
	for _, k := range sightline.Kinds {
		if a, b := here.counts[string(k)], there.counts[string(k)]; a != b {
			return fmt.Errorf("after the move there are %d objects of kind %s and should be %d; run \"sightline check --rebuild\" on the case it comes from: %w", b, k, a, sightline.ErrDamaged)
		}
	}
	return nil
}

// verified reads a blob and fails at its end when the bytes are not its own.
type verified struct {
	r    io.Reader
	want sightline.Blob
	h    hash.Hash
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	if v.h == nil {
		v.h = sha256.New()
	}
	v.h.Write(p[:n])
	if err == io.EOF {
		if got := digest.Digest(v.h.Sum(nil)); got != v.want.Digest {
			return n, fmt.Errorf("the blob %s has changed in the case; run \"sightline check\": %w", v.want.Digest, sightline.ErrDamaged)
		}
	}
	return n, err
}
