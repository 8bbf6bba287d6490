package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"sightline"
)

// The page of jobs: counts, what runs and where, what failed and why, what comes
// next; retry; and an item that is opened goes first.
func TestQueue(t *testing.T) {
	d := newTestDesk(t)
	ctx := context.Background()
	retries := 0
	d.c.Retry = func(ctx context.Context, id string) error {
		retries++
		return d.c.Store.(interface {
			Retry(context.Context, string) error
		}).Retry(ctx, id)
	}
	d.update(sightline.EntryAnnotate, func(w sightline.Writer) error {
		for i, k := range []string{"metadata", "picture", "alike", "proxy"} {
			lane := "cpu"
			if k == "proxy" {
				lane = "video"
			}
			item := "TS-001"
			if k == "proxy" || k == "alike" {
				item = "TS-002"
			}
			if err := w.Enqueue(sightline.Job{Kind: k, Lane: lane, Item: item, Input: "ab", Version: "1", Priority: 9 - i}); err != nil {
				return err
			}
		}
		return nil
	})
	claim := func() *sightline.Job {
		t.Helper()
		j, err := d.c.Store.Claim(ctx, "mule/7/cpu/0", []string{"cpu"}, time.Minute)
		if err != nil || j == nil {
			t.Fatalf("%v %v", j, err)
		}
		return j
	}
	failed := claim()
	d.update(sightline.EntryAnnotate, func(w sightline.Writer) error {
		return w.Finish(*failed, sightline.JobOutcome{Error: "the file is cut off"})
	})
	running := claim()
	if err := d.c.Store.Beat(ctx, running.ID, running.Worker, time.Minute, 0.25); err != nil {
		t.Fatal(err)
	}
	read := func() (q queueReport) {
		t.Helper()
		status, body := d.call(http.MethodGet, "/api/cases/test/queue", nil, nil)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		if err := json.Unmarshal(body, &q); err != nil {
			t.Fatal(err)
		}
		return q
	}
	q := read()
	if len(q.Counts) != 4 || len(q.Failed) != 1 || q.Failed[0].Error != "the file is cut off" || len(q.Running) != 1 || q.Running[0].Progress != 0.25 || q.Running[0].Worker != "mule/7/cpu/0" {
		t.Errorf("%+v", q)
	}
	if len(q.Waiting) != 2 || q.Waiting[0].Kind != "alike" || q.Now == 0 {
		t.Errorf("waiting: %+v", q.Waiting)
	}
	if status, body := d.call(http.MethodPost, "/api/cases/test/queue/retry", map[string]any{}, nil); status != http.StatusOK || retries != 1 || !strings.Contains(string(body), `"retried":1`) {
		t.Errorf("%d %s", status, body)
	}
	if q := read(); len(q.Failed) != 0 || len(q.Waiting) != 3 || q.Waiting[0].Kind != "metadata" {
		t.Errorf("after the retry: %+v", q)
	}
	// Nobody waits for TS-002 until its page is opened.
	d.update(sightline.EntryCollect, func(w sightline.Writer) error {
		return w.Put(&sightline.Item{ID: "TS-002", Title: sightline.Text{"en": "Second"}, Media: "record"})
	})
	if status, body := d.call(http.MethodGet, "/api/cases/test/custody/TS-002", nil, nil); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if q := read(); q.Waiting[0].Kind != "alike" || q.Waiting[0].Priority != 7+sightline.Urgent || q.Waiting[1].Kind != "proxy" {
		t.Errorf("after it was opened: %+v", q.Waiting)
	}
}
