//go:build unix

package intake

import "syscall"

func mkfifo(path string) { _ = syscall.Mkfifo(path, 0o644) }
