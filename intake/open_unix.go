//go:build unix

package intake

import (
	"errors"
	"os"
	"syscall"
)

// openNoFollow refuses a link that took the file's place, and does not hang on
// a pipe that did.
func openNoFollow(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
