package tables

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"sightline"
)

const jobColumns = `SELECT id, kind, lane, item, input, params, version, priority, state, worker, until, tries, progress, error, queued, started, ended FROM job `

func scanJob(row interface{ Scan(...any) error }) (sightline.Job, error) {
	var j sightline.Job
	var params string
	var until int64
	err := row.Scan(&j.ID, &j.Kind, &j.Lane, &j.Item, &j.Input, &params, &j.Version, &j.Priority, &j.State, &j.Worker, &until,
		&j.Tries, &j.Progress, &j.Error, &j.Queued, &j.Started, &j.Ended)
	if params != "" {
		j.Params = json.RawMessage(params)
	}
	if until > 0 {
		j.Until = sightline.EntryTime(time.UnixMilli(until))
	}
	return j, err
}

func (w *writer) Enqueue(j sightline.Job) error {
	if w.done {
		return errDone
	}
	if j.Kind == "" || j.Version == "" {
		return fmt.Errorf("a job needs a kind and the version of its tool: %w", sightline.ErrInvalid)
	}
	id, err := j.Identity()
	if err != nil {
		return err
	}
	lane := j.Lane
	if lane == "" {
		lane = "cpu"
	}
	params := ""
	if len(j.Params) > 0 {
		b, err := sightline.CanonicalJSON(j.Params)
		if err != nil {
			return fmt.Errorf("the parameters of job %s: %w", j.Kind, err)
		}
		params = string(b)
	}
	_, err = w.q.ExecContext(w.ctx, `INSERT INTO job(id, kind, lane, item, input, params, version, priority, state, worker, until, tries, progress, error, queued, started, ended)
		VALUES(?,?,?,?,?,?,?,?,'waiting','',0,0,0,'',?,'','') ON CONFLICT(id) DO NOTHING`,
		id, j.Kind, lane, j.Item, j.Input, params, j.Version, j.Priority, w.at)
	return err
}

func (w *writer) Finish(j sightline.Job, out sightline.JobOutcome) error {
	if w.done {
		return errDone
	}
	cur, err := scanJob(w.q.QueryRowContext(w.ctx, jobColumns+`WHERE id=?`, j.ID))
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("job %s: %w", j.ID, sightline.ErrNotFound)
	}
	if err != nil {
		return err
	}
	// A worker that lost its lease must not write its result beside the one
	// of the worker that took over.
	if cur.State != "running" || cur.Worker != j.Worker {
		return fmt.Errorf("job %s of %s was taken over or ended: %w", j.Kind, j.Item, sightline.ErrConflict)
	}
	state, progress := "done", 1.0
	if out.Error != "" {
		state, progress = "failed", cur.Progress
		if out.Retry && cur.Tries < w.s.opts.MaxTries {
			state = "waiting"
		}
	}
	ended := w.at
	if state == "waiting" {
		ended = ""
	}
	// The condition again: where rows are locked one by one, another worker may
	// have taken the job over since it was read.
	res, err := w.q.ExecContext(w.ctx, `UPDATE job SET state=?, worker='', until=0, progress=?, error=?, ended=? WHERE id=? AND state='running' AND worker=?`,
		state, progress, plain(out.Error), ended, j.ID, j.Worker)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fmt.Errorf("job %s of %s was taken over or ended: %w", j.Kind, j.Item, sightline.ErrConflict)
}

// Claim takes the most urgent job of the lanes. See [sightline.Jobs].
func (s *Store) Claim(ctx context.Context, worker string, lanes []string, lease time.Duration) (*sightline.Job, error) {
	if worker == "" || len(lanes) == 0 || lease <= 0 {
		return nil, fmt.Errorf("claiming a job needs a worker, lanes and a lease: %w", sightline.ErrInvalid)
	}
	now := s.opts.Now()
	ready := `WHERE lane IN (?` + strings.Repeat(",?", len(lanes)-1) + `) AND (state='waiting' OR (state='running' AND until<?)) ORDER BY priority DESC, n LIMIT 1`
	args := []any{}
	for _, l := range lanes {
		args = append(args, l)
	}
	args = append(args, now.UnixMilli())
	for {
		// Looking is cheap and takes no lock; most looks find nothing.
		var j sightline.Job
		err := s.again(ctx, func() (err error) {
			j, err = scanJob(s.Reading().QueryRowContext(ctx, jobColumns+ready, args...))
			return err
		})
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, s.failed("failed to look for work", err)
		}
		// Not again: where the answer of a claim was lost, its lease ends.
		taken, err := s.take(ctx, j, worker, now, lease)
		if err != nil && s.engine.Retry(err) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, s.failed("failed to claim a job", err)
		}
		if taken {
			j.State, j.Worker, j.Until, j.Tries, j.Progress = "running", worker, sightline.EntryTime(now.Add(lease)), j.Tries+1, 0
			j.Started, j.Ended, j.Error = sightline.EntryTime(now), "", ""
			return &j, nil
		}
	}
}

// take makes one job ours, unless somebody else was faster or it has been
// begun too often already: then its worker died each time.
func (s *Store) take(ctx context.Context, j sightline.Job, worker string, now time.Time, lease time.Duration) (bool, error) {
	if j.State == "running" && j.Tries >= s.opts.MaxTries {
		_, err := s.Writing().ExecContext(ctx, `UPDATE job SET state='failed', worker='', until=0, ended=?, error=? WHERE id=? AND state='running' AND until<?`,
			sightline.EntryTime(now), fmt.Sprintf("given up after %d tries: the worker ended each time before the job did", j.Tries), j.ID, now.UnixMilli())
		return false, err
	}
	res, err := s.Writing().ExecContext(ctx, `UPDATE job SET state='running', worker=?, until=?, tries=tries+1, progress=0, error='', started=?, ended=''
		WHERE id=? AND (state='waiting' OR (state='running' AND until<?))`, worker, now.Add(lease).UnixMilli(), sightline.EntryTime(now), j.ID, now.UnixMilli())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// Beat extends the lease of a running job and stores its progress.
func (s *Store) Beat(ctx context.Context, jobID, worker string, lease time.Duration, progress float64) error {
	var res sql.Result
	err := s.again(ctx, func() (err error) {
		res, err = s.Writing().ExecContext(ctx, `UPDATE job SET until=?, progress=? WHERE id=? AND worker=? AND state='running'`,
			s.opts.Now().Add(lease).UnixMilli(), min(max(progress, 0), 1), jobID, worker)
		return err
	})
	if err != nil {
		return s.failed("failed to extend a lease", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fmt.Errorf("job %s was taken over or ended: %w", jobID, sightline.ErrConflict)
}

// Retry puts a failed job back into the queue, as a person asked.
func (s *Store) Retry(ctx context.Context, jobID string) error {
	res, err := s.Writing().ExecContext(ctx, `UPDATE job SET state='waiting', tries=0, error='', ended='' WHERE id=? AND state='failed'`, jobID)
	if err != nil {
		return s.failed("failed to queue a job again", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fmt.Errorf("there is no failed job %s: %w", jobID, sightline.ErrNotFound)
}

// JobCounts counts the jobs. See [sightline.JobCounter].
func (r *reader) JobCounts() ([]sightline.JobCount, error) {
	rows, err := r.q.QueryContext(r.ctx, `SELECT state, lane, kind, count(*) FROM job GROUP BY state, lane, kind ORDER BY state, lane, kind`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []sightline.JobCount{}
	for rows.Next() {
		var c sightline.JobCount
		if err := rows.Scan(&c.State, &c.Lane, &c.Kind, &c.Count); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// plain is a message that every engine can keep: valid UTF-8 without NUL.
func plain(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

func (r *reader) JobList(f sightline.JobFilter) ([]sightline.Job, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = math.MaxInt64
	}
	rows, err := r.q.QueryContext(r.ctx, jobColumns+`WHERE (?1='' OR state=?1) AND (?2='' OR kind=?2) AND (?3='' OR item=?3) ORDER BY n DESC LIMIT ?4`, f.State, f.Kind, f.Item, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []sightline.Job{}
	for rows.Next() {
		j, err := scanJob(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, rows.Err()
}
