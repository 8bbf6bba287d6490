package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sightline"
)

// A checkpoint that lies only in case.db goes when the end of the log is cut
// off, and nothing is left to say that there was more. So the newest one is
// kept in further places, which whoever cuts the log has to find and change as
// well: beside case.db, beside the blobs, in the settings of the person at
// this machine, and in every edition. The first two travel with the folder.
const witnessFile = "checkpoint"

// witness is one checkpoint that lies outside case.db.
type witness struct {
	where string // as faults name it
	note  []byte
	// elsewhere is the other folder that this person's settings speak of. A
	// copy of the case there may rightly be further on than this one.
	elsewhere string
	given     bool // by whoever asked for the check
}

// remembered is a witness in the settings of a person.
type remembered struct {
	Folder string `json:"folder"`
	Note   string `json:"note"`
}

func homeWitnesses() (string, error) {
	home, err := Home()
	return filepath.Join(home, "witness"), err
}

func homeWitness(origin, folder string) (string, error) {
	dir, err := homeWitnesses()
	if err != nil {
		return "", err
	}
	uuid, _, _ := strings.Cut(origin, "/")
	sum := sha256.Sum256([]byte(origin + "\x00" + folder))
	return filepath.Join(dir, unsafeName.ReplaceAllString(uuid, "-")+"-"+hex.EncodeToString(sum[:8])+".json"), nil
}

// keepWitness writes a checkpoint that is on the disk to the other places. One
// that is there stays when this log does not lead from it to the new one: it
// is then the trace of what was taken away. A failure to write is not an error
// of the change that was made; [Check] says when a witness lags behind.
func (f *CaseFolder) keepWitness(c sightline.Checkpoint, home bool) {
	ours := map[int64][]byte{}
	if err := f.Store.View(context.Background(), f.Actor, func(r sightline.Reader) error {
		list, err := r.Checkpoints()
		for _, p := range list {
			ours[p.Size] = p.Note
		}
		return err
	}); err != nil {
		return
	}
	replaceable := func(note []byte) bool {
		head, err := unsignedHead(note)
		return err == nil && head.Size < c.Size && bytes.Equal(ours[head.Size], note)
	}
	for _, p := range []string{filepath.Join(f.Dir, witnessFile), filepath.Join(f.Dir, blobsDir, witnessFile)} {
		if b, err := os.ReadFile(p); errors.Is(err, fs.ErrNotExist) || err == nil && replaceable(b) {
			_ = writeSafely(p, c.Note, 0o644)
		}
	}
	folder, err := filepath.Abs(f.Dir)
	if !home || err != nil {
		return
	}
	head, err := unsignedHead(c.Note)
	if err != nil {
		return
	}
	p, err := homeWitness(head.Origin, folder)
	if err != nil {
		return
	}
	old, err := os.ReadFile(p)
	if err == nil {
		var m remembered
		if json.Unmarshal(old, &m) == nil && !replaceable([]byte(m.Note)) {
			return
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if b, err := json.Marshal(remembered{folder, string(c.Note)}); err == nil && os.MkdirAll(filepath.Dir(p), 0o700) == nil {
		_ = writeSafely(p, b, 0o600)
	}
}

// witnessNewest keeps the newest checkpoint of a copy as its witness.
func (f *CaseFolder) witnessNewest(ctx context.Context) error {
	return f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		list, err := r.Checkpoints()
		if err == nil && len(list) > 0 {
			f.keepWitness(list[len(list)-1], false)
		}
		return err
	})
}

// unsignedHead reads what a checkpoint says without verifying who signed it.
func unsignedHead(note []byte) (signedHead, error) {
	return parseCheckpoint(string(note))
}

// writeSafely writes a small file whole or not at all.
func writeSafely(path string, b []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// sweepWitnesses removes what a crash left of a witness half written.
func (f *CaseFolder) sweepWitnesses() {
	for _, dir := range []string{f.Dir, filepath.Join(f.Dir, blobsDir)} {
		list, _ := filepath.Glob(filepath.Join(globQuote(dir), ".new-*"))
		for _, p := range list {
			if fi, err := os.Lstat(p); err == nil && fi.Mode().IsRegular() && time.Since(fi.ModTime()) > time.Minute {
				os.Remove(p)
			}
		}
	}
}

// witnesses gathers every checkpoint of this case that lies outside case.db.
func (f *CaseFolder) witnesses(origin string) (out []witness, err error) {
	for _, rel := range []string{witnessFile, blobsDir + "/" + witnessFile} {
		b, err := os.ReadFile(filepath.Join(f.Dir, filepath.FromSlash(rel)))
		if err == nil {
			out = append(out, witness{where: rel, note: b})
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("failed to read a kept checkpoint: %w", err)
		}
	}
	list, err := filepath.Glob(filepath.Join(globQuote(f.Dir), "editions", "*", "proof", proofCheckpoint))
	if err != nil {
		return nil, fmt.Errorf("failed to look for editions: %w", err)
	}
	for _, p := range list {
		b, err := os.ReadFile(p)
		if err != nil {
			return nil, fmt.Errorf("failed to read the checkpoint of an edition: %w", err)
		}
		rel, _ := filepath.Rel(f.Dir, p)
		out = append(out, witness{where: filepath.ToSlash(rel), note: b})
	}
	dir, err := homeWitnesses()
	if err != nil {
		return out, nil // a machine without a place for settings remembers nothing
	}
	folder, err := filepath.Abs(f.Dir)
	if err != nil {
		return nil, fmt.Errorf("failed to name the case folder: %w", err)
	}
	uuid, _, _ := strings.Cut(origin, "/")
	list, _ = filepath.Glob(filepath.Join(globQuote(dir), unsafeName.ReplaceAllString(uuid, "-")+"-*.json"))
	slices.Sort(list)
	for _, p := range list {
		b, err := os.ReadFile(p)
		if err != nil {
			continue
		}
		var m remembered
		if json.Unmarshal(b, &m) != nil {
			continue
		}
		w := witness{where: p, note: []byte(m.Note)}
		if m.Folder != folder {
			w.elsewhere = m.Folder
		}
		out = append(out, w)
	}
	return out, nil
}

var globMeta = strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`)

func globQuote(p string) string {
	if filepath.Separator == '\\' {
		return p // there the pattern knows no escapes, and names hold no * or ?
	}
	return globMeta.Replace(strings.ReplaceAll(p, `\`, `\\`))
}

// compareWitnesses holds the log against the checkpoints kept outside case.db
// and those that the caller has from elsewhere.
func (c *checker) compareWitnesses(s *replayed, kept map[int64][]byte) error {
	for _, w := range c.witness {
		c.rep.Checked.Witnesses++
		fault := func(at sightline.Seq, format string, args ...any) {
			f := Fault{What: fmt.Sprintf(format, args...), Where: w.where, Remedy: history}
			if at >= 0 {
				f.Entry = &at
			}
			c.fault(f)
		}
		head, err := openCheckpoint(w.note, s.logKey)
		switch {
		case err != nil:
			fault(-1, "the checkpoint that is kept here does not belong to this log: %v", err)
			continue
		case head.Origin != s.origin:
			fault(-1, "the checkpoint that is kept here is of the log %s and this one is %s", head.Origin, s.origin)
			continue
		case head.Size > s.size && w.elsewhere != "":
			c.note("the copy of this case in %s is further on: it has had %d entries, this one has %d", w.elsewhere, head.Size, s.size)
			continue
		case head.Size > s.size:
			fault(s.size, "the log has %d entries now and had %d when this checkpoint was signed: entries were taken away, or an older case.db was put back", s.size, head.Size)
			continue
		}
		root, err := tlog.TreeHash(head.Size, s)
		if err != nil {
			return err
		}
		if root != head.Root {
			fault(head.Size-1, "the first %d entries are not those this checkpoint was signed over: two logs were kept", head.Size)
			continue
		}
		if _, there := kept[head.Size]; !there && c.f.Place.Team() && w.elsewhere == "" && !w.given {
			// A dump of the database that was made before this checkpoint holds all
			// the entries it was signed over, and not the checkpoint itself. This
			// copy of it verifies, so nothing is missing.
			c.note("the database lacks the checkpoint of %d entries that is kept in %s: it was restored from a dump made before; the entries are those it was signed over", head.Size, w.where)
			continue
		}
		if w.elsewhere == "" && !w.given && !bytes.Equal(kept[head.Size], w.note) {
			fault(head.Size-1, "the checkpoint of %d entries that is kept here is missing in the case file: a checkpoint was taken away", head.Size)
		}
		if w.given {
			c.note("the log extends the checkpoint of %d entries in %s: nothing up to there was changed or taken away", head.Size, w.where)
		}
	}
	return nil
}

// ReadCheckpoints finds the checkpoints in a file or folder that somebody
// kept: a checkpoint itself, an inclusion proof, a proof folder, an edition, or
// another copy of the case.
func ReadCheckpoints(path string) ([]Kept, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("failed to look at the checkpoint: %w", err)
	}
	var out []Kept
	add := func(p string) error {
		b, err := readSmall(p)
		if err != nil {
			return err
		}
		if inc, err := parseInclusion(b); err == nil {
			b = inc.Checkpoint
		}
		if _, err := unsignedHead(b); err != nil {
			return fmt.Errorf("%s holds no checkpoint: %w", p, err)
		}
		out = append(out, Kept{p, b})
		return nil
	}
	if !fi.IsDir() {
		return out, add(path)
	}
	if _, err := os.Stat(filepath.Join(path, caseFile)); err == nil {
		g, err := Open(path, Options{ReadOnly: true})
		if err != nil {
			return nil, err
		}
		defer g.Close()
		err = g.Store.View(context.Background(), g.Actor, func(r sightline.Reader) error {
			list, err := r.Checkpoints()
			for _, p := range list {
				out = append(out, Kept{filepath.Join(path, caseFile), p.Note})
			}
			return err
		})
		if err == nil && len(out) == 0 {
			err = fmt.Errorf("the case in %s has no checkpoint: %w", path, sightline.ErrNotFound)
		}
		return out, err
	}
	for _, rel := range []string{witnessFile, "proof/" + witnessFile, "data/log/" + witnessFile} {
		p := filepath.Join(path, filepath.FromSlash(rel))
		if _, err := os.Stat(p); err == nil {
			return out, add(p)
		}
	}
	return nil, fmt.Errorf("there is no checkpoint in %s: give the file, a proof folder, an edition, a bag or a copy of the case: %w", path, sightline.ErrNotFound)
}

// Kept is a checkpoint that was kept elsewhere and where it lies.
type Kept struct {
	Where string
	Note  []byte
}

// smallFile is the most that is read of a file that should be small.
const smallFile = 1 << 20

func readSmall(p string) ([]byte, error) {
	fi, err := os.Stat(p)
	if err != nil {
		return nil, fmt.Errorf("failed to read %s: %w", p, err)
	}
	if !fi.Mode().IsRegular() || fi.Size() > smallFile {
		return nil, fmt.Errorf("%s is no checkpoint: %w", p, sightline.ErrInvalid)
	}
	b, err := os.ReadFile(p)
	if err != nil {
		return nil, fmt.Errorf("failed to read %s: %w", p, err)
	}
	return b, nil
}
