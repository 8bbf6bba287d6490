package call

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Every write of the server, seen by the kernel: none to a file holds what the
// source wrote or its code. This also sees bytes that were written and removed
// again, which a scan of the folder cannot.
func TestEveryWriteOfTheServer(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the server under strace")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	sc := newScene(t, Options{}, nil)
	sc.http.Close()
	sc.s.Close()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(strace, "-f", "-yy", "-xx", "-s", "200000", "-e", "trace=write,writev,pwrite64,pwritev,pwritev2", "-o", trace, os.Args[0], "serve-call", sc.dir)
	// A group of its own: strace does not pass signals on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	stop := func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	defer stop()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Skip("strace cannot trace here")
	}
	go func() { ended <- cmd.Wait() }()
	addr = strings.TrimSpace(addr)
	const marker = "CANARYWRITE-2b7e"
	send := func(path string, parts ...part) string {
		kind, body := form(parts...)
		res, err := http.Post(addr+path, kind, body)
		if err != nil {
			t.Fatal(err)
		}
		status, page := read(t, res)
		if status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		return page
	}
	code := codeIn(t, send("/send", part{"lang", "", "es"}, part{"message", "", marker}, part{"file", marker + ".mp4", strings.Repeat(marker+" ", 3000)}))
	send("/box", part{"lang", "", "es"}, part{"code", "", strings.Join(code.Words("es"), " ")})
	stop()
	log, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	// With -xx every string is hexadecimal: nothing hides behind an escape.
	hexed := func(s string) []byte {
		var b bytes.Buffer
		for _, c := range []byte(s) {
			b.WriteString(`\x`)
			b.WriteByte("0123456789abcdef"[c>>4])
			b.WriteByte("0123456789abcdef"[c&15])
		}
		return b.Bytes()
	}
	files, sockets, leaked := 0, 0, 0
	markers := map[string][]byte{"the marker": hexed(marker), "the code in words": hexed(strings.Join(code.Words("es"), " ")), "the code in digits": hexed(code.Digits()), "a word of the code": hexed(code.Words("es")[2] + "</"), "the code": hexed(string(code[:]))}
	for line := range bytes.Lines(log) {
		fd, _, _ := bytes.Cut(line, []byte(","))
		socket := bytes.Contains(fd, []byte("TCP")) || bytes.Contains(fd, hexed("pipe:")) // to the child that stretches
		if socket {
			sockets++
			if bytes.Contains(line, hexed(code.Digits())) {
				leaked++
			}
			continue
		}
		if !bytes.Contains(fd, []byte("<")) {
			continue
		}
		files++
		for what, m := range markers {
			if bytes.Contains(line, m) {
				t.Errorf("%s was written: %.200s", what, line)
			}
		}
	}
	// The trace is worth something: files were written, and the code was seen
	// on its way to the source.
	if files < 5 || leaked == 0 {
		t.Errorf("%d writes to files, %d to sockets, the code in %d of them", files, sockets, leaked)
	}
}
