package call

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// lockDown forbids what would put memory on disk or show it to others: core
// dumps, and attaching to the process. It also steps back behind whatever else
// runs here, to the nice value given.
func lockDown(politeness int) {
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	// On Linux each thread has a priority of its own; those made later, and
	// the children that stretch codes, inherit it.
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			if was, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil && 20-was < politeness { // the call gives 20 - nice
				unix.Setpriority(unix.PRIO_PROCESS, id, politeness)
			}
		}
	}
}
