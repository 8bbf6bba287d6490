//go:build !linux

package main

// hideInput: on this platform the passphrase is seen while it is typed;
// --passphrase-file avoids it.
func hideInput(any) func() { return func() {} }
