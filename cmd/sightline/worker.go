package main

import (
	"sightline/identify"
	"sightline/tool"
)

func init() { tool.Version = version }

// workerCmd is the copy of this program that reads untrusted bytes inside the
// sandbox. People do not call it.
type workerCmd struct {
	Args []string `arg:"" optional:""`
}

func (c *workerCmd) Run(e *env) error {
	if err := identify.Worker(c.Args, e.stdout); err != nil {
		return exit(1, err)
	}
	return nil
}
