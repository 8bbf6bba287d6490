package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"sightline"
)

// How many jobs of each state the page of jobs shows; the counts are of all.
const (
	shownRunning = 200
	shownFailed  = 200
	shownWaiting = 40
	shownDone    = 40
)

// jobRoutes are the calls of the page of jobs.
func (s *Server) jobRoutes() {
	s.mux.HandleFunc("GET /api/cases/{case}/queue", s.inCase(s.queue))
	s.mux.HandleFunc("POST /api/cases/{case}/queue/retry", s.inCase(s.retryAll))
}

// queueReport is the queue as somebody watches it.
type queueReport struct {
	Now     int64           `json:"now"` // clock of the server, UTC milliseconds
	Counts  []jobCount      `json:"counts"`
	Running []sightline.Job `json:"running"` // by their start
	Failed  []sightline.Job `json:"failed"`  // the newest first
	Waiting []sightline.Job `json:"waiting"` // in the order in which they are taken
	Done    []sightline.Job `json:"done"`    // the newest first
}

type jobCount struct {
	State string `json:"state"`
	Lane  string `json:"lane"`
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

func (s *Server) queue(w http.ResponseWriter, r *http.Request, c *Case) error {
	out := queueReport{Now: time.Now().UnixMilli(), Counts: []jobCount{}}
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		q, ok := rd.(sightline.JobQueue)
		if !ok {
			return fmt.Errorf("the queue of this case cannot be looked at: %w", sightline.ErrDenied)
		}
		l, err := s.look(r, rd, c)
		if err != nil {
			return err
		}
		counts, err := rd.(sightline.JobCounter).JobCounts()
		if err != nil {
			return err
		}
		out.Counts = out.Counts[:0]
		for _, n := range counts {
			out.Counts = append(out.Counts, jobCount{n.State, n.Lane, n.Kind, n.Count})
		}
		for _, p := range []struct {
			state string
			most  int
			into  *[]sightline.Job
		}{{"running", shownRunning, &out.Running}, {"failed", shownFailed, &out.Failed}, {"waiting", shownWaiting, &out.Waiting}, {"done", shownDone, &out.Done}} {
			if *p.into, err = q.QueueList(p.state, p.most); err != nil {
				return err
			}
			for i := range *p.into {
				(*p.into)[i] = seenBy(l, (*p.into)[i])
			}
		}
		return nil
	})
	if err == nil {
		reply(w, out)
	}
	return err
}

// seenBy takes out of a job what may name a source, for whoever may not see
// sources: why it failed, its parameters, and the digest of the bytes.
func seenBy(l *lens, j sightline.Job) sightline.Job {
	if l.secret[j.Item] {
		j.Error, j.Input, j.Params = "", "", nil
	}
	return j
}

// retryAll puts every failed job back into the queue.
func (s *Server) retryAll(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Retry == nil {
		return fmt.Errorf("jobs cannot be retried here: %w", sightline.ErrDenied)
	}
	var failed []sightline.Job
	if err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) (err error) {
		failed, err = rd.JobList(sightline.JobFilter{State: "failed"})
		return err
	}); err != nil {
		return err
	}
	for _, j := range failed {
		if err := c.Retry(r.Context(), j.ID); err != nil {
			return err
		}
	}
	reply(w, map[string]int{"retried": len(failed)})
	return nil
}

// hurry lets the work on an item that somebody opened go first. It fails
// silently: the work is done in its turn then.
func (s *Server) hurry(ctx context.Context, c *Case, item string) {
	if h, ok := c.Store.(sightline.Hurrier); ok {
		h.Hurry(ctx, item) //nolint:errcheck // see above
	}
}

// jobNews is what a tab was told of the jobs.
type jobNews struct {
	running map[string]string // id: state and progress as told
}

// sendJobs writes the jobs that run and whose progress changed since the last
// look, and how those ended that ran then. It reports whether anything was
// written. What it asks costs the same however many jobs a case has had.
func (s *Server) sendJobs(w http.ResponseWriter, c *Case, r *http.Request, seen *jobNews) bool {
	wrote := false
	c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error { //nolint:errcheck // tried again in a second
		q, ok := rd.(sightline.JobQueue)
		if !ok {
			return nil
		}
		running, err := q.QueueList("running", 500)
		if err != nil {
			return err
		}
		var news []sightline.Job
		here := map[string]bool{}
		for _, j := range running {
			here[j.ID] = true
			if now := fmt.Sprintf("%d %.2f", j.Tries, j.Progress); seen.running[j.ID] != now {
				seen.running[j.ID] = now
				news = append(news, j)
			}
		}
		var gone []string
		for id := range seen.running {
			if !here[id] {
				gone = append(gone, id)
			}
		}
		ended, err := q.JobsByID(gone)
		if err != nil {
			return err
		}
		if news = append(news, ended...); len(news) == 0 {
			return nil
		}
		l, err := s.look(r, rd, c) // reads the case for whoever may not see sources
		if err != nil {
			return err
		}
		for _, j := range news {
			j = seenBy(l, j)
			b, _ := json.Marshal(map[string]any{"id": j.ID, "kind": j.Kind, "lane": j.Lane, "item": j.Item, "state": j.State, "progress": j.Progress, "error": j.Error,
				"tries": j.Tries, "queued": j.Queued, "started": j.Started, "ended": j.Ended})
			fmt.Fprintf(w, "event: job\ndata: %s\n\n", b)
			wrote = true
		}
		for _, id := range gone {
			delete(seen.running, id)
		}
		return nil
	})
	return wrote
}
