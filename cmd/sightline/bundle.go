package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sightline/archive"
	"sightline/publish"
)

// exportClaimCmd writes one claim of a published edition as an archive that
// can be checked on its own.
type exportClaimCmd struct {
	Edition string `arg:"" help:"A published edition, the folder vN." type:"existingdir"`
	Claim   string `arg:"" help:"Id of the claim, such as C-07."`
	To      string `short:"o" help:"Archive to write. Default: the claim's id with .zip, in the current folder." placeholder:"FILE" type:"path"`
	JSON    bool   `help:"Print what was written as JSON."`
}

func (c *exportClaimCmd) Run(e *env) error {
	if c.To == "" {
		c.To = c.Claim + ".zip"
	}
	if filepath.Base(c.To) == ".zip" {
		return exit(2, errors.New("name the claim, such as C-07"))
	}
	f, err := os.OpenFile(c.To, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		if errors.Is(err, os.ErrExist) {
			return exit(2, fmt.Errorf("%s exists already; name another file with -o", c.To))
		}
		return exit(2, err)
	}
	err = publish.Bundle(e.ctx, c.Edition, c.Claim, networkReport, f)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(c.To)
		return exit(1, err)
	}
	st, err := os.Stat(c.To)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]any{"file": c.To, "claim": c.Claim, "bytes": st.Size()})
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %s with everything it rests on, %.1f MB. Anyone can check it: sightline check --recompute %s\n", c.To, c.Claim, float64(st.Size())/1e6, c.To)
	return err
}

// published is an edition or a claim bundle: the same questions are asked of
// both.
type published struct {
	name string
	zip  bool
}

func (p published) check(ctx context.Context, progress func(done, total int)) (*publish.CheckReport, error) {
	if p.zip {
		return publish.CheckBundle(ctx, p.name, archive.VerifyProof, progress)
	}
	return publish.Check(ctx, p.name, archive.VerifyProof, progress)
}

func (p published) recompute(ctx context.Context) (*publish.RecomputeReport, error) {
	rc := publish.Recomputer{Methods: methods(), Network: networkReport, EvidenceLog: publicLog, Corroborate: weights}
	if p.zip {
		return publish.RecomputeBundle(ctx, p.name, rc)
	}
	return publish.Recompute(ctx, p.name, rc)
}

// isBundle looks at the first bytes: an archive is a bundle, whatever its name.
func isBundle(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var b [4]byte
	_, err = io.ReadFull(f, b[:])
	return err == nil && string(b[:]) == "PK\x03\x04"
}
