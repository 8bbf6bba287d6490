package blobtest

import (
	"bytes"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Version of the S3 server that the tests run: make/team-tests.sh installs it.
const versitygw = "v1.8.0"

// Server is a private S3 server over a folder.
type Server struct {
	URL, Key, Secret string
	Dir              string // holds a folder for each bucket
	cmd              *exec.Cmd
	addr, bin        string
	done             chan struct{}
}

// StartS3 starts a private S3 server that ends with the test, sets the
// environment so that clients find its key, and skips the test with a line
// that says why where there can be none.
func StartS3(t testing.TB) *Server {
	t.Helper()
	cache, _ := os.UserCacheDir()
	bin := filepath.Join(cache, "sightline", "tools", "versitygw-"+versitygw, "versitygw")
	if _, err := os.Stat(bin); err != nil {
		if bin, err = exec.LookPath("versitygw"); err != nil {
			t.Skip("no S3 server here: make/team-tests.sh installs versitygw " + versitygw)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skipf("no S3 server here: %v", err)
	}
	addr := l.Addr().String()
	l.Close()
	s := &Server{URL: "http://" + addr, Key: "sightline-test", Secret: "only for tests", Dir: t.TempDir(), addr: addr, bin: bin}
	s.Start(t)
	t.Cleanup(s.Stop)
	t.Setenv("AWS_ACCESS_KEY_ID", s.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.Secret)
	t.Setenv("AWS_SESSION_TOKEN", "")
	return s
}

// Start starts the server, for the first time or again.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	data, side := filepath.Join(s.Dir, "data"), filepath.Join(s.Dir, "side")
	for _, d := range []string{data, side} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	s.cmd = exec.Command(s.bin, "--port", s.addr, "--quiet", "posix", "--sidecar", side, data)
	s.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.Key, "ROOT_SECRET_ACCESS_KEY="+s.Secret)
	s.cmd.Stdout, s.cmd.Stderr = &log, &log
	if err := s.cmd.Start(); err != nil {
		t.Skipf("no S3 server here: %v", err)
	}
	s.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		cmd.Wait() //nolint:errcheck // ended by Stop
		close(done)
	}(s.cmd, s.done)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.DialTimeout("tcp", s.addr, time.Second); err == nil {
			c.Close()
			return
		}
		select {
		case <-s.done:
			t.Skipf("no S3 server here: it ended at once: %s", log.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("the S3 server did not start within 20 s")
		}
	}
}

// Stop ends the server.
func (s *Server) Stop() {
	s.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-s.done
}

// Address is that of a bucket of the server.
func (s *Server) Address(bucket string) string {
	return "s3://" + bucket + "?" + url.Values{"endpoint": {s.URL}}.Encode()
}
