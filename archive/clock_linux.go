package archive

import (
	"time"

	"golang.org/x/sys/unix"
)

// askKernel reads the state of the clock with adjtimex(2), changing nothing.
func askKernel() (kernelClock, bool) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return kernelClock{}, false
	}
	unit := time.Microsecond
	if t.Status&unix.STA_NANO != 0 {
		unit = time.Nanosecond
	}
	return kernelClock{
		Synced: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0,
		Offset: time.Duration(t.Offset) * unit,
		Error:  time.Duration(t.Maxerror) * time.Microsecond,
	}, true
}
