package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is the time this thread has computed, which other work on
// the machine does not stretch.
func processorTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
