package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strings"

	"sightline/digest"
)

// Fault is one thing wrong with an edition: what, where and what to do.
type Fault struct {
	What   string `json:"what"`
	Where  string `json:"where"`
	Remedy string `json:"remedy"`
}

// CheckReport is the verdict on an edition.
type CheckReport struct {
	Edition string  `json:"edition"`
	Files   int     `json:"files"`
	Bytes   int64   `json:"bytes"`
	Proofs  int     `json:"proofs"`
	Faults  []Fault `json:"faults"`
}

// ProofVerifier checks the files of one proof folder against the digest that
// names it. Package archive has the implementation.
type ProofVerifier func(sha256 string, files map[string][]byte) error

const askAgain = "Get the edition again from a place you trust and compare; do not rely on this copy."

// ErrNotEdition is returned by Check for a folder that is not an edition.
var ErrNotEdition = errors.New("not an edition")

// Check reads every file of an edition and compares it with the manifest and
// with SHA256SUMS; nothing may be missing, changed or added. With verify, each
// proof folder is checked as well. It never changes anything.
func Check(ctx context.Context, dir string, verify ProofVerifier, progress func(done, total int)) (*CheckReport, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("failed to open the edition: %w", err)
	}
	defer root.Close()
	return check(ctx, root.FS(), dir, verify, progress)
}

// check reads a folder or an archive; name is for sentences.
func check(ctx context.Context, root fs.FS, where string, verify ProofVerifier, progress func(done, total int)) (*CheckReport, error) {
	raw, err := fs.ReadFile(root, manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s: %w", where, manifestName, ErrNotEdition)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read the manifest: %w", err)
	}
	var m Manifest
	rep := &CheckReport{Faults: []Fault{}}
	fault := func(where, format string, args ...any) {
		rep.Faults = append(rep.Faults, Fault{fmt.Sprintf(format, args...), where, askAgain})
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		fault(manifestName, "the manifest cannot be read: %v", err)
		return rep, nil
	}
	if m.Format != ManifestFormat && m.Format != BundleFormat {
		return nil, fmt.Errorf("%s says it is of format %q, this program checks %q; use a newer version", manifestName, m.Format, ManifestFormat)
	}
	rep.Edition = m.name()

	sums, err := readSums(root, sumsName)
	if err != nil {
		fault(sumsName, "%v", err)
	} else if sums[manifestName] != digest.Of(raw).String() {
		fault(manifestName, "the manifest is not the one that %s lists", sumsName)
	}
	listed := map[string]ManifestFile{}
	for _, f := range m.Files {
		if !fs.ValidPath(f.Path) || strings.Contains(f.Path, "\\") {
			fault(manifestName, "the manifest lists the path %q, which leads out of the edition", f.Path)
			continue
		}
		if _, twice := listed[f.Path]; twice {
			fault(f.Path, "the manifest lists this file twice")
		}
		listed[f.Path] = f
		if sums != nil && sums[f.Path] != f.SHA256 {
			fault(f.Path, "%s and %s disagree about this file", manifestName, sumsName)
		}
	}
	for name := range sums {
		if _, ok := listed[name]; !ok && name != manifestName {
			fault(name, "%s lists this file and the manifest does not", sumsName)
		}
	}

	proofs := map[string]map[string][]byte{}
	seen := map[string]bool{}
	done := 0
	err = fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		if !d.Type().IsRegular() {
			fault(p, "this is not a plain file (%s)", d.Type())
			return nil
		}
		if p == manifestName || p == sumsName {
			return nil
		}
		want, ok := listed[p]
		if !ok {
			fault(p, "this file was added: the manifest does not list it")
			return nil
		}
		seen[p] = true
		f, err := root.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		got, n, err := digest.Read(f)
		if err != nil {
			fault(p, "the file cannot be read: %v", err)
			return nil
		}
		rep.Files++
		rep.Bytes += n
		switch {
		case n != want.Size:
			fault(p, "the file has %d bytes, the manifest says %d", n, want.Size)
		case got.String() != want.SHA256:
			fault(p, "the bytes were changed: SHA-256 is %s, the manifest says %s", got, want.SHA256)
		}
		if verify != nil {
			parts := strings.Split(p, "/")
			if len(parts) == 3 && parts[0] == "proof" && parts[2] == "item" && got.String() != parts[1] {
				fault(p, "these are not the bytes that the folder is named after: their SHA-256 is %s", got)
			}
			if len(parts) >= 3 && parts[0] == "proof" {
				if proofs[parts[1]] == nil {
					proofs[parts[1]] = map[string][]byte{}
				}
				name := strings.Join(parts[2:], "/")
				if name == "item" && n >= 1<<20 {
					// Its bytes have just been compared with the folder's name, which the
					// verifier compares with the entry: a long video is not held in memory.
					proofs[parts[1]]["WITHHELD"] = nil
				} else if b, err := fs.ReadFile(root, p); err == nil {
					proofs[parts[1]][name] = b
				}
			}
		}
		done++
		if progress != nil && done%50 == 0 {
			progress(done, len(listed))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("failed to read the edition: %w", err)
	}
	for _, f := range m.Files {
		if !seen[f.Path] && fs.ValidPath(f.Path) {
			fault(f.Path, "the file is missing")
		}
	}
	var ids []string
	for id := range proofs {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		if err := verify(id, proofs[id]); err != nil {
			fault("proof/"+id, "the proof does not hold: %v", err)
			continue
		}
		rep.Proofs++
	}
	sort.SliceStable(rep.Faults, func(i, j int) bool { return rep.Faults[i].Where < rep.Faults[j].Where })
	return rep, nil
}

func readSums(root fs.FS, name string) (map[string]string, error) {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, fmt.Errorf("the list of digests cannot be read: %w", err)
	}
	out := map[string]string{}
	for i, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		sum, name, ok := strings.Cut(line, "  ")
		if !ok || len(sum) != 64 {
			return nil, fmt.Errorf("line %d of the list of digests is not \"<64 hex>  <path>\"", i+1)
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("line %d of the list of digests names %q again", i+1, name)
		}
		out[name] = sum
	}
	return out, nil
}
