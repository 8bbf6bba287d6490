//go:build !unix

package intake

import "os"

func openNoFollow(path string) (*os.File, error) { return os.Open(path) }

func isFull(error) bool { return false }
