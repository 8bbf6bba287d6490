//go:build !unix

package storetest

import (
	"os"
	"os/exec"
)

var quitSignal = os.Kill

func unprivileged(string, *exec.Cmd) error { return nil }
