package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sightline"
	"sightline/archive"
)

// eraseCmd takes an item out of a case for good, by law or at a source's wish.
// It is the one verb that destroys, so it asks twice.
type eraseCmd struct {
	inCase `embed:""`
	Item   string `arg:"" help:"Id of the item."`
	Reason string `required:"" help:"The law, order or wish that asks for it; kept sealed in the custody log." placeholder:"TEXT"`
	Second string `required:"" help:"The second person who approved." placeholder:"NAME"`
	Yes    bool   `help:"Do not ask for the id again."`
	JSON   bool   `help:"Print what was done as JSON."`
}

func (c *eraseCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	if strings.TrimSpace(c.Reason) == "" || strings.TrimSpace(c.Second) == "" {
		return exit(2, errors.New("an erasure needs a reason and a second person"))
	}
	if strings.EqualFold(strings.TrimSpace(c.Second), f.Actor.Name) {
		return exit(2, fmt.Errorf("the second person has to be another one than %s", f.Actor.Name))
	}
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(doc.Items, func(it *sightline.Item) bool { return it.ID == c.Item }) {
		return exit(2, fmt.Errorf("there is no item %s in this case", c.Item))
	}
	if !c.Yes {
		if !terminal(e.stdin) {
			return exit(2, errors.New("erasing cannot be undone; say --yes as well"))
		}
		fmt.Fprintf(e.stderr, "%s, its bytes and all that was said of it will be gone for good. Write its id to go on: ", c.Item)
		line, _ := bufio.NewReader(e.stdin).ReadString('\n')
		if strings.TrimSpace(line) != c.Item {
			return exit(2, errors.New("nothing was erased"))
		}
	}
	var published []string
	for _, ed := range doc.Editions {
		if slices.Contains(ed.Items, c.Item) {
			published = append(published, ed.ID)
		}
	}
	seq, err := archive.Erase(e.ctx, f, c.Item, c.Reason, c.Second)
	if err != nil {
		return err
	}
	copies, err := archive.Copies(e.ctx, f)
	if err != nil {
		return err
	}
	var reached, out []string
	for _, k := range copies {
		if _, err := os.Stat(filepath.Join(k.Place, "case.db")); err != nil {
			out = append(out, k.Place)
			continue
		}
		if rep, err := archive.Copy(e.ctx, f, k.Place, archive.CopyOptions{WithoutLogKey: !hasKey(k.Place)}); err != nil || !rep.OK {
			fmt.Fprintf(e.stderr, "the copy in %s could not be brought up to date: %v\n", k.Place, err)
			out = append(out, k.Place)
			continue
		}
		reached = append(reached, k.Place)
	}
	if c.JSON {
		err = json.NewEncoder(e.stdout).Encode(map[string]any{"item": c.Item, "entry": seq, "copies": reached, "copies_left": out, "published_in": published})
	} else {
		fmt.Fprintf(e.stdout, "%s is erased; entry %d of the log says so and keeps only its digest.\n", c.Item, seq)
		for _, p := range reached {
			fmt.Fprintf(e.stdout, "erased in the copy %s as well\n", p)
		}
	}
	for _, p := range out {
		fmt.Fprintf(e.stderr, "still in the copy %s: bring its disk and run \"sightline copy --to\" it\n", p)
	}
	if len(published) > 0 {
		fmt.Fprintf(e.stderr, "%s was published in %s. Later editions leave it out; take those that are out, and editions/ of this case, down by hand.\n", c.Item, strings.Join(published, ", "))
	}
	if err == nil && len(out)+len(published) > 0 {
		return exit(1, nil)
	}
	return err
}

// hasKey reports whether a copy was made with the log's key.
func hasKey(place string) bool {
	_, err := os.Stat(filepath.Join(place, "keys", "log.key"))
	return err == nil
}
