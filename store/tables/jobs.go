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
	state, progress, tries := "done", 1.0, cur.Tries
	if out.Error != "" {
		state, progress = "failed", cur.Progress
		if out.Retry && (out.Stopped || cur.Tries < w.s.opts.MaxTries) {
			state = "waiting"
		}
		if out.Retry && out.Stopped {
			tries = max(tries-1, 0)
		}
	}
	ended := w.at
	if state == "waiting" {
		ended = ""
	}
	// The condition again: where rows are locked one by one, another worker may
	// have taken the job over since it was read.
	res, err := w.q.ExecContext(w.ctx, `UPDATE job SET state=?, worker='', until=0, tries=?, progress=?, error=?, ended=? WHERE id=? AND state='running' AND worker=?`,
		state, tries, progress, plain(out.Error), ended, j.ID, j.Worker)
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
	j, taken, err := s.ClaimFor(ctx, sightline.Ask{Worker: worker, Lanes: lanes, Lease: lease}, nil)
	if err != nil || !taken {
		return nil, err
	}
	return j, nil
}

// Leases are reckoned by the clock of the database, so that workers whose own
// clocks are wrong neither lose their jobs nor keep those of others. Where that
// clock is set back, leases would seem to last too long: one that ends later
// than any lease could is taken as ended. A living worker writes its own anew
// within seconds.
const farLease = 10 * time.Minute

// clock is the time of leases, UTC milliseconds, as an expression whose one
// argument leaseNow gives.
func (s *Store) clock(n int) string {
	return fmt.Sprintf("coalesce(CAST(?%d AS BIGINT), %s)", n, s.engine.Clock())
}

func (s *Store) leaseNow() sql.NullInt64 {
	if s.opts.Leases == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: s.opts.Leases().UnixMilli(), Valid: true}
}

// ended is the condition that a lease has ended; ?1 is leaseNow, ?2 the
// longest that a lease could still last.
func (s *Store) ended() string {
	c := s.clock(1)
	return `(until < ` + c + ` OR until > ` + c + ` + ?2)`
}

// listed writes "IN (?n, ...)" for words and appends them to args. For a single
// one it writes "=", which lets an index give the order as well.
func listed(words []string, args *[]any) string {
	if len(words) == 1 {
		*args = append(*args, words[0])
		return fmt.Sprintf("=?%d", len(*args))
	}
	var b strings.Builder
	b.WriteString("IN (")
	for i, w := range words {
		if i > 0 {
			b.WriteByte(',')
		}
		*args = append(*args, w)
		fmt.Fprintf(&b, "?%d", len(*args))
	}
	b.WriteByte(')')
	return b.String()
}

// ClaimFor takes the most urgent job that a worker asks for. See
// [sightline.Claimer].
func (s *Store) ClaimFor(ctx context.Context, a sightline.Ask, can func(sightline.Job) bool) (*sightline.Job, bool, error) {
	if a.Worker == "" || len(a.Lanes) == 0 || a.Lease <= 0 {
		return nil, false, fmt.Errorf("claiming a job needs a worker, lanes and a lease: %w", sightline.ErrInvalid)
	}
	far := (2*a.Lease + farLease).Milliseconds()
	args := []any{nil, far}
	// The condition on state a second time, as the index of the queue has it.
	ready := `WHERE lane ` + listed(a.Lanes, &args) + ` AND state IN ('waiting', 'running') AND (state='waiting' OR (state='running' AND ` + s.ended() + `))`
	for _, n := range a.Not {
		args = append(args, n.Kind, n.Version)
		ready += fmt.Sprintf(` AND NOT (kind=?%d AND version=?%d)`, len(args)-1, len(args))
	}
	ready += ` ORDER BY priority DESC, n LIMIT 1`
	for {
		args[0] = s.leaseNow()
		// Looking is cheap and takes no lock; most looks find nothing.
		var j sightline.Job
		err := s.again(ctx, func() (err error) {
			if len(a.Before) > 0 {
				// The transaction gives both looks one state.
				return s.View(ctx, sightline.Actor{}, func(r sightline.Reader) error {
					r1 := r.(*reader)
					if j, err = scanJob(r1.q.QueryRowContext(ctx, jobColumns+ready, args...)); err != nil {
						return err
					}
					first, err := r1.FirstJob(a.Before)
					if err == nil && (first == nil || first.ID != j.ID) {
						err = sql.ErrNoRows
					}
					return err
				})
			}
			j, err = scanJob(s.Reading().QueryRowContext(ctx, jobColumns+ready, args...))
			return err
		})
		if errors.Is(err, sql.ErrNoRows) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, s.failed("failed to look for work", err)
		}
		if can != nil && !can(j) {
			return &j, false, nil
		}
		// Not again: where the answer of a claim was lost, its lease ends.
		taken, err := s.take(ctx, &j, a, far)
		if err != nil && s.engine.Retry(err) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, false, s.failed("failed to claim a job", err)
		}
		if taken {
			return &j, true, nil
		}
	}
}

// take makes one job ours, unless somebody else was faster or it has been
// begun too often already: then its worker died each time. A job that was whole,
// and waited only for its result to enter the log, did not kill its worker.
func (s *Store) take(ctx context.Context, j *sightline.Job, a sightline.Ask, far int64) (bool, error) {
	now, at := s.leaseNow(), sightline.EntryTime(s.opts.Now())
	if j.State == "running" && j.Progress < 1 && j.Tries >= s.opts.MaxTries {
		_, err := s.Writing().ExecContext(ctx, `UPDATE job SET state='failed', worker='', until=0, ended=?3, error=?4 WHERE id=?5 AND state='running' AND `+s.ended(),
			now, far, at, fmt.Sprintf("given up after %d tries: the worker ended each time before the job did", j.Tries), j.ID)
		return false, err
	}
	var until int64
	err := s.engine.Light(ctx, func(q Queryer) error {
		return s.bound(q).QueryRowContext(ctx, `UPDATE job SET state='running', worker=?3, until=`+s.clock(1)+`+?4, progress=0,
			tries=tries+CASE WHEN state='running' AND progress>=1 THEN 0 ELSE 1 END, error='', started=?5, ended=''
			WHERE id=?6 AND (state='waiting' OR (state='running' AND `+s.ended()+`)) RETURNING until, tries`,
			now, far, a.Worker, a.Lease.Milliseconds(), at, j.ID).Scan(&until, &j.Tries)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	j.State, j.Worker, j.Until, j.Progress = "running", a.Worker, sightline.EntryTime(time.UnixMilli(until)), 0
	j.Started, j.Ended = at, "" // the error stays: it is why the job is begun again
	return true, nil
}

// FirstJob is the unfinished job that stands first. See [sightline.JobQueue].
func (r *reader) FirstJob(lanes []string) (*sightline.Job, error) {
	args := []any{}
	j, err := scanJob(r.q.QueryRowContext(r.ctx, jobColumns+`WHERE lane `+listed(lanes, &args)+` AND state IN ('waiting', 'running') ORDER BY priority DESC, n LIMIT 1`, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &j, err
}

// KnownJobs says which jobs exist. See [sightline.JobQueue].
func (r *reader) KnownJobs(ids []string) (map[string]bool, error) {
	known := map[string]bool{}
	for len(ids) > 0 {
		part := ids[:min(len(ids), 500)] // engines bound the arguments of a query
		ids = ids[len(part):]
		args := []any{}
		rows, err := r.q.QueryContext(r.ctx, `SELECT id FROM job WHERE id `+listed(part, &args), args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return nil, err
			}
			known[id] = true
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// Holds reports that a worker still has its job. See [sightline.JobQueue].
func (r *reader) Holds(jobID, worker string) (bool, error) {
	n := 0
	err := r.q.QueryRowContext(r.ctx, `SELECT count(*) FROM job WHERE id=? AND worker=? AND state='running'`, jobID, worker).Scan(&n)
	return n == 1, err
}

// Beat extends the lease of a running job and stores its progress.
func (s *Store) Beat(ctx context.Context, jobID, worker string, lease time.Duration, progress float64) error {
	var res sql.Result
	err := s.again(ctx, func() (err error) {
		return s.engine.Light(ctx, func(q Queryer) error {
			res, err = s.bound(q).ExecContext(ctx, `UPDATE job SET until=`+s.clock(1)+`+?2, progress=?3 WHERE id=?4 AND worker=?5 AND state='running'`,
				s.leaseNow(), lease.Milliseconds(), min(max(progress, 0), 1), jobID, worker)
			return err
		})
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
	args := []any{}
	where := stateIs(f.State, &args)
	for _, c := range []struct{ column, value string }{{"kind", f.Kind}, {"item", f.Item}} {
		if c.value != "" {
			args = append(args, c.value)
			where += fmt.Sprintf(" AND %s=?%d", c.column, len(args))
		}
	}
	args = append(args, limit)
	return r.jobs(where+fmt.Sprintf(` ORDER BY n DESC LIMIT ?%d`, len(args)), args...)
}

// stateIs is the condition on a state, written so that the indexes of the
// queue, which hold a part of the states each, can be used.
func stateIs(state string, args *[]any) string {
	switch state {
	case "":
		return "WHERE 1=1"
	case "failed":
		return "WHERE state='failed'"
	case "done":
		return "WHERE state='done'"
	}
	*args = append(*args, state)
	return fmt.Sprintf("WHERE state IN ('waiting', 'running') AND state=?%d", len(*args))
}

func (r *reader) jobs(rest string, args ...any) ([]sightline.Job, error) {
	rows, err := r.q.QueryContext(r.ctx, jobColumns+rest, args...)
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

// QueueList lists jobs for somebody who watches. See [sightline.JobQueue].
func (r *reader) QueueList(state string, limit int) ([]sightline.Job, error) {
	args := []any{}
	where := stateIs(state, &args)
	order := map[string]string{"waiting": "priority DESC, n", "running": "started, n", "done": "ended DESC"}[state]
	if order == "" {
		order = "n DESC"
	}
	args = append(args, limit)
	return r.jobs(where+fmt.Sprintf(` ORDER BY %s LIMIT ?%d`, order, len(args)), args...)
}

// JobsByID reads jobs by their ids. See [sightline.JobQueue].
func (r *reader) JobsByID(ids []string) ([]sightline.Job, error) {
	var out []sightline.Job
	for len(ids) > 0 {
		part := ids[:min(len(ids), 500)]
		ids = ids[len(part):]
		args := []any{}
		list, err := r.jobs(`WHERE id `+listed(part, &args), args...)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// Hurry lets the work on an item go first. See [sightline.Hurrier].
func (s *Store) Hurry(ctx context.Context, item string) (int, error) {
	if item == "" {
		return 0, nil
	}
	// Most items have nothing waiting: that is found without a lock.
	var there bool
	err := s.again(ctx, func() error {
		return s.Reading().QueryRowContext(ctx, `SELECT EXISTS(SELECT 1 FROM job WHERE item=? AND state='waiting' AND priority<?)`, item, sightline.Urgent).Scan(&there)
	})
	if err != nil || !there {
		return 0, s.failed("failed to look for the work on an item", err)
	}
	var n int64
	err = s.again(ctx, func() error {
		return s.engine.Light(ctx, func(q Queryer) error {
			res, err := s.bound(q).ExecContext(ctx, `UPDATE job SET priority=priority+? WHERE item=? AND state='waiting' AND priority<?`, sightline.Urgent, item, sightline.Urgent)
			if err == nil {
				n, err = res.RowsAffected()
			}
			return err
		})
	})
	return int(n), s.failed("failed to let the work on an item go first", err)
}
