package sight

import (
	"syscall"
	"time"
)

// processorTime is what this process has computed: on a shared machine the
// clock says more about the others.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
