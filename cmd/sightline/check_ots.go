package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"sightline/archive"
)

// checkOTS says what an OpenTimestamps proof shows of the file beside it. It
// asks no calendar and no chain: status 0 says that the proof is of the file,
// never that the time is right.
func checkOTS(e *env, name string, asJSON bool) error {
	fi, err := os.Stat(name)
	if err == nil && fi.Size() > 1<<20 {
		err = fmt.Errorf("%d bytes are too many for a proof", fi.Size())
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return exit(2, fmt.Errorf("%s: %w", name, err))
	}
	o, err := archive.ParseOTS(b)
	if err != nil {
		return exit(1, fmt.Errorf("%s: %w", name, err))
	}
	of := strings.TrimSuffix(name, ".ots")
	file, err := os.ReadFile(of)
	if err != nil {
		return exit(2, fmt.Errorf("the proof is of a file that has to lie beside it as %s: %w", of, err))
	}
	matches := o.Of(file)
	if asJSON {
		if err := json.NewEncoder(e.stdout).Encode(struct {
			*archive.OTS
			Matches bool   `json:"matches"`
			Verdict string `json:"verdict"`
		}{o, matches, o.Verdict()}); err != nil {
			return err
		}
	} else if matches {
		fmt.Fprintf(e.stdout, "%s is of %s (%s). Then: %s.\n", name, of, o.Algorithm, o.Verdict())
		if o.Weak {
			fmt.Fprintf(e.stdout, "Weak: two different files can be made with one %s digest.\n", o.Algorithm)
		}
	}
	if !matches {
		return exit(1, fmt.Errorf("%s is not of %s: the digests differ", name, of))
	}
	return nil
}
