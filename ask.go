package sightline

import (
	"context"
	"time"
)

// Ask says which work a worker would take.
type Ask struct {
	Worker string        // names the worker, for people and for its leases
	Lanes  []string      // at least one
	Lease  time.Duration // by the clock of the database

	// Not are the kinds and versions of work that this worker cannot do; they
	// are left to others.
	Not []Skill
	// Before, when it names lanes, takes a job only when none of these lanes
	// has an unfinished job that stands before it in the queue.
	Before []string
}

// Skill is one kind of work in one version of it.
type Skill struct{ Kind, Version string }

// Claimer is what a [Store] may be able to do as well: hand out work to a
// worker that says more of itself than [Jobs.Claim] asks.
type Claimer interface {
	// ClaimFor is Claim with an Ask. can, when it is not nil, is asked before a
	// job is taken; one that it turns down is neither taken nor counted as a
	// try, and ClaimFor returns it together with taken false.
	ClaimFor(ctx context.Context, a Ask, can func(Job) bool) (j *Job, taken bool, err error)
}

// JobQueue is what a [Reader] may be able to do as well: look at the queue.
type JobQueue interface {
	// FirstJob is the unfinished job of the lanes that stands first, whether
	// somebody works on it or not; nil when there is none.
	FirstJob(lanes []string) (*Job, error)
	// QueueList lists jobs of a state as somebody who watches wants them:
	// waiting ones in the order in which they are taken, running ones by their
	// start, failed and done ones the newest first.
	QueueList(state string, limit int) ([]Job, error)
	// JobsByID reads these jobs; those that do not exist are left out.
	JobsByID(ids []string) ([]Job, error)
	// KnownJobs says which of these ids are those of jobs, in whatever state.
	KnownJobs(ids []string) (map[string]bool, error)
	// Holds reports that the job is running with this worker.
	Holds(jobID, worker string) (bool, error)
}

// Hurrier is what a [Store] may be able to do as well: let the work on an item
// that somebody looks at go first.
type Hurrier interface {
	// Hurry raises the waiting jobs of an item above those that nobody waits
	// for and returns how many it raised.
	Hurry(ctx context.Context, item string) (int, error)
}

// Urgent is added to the priority of work that a person waits for.
const Urgent = 10
