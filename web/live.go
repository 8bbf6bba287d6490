package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"sightline"
)

// liveEntry is what a tab learns of a new entry: enough to know what to read
// again, nothing private.
type liveEntry struct {
	Seq  sightline.Seq       `json:"seq"`
	At   string              `json:"at"`
	Kind sightline.EntryKind `json:"kind"`
	By   string              `json:"by"`
	Refs []sightline.Ref     `json:"refs"`
}

// events streams the log from a position on, and the progress of jobs.
func (s *Server) events(w http.ResponseWriter, r *http.Request, c *Case) error {
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil || after < 0 {
		return fmt.Errorf("events need ?after=N, the number of entries already known: %w", sightline.ErrInvalid)
	}
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil && n+1 > after {
			after = n + 1
		}
	}
	rc := http.NewResponseController(w)
	rc.SetWriteDeadline(time.Time{}) //nolint:errcheck // not every writer has deadlines
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	writeString(w, ": open\n\n")
	rc.Flush() //nolint:errcheck // the reader is gone

	ctx := r.Context()
	entries := make(chan liveEntry)
	go func() {
		defer close(entries)
		for e, err := range c.Store.Watch(ctx, after) {
			if err != nil {
				return
			}
			l := liveEntry{Seq: e.Seq, At: e.At, Kind: e.Kind, By: e.Actor.Key, Refs: []sightline.Ref{}}
			c.Store.View(ctx, c.Actor, func(rd sightline.Reader) error { //nolint:errcheck // the entry itself is news enough
				cs, err := changesOf(rd, e.Seq)
				for _, ch := range cs {
					l.Refs = append(l.Refs, ch.Ref)
				}
				return err
			})
			select {
			case entries <- l:
			case <-ctx.Done():
				return
			}
		}
	}()

	seen := &jobNews{running: map[string]string{}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	beat := time.NewTicker(20 * time.Second)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case l, ok := <-entries:
			if !ok {
				return nil
			}
			b, _ := json.Marshal(l)
			fmt.Fprintf(w, "id: %d\ndata: %s\n\n", l.Seq, b)
		case <-tick.C:
			if !s.sendJobs(w, c, r, seen) {
				continue
			}
		case <-beat.C:
			writeString(w, ": still here\n\n")
		}
		if rc.Flush() != nil {
			return nil
		}
	}
}
