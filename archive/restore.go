package archive

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sightline"
	"sightline/blob/dir"
	"sightline/digest"
)

// Restored says what a restoring did.
type Restored struct {
	From string         `json:"from"`
	Back []RestoredBlob `json:"back"` // bytes that are whole again
	Left []Fault        `json:"left"` // faults that stay, bytes the source has not included
}

// RestoredBlob is one run of bytes that was put back.
type RestoredBlob struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Fault  string `json:"fault"` // what was wrong with it
}

// Restore puts back the bytes that a check found missing or changed, from a
// copy of the case or a bag in the folder from. Only bytes whose SHA-256 is the
// one the log names are taken. It writes an entry that says what was restored,
// and why. Rows are not restored one by one: a damaged case.db is replaced by
// opening the copy.
func Restore(ctx context.Context, f *CaseFolder, rep *Report, from, version string) (*Restored, error) {
	source, err := bytesOf(from)
	if err != nil {
		return nil, err
	}
	out := &Restored{From: from, Back: []RestoredBlob{}, Left: []Fault{}}
	for _, x := range rep.Faults {
		if (x.bytes == digest.Digest{}) {
			out.Left = append(out.Left, x)
			continue
		}
		n, err := putBack(ctx, f, source, x.bytes)
		switch {
		case errors.Is(err, sightline.ErrNotFound):
			x.Remedy = fmt.Sprintf("It is not in %s either; try another copy.", from)
			out.Left = append(out.Left, x)
		case errors.Is(err, sightline.ErrDamaged):
			x.Remedy = fmt.Sprintf("It is damaged in %s as well; try another copy.", from)
			out.Left = append(out.Left, x)
		case err != nil:
			return out, err
		default:
			out.Back = append(out.Back, RestoredBlob{x.bytes.String(), n, x.What})
		}
	}
	if len(out.Back) == 0 {
		return out, nil
	}
	result := "ok"
	if len(out.Left) > 0 {
		result = "partial"
	}
	_, err = f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		d := sightline.Draft{Kind: sightline.EntryCheck, Result: result, Tool: &sightline.EntryTool{Name: "sightline", Version: version}, Seal: map[string]any{"restored": out}}
		for _, b := range out.Back {
			d.Parents = append(d.Parents, b.SHA256)
		}
		w.Describe(d)
		return nil
	})
	return out, err
}

func putBack(ctx context.Context, f *CaseFolder, source func(digest.Digest) (io.ReadCloser, error), d digest.Digest) (int64, error) {
	r, err := source(d)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	to, ok := f.Blobs.(interface {
		Replace(context.Context, digest.Digest, io.Reader) (int64, error)
	})
	if !ok {
		return 0, fmt.Errorf("these blobs cannot be put back one by one: %w", sightline.ErrInvalid)
	}
	return to.Replace(ctx, d, r)
}

// bytesOf finds where a copy keeps its bytes: the blobs of a case, or the files
// of a bag by its SHA-256 manifest.
func bytesOf(from string) (func(digest.Digest) (io.ReadCloser, error), error) {
	if _, err := os.Stat(filepath.Join(from, blobsDir, "sha256")); err == nil {
		d, err := dir.OpenReadOnly(filepath.Join(from, blobsDir))
		if err != nil {
			return nil, err
		}
		return func(g digest.Digest) (io.ReadCloser, error) { return d.Open(context.Background(), g) }, nil
	}
	manifest, err := os.Open(filepath.Join(from, "manifest-sha256.txt"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is neither a copy of a case (it has no blobs/sha256) nor a bag (it has no manifest-sha256.txt): %w", from, sightline.ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read the bag: %w", err)
	}
	defer manifest.Close()
	paths := map[digest.Digest]string{}
	lines := bufio.NewScanner(manifest)
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), " ")
		g, err := digest.Parse(strings.ToLower(sum))
		name = strings.TrimLeft(name, " *")
		name = strings.NewReplacer("%0A", "\n", "%0a", "\n", "%0D", "\r", "%0d", "\r", "%25", "%").Replace(name)
		if ok && err == nil && filepath.IsLocal(filepath.FromSlash(name)) {
			paths[g] = name
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("failed to read the bag's manifest: %w", err)
	}
	root, err := os.OpenRoot(from) // nothing outside the bag is read, links included
	if err != nil {
		return nil, fmt.Errorf("failed to open the bag: %w", err)
	}
	return func(g digest.Digest) (io.ReadCloser, error) {
		name, ok := paths[g]
		if !ok {
			return nil, fmt.Errorf("blob %s: %w", g, sightline.ErrNotFound)
		}
		r, err := root.Open(filepath.FromSlash(name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("blob %s: %w", g, sightline.ErrNotFound)
		}
		return r, err
	}, nil
}

// CopyRecord is the sealed value "copy" of a transfer entry: a copy that was
// made and verified.
type CopyRecord struct {
	Place   string `json:"place"`
	Entries int64  `json:"entries"`
	Blobs   int64  `json:"blobs"`
	Bytes   int64  `json:"bytes"`
	OK      bool   `json:"ok"`
}

// RecordCopy writes into the log that a copy was made and what its check
// found; [Copies] lists these places later.
func RecordCopy(ctx context.Context, f *CaseFolder, place string, rep *Report, version string) error {
	abs, err := filepath.Abs(place)
	if err != nil {
		return fmt.Errorf("failed to name the copy: %w", err)
	}
	result := "ok"
	if !rep.OK {
		result = "failed"
	}
	_, err = f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryTransfer, Result: result, Tool: &sightline.EntryTool{Name: "sightline", Version: version},
			Seal: map[string]any{"copy": CopyRecord{abs, rep.Checked.Entries, rep.Checked.Blobs, rep.Checked.Bytes, rep.OK}}})
		return nil
	})
	return err
}

// Copied is a place where a copy of the case was kept, with its newest record.
type Copied struct {
	CopyRecord
	At string `json:"at"` // when it was last copied to
}

// Copies lists the copies that the log tells of, by place.
func Copies(ctx context.Context, f *CaseFolder) ([]Copied, error) {
	last := map[string]Copied{}
	err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		head, err := r.Head()
		if err != nil {
			return err
		}
		for e, err := range r.Entries(0, head.Size) {
			if err != nil {
				return err
			}
			if _, ok := e.Sealed["copy"]; !ok || e.Kind != sightline.EntryTransfer {
				continue
			}
			sealed, err := r.Sealed(e.Seq)
			if err != nil {
				return err
			}
			for _, v := range sealed {
				var k CopyRecord
				if v.Name == "copy" && json.Unmarshal(v.Value, &k) == nil {
					last[k.Place] = Copied{k, e.At}
				}
			}
		}
		return nil
	})
	var out []Copied
	for _, c := range last {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Copied) int { return strings.Compare(a.Place, b.Place) })
	return out, err
}

// CheckCopies reads every copy that the log tells of and that can be reached:
// each has to be whole by itself and its log the beginning of this one. Faults
// name the copy; a copy on a disk that is not here is a note.
func CheckCopies(ctx context.Context, f *CaseFolder, o CheckOptions, rep *Report) error {
	list, err := Copies(ctx, f)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		rep.Notes = append(rep.Notes, "the log tells of no copy; make one with \"sightline copy --to\"")
	}
	head, _, err := headOf(ctx, f)
	if err != nil {
		return err
	}
	o.Kept, o.Rebuild = nil, false
	for _, k := range list {
		fault := func(what, remedy string) {
			rep.Faults = append(rep.Faults, Fault{What: what, Where: "copy " + k.Place, Remedy: remedy})
		}
		if _, err := os.Stat(filepath.Join(k.Place, caseFile)); errors.Is(err, fs.ErrNotExist) {
			rep.Notes = append(rep.Notes, fmt.Sprintf("the copy in %s of %s cannot be reached; bring its disk and check again", k.Place, k.At))
			continue
		}
		if err := extends(ctx, f, k.Place); err != nil {
			fault(err.Error(), "Keep both and find out why they went apart.")
			continue
		}
		g, err := Open(k.Place, Options{ReadOnly: true})
		if err != nil {
			fault(err.Error(), "Make the copy again with \"sightline copy\".")
			continue
		}
		theirs, err := Check(ctx, g, o)
		g.Close()
		if err != nil {
			fault(err.Error(), "Make the copy again with \"sightline copy\".")
			continue
		}
		for _, x := range theirs.Faults {
			x.Where = "copy " + k.Place + ": " + x.Where
			x.Remedy = "Make the copy again with \"sightline copy\"."
			x.bytes = digest.Digest{} // a restoring is of the case, not of its copy
			rep.Faults = append(rep.Faults, x)
		}
		rep.Checked.Copies++
		rep.Notes = append(rep.Notes, fmt.Sprintf("the copy in %s has %d of %d entries and %d blobs of %.1f MB; it was read through and has %d faults",
			k.Place, theirs.Checked.Entries, head.Size, theirs.Checked.Blobs, float64(theirs.Checked.Bytes)/1e6, len(theirs.Faults)))
	}
	rep.OK = len(rep.Faults) == 0
	return nil
}
