package sightline

import "errors"

// Sentinels say what the caller should do. The HTTP status and the exit
// status of each stand in the table of package web and of the command.
var (
	// ErrNotFound: the thing asked for does not exist in this case. HTTP 404.
	ErrNotFound = errors.New("not found")
	// ErrConflict: somebody else changed it first; read again and decide. HTTP 409.
	ErrConflict = errors.New("changed meanwhile")
	// ErrInvalid: the input breaks a rule; the message names file, field and remedy. HTTP 422.
	ErrInvalid = errors.New("invalid input")
	// ErrDenied: the actor's role does not allow it. HTTP 403.
	ErrDenied = errors.New("not allowed")
	// ErrDamaged: stored bytes do not match their digest or their log. HTTP 500.
	ErrDamaged = errors.New("damaged")
	// ErrNewer: written by a newer version of the program. HTTP 409.
	ErrNewer = errors.New("made by a newer version of sightline")
	// ErrFull: the disk or a quota is full; nothing was lost. HTTP 507.
	ErrFull = errors.New("no space left")
)
