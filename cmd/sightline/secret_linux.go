package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// hideInput turns the echo of a terminal off; the function it gives turns it
// on again.
func hideInput(in any) func() {
	f, ok := in.(*os.File)
	if !ok {
		return func() {}
	}
	old, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return func() {}
	}
	quiet := *old
	quiet.Lflag &^= unix.ECHO
	quiet.Lflag |= unix.ICANON | unix.ISIG
	unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, &quiet)
	return func() { unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, old) }
}
