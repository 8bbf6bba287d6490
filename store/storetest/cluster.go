package storetest

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Cluster is a private PostgreSQL server with its own data folder and socket.
type Cluster struct {
	dir  string
	cmd  *exec.Cmd
	bin  string
	done chan struct{}
	n    atomic.Int64
	logs *bytes.Buffer
}

// binaries finds the folder of initdb and postgres, the newest version first.
func binaries() (string, bool) {
	if p, err := exec.LookPath("initdb"); err == nil {
		// A link to one program of the folder: the others are beside its end.
		if p, err = filepath.EvalSymlinks(p); err == nil {
			return filepath.Dir(p), true
		}
	}
	list, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) + strings.Compare(b, a) })
	if len(list) == 0 {
		return "", false
	}
	return filepath.Dir(list[0]), true
}

// StartPostgres starts a private server that ends with the test, and skips the
// test with a line that says why where there can be none.
func StartPostgres(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	bin, ok := binaries()
	if !ok {
		t.Skip("no PostgreSQL server here: install Debian's package postgresql, or put initdb on the PATH")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the private PostgreSQL of the tests speaks through a socket file, which this system has not")
	}
	dir, err := os.MkdirTemp("", "pg") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// The server may run as another user, and the socket is for this one.
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &Cluster{dir: dir, bin: bin}
	if err := unprivileged(dir, nil); err != nil {
		t.Skipf("no PostgreSQL server here: %v", err)
	}
	init := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-A", "trust", "-U", "sightline", "-E", "UTF8", "--locale=C", "--no-sync")
	init.Dir = dir
	if err := unprivileged(dir, init); err != nil {
		t.Skipf("no PostgreSQL server here: %v", err)
	}
	if out, err := init.CombinedOutput(); err != nil {
		t.Skipf("no PostgreSQL server here: initdb says %v: %s", err, out)
	}
	c.Start(t, settings...)
	t.Cleanup(func() { c.Stop("immediate") })
	return c
}

// Start starts the server on its data folder, for the first time or again.
func (c *Cluster) Start(t testing.TB, settings ...string) {
	t.Helper()
	args := []string{"-D", filepath.Join(c.dir, "data"), "-k", c.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "shared_buffers=32MB", "-c", "max_connections=200"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	c.cmd = exec.Command(filepath.Join(c.bin, "postgres"), args...)
	c.cmd.Dir = c.dir
	c.logs = new(bytes.Buffer)
	c.cmd.Stdout, c.cmd.Stderr = c.logs, c.logs
	if err := unprivileged(c.dir, c.cmd); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		cmd.Wait() //nolint:errcheck // ended by Stop
		close(done)
	}(c.cmd, c.done)
	deadline := time.Now().Add(20 * time.Second)
	for {
		ready := exec.Command(filepath.Join(c.bin, "pg_isready"), "-h", c.dir)
		said, err := ready.CombinedOutput()
		if err == nil {
			return
		}
		select {
		case <-c.done:
			t.Fatalf("PostgreSQL ended at once: %s", c.logs.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL did not start within 20 s (%v, %s): %s", err, said, c.logs.String())
		}
	}
}

// Stop ends the server: "fast" lets nobody finish, "immediate" is a crash.
func (c *Cluster) Stop(how string) {
	signal := os.Signal(os.Interrupt)
	if how == "immediate" {
		signal = quitSignal
	}
	c.cmd.Process.Signal(signal) //nolint:errcheck // it may have ended
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		c.cmd.Process.Kill() //nolint:errcheck
		<-c.done
	}
}

// Run runs one of PostgreSQL's own programs, such as pg_dump, on the cluster and
// returns what it writes.
func (c *Cluster) Run(t testing.TB, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(filepath.Join(c.bin, program), append([]string{"-h", c.dir, "-U", "sightline"}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, errs.String())
	}
	return out
}

// Database makes a fresh database and returns its address.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("d%d", c.n.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(c.bin, "createdb"), "-h", c.dir, "-U", "sightline", name).CombinedOutput()
	if err != nil {
		t.Fatalf("createdb: %v: %s", err, out)
	}
	return c.Address(name, "sightline")
}

// Address is that of a database in the cluster, for a user of it.
func (c *Cluster) Address(database, user string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {c.dir}, "user": {user}}.Encode()
}

// SQL runs statements by psql and returns what it prints.
func (c *Cluster) SQL(t testing.TB, database, statements string) string {
	t.Helper()
	cmd := exec.Command("psql", "-h", c.dir, "-U", "sightline", "-d", database, "-v", "ON_ERROR_STOP=1", "-qAtX", "-f", "-")
	if _, err := exec.LookPath("psql"); err != nil {
		cmd.Path = filepath.Join(c.bin, "psql")
	}
	cmd.Stdin = strings.NewReader(statements)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}
