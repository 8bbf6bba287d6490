package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"sightline/tip"
)

// errQueue says that too many codes wait to be stretched.
var errQueue = errors.New("too many codes wait to be stretched")

const (
	stretchAtOnce = 2
	stretchQueue  = 64
)

// Stretcher derives the keys of codes in child processes: 64 MiB each, two at
// a time, a queue of 64. A child lives for one code, so that its memory, where
// the code was, goes back to the system with it.
type Stretcher struct {
	command []string
	slots   chan struct{}
	queue   chan struct{}
}

// NewStretcher makes a Stretcher. command is the program that runs
// StretchChild; nil is this program with the verb for it.
func NewStretcher(command []string) *Stretcher {
	if command == nil {
		self, err := os.Executable()
		if err != nil {
			self = os.Args[0]
		}
		command = []string{self, "stretch-code"}
	}
	return &Stretcher{command, make(chan struct{}, stretchAtOnce), make(chan struct{}, stretchAtOnce+stretchQueue)}
}

// Stretch derives the keys of c in call.
func (s *Stretcher) Stretch(ctx context.Context, c tip.Code, call string) (tip.Keys, error) {
	var k tip.Keys
	select {
	case s.queue <- struct{}{}:
		defer func() { <-s.queue }()
	default:
		return k, errQueue
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return k, ctx.Err()
	}
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	// The code goes in by the pipe: arguments and environment of a process can
	// be read by others.
	cmd.Stdin = io.MultiReader(bytes.NewReader(c[:]), bytes.NewReader([]byte(call)))
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=96MiB", "GOMAXPROCS=1")
	out, err := cmd.Output()
	if err != nil {
		return k, fmt.Errorf("the process that stretches codes failed: %w", err)
	}
	defer clear(out)
	return k, k.UnmarshalBinary(out)
}

// StretchChild is the other side: it reads a code and the id of a call, and
// writes the keys.
func StretchChild(in io.Reader, out io.Writer) error {
	lockDown(0) // the server's nice value is inherited
	b, err := io.ReadAll(io.LimitReader(in, 1024))
	if err != nil {
		return err
	}
	var c tip.Code
	if len(b) <= len(c) {
		return errors.New("a code and the id of a call are expected")
	}
	copy(c[:], b)
	k := tip.Stretch(c, string(b[len(c):]))
	clear(b)
	p, err := k.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = out.Write(p)
	return err
}
