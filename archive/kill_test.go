package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sightline"
	"sightline/digest"
)

// The variable that turns this test binary into the process that is killed.
const victim = "SIGHTLINE_TEST_VICTIM"

// How long that process works at most, and whether its end is then right.
const victimFor = "SIGHTLINE_TEST_FOR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victim); dir != "" {
		if err := addForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// addForEver takes in random bytes and acknowledges each item on standard
// output once it is safe, as the command and the server do.
func addForEver(dir string) error {
	f, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	// It ends by itself in the end, should nobody be left to kill it.
	limit, err := time.ParseDuration(os.Getenv(victimFor))
	wanted := err == nil
	if !wanted {
		limit = 20 * time.Second
	}
	for begin := time.Now(); time.Since(begin) < limit; {
		data := make([]byte, 1+rand.IntN(1<<16))
		for i := range data {
			data[i] = byte(rand.Uint32())
		}
		b, err := f.Blobs.Put(context.Background(), bytes.NewReader(data))
		if err != nil {
			return err
		}
		id := ""
		_, err = f.Store.Update(context.Background(), f.Actor, func(w sightline.Writer) error {
			if id, err = w.NextID(sightline.KindItem, ""); err != nil {
				return err
			}
			w.Describe(sightline.Draft{Kind: sightline.EntryCollect, Item: &sightline.EntryItem{ID: id, SHA256: b.Digest.String(), Size: b.Size, Type: "application/octet-stream", Copy: "evidentiary"}})
			return w.Put(&sightline.Item{ID: id, SHA256: b.Digest.String(), Size: b.Size, Held: true})
		})
		if err != nil {
			return err
		}
		fmt.Println(id, b.Digest)
	}
	if wanted {
		return f.Close()
	}
	return errors.New("nobody killed this process")
}

// run starts the adding process and returns what it acknowledged before stop
// ended it. Each acknowledged item goes into acks.
func run(t *testing.T, cmd *exec.Cmd, dir string, acks map[string]string, stop func()) (complaints string) {
	t.Helper()
	cmd.Env = append(os.Environ(), victim+"="+dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	first, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for n := 0; lines.Scan(); n++ {
			if id, sum, ok := strings.Cut(lines.Text(), " "); ok && len(sum) == 64 {
				acks[id] = sum
			}
			if n == 0 {
				close(first)
			}
		}
	}()
	select {
	case <-first: // it is at work; anything may be under way now
		stop()
	case <-done:
	}
	<-done
	cmd.Wait() //nolint:errcheck // it was killed
	return errs.String()
}

// survived opens the case after a crash and looks for every acknowledged item.
func survived(t *testing.T, dir string, acks map[string]string, full bool) time.Duration {
	t.Helper()
	begin := time.Now()
	g, err := Open(dir, Options{})
	if err != nil {
		t.Fatalf("the case does not open after the crash: %v", err)
	}
	took := time.Since(begin)
	items := map[string]string{}
	if err := g.Store.View(context.Background(), g.Actor, func(r sightline.Reader) error {
		list, err := sightline.All[sightline.Item](r, sightline.KindItem)
		for _, it := range list {
			items[it.ID] = it.SHA256
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for id, sum := range acks {
		d, err := digest.Parse(sum)
		if err != nil {
			t.Fatal(err)
		}
		if items[id] != sum {
			t.Fatalf("the acknowledged item %s is not in the case", id)
		}
		if _, err := g.Blobs.Stat(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	if full {
		if rep := check(t, g, CheckOptions{Rebuild: true}); !rep.OK {
			t.Fatalf("after the crash: %+v", rep.Faults)
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	return took
}

func closed(t *testing.T) *CaseFolder {
	f := create(t, Options{})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestKill kills a process that adds items with signal 9 at random moments and
// opens the case again: every acknowledged item has to be there, and the whole
// case has to check. SIGHTLINE_KILLS sets the number of kills (bench/kill.sh).
func TestKill(t *testing.T) {
	kills := 20
	if testing.Short() {
		kills = 4
	}
	if s := os.Getenv("SIGHTLINE_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		kills = n
	}
	f := closed(t)
	acks := map[string]string{}
	var slowest time.Duration
	for kill := range kills {
		cmd := exec.Command(os.Args[0])
		said := run(t, cmd, f.Dir, acks, func() {
			time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
			cmd.Process.Kill() //nolint:errcheck // it may have ended, which its words tell
		})
		if said != "" {
			t.Fatalf("the adding process ended by itself: %s", said)
		}
		slowest = max(slowest, survived(t, f.Dir, acks, kill%10 == 9 || kill == kills-1))
	}
	if len(acks) < kills {
		t.Errorf("%d kills met only %d acknowledged items", kills, len(acks))
	}
	left, _ := os.ReadDir(filepath.Join(f.Dir, blobsDir, "tmp"))
	t.Logf("%d kills, %d acknowledged items, 0 lost; slowest opening %v; %d stray files await the sweep", kills, len(acks), slowest.Round(time.Millisecond), len(left))
}

// TestKillAtSystemCalls kills the adding process at its k-th call of each
// system call that makes bytes safe, so that no step between two of them goes
// untried. SIGHTLINE_POINTS is the largest k.
func TestKillAtSystemCalls(t *testing.T) {
	if exec.Command("strace", "-f", "-o", os.DevNull, "true").Run() != nil {
		t.Skip("strace is not here or may not trace")
	}
	most := 3
	if s := os.Getenv("SIGHTLINE_POINTS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		most = n
	} else if testing.Short() {
		t.Skip("slow under strace")
	}
	points, acked := 0, 0
	for _, call := range []string{"fsync", "renameat", "pwrite64", "openat"} {
		for k := 1; k <= most; k++ {
			f := closed(t)
			acks := map[string]string{}
			at := k
			if call == "pwrite64" || call == "openat" {
				at = k * 7 // the first of these come before anything is added
			}
			cmd := exec.Command("strace", "-f", "-o", os.DevNull, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, at), os.Args[0])
			run(t, cmd, f.Dir, acks, func() {
				time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() }) //nolint:errcheck // only where the call is never made again
			})
			survived(t, f.Dir, acks, true)
			points++
			acked += len(acks)
		}
	}
	t.Logf("%d exact points, %d acknowledged items, 0 lost", points, acked)
}

// TestErrorsAtSystemCalls lets the adding process meet a disk that fails or is
// full, at its k-th call of each system call that makes bytes safe, in the
// blobs and in SQLite alike. What it had acknowledged, also after the error,
// has to be there, and the case has to check. SIGHTLINE_POINTS is the largest k.
func TestErrorsAtSystemCalls(t *testing.T) {
	if exec.Command("strace", "-f", "-o", os.DevNull, "true").Run() != nil {
		t.Skip("strace is not here or may not trace")
	}
	most := 1
	if s := os.Getenv("SIGHTLINE_POINTS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		most = n
	} else if testing.Short() {
		t.Skip("slow under strace")
	}
	t.Setenv(victimFor, "400ms")
	points, acked, stopped := 0, 0, 0
	for _, call := range []string{"fsync", "renameat", "pwrite64", "write"} {
		for _, fault := range []string{"EIO", "ENOSPC"} {
			for k := 1; k <= most; k++ {
				f := closed(t)
				acks := map[string]string{}
				at := k
				if call == "pwrite64" || call == "write" {
					at = k * 5 // the first of these come before anything is added
				}
				cmd := exec.Command("strace", "-f", "-o", os.DevNull, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:error=%s:when=%d", call, fault, at), os.Args[0])
				said := run(t, cmd, f.Dir, acks, func() {})
				// Go's runtime itself writes to wake a thread, and dies when that fails.
				if strings.Contains(said, "panic") && !strings.Contains(said, "netpollBreak") {
					t.Errorf("%s at call %d of %s: %s", fault, at, call, said)
				}
				if said != "" {
					stopped++
				}
				survived(t, f.Dir, acks, true)
				points++
				acked += len(acks)
			}
		}
	}
	if stopped == 0 {
		t.Error("no failed call was ever noticed: nothing was injected")
	}
	t.Logf("%d exact points, %d with an error in words, %d acknowledged items, 0 lost", points, stopped, acked)
}
