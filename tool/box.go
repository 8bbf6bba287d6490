package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"sightline"
)

// Sandbox names the means by which a program is kept in.
type Sandbox string

// The sandboxes, strongest first.
const (
	Bwrap    Sandbox = "bwrap"
	Landlock Sandbox = "landlock"
	None     Sandbox = "none"
)

// ErrNoSandbox: this system has no sandbox and the user has not accepted that.
var ErrNoSandbox = errors.New("no sandbox works on this system, so external programs are not run on untrusted files; sightline doctor says what is lost, --unsafe-no-sandbox runs them unprotected")

// ErrTimeout: the program did not finish within its limit.
var ErrTimeout = errors.New("took longer than allowed and was stopped")

// ErrOutput: the program wrote more than allowed.
var ErrOutput = errors.New("wrote more than allowed and was stopped")

// Limits bound one call. Zero fields take the defaults of custody.md 9:
// 30 s of processor, 60 s of clock, 2 GiB of memory, 16 MiB on standard
// output, 4 GiB in one file.
type Limits struct {
	CPU    time.Duration // processor time
	Wall   time.Duration // clock time
	Memory int64         // bytes of address space
	File   int64         // bytes in one written file
	Output int64         // bytes on standard output
}

func (l Limits) filled() Limits {
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	if l.CPU == 0 {
		l.CPU = 30 * time.Second
	}
	if l.Wall == 0 {
		l.Wall = 2 * l.CPU
	}
	def(&l.Memory, 2<<30)
	def(&l.File, 4<<30)
	def(&l.Output, 16<<20)
	return l
}

// Cmd is one call of a program.
type Cmd struct {
	Program string    // a name that [Find] knows
	Args    []string  //
	Read    []string  // absolute paths of files and folders the program may read
	Dir     string    // absolute path of the one folder it may write; "" for none
	Stdin   io.Reader //
	Stdout  io.Writer // where standard output goes; nil: into Result.Stdout
	Limits  Limits
}

// Result is what a call left.
type Result struct {
	Program *Program
	Stdout  []byte
	Stderr  string   // its last 8 KiB
	Args    []string // with the paths of this machine replaced by IN, IN2, ... and OUT
	Exit    int
	Elapsed time.Duration
}

// Recipe says how a derivative was made, for its record.
func (r *Result) Recipe(inputs ...string) sightline.Recipe {
	return sightline.Recipe{Tool: r.Program.Name, Version: r.Program.Version, Args: r.Args, Inputs: inputs}
}

// Box runs programs in a sandbox.
type Box struct {
	kind    Sandbox
	unsafe  bool
	scratch string
}

// NewBox makes a box whose temporary folders lie in scratch, which should be
// on the file system that holds the blobs so that files can be lent by a hard
// link instead of a copy. Unsafe allows running without any sandbox where
// none works.
func NewBox(ctx context.Context, scratch string, unsafe bool) (*Box, error) {
	abs, err := filepath.Abs(scratch)
	if err != nil {
		return nil, fmt.Errorf("failed to locate %s: %w", scratch, err)
	}
	return &Box{kind: Available(ctx), unsafe: unsafe, scratch: abs}, nil
}

// Sandbox returns the kind in use.
func (b *Box) Sandbox() Sandbox { return b.kind }

// With returns a box of another kind, for tests and for the doctor.
func (b *Box) With(k Sandbox) *Box { c := *b; c.kind = k; return &c }

// Temp makes an empty folder for one call and the function that removes it.
func (b *Box) Temp() (dir string, remove func(), err error) {
	if err := os.MkdirAll(b.scratch, 0o700); err != nil {
		return "", nil, fmt.Errorf("failed to make the folder for working copies: %w", err)
	}
	dir, err = os.MkdirTemp(b.scratch, "box-")
	if err != nil {
		return "", nil, fmt.Errorf("failed to make the folder for working copies: %w", err)
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}

// Run calls the program and waits. An exit status other than 0 is an error
// whose text ends with the program's last words; the Result is given as well.
func (b *Box) Run(ctx context.Context, c Cmd) (*Result, error) {
	p, err := Find(c.Program)
	if err != nil {
		return nil, err
	}
	lim := c.Limits.filled()
	cmd, err := b.command(p, c, lim)
	if err != nil {
		return nil, err
	}
	wall, cancel := context.WithTimeout(ctx, lim.Wall)
	defer cancel()
	r := &Result{Program: p, Args: portable(c)}
	var collected bytes.Buffer
	dst := c.Stdout
	if dst == nil {
		dst = &collected
	}
	out := &capped{w: dst, left: lim.Output, over: cancel}
	tail := &tail{max: 8 << 10}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, out, tail
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("failed to start %s: %w", p.Name, err)
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-wall.Done():
			killTree(cmd)
		case <-done:
		}
	}()
	err = cmd.Wait()
	close(done)
	r.Elapsed, r.Stdout, r.Stderr = time.Since(start), collected.Bytes(), tail.String()
	r.Exit = cmd.ProcessState.ExitCode()
	switch {
	case out.exceeded:
		return r, fmt.Errorf("%s %w (%d bytes)", p.Name, ErrOutput, lim.Output)
	case out.err != nil:
		return r, fmt.Errorf("failed to take the output of %s: %w", p.Name, out.err)
	case ctx.Err() != nil:
		return r, ctx.Err()
	case wall.Err() != nil:
		return r, fmt.Errorf("%s %w (%s)", p.Name, ErrTimeout, lim.Wall)
	case err != nil:
		words := c.words(r.Stderr)
		if words == "" {
			words = err.Error()
		}
		return r, fmt.Errorf("%s failed: %s", p.Name, words)
	}
	return r, nil
}

// command builds the process for this box, not yet started.
func (b *Box) command(p *Program, c Cmd, lim Limits) (*exec.Cmd, error) {
	if b.kind == None {
		// Our own parsers are memory-safe Go: a process of their own, with a
		// time limit, is what this system can give them.
		if !b.unsafe && p.Name != Self {
			return nil, ErrNoSandbox
		}
		cmd := exec.Command(p.Path, c.Args...)
		cmd.Dir, cmd.Env = c.Dir, cleanEnv()
		ownGroup(cmd)
		return cmd, nil
	}
	for _, path := range append([]string{c.Dir}, c.Read...) {
		if path != "" && !filepath.IsAbs(path) {
			return nil, fmt.Errorf("%s: a path lent to %s must be absolute", path, p.Name)
		}
	}
	return b.confined(p, c, lim)
}

// portable replaces this machine's paths in the arguments, so that a recipe
// reads the same wherever it was made.
func portable(c Cmd) []string {
	out := make([]string, len(c.Args))
	for i, a := range c.Args {
		for n, r := range c.Read {
			name := "IN"
			if n > 0 {
				name = fmt.Sprintf("IN%d", n+1)
			}
			a = strings.ReplaceAll(a, r, name)
		}
		if c.Dir != "" {
			a = strings.ReplaceAll(a, c.Dir, "OUT")
		}
		out[i] = a
	}
	return out
}

var (
	ffmpegPart = regexp.MustCompile(`^\[[^\]]* @ 0x[0-9a-f]+\] `)
	ownPath    = regexp.MustCompile(`file:(IN\d*|OUT\S*): `)
)

// words is why the program failed, in its own words: the last line, or for
// ffmpeg, whose later lines only follow from it, the first. Paths and addresses of
// this machine are taken out, because the sentence enters the custody log.
func (c Cmd) words(stderr string) string {
	w := lastLine(stderr)
	if c.Program == "ffmpeg" || c.Program == "ffprobe" {
		for _, l := range strings.FieldsFunc(stderr, func(r rune) bool { return r == '\n' || r == '\r' }) {
			if l = lastLine(l); l != "" {
				w = l
				break
			}
		}
	}
	w = portable(Cmd{Args: []string{w}, Read: c.Read, Dir: c.Dir})[0]
	return ownPath.ReplaceAllString(ffmpegPart.ReplaceAllString(w, ""), "")
}

// capped passes bytes on until the limit, then calls over.
type capped struct {
	w        io.Writer
	left     int64
	over     func()
	exceeded bool
	err      error
}

func (c *capped) Write(p []byte) (int, error) {
	if int64(len(p)) > c.left {
		c.exceeded = true
		c.over()
		return 0, ErrOutput
	}
	c.left -= int64(len(p))
	n, err := c.w.Write(p)
	if err != nil {
		c.err = err
		c.over()
	}
	return n, err
}

// tail keeps the last bytes written to it.
type tail struct {
	b   []byte
	max int
}

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > t.max {
		t.b = append(t.b[:0], t.b[len(t.b)-t.max:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }

// lastLine returns the last line that is not blank, without control
// characters: it is printed to a person and must not move their cursor.
func lastLine(s string) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		l := strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < 0x20 || r == 0x7f {
				return -1
			}
			return r
		}, lines[i]))
		if l != "" {
			if len(l) > 300 {
				l = strings.ToValidUTF8(l[:300], "")
			}
			return strings.ToValidUTF8(l, "�")
		}
	}
	return ""
}
