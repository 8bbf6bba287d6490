package main

import (
	"encoding/json"
	"fmt"

	"sightline/publish"
)

// checkEdition verifies a published edition and prints one line a fault.
func checkEdition(e *env, dir string, verify publish.ProofVerifier, asJSON bool) error {
	bar := newBar(e)
	rep, err := publish.Check(e.ctx, dir, verify, func(done, total int) { bar.draw(done, total, "files") })
	bar.done()
	if err != nil {
		return exit(2, err)
	}
	if asJSON {
		if err := json.NewEncoder(e.stdout).Encode(rep); err != nil {
			return err
		}
	} else {
		for _, f := range rep.Faults {
			fmt.Fprintf(e.stdout, "%s: %s. %s\n", f.Where, f.What, f.Remedy)
		}
		if len(rep.Faults) == 0 {
			fmt.Fprintf(e.stdout, "%s: %d files, %.1f MB and %d proofs are what was published.\n", rep.Edition, rep.Files, float64(rep.Bytes)/1e6, rep.Proofs)
		}
	}
	if n := len(rep.Faults); n > 0 {
		return exit(1, fmt.Errorf("%s is not what was published: %d faults", dir, n))
	}
	return nil
}
