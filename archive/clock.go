package archive

import (
	"sync"
	"time"

	"sightline"
)

// clockEvery is how long an answer of the kernel about its clock is used.
const clockEvery = time.Minute

// kernelClock is what the kernel says of its own clock: whether a program
// keeps it in step with others, how much is still to be corrected, and the
// largest error it may have.
type kernelClock struct {
	Synced bool
	Offset time.Duration // still to be added
	Error  time.Duration // at most
}

// systemClock describes the clock of this machine for entries of the log:
// "ntp" with its largest error where the kernel says that something keeps it
// in step (adjtimex(2) on Linux, whatever program does it), else "system" with
// an unknown error. It says what the machine believes; a person who sets the
// clock by hand and calls it synchronised is not found out by it, a time-stamp
// is.
func systemClock() func() sightline.Clock {
	var mu sync.Mutex
	var last sightline.Clock
	var at time.Time
	return func() sightline.Clock {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if since := now.Sub(at); at.IsZero() || since < 0 || since >= clockEvery {
			k, ok := askKernel()
			last, at = describeClock(k, ok, now), now
		}
		return last
	}
}

func describeClock(k kernelClock, ok bool, now time.Time) sightline.Clock {
	c := sightline.Clock{Source: "system", ErrorMS: -1}
	if !ok {
		return c
	}
	c.Checked = sightline.EntryTime(now)
	if k.Synced {
		c.Source = "ntp"
		c.OffsetMS = k.Offset.Round(time.Millisecond).Milliseconds()
		c.ErrorMS = (k.Error + time.Millisecond - 1).Milliseconds() // never less than it is
	}
	return c
}
