package tables

import (
	"context"
	"iter"
	"sync"
	"time"

	"sightline"
)

// notifier wakes those who wait for the next entry of this process.
type notifier struct {
	mu     sync.Mutex
	next   chan struct{}
	closed bool
}

// wait returns a channel that is closed at the next entry.
func (n *notifier) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = make(chan struct{})
		if n.closed {
			close(n.next)
		}
	}
	return n.next
}

func (n *notifier) ring() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil && !n.closed {
		close(n.next)
		n.next = nil
	}
}

func (n *notifier) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil && !n.closed {
		close(n.next)
	}
	n.closed = true
}

func (n *notifier) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}

// Watch yields the entries from position after on and then each new one,
// whichever process wrote it, until ctx ends or the store is closed.
func (s *Store) Watch(ctx context.Context, after sightline.Seq) iter.Seq2[sightline.LogEntry, error] {
	return func(yield func(sightline.LogEntry, error) bool) {
		tick := time.NewTicker(s.poll)
		defer tick.Stop()
		for !s.notify.isClosed() {
			woken := s.notify.wait() // before reading, so that no entry falls between
			list, err := (&reader{ctx: ctx, q: s.Reading(), s: s}).entryPage(after, after+page)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(sightline.LogEntry{}, s.failed("failed to follow the log", err))
				return
			}
			for _, e := range list {
				if !yield(e, nil) {
					return
				}
				after = e.Seq + 1
			}
			if len(list) == page {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-woken:
			case <-tick.C:
			}
		}
	}
}
