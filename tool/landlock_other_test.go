//go:build !linux

package tool

func hasLandlock() bool { return false }
