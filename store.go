package sightline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"sightline/digest"
	"sightline/when"
)

// Seq is a position in the custody log: the number of entries before it.
type Seq = int64

// Store keeps a case: its objects, their history and the custody log.
type Store interface {
	// View runs fn on one consistent state.
	View(ctx context.Context, a Actor, fn func(Reader) error) error
	// Update runs fn, appends one entry to the log and returns its position.
	// It may run fn again, so fn has no outside effects. A fn that changes
	// nothing and describes nothing appends nothing; the position is then -1.
	Update(ctx context.Context, a Actor, fn func(Writer) error) (Seq, error)
	// Watch yields the entries from position after on and then each new one
	// until ctx ends.
	Watch(ctx context.Context, after Seq) iter.Seq2[LogEntry, error]
	Jobs
	Close() error
}

// Row is an object as the store keeps it.
type Row struct {
	Ref
	Rev    int             `json:"rev"` // counts changes from 1
	Seq    Seq             `json:"seq"` // entry that wrote this revision
	At     string          `json:"at"`
	By     string          `json:"by"`    // key of the actor
	Value  json.RawMessage `json:"value"` // null when withdrawn
	Reason string          `json:"reason,omitempty"`
}

// Reader reads one state of a case. Lists are sorted by id (numbers inside
// ids compare as numbers: EJ-2 before EJ-10).
type Reader interface {
	Row(Ref) (Row, error)            // ErrNotFound; a withdrawn object is returned with a null Value
	Rows(Kind) iter.Seq2[Row, error] // without withdrawn ones
	History(Ref) ([]Row, error)
	Count(Kind) (int, error)
	// Search finds objects whose text matches every word of q, best first.
	Search(q string, limit int) ([]Ref, error)
	// ItemByDigest returns the ids of items with these original bytes.
	ItemByDigest(digest.Digest) ([]string, error)
	Head() (Head, error)
	Origin() (string, error)
	Entries(from, to Seq) iter.Seq2[LogEntry, error] // [from, to)
	Sealed(Seq) ([]SealedValue, error)
	Checkpoints() ([]Checkpoint, error)
	// InclusionProof returns the audit path of leaf seq in the tree of the given size.
	InclusionProof(seq Seq, size int64) ([]string, error)
	// ConsistencyProof shows that the tree of size old is a prefix of the tree of size new.
	ConsistencyProof(old, new int64) ([]string, error)
	JobList(JobFilter) ([]Job, error)
	// Tokens returns the time-stamp tokens gathered for the checkpoint of that size.
	Tokens(size int64) ([]Token, error)
}

// Window is a stretch of time and a part of the ground. A nil end is open, a
// nil Box is anywhere.
type Window struct {
	Time when.Interval // UTC milliseconds, both ends included
	Box  *Box
}

// Box is a part of the ground between two parallels and two meridians, WGS84
// degrees. It does not cross the antimeridian.
type Box struct{ South, West, North, East float64 }

// Finder is what a [Reader] may be able to do as well: ask the space-time
// index. An object is found when it may have been in the window, so one with
// an open end is found up to there; one without any time is found only when
// the window has none; one with several places by any of them.
type Finder interface {
	Within(Window) ([]Ref, error)
}

// Writer changes a case inside Update.
type Writer interface {
	Reader
	// Put writes an object. The same value again changes nothing.
	Put(Object) error
	PutRaw(Ref, json.RawMessage) error
	// Withdraw takes an object out of every list, keeping its history.
	Withdraw(r Ref, reason string) error
	// NextID returns a fresh id for the kind, never used before: "EJ-015",
	// "EJ-014.4" (parent EJ-014), "C-08".
	NextID(k Kind, parent string) (string, error)
	// Describe says what the entry of this update records.
	Describe(Draft)
	// Enqueue adds follow-up work. A job with an identity that exists already is left alone.
	Enqueue(Job) error
	// Finish ends a job in the transaction that holds its result.
	Finish(j Job, outcome JobOutcome) error
}

// Token is one RFC 3161 reply over a checkpoint.
type Token struct {
	Authority string `json:"authority"`
	Time      string `json:"time"`
	DER       []byte `json:"der"`
}

// Get reads one object into a struct of its kind.
func Get[T any](r Reader, k Kind, id string) (*T, error) {
	row, err := r.Row(Ref{k, id})
	if err != nil {
		return nil, err
	}
	if len(row.Value) == 0 || string(row.Value) == "null" {
		return nil, fmt.Errorf("%s %s was withdrawn: %w", k, id, ErrNotFound)
	}
	v := new(T)
	if err := json.Unmarshal(row.Value, v); err != nil {
		return nil, fmt.Errorf("failed to read %s %s: %w", k, id, err)
	}
	return v, nil
}

// All reads every object of a kind, sorted by id.
func All[T any](r Reader, k Kind) ([]*T, error) {
	out := []*T{}
	for row, err := range r.Rows(k) {
		if err != nil {
			return nil, err
		}
		v := new(T)
		if err := json.Unmarshal(row.Value, v); err != nil {
			return nil, fmt.Errorf("failed to read %s %s: %w", k, row.ID, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// Blob is a stored run of bytes.
type Blob struct {
	Digest digest.Digest
	Size   int64
	New    bool // false: the same bytes were there already
}

// Blobs keeps bytes under their digest. What Put has returned survives a
// crash; Open checks nothing, [Store] checks read every byte again.
type Blobs interface {
	Put(ctx context.Context, r io.Reader) (Blob, error)
	Open(ctx context.Context, d digest.Digest) (BlobReader, error) // ErrNotFound
	Stat(ctx context.Context, d digest.Digest) (Blob, error)       // ErrNotFound
	List(ctx context.Context) iter.Seq2[Blob, error]
}

// BlobReader reads any range of a blob.
type BlobReader interface {
	io.ReadSeekCloser
	io.ReaderAt
	Size() int64
}

// Redactor erases bytes by law or at a source's wish. It is apart from Blobs
// on purpose: most code must not be able to do it.
type Redactor interface {
	Erase(ctx context.Context, d digest.Digest, reason string) error
}

// Job is a unit of work on an item. Its identity is (Kind, Input, Params,
// Version): the same work is never done twice, and a new tool version makes a
// new result beside the old one.
type Job struct {
	ID       string          `json:"id"` // SHA-256 of the identity, hex
	Kind     string          `json:"kind"`
	Lane     string          `json:"lane"` // cpu, video, net
	Item     string          `json:"item,omitempty"`
	Input    string          `json:"input"` // SHA-256 of the input bytes
	Params   json.RawMessage `json:"params,omitempty"`
	Version  string          `json:"version"`
	Priority int             `json:"priority"` // higher first; what a person waits for is 10
	State    string          `json:"state"`    // waiting, running, done, failed
	Worker   string          `json:"worker,omitempty"`
	Until    string          `json:"until,omitempty"` // lease end
	Tries    int             `json:"tries"`
	Progress float64         `json:"progress"` // 0..1
	Error    string          `json:"error,omitempty"`
	Queued   string          `json:"queued"`
	Started  string          `json:"started,omitempty"`
	Ended    string          `json:"ended,omitempty"`
}

// Identity returns the id of the job: SHA-256 over the canonical JSON of what
// makes the work the same work. The item is not part of it, because two items
// with the same bytes need the work once.
func (j Job) Identity() (string, error) {
	params := j.Params
	if len(params) == 0 {
		params = json.RawMessage("null")
	}
	if !json.Valid(params) {
		return "", fmt.Errorf("the parameters of job %s are not JSON: %w", j.Kind, ErrInvalid)
	}
	b, err := Canonical(map[string]any{"kind": j.Kind, "input": j.Input, "params": params, "version": j.Version})
	if err != nil {
		return "", fmt.Errorf("failed to name the job %s: %w", j.Kind, err)
	}
	return digest.Of(b).String(), nil
}

// JobOutcome is how a job ended. An empty Error means done.
type JobOutcome struct {
	Error string
	Retry bool // put it back in the queue, unless it has been tried too often
	// Stopped, with Retry, says that the worker was stopped and the job is not
	// to blame: it does not count as a try.
	Stopped bool
}

// JobFilter selects jobs; empty fields select all.
type JobFilter struct {
	State, Kind, Item string
	Limit             int
}

// Jobs is the queue, in the same database as the results.
type Jobs interface {
	// Claim takes the most urgent waiting job of the lanes, or a running one
	// whose lease has ended. It returns nil when there is none.
	Claim(ctx context.Context, worker string, lanes []string, lease time.Duration) (*Job, error)
	// Beat extends the lease and stores progress; ErrConflict when the job was taken over.
	Beat(ctx context.Context, jobID, worker string, lease time.Duration, progress float64) error
}

// JobCount is how many jobs of one lane and kind are in one state.
type JobCount struct {
	State, Lane, Kind string
	Count             int
}

// JobCounter is what a [Reader] may be able to do as well: count the jobs
// without listing them.
type JobCounter interface {
	JobCounts() ([]JobCount, error)
}

// NewObject returns an empty object of a kind, to read JSON into; nil for a
// kind that does not exist.
func NewObject(k Kind) Object {
	switch k {
	case KindCase:
		return new(Case)
	case KindItem:
		return new(Item)
	case KindDerivative:
		return new(Derivative)
	case KindObservation:
		return new(Observation)
	case KindEntity:
		return new(Entity)
	case KindFinding:
		return new(Finding)
	case KindEvent:
		return new(Event)
	case KindClaim:
		return new(Claim)
	case KindAccount:
		return new(Account)
	case KindConstraint:
		return new(Constraint)
	case KindLayer:
		return new(Layer)
	case KindGap:
		return new(Gap)
	case KindStory:
		return new(Story)
	case KindEdition:
		return new(Edition)
	case KindReview:
		return new(Review)
	case KindComment:
		return new(Comment)
	}
	return nil
}

// SortKey is a string whose plain order is the order of ids: runs of digits
// compare as numbers, so EJ-2 comes before EJ-10 and EJ-014 before EJ-014.1.
func SortKey(id string) string {
	b := make([]byte, 0, len(id)+8)
	for i := 0; i < len(id); {
		if id[i] < '0' || id[i] > '9' {
			b = append(b, id[i])
			i++
			continue
		}
		j := i
		for j < len(id) && id[j] >= '0' && id[j] <= '9' {
			j++
		}
		n := strings.TrimLeft(id[i:j], "0")
		// The count of digits goes first; nine and more digits are
		// announced by 9s so that any length keeps its order.
		k := len(n)
		for ; k >= 9; k -= 9 {
			b = append(b, '9')
		}
		b = append(append(b, byte('0'+k)), n...)
		i = j
	}
	return string(b)
}

// CompareIDs orders two ids as lists show them.
func CompareIDs(a, b string) int {
	return cmp.Or(strings.Compare(SortKey(a), SortKey(b)), strings.Compare(a, b))
}
