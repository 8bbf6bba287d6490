package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// bar is a line of progress on a terminal, and nothing anywhere else.
type bar struct {
	e    *env
	on   bool
	mu   sync.Mutex
	last time.Time
}

func newBar(e *env) *bar { return &bar{e: e, on: terminal(e.stderr)} }

// draw shows done of total at most ten times a second.
func (b *bar) draw(done, total int, words string) {
	if !b.on {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.last) < 100*time.Millisecond && done < total {
		return
	}
	b.last = time.Now()
	const width = 24
	full := 0
	if total > 0 {
		full = width * done / total
	}
	if utf8.RuneCountInString(words) > 44 {
		words = string([]rune(words)[:43]) + "…"
	}
	fmt.Fprintf(b.e.stderr, "\r\x1b[K[%s%s] %d of %d  %s", strings.Repeat("#", full), strings.Repeat(".", width-full), done, total, words)
}

// done clears the line.
func (b *bar) done() {
	if b.on {
		b.mu.Lock()
		defer b.mu.Unlock()
		fmt.Fprint(b.e.stderr, "\r\x1b[K")
	}
}
