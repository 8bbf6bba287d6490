//go:build !linux

package tool

import (
	"context"
	"os/exec"
)

// Available: no sandbox of ours works outside Linux.
func Available(context.Context) Sandbox { return None }

func (b *Box) confined(*Program, Cmd, Limits) (*exec.Cmd, error) { return nil, ErrNoSandbox }

func ownGroup(*exec.Cmd) {}

func killTree(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = cmd.Process.Kill()
	}
}
