package dir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sightline"
	"sightline/digest"
)

// A model of a disk with a cache that a power cut empties. What was not synced
// may be lost, torn or kept, and the names of one folder in any order: that is
// the least that POSIX promises, and less than most file systems do.

// inode is a file: what programs see, and what is on the platter.
type inode struct {
	data   []byte
	synced []byte
	ever   bool // synced at least once
	folder *folder
	mode   fs.FileMode
}

// folder is a directory: its names as programs see them, and as they are on
// the platter, with the changes between the two in order.
type folder struct {
	names   map[string]*inode
	synced  map[string]*inode
	pending []change
}

// change is one change of a name: a rename within one file system is one.
type change struct {
	name string
	to   *inode // nil: the name went
	pair *pair  // the two halves of a rename between folders
}

// pair keeps the halves of a rename together: a journal writes both or none.
type pair struct{ decided, kept bool }

func newFolder() *folder {
	return &folder{names: map[string]*inode{}, synced: map[string]*inode{}}
}

// powerDisk is the model. The n-th call fails when failAt is n, or loses power
// when cutAt is n; a torn power cut ends every later call as well.
type powerDisk struct {
	root          *inode
	calls         int
	failAt, cutAt int
	fault         error
	off           bool
	noDirSync     bool // a file system that ignores fsync of a folder: to try the test itself
}

var errPower = errors.New("the power is off")

func newPowerDisk() *powerDisk {
	d := &powerDisk{root: &inode{folder: newFolder(), mode: fs.ModeDir | 0o755}, failAt: -1, cutAt: -1}
	return d
}

// step counts a call.
func (d *powerDisk) step() error {
	d.calls++
	if d.off || d.calls == d.cutAt {
		d.off = true
		return errPower
	}
	if d.calls == d.failAt {
		return d.fault
	}
	return nil
}

func (d *powerDisk) walk(p string) *inode {
	at := d.root
	for _, part := range strings.Split(filepath.ToSlash(p), "/") {
		if part == "" {
			continue
		}
		if at == nil || at.folder == nil {
			return nil
		}
		at = at.folder.names[part]
	}
	return at
}

func (d *powerDisk) parent(p string) (*folder, string, error) {
	in := d.walk(filepath.Dir(p))
	if in == nil || in.folder == nil {
		return nil, "", &fs.PathError{Op: "open", Path: p, Err: syscall.ENOENT}
	}
	return in.folder, filepath.Base(p), nil
}

func (f *folder) set(name string, to *inode, both *pair) {
	if to == nil {
		delete(f.names, name)
	} else {
		f.names[name] = to
	}
	f.pending = append(f.pending, change{name, to, both})
}

func (d *powerDisk) Mkdir(p string) error {
	if err := d.step(); err != nil {
		return err
	}
	f, name, err := d.parent(p)
	if err != nil {
		return err
	}
	if f.names[name] != nil {
		return fs.ErrExist
	}
	f.set(name, &inode{folder: newFolder(), mode: fs.ModeDir | 0o755}, nil)
	return nil
}

type powerFile struct {
	d    *powerDisk
	in   *inode
	name string
	at   int
}

func (d *powerDisk) Create(p string) (handle, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	f, name, err := d.parent(p)
	if err != nil {
		return nil, err
	}
	if f.names[name] != nil {
		return nil, fs.ErrExist
	}
	in := &inode{mode: 0o600}
	f.set(name, in, nil)
	return &powerFile{d: d, in: in, name: p}, nil
}

func (d *powerDisk) OpenWrite(p string) (handle, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	in := d.walk(p)
	if in == nil {
		return nil, fs.ErrNotExist
	}
	return &powerFile{d: d, in: in, name: p}, nil
}

func (f *powerFile) Name() string { return f.name }

// Write takes part of the bytes before it fails, as a full disk does.
func (f *powerFile) Write(b []byte) (int, error) {
	err := f.d.step()
	n := len(b)
	if err != nil {
		n /= 2
	}
	f.in.data = append(f.in.data[:f.at:f.at], append(bytes.Clone(b[:n]), f.in.data[min(f.at+n, len(f.in.data)):]...)...)
	f.at += n
	return n, err
}

func (f *powerFile) Sync() error {
	if err := f.d.step(); err != nil {
		return err
	}
	f.in.synced, f.in.ever = bytes.Clone(f.in.data), true
	return nil
}

func (f *powerFile) Chmod(m fs.FileMode) error { f.in.mode = m; return f.d.step() }
func (f *powerFile) Lock() error               { return f.d.step() }
func (f *powerFile) Close() error {
	if f.d.off {
		return errPower
	}
	return nil
}

type powerInfo struct {
	name string
	in   *inode
}

func (i powerInfo) Name() string       { return i.name }
func (i powerInfo) Size() int64        { return int64(len(i.in.data)) }
func (i powerInfo) Mode() fs.FileMode  { return i.in.mode }
func (i powerInfo) ModTime() time.Time { return time.Now() }
func (i powerInfo) IsDir() bool        { return i.in.folder != nil }
func (i powerInfo) Sys() any           { return nil }

func (d *powerDisk) Lstat(p string) (fs.FileInfo, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	in := d.walk(p)
	if in == nil {
		return nil, &fs.PathError{Op: "lstat", Path: p, Err: syscall.ENOENT}
	}
	return powerInfo{filepath.Base(p), in}, nil
}

func (d *powerDisk) Chmod(p string, m fs.FileMode) error {
	if err := d.step(); err != nil {
		return err
	}
	in := d.walk(p)
	if in == nil {
		return fs.ErrNotExist
	}
	in.mode = m
	return nil
}

func (d *powerDisk) Rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	a, n, err := d.parent(from)
	if err != nil {
		return err
	}
	b, m, err := d.parent(to)
	if err != nil {
		return err
	}
	in := a.names[n]
	if in == nil {
		return fs.ErrNotExist
	}
	both := &pair{}
	a.set(n, nil, both)
	b.set(m, in, both)
	return nil
}

func (d *powerDisk) Remove(p string) error {
	if d.off {
		return errPower
	}
	f, name, err := d.parent(p)
	if err != nil {
		return err
	}
	if f.names[name] == nil {
		return fs.ErrNotExist
	}
	f.set(name, nil, nil)
	return nil
}

func (d *powerDisk) SyncDir(p string) error {
	if err := d.step(); err != nil {
		return err
	}
	in := d.walk(p)
	if in == nil || in.folder == nil {
		return fs.ErrNotExist
	}
	if d.noDirSync {
		return nil
	}
	f := in.folder
	f.synced = map[string]*inode{}
	for n, x := range f.names {
		f.synced[n] = x
	}
	for _, c := range f.pending {
		if c.pair != nil { // what is synced here cannot be undone by the other half
			c.pair.decided, c.pair.kept = true, true
		}
	}
	f.pending = nil
	return nil
}

func (d *powerDisk) ReadDir(p string) ([]fs.DirEntry, error) { return nil, d.step() }

// restart is the disk after the power came back: what was synced, and of the
// rest whatever chance kept.
func (d *powerDisk) restart(r *rand.Rand) *powerDisk {
	out := newPowerDisk()
	out.noDirSync = d.noDirSync
	seen := map[*inode]*inode{}
	var copyOf func(in *inode) *inode
	copyOf = func(in *inode) *inode {
		if c := seen[in]; c != nil {
			return c
		}
		c := &inode{mode: in.mode}
		seen[in] = c
		if in.folder == nil {
			c.data = torn(in, r)
			c.synced, c.ever = bytes.Clone(c.data), true
			return c
		}
		names := map[string]*inode{}
		for n, x := range in.folder.synced {
			names[n] = x
		}
		for _, ch := range in.folder.pending {
			keep := r.IntN(2) == 0
			if ch.pair != nil {
				if !ch.pair.decided {
					ch.pair.decided, ch.pair.kept = true, keep
				}
				keep = ch.pair.kept
			}
			switch {
			case !keep: // dropped, while a later change may be kept: that reorders them
			case ch.to == nil:
				delete(names, ch.name)
			default:
				names[ch.name] = ch.to
			}
		}
		c.folder = newFolder()
		for n, x := range names {
			k := copyOf(x)
			c.folder.names[n], c.folder.synced[n] = k, k
		}
		return c
	}
	out.root = copyOf(d.root)
	return out
}

// torn is what of a file's bytes came to the platter: the synced ones, and of
// the rest a beginning, blocks in any order, or zeros where the size was
// written before the bytes.
func torn(in *inode, r *rand.Rand) []byte {
	if in.ever && bytes.Equal(in.synced, in.data) {
		return bytes.Clone(in.synced)
	}
	switch r.IntN(4) {
	case 0:
		return bytes.Clone(in.synced)
	case 1:
		return bytes.Clone(in.data)
	case 2:
		return bytes.Clone(in.data[:r.IntN(len(in.data)+1)])
	}
	out := bytes.Clone(in.data)
	for i := 0; i < len(out); i += 16 {
		if r.IntN(2) == 0 {
			clear(out[i:min(i+16, len(out))])
		}
	}
	return out
}

// holds reports whether the bytes of a blob are whole on the disk.
func (d *powerDisk) holds(dir *Dir, g digest.Digest) bool {
	in := d.walk(dir.Path(g))
	return in != nil && in.folder == nil && digest.Of(in.data) == g
}

// outage plays puts until the power goes at a random call, and then looks for
// what was acknowledged. It returns how many were acknowledged and lost.
func outage(t *testing.T, seed uint64, noDirSync bool) (acked, lost int) {
	r := rand.New(rand.NewPCG(seed, 1))
	d := newPowerDisk()
	prepared(d)
	d.noDirSync = noDirSync
	good := map[digest.Digest]bool{}
	for range 1 + r.IntN(3) { // the power may go more than once
		d.cutAt = d.calls + 1 + r.IntN(90)
		blobs, err := openOn(d, "/case/blobs")
		for err == nil && !d.off {
			// Few different contents: the same bytes come again, also after an outage.
			data := bytes.Repeat([]byte(fmt.Sprint("blob ", r.IntN(6))), 1+r.IntN(12))
			var b sightline.Blob
			if r.IntN(5) == 0 && len(good) > 0 {
				g := digest.Of(data)
				_, err = blobs.Replace(context.Background(), g, bytes.NewReader(data))
				b.Digest = g
			} else {
				b, err = blobs.Put(context.Background(), io.MultiReader(bytes.NewReader(data[:len(data)/2]), bytes.NewReader(data[len(data)/2:])))
			}
			if err == nil {
				good[b.Digest] = true
			}
		}
		if err != nil && !errors.Is(err, errPower) && !errors.Is(err, sightline.ErrDamaged) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		d = d.restart(r)
		for g := range good {
			if !d.holds(&Dir{root: "/case/blobs"}, g) {
				lost++
				delete(good, g)
			}
		}
	}
	return len(good) + lost, lost
}

// prepared makes /case, as the store does before it opens the blobs.
func prepared(d *powerDisk) {
	_ = d.Mkdir("/case")
	_ = d.SyncDir("/")
	d.calls = 0
}

// TestPowerCut: over many seeded outages nothing that was acknowledged is lost
// or changed. SIGHTLINE_OUTAGES sets how
// many (bench/kill.sh runs 10,000).
func TestPowerCut(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 200
	}
	if s := os.Getenv("SIGHTLINE_OUTAGES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	acked := 0
	for seed := range n {
		a, lost := outage(t, uint64(seed), false)
		if lost > 0 {
			t.Fatalf("seed %d: %d acknowledged blobs lost", seed, lost)
		}
		acked += a
	}
	if acked < n/2 {
		t.Errorf("%d outages met only %d acknowledged blobs", n, acked)
	}
	t.Logf("%d outages, %d acknowledged blobs, 0 lost", n, acked)
}

// TestPowerCutIsFelt tries the test itself: on a disk that ignores fsync of a
// folder, blobs have to get lost.
func TestPowerCutIsFelt(t *testing.T) {
	for seed := range 200 {
		if _, lost := outage(t, uint64(seed), true); lost > 0 {
			return
		}
	}
	t.Error("a disk that ignores fsync of folders lost nothing: the model tests nothing")
}

// TestEveryCallFails: the n-th call of an opening and two puts fails, for each n
// until none does. A put that failed says so and a later one succeeds; one
// that was acknowledged is there after a power cut.
func TestEveryCallFails(t *testing.T) {
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		points := 0
		for n := 1; ; n++ {
			d := newPowerDisk()
			prepared(d)
			d.failAt, d.fault = n, fault
			acked := map[digest.Digest]bool{}
			failed := 0
			try := func(data string) {
				blobs, err := openOn(d, "/case/blobs")
				if err == nil {
					var b sightline.Blob
					if b, err = blobs.Put(context.Background(), strings.NewReader(data)); err == nil {
						acked[b.Digest] = true
					}
				}
				if err != nil {
					failed++
					if fault == syscall.ENOSPC && !errors.Is(err, sightline.ErrFull) && !strings.Contains(err.Error(), "read-only") && !strings.Contains(err.Error(), "sweep") {
						t.Errorf("call %d: a full disk is not called one: %v", n, err)
					}
				}
			}
			try("one")
			try("two")
			try("one") // again, when the disk works: it has to be taken or known
			if d.calls < n {
				break
			}
			points++
			if failed > 1 {
				t.Errorf("call %d: one failure made %d puts fail", n, failed)
			}
			if !acked[digest.Of([]byte("one"))] {
				t.Errorf("call %d: the put that came after the failure was not acknowledged", n)
			}
			after := d.restart(rand.New(rand.NewPCG(uint64(n), 2)))
			for g := range acked {
				if !after.holds(&Dir{root: "/case/blobs"}, g) {
					t.Errorf("call %d failed with %v: %s was acknowledged and is not there", n, fault, g)
				}
			}
		}
		if points < 20 {
			t.Errorf("only %d calls were made to fail", points)
		}
		t.Logf("%v at each of %d calls: 0 false acknowledgements", fault, points)
	}
}
