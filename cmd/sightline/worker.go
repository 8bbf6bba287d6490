package main

import (
	"sightline/identify"
	"sightline/intake"
	"sightline/redact"
	"sightline/tool"
)

func init() { tool.Version = version }

// workerCmd is the copy of this program that reads untrusted bytes inside the
// sandbox. People do not call it.
type workerCmd struct {
	Args []string `arg:"" optional:""`
}

func (c *workerCmd) Run(e *env) error {
	if meant, err := redact.Worker(c.Args, e.stdout); meant {
		if err != nil {
			return exit(1, err)
		}
		return nil
	}
	if meant, err := tool.ProbeWorker(c.Args, e.stdout); meant {
		if err != nil {
			return exit(1, err)
		}
		return nil
	}
	if meant, err := tool.Bomb(c.Args); meant {
		if err != nil {
			return exit(1, err)
		}
		return nil
	}
	if meant, err := intake.Worker(c.Args, e.stdout); meant {
		if err != nil {
			return exit(1, err)
		}
		return nil
	}
	if err := identify.Worker(c.Args, e.stdout); err != nil {
		return exit(1, err)
	}
	return nil
}
