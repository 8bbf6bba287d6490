package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sightline"
	"sightline/blob/s3"
	"sightline/store/postgres"
)

// deployment is what doctor finds out about a team's database and bucket. A
// line that begins with a false Good is something to act on.
type deployment struct {
	Good bool   `json:"good"`
	What string `json:"what"`
	Says string `json:"says"`
}

// clockLimit is how far the clocks of a machine and of the database may be
// apart. Leases are a minute; entries of the log are dated by the machine.
const clockLimit = 2 * time.Second

// examine asks the database, the bucket and this machine.
func examine(ctx context.Context, c *inCase) []deployment {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var out []deployment
	tell := func(what string, err error, says string, args ...any) bool {
		d := deployment{err == nil, what, fmt.Sprintf(says, args...)}
		if err != nil {
			d.Says = err.Error()
		}
		out = append(out, d)
		return err == nil
	}
	a, err := postgres.ParseAddress(c.DB)
	if tell("address of the database", err, "%s", a) {
		if v, err := postgres.Version(ctx, a); tell("database", err, "PostgreSQL %s answers", v) {
			before := time.Now()
			there, err := postgres.Now(ctx, a)
			here := before.Add(time.Since(before) / 2)
			if off := there.Sub(here); err == nil && off.Abs() > clockLimit {
				err = fmt.Errorf("the clock of this machine and that of the database are %s apart; set both by NTP: %w", off.Abs().Round(time.Millisecond), sightline.ErrInvalid)
			}
			tell("clock", err, "within %s of that of the database", clockLimit)
			if a.Case == "" {
				ids, err := postgres.Cases(ctx, a)
				tell("cases", err, "%s", strings.Join(ids, ", "))
			} else {
				s, err := postgres.Open(ctx, a, postgres.Options{ReadOnly: true})
				if tell("case", err, "%s, tables of this version", a.Case) {
					err = s.Close()
					if err != nil {
						tell("case", err, "")
					}
				}
			}
		}
	}
	switch {
	case c.Blobs == "":
		tell("bytes", errors.New("no address of the bytes is given (--blobs)"), "")
	case strings.HasPrefix(c.Blobs, "s3://"):
		b, err := s3.ParseAddress(c.Blobs)
		if tell("address of the bucket", err, "%s", b) {
			_, err := s3.Open(ctx, b, s3.Options{Retries: 2})
			tell("bucket", err, "answers and lets this key in")
			if err == nil && !b.Secure && !strings.HasPrefix(b.Endpoint, "127.0.0.1") && !strings.HasPrefix(b.Endpoint, "localhost") {
				tell("TLS", fmt.Errorf("the bytes go to %s without TLS: whoever is between can read them; use an https endpoint", b.Endpoint), "")
			}
		}
	default:
		_, err := os.Stat(c.Blobs)
		tell("folder of the bytes", err, "%s is here", c.Blobs)
	}
	return out
}

func printDeployment(w io.Writer, list []deployment) (bad int) {
	for _, d := range list {
		mark := "ok "
		if !d.Good {
			mark = "NOT"
			bad++
		}
		fmt.Fprintf(w, "  %s %-24s %s\n", mark, d.What, d.Says)
	}
	return bad
}
