//go:build !unix

package intake

func mkfifo(string) {}
