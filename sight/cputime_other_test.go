//go:build !linux

package sight

import "time"

var began = time.Now()

func processorTime() time.Duration { return time.Since(began) }
