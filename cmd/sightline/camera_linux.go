package main

import (
	"syscall"
	"time"
)

// processorTime is the time this thread has computed, which other work on
// the machine does not stretch.
func processorTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var r syscall.Rusage
	if syscall.Getrusage(thread, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
