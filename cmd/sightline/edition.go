package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sightline/publish"
)

// checkEdition verifies a published edition or a claim bundle and prints each fault.
func checkEdition(e *env, dir string, asJSON bool) error {
	rep, err := readEdition(e, dir)
	if err != nil {
		return err
	}
	if asJSON {
		if err := json.NewEncoder(e.stdout).Encode(rep); err != nil {
			return err
		}
	} else {
		printEdition(e, rep)
	}
	return notAsPublished(dir, len(rep.Faults))
}

func readEdition(e *env, dir string) (*publish.CheckReport, error) {
	bar := newBar(e)
	rep, err := published{dir, isBundle(dir)}.check(e.ctx, func(done, total int) { bar.draw(done, total, "files") })
	bar.done()
	if err != nil {
		return nil, exit(2, err)
	}
	return rep, nil
}

func printEdition(e *env, rep *publish.CheckReport) {
	for _, f := range rep.Faults {
		fmt.Fprintf(e.stdout, "%s: %s. %s\n", f.Where, f.What, f.Remedy)
	}
	if len(rep.Faults) == 0 {
		fmt.Fprintf(e.stdout, "%s: %d files, %.1f MB and %d proofs are what was published.\n", rep.Edition, rep.Files, float64(rep.Bytes)/1e6, rep.Proofs)
	}
}

func notAsPublished(dir string, faults int) error {
	if faults > 0 {
		return exit(1, fmt.Errorf("%s is not what was published: %d faults", dir, faults))
	}
	return nil
}

// recomputeEdition checks an edition and derives its numbers again.
func recomputeEdition(e *env, dir string, asJSON bool) error {
	rep, err := readEdition(e, dir)
	if err != nil {
		return err
	}
	again, err := published{dir, isBundle(dir)}.recompute(e.ctx)
	if err != nil {
		return exit(2, err)
	}
	if asJSON {
		if err := json.NewEncoder(e.stdout).Encode(map[string]any{"check": rep, "recompute": again}); err != nil {
			return err
		}
		return notAsPublished(dir, len(rep.Faults)+len(again.Faults))
	}
	printEdition(e, rep)
	for _, f := range again.Faults {
		fmt.Fprintf(e.stdout, "%s: %s. %s\n", f.Where, f.What, f.Remedy)
	}
	if len(again.Faults) == 0 {
		var parts []string
		for _, m := range slices.Sorted(maps.Keys(again.Findings)) {
			parts = append(parts, fmt.Sprintf("%d answers of %s", again.Findings[m], m))
		}
		parts = append(parts, fmt.Sprintf("%d intervals of the time network", again.Bounds), fmt.Sprintf("%d places and times from their findings", again.Links), fmt.Sprintf("%d downloads", again.Files))
		fmt.Fprintf(e.stdout, "Derived again and equal: %s.\n", strings.Join(parts, ", "))
	}
	if len(again.Skipped) > 0 {
		fmt.Fprintf(e.stdout, "Not derived again, made by hand or by a method that is not here: %s.\n", strings.Join(again.Skipped, ", "))
	}
	return notAsPublished(dir, len(rep.Faults)+len(again.Faults))
}
