package main

import (
	"context"
	"errors"

	"sightline"
	"sightline/archive"
)

// inCase are the flags by which a verb finds its case: a folder, or the
// addresses of a team's database and bucket.
type inCase struct {
	Case  string `help:"The case folder. Default: the case that holds the current folder." placeholder:"DIR" type:"path"`
	DB    string `name:"db" env:"SIGHTLINE_DB" help:"Database of a team's case, instead of a folder: postgres://user@host/database?case=ID." placeholder:"ADDRESS"`
	Blobs string `env:"SIGHTLINE_BLOBS" help:"Bytes of a team's case: s3://bucket/prefix?endpoint=https://host, or a folder that all machines share." placeholder:"ADDRESS"`
	Local string `env:"SIGHTLINE_LOCAL" type:"path" help:"This machine's own folder for a team's case: key of the log, working files, editions." placeholder:"DIR"`
}

// place is where the case is. A folder that is named goes before addresses
// that only the environment gives.
func (c *inCase) place() (archive.Place, error) {
	if c.Case == "" && (c.DB != "" || c.Blobs != "") {
		return archive.Place{Dir: c.Local, DB: c.DB, Blobs: c.Blobs}, nil
	}
	dir := c.Case
	if dir == "" {
		var err error
		if dir, err = archive.Find("."); err != nil {
			return archive.Place{}, exit(2, err)
		}
	}
	return archive.Place{Dir: dir}, nil
}

// open opens the case for work.
func (c *inCase) open(o archive.Options) (*archive.CaseFolder, error) {
	return c.openIn(context.Background(), o)
}

// scenario lets a test give every process of a team the same clock, salts and
// description of the machine.
var scenario = func(o archive.Options) archive.Options { return o }

func (c *inCase) openIn(ctx context.Context, o archive.Options) (*archive.CaseFolder, error) {
	p, err := c.place()
	if err != nil {
		return nil, err
	}
	f, err := archive.OpenAt(ctx, p, scenario(o))
	if err == nil {
		return f, nil
	}
	for _, known := range []error{sightline.ErrNotFound, sightline.ErrInvalid, sightline.ErrNewer} {
		if errors.Is(err, known) {
			return nil, exit(2, err)
		}
	}
	if p.Team() && !errors.Is(err, sightline.ErrDamaged) {
		return nil, exit(2, err) // not reached, not let in, another case
	}
	return nil, err
}
