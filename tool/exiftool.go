package tool

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// ExifTool keeps exiftool processes open in the box and asks them about one
// file after another, because starting Perl costs more than reading a file.
//
// A process is retired after 64 files or any failure, which bounds how many
// later answers a file that took one over could falsify. It sees nothing of
// the case but the file in hand: that is lent under a number in the process's
// own folder, read-only, and taken away again.
type ExifTool struct {
	box  *Box
	idle chan *exifProcess
	mu   sync.Mutex
	shut bool
}

// NewExifTool makes a pool of at most n processes, started when first needed.
func NewExifTool(b *Box, n int) (*ExifTool, error) {
	if _, err := Find("exiftool"); err != nil {
		return nil, err
	}
	if b.kind == None && !b.unsafe {
		return nil, ErrNoSandbox
	}
	e := &ExifTool{box: b, idle: make(chan *exifProcess, n)}
	for range n {
		e.idle <- nil
	}
	return e, nil
}

// exifArgs asks for every tag with its group, binary values left out, times
// and numbers as stored.
var exifArgs = []string{"-json", "-G1", "-n", "-struct", "-api", "largefilesupport=1", "-api", "filter=0", "-charset", "filename=utf8"}

type exifProcess struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *tail
	dir    string // holds the lent files; the process sees it read-only
	n      int
}

const (
	exifFilesPerProcess = 64
	exifLimit           = 30 * time.Second
	exifOutput          = 8 << 20
)

// Read returns the tags of the file at path, in exiftool's order of groups.
func (e *ExifTool) Read(ctx context.Context, path string) (map[string]json.RawMessage, *Result, error) {
	var p *exifProcess
	select {
	case p = <-e.idle:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	var err error
	if p == nil {
		if p, err = e.start(); err != nil {
			e.idle <- nil
			return nil, nil, err
		}
	}
	start := time.Now()
	tags, err := p.ask(ctx, path)
	if err != nil || p.n >= exifFilesPerProcess {
		p.stop()
		p = nil
	}
	e.mu.Lock()
	if e.shut && p != nil {
		p.stop()
		p = nil
	}
	e.mu.Unlock()
	e.idle <- p
	prog, _ := Find("exiftool")
	res := &Result{Program: prog, Args: append(append([]string{}, exifArgs...), "IN"), Elapsed: time.Since(start)}
	return tags, res, err
}

// Close ends the processes.
func (e *ExifTool) Close() {
	e.mu.Lock()
	e.shut = true
	e.mu.Unlock()
	for {
		select {
		case p := <-e.idle:
			if p != nil {
				p.stop()
			}
		default:
			return
		}
	}
}

func (e *ExifTool) start() (*exifProcess, error) {
	prog, err := Find("exiftool")
	if err != nil {
		return nil, err
	}
	dir, remove, err := e.box.Temp()
	if err != nil {
		return nil, err
	}
	c := Cmd{Program: "exiftool", Args: []string{"-config", "", "-stay_open", "True", "-@", "-"}, Read: []string{dir}}
	lim := Limits{CPU: exifFilesPerProcess * 10 * time.Second, Memory: 1 << 30, File: 1 << 20}.filled()
	cmd, err := e.box.command(prog, c, lim)
	if err != nil {
		remove()
		return nil, err
	}
	p := &exifProcess{cmd: cmd, dir: dir, stderr: &tail{max: 4 << 10}}
	cmd.Stderr = p.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		remove()
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		remove()
		return nil, err
	}
	p.in, p.out = in, bufio.NewReaderSize(out, 64<<10)
	if err := cmd.Start(); err != nil {
		remove()
		return nil, fmt.Errorf("failed to start exiftool: %w", err)
	}
	return p, nil
}

func (p *exifProcess) stop() {
	_, _ = io.WriteString(p.in, "-stay_open\nFalse\n")
	p.in.Close()
	t := time.AfterFunc(500*time.Millisecond, func() { killTree(p.cmd) })
	_, _ = io.Copy(io.Discard, p.out)
	_ = p.cmd.Wait()
	t.Stop()
	os.RemoveAll(p.dir)
}

func (p *exifProcess) ask(ctx context.Context, path string) (map[string]json.RawMessage, error) {
	p.n++
	lent := filepath.Join(p.dir, fmt.Sprintf("%d", p.n))
	if err := lend(path, lent); err != nil {
		return nil, err
	}
	defer os.Remove(lent)
	mark := fmt.Sprintf("{ready%d}", p.n)
	var q bytes.Buffer
	for _, a := range exifArgs {
		q.WriteString(a + "\n")
	}
	fmt.Fprintf(&q, "%s\n-execute%d\n", lent, p.n)
	ctx, cancel := context.WithTimeout(ctx, exifLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { killTree(p.cmd) })
	defer stop()
	if _, err := p.in.Write(q.Bytes()); err != nil {
		return nil, p.broke(ctx, err)
	}
	var out []byte
	for {
		line, err := p.out.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return nil, p.broke(ctx, err)
		}
		if err == nil && bytes.HasPrefix(bytes.TrimSpace(line), []byte(mark)) {
			break
		}
		if len(out)+len(line) > exifOutput {
			return nil, fmt.Errorf("exiftool %w (%d bytes)", ErrOutput, exifOutput)
		}
		out = append(out, line...)
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(out, &list); err != nil || len(list) != 1 {
		return nil, fmt.Errorf("exiftool gave no readable answer: %s", lastLine(p.stderr.String()))
	}
	delete(list[0], "SourceFile")
	return list[0], nil
}

func (p *exifProcess) broke(ctx context.Context, err error) error {
	if ctx.Err() == context.DeadlineExceeded {
		return fmt.Errorf("exiftool %w (%s)", ErrTimeout, exifLimit)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if w := lastLine(p.stderr.String()); w != "" {
		return fmt.Errorf("exiftool ended: %s", w)
	}
	return fmt.Errorf("exiftool ended: %w", err)
}

// lend makes the file at path readable as to: by a hard link where the file
// system allows it, else by a copy.
func lend(path, to string) error {
	if os.Link(path, to) == nil {
		return nil
	}
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("failed to open the file for exiftool: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400)
	if err != nil {
		return fmt.Errorf("failed to copy the file for exiftool: %w", err)
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return fmt.Errorf("failed to copy the file for exiftool: %w", err)
	}
	return out.Close()
}
