package flow

import (
	"fmt"
	"strconv"
	"strings"

	"sightline"
	"sightline/tool"
)

// Cannot says why this program, on this machine, must leave a job to another
// worker; "" when it can do it. The version of a job is the number of its step
// and the programs with which it was planned: work that was planned by a later
// sightline, or with a program that is missing here, would give another result
// under the same name.
func Cannot(j sightline.Job) string {
	s, err := step(j.Kind)
	if err != nil {
		return fmt.Sprintf("this version of sightline does not know how to do %q; it is left to a newer one", j.Kind)
	}
	parts := strings.Split(j.Version, "+")
	n, err := strconv.Atoi(parts[0])
	if err != nil || n > s.Version {
		return fmt.Sprintf("%q is asked for in version %s and this sightline does version %d; it is left to a newer one", j.Kind, parts[0], s.Version)
	}
	for _, p := range parts[1:] {
		name, _, _ := strings.Cut(p, " ")
		if name != s.Needs && name != s.With {
			continue
		}
		if _, err := tool.Find(name); err != nil {
			return fmt.Sprintf("%q needs %s, which is not on this machine; it is left to another", j.Kind, name)
		}
	}
	if s.Needs != "" {
		if _, err := tool.Find(s.Needs); err != nil {
			return fmt.Sprintf("%q needs %s, which is not on this machine; it is left to another", j.Kind, s.Needs)
		}
	}
	return ""
}

// Urgent is [JobsFor] for an item that a person has just added and looks at:
// its work goes before that of a large intake, in the same order.
func Urgent(it *sightline.Item) []sightline.Job {
	jobs := JobsFor(it)
	for i := range jobs {
		jobs[i].Priority += sightline.Urgent
	}
	return jobs
}
