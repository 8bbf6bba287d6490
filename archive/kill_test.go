package archive

import (
	"bufio"
	"bytes"
	"context"
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

func TestMain(m *testing.M) {
	if dir := os.Getenv(victim); dir != "" {
		if err := addForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
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
	for {
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
	f := create(t, Options{})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]string{}
	var slowest time.Duration
	for kill := range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victim+"="+f.Dir)
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		first := make(chan bool)
		done := make(chan bool)
		go func() {
			defer close(done)
			for n := 0; lines.Scan(); n++ {
				if id, sum, ok := strings.Cut(lines.Text(), " "); ok && len(sum) == 64 {
					acknowledged[id] = sum
				}
				if n == 0 {
					close(first)
				}
			}
		}()
		select {
		case <-first: // it is at work; anything may be under way now
		case <-done:
			t.Fatalf("the adding process ended by itself: %s", complaints.String())
		}
		time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
		cmd.Process.Kill() //nolint:errcheck // it may have ended, which Wait tells
		<-done
		if err := cmd.Wait(); err == nil || complaints.Len() > 0 {
			t.Fatalf("the adding process ended by itself: %s", complaints.String())
		}
		begin := time.Now()
		g, err := Open(f.Dir, Options{})
		if err != nil {
			t.Fatalf("after kill %d the case does not open: %v", kill+1, err)
		}
		slowest = max(slowest, time.Since(begin))
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
		for id, sum := range acknowledged {
			d, err := digest.Parse(sum)
			if err != nil {
				t.Fatal(err)
			}
			if items[id] != sum {
				t.Fatalf("after kill %d the acknowledged item %s is not in the case", kill+1, id)
			}
			if _, err := g.Blobs.Stat(context.Background(), d); err != nil {
				t.Fatalf("after kill %d: %v", kill+1, err)
			}
		}
		if kill%10 == 9 || kill == kills-1 {
			if rep := check(t, g, CheckOptions{Rebuild: kill == kills-1}); !rep.OK {
				t.Fatalf("after kill %d: %+v", kill+1, rep.Faults)
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	left, _ := os.ReadDir(filepath.Join(f.Dir, blobsDir, "tmp"))
	t.Logf("%d kills, %d acknowledged items, 0 lost; slowest opening %v; %d stray files await the sweep", kills, len(acknowledged), slowest.Round(time.Millisecond), len(left))
}
