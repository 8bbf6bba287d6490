//go:build !linux

package main

import "time"

var processStart = time.Now()

// processorTime falls back on the wall clock.
func processorTime() time.Duration { return time.Since(processStart) }
