package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"sightline"
	"sightline/archive"
	"sightline/publish"
)

// exportRevealCmd opens the commitment that an edition prints in place of an
// item's digest, for whoever should be able to check it.
type exportRevealCmd struct {
	inCase `embed:""`
	Item   string `arg:"" help:"Id of the item, such as EJ-014."`
}

func (c *exportRevealCmd) Run(e *env) error {
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	key, err := f.Secret("fuzz")
	if err != nil {
		return err
	}
	return f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
		it, err := sightline.Get[sightline.Item](r, sightline.KindItem, c.Item)
		if err != nil {
			return exit(2, err)
		}
		if it.Public.Hash != "commit" {
			return exit(2, fmt.Errorf("%s has no commitment: its digest is not published as one (hash: %q)", it.ID, it.Public.Hash))
		}
		value, err := sightline.Canonical(it.SHA256)
		if err != nil {
			return err
		}
		salt := publish.DigestSalt(key, it)
		return json.NewEncoder(e.stdout).Encode(map[string]any{"item": it.ID, "commitment": sightline.Commitment(publish.DigestName, salt, value),
			"domain": sightline.SealDomain, "name": publish.DigestName, "salt": hex.EncodeToString(salt), "value": json.RawMessage(value)})
	})
}
