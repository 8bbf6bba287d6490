package archive

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"sightline"
	"sightline/blob/dir"
	"sightline/store/sqlite"
	"sightline/store/tables"
)

// Names inside a case folder.
const (
	caseFile = "case.db"
	blobsDir = "blobs"
	keysDir  = "keys"
	logKey   = "log.key"
	logPub   = "log.pub.pem"
)

// CaseFolder is an open case: a folder that can be copied, zipped and opened
// elsewhere.
type CaseFolder struct {
	Dir      string
	Place    Place // where it was opened; Dir is in it as well, for a folder
	Store    Store
	Blobs    sightline.Blobs
	Redactor sightline.Redactor
	Actor    sightline.Actor // who is at this machine
}

// Options tune how a folder is made or opened. The zero Options are right for
// real work; the rest serves demonstration cases, which must come out the
// same bytes each time, and tests.
type Options struct {
	Now     func() time.Time
	Rand    io.Reader        // keys, uuid and salts
	Machine any              // sealed into entries; nil describes this machine
	Actor   *sightline.Actor // nil is the person at this machine
	// ReadOnly opens for looking only: nothing is made, swept or signed.
	ReadOnly bool
}

func (o Options) rand() io.Reader {
	if o.Rand == nil {
		return rand.Reader
	}
	return o.Rand
}

// clock describes the clock of entries: that of this machine, unless the
// options bring their own.
func (o Options) clock() func() sightline.Clock {
	if o.Now != nil {
		return nil
	}
	return systemClock()
}

func (o Options) actor() (sightline.Actor, error) {
	if o.Actor != nil {
		return *o.Actor, nil
	}
	return DeviceActor()
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
var prefixPattern = regexp.MustCompile(`^[A-Z][A-Z0-9]{0,7}$`)

// Create makes a new case in the folder path, which must not exist or be
// empty, writes the first entry of its log and returns the case opened.
func Create(path string, c sightline.Case, o Options) (_ *CaseFolder, err error) {
	if err := validCase(c); err != nil {
		return nil, err
	}
	actor, err := o.actor()
	if err != nil {
		return nil, err
	}
	if list, err := os.ReadDir(path); err == nil && len(list) > 0 {
		return nil, fmt.Errorf("the folder %s is not empty; choose another name for the case: %w", path, sightline.ErrInvalid)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("failed to make the case folder: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("failed to make the case folder: %w", err)
	}
	key, err := newKey(o.rand())
	if err != nil {
		return nil, err
	}
	if err := saveLogKey(path, key); err != nil {
		return nil, err
	}
	id, err := uuid(o.rand())
	if err != nil {
		return nil, err
	}
	origin := id + "/case/" + c.ID
	signer, err := newLogSigner(origin, key)
	if err != nil {
		return nil, err
	}
	f := &CaseFolder{Dir: path, Place: Place{Dir: path}, Actor: actor}
	keep := func(c sightline.Checkpoint) { f.keepWitness(c, o.Actor == nil) }
	store, err := sqlite.Create(filepath.Join(path, caseFile), origin, sqlite.Options{Now: o.Now, Clock: o.clock(), Rand: o.Rand, Machine: o.Machine, LogKey: signer, Witness: keep})
	if err != nil {
		return nil, err
	}
	f.Store = store
	defer func() {
		if err != nil {
			store.Close()
		}
	}()
	blobs, err := dir.Open(filepath.Join(path, blobsDir))
	if err != nil {
		return nil, err
	}
	f.Blobs, f.Redactor = blobs, blobs
	if err := f.first(c, key.Public().(ed25519.PublicKey)); err != nil {
		return nil, err
	}
	return f, nil
}

// LogKey is the sealed value "log" of the first entry: the key that signs the
// checkpoints of this log.
type LogKey struct {
	Public string `json:"public"` // 32 raw bytes, hex
}

func keyChange(a sightline.Actor, role, action string) sightline.KeyChange {
	return sightline.KeyChange{Key: sightline.KeyID(a.PublicKey), Public: hex.EncodeToString(a.PublicKey), Name: a.Name, Role: role, Action: action}
}

// uuid draws a random UUID (RFC 9562, version 4).
func uuid(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("failed to draw a name for the log: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}

// Open opens the case in the folder path. When this device's key has never
// signed in the case, because the folder was copied here, the key enters the
// log by an entry of its own that says so.
func Open(path string, o Options) (*CaseFolder, error) {
	if _, err := os.Stat(filepath.Join(path, caseFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not a case folder: it has no %s: %w", path, caseFile, sightline.ErrNotFound)
	}
	so := sqlite.Options{Now: o.Now, Clock: o.clock(), Rand: o.Rand, Machine: o.Machine, ReadOnly: o.ReadOnly}
	if o.ReadOnly {
		store, err := sqlite.Open(filepath.Join(path, caseFile), so)
		if err != nil {
			return nil, err
		}
		blobs, err := dir.OpenReadOnly(filepath.Join(path, blobsDir))
		if err != nil {
			store.Close()
			return nil, err
		}
		return &CaseFolder{Dir: path, Place: Place{Dir: path}, Store: store, Blobs: blobs, Actor: sightline.Actor{Role: "reader"}}, nil
	}
	actor, err := o.actor()
	if err != nil {
		return nil, err
	}
	origin, err := sqlite.Origin(filepath.Join(path, caseFile))
	if err != nil {
		return nil, err
	}
	key, err := loadKey(filepath.Join(path, keysDir, logKey))
	switch {
	case err == nil:
		if so.LogKey, err = newLogSigner(origin, key); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	f := &CaseFolder{Dir: path, Place: Place{Dir: path}, Actor: actor}
	so.Witness = func(c sightline.Checkpoint) { f.keepWitness(c, o.Actor == nil) }
	// Without the log's key the case still opens and grows; checkpoints wait
	// for whoever holds the key.
	store, err := sqlite.Open(filepath.Join(path, caseFile), so)
	if err != nil {
		return nil, err
	}
	blobs, err := dir.Open(filepath.Join(path, blobsDir))
	if err != nil {
		store.Close()
		return nil, err
	}
	f.Store, f.Blobs, f.Redactor = store, blobs, blobs
	if err := f.enter(); err != nil {
		f.Store.Close()
		return nil, err
	}
	return f, nil
}

// enter brings this device's key into the log where it is not in force.
func (f *CaseFolder) enter() error {
	ctx := context.Background()
	ks, err := f.Store.Keys(ctx)
	if err != nil {
		return err
	}
	if len(ks) == 0 {
		return fmt.Errorf("the making of the case %s was interrupted and it holds nothing; remove the folder and make it again: %w", f.Dir, sightline.ErrInvalid)
	}
	id := sightline.KeyID(f.Actor.PublicKey)
	for _, k := range ks {
		if k.Key != id {
			continue
		}
		if k.Until < 0 {
			f.Actor.Role = k.Role
			return nil
		}
		return fmt.Errorf("the key of this device was taken out of the case by entry %d; ask an owner: %w", k.Until, sightline.ErrDenied)
	}
	// A folder belongs to whoever holds it. Into a team's case a machine enters
	// as one that works on it; an owner may raise it.
	f.Actor.Role = "owner"
	if f.Place.Team() {
		f.Actor.Role = "investigator"
	}
	_, err = f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		// Two programs of one machine may open the case at the same moment.
		if r, ok := w.(interface {
			Keys() ([]tables.ActorKey, error)
		}); ok {
			ks, err := r.Keys()
			if err != nil {
				return err
			}
			for _, k := range ks {
				if k.Key == id && k.Until < 0 {
					return nil
				}
			}
		}
		w.Describe(sightline.Draft{Kind: sightline.EntryKey, Result: "ok", Seal: map[string]any{"key": keyChange(f.Actor, f.Actor.Role, "adopt")}})
		return nil
	})
	return err
}

// Close ends the use of the folder.
func (f *CaseFolder) Close() error { return f.Store.Close() }

// Case reads the case's own row.
func (f *CaseFolder) Case(ctx context.Context) (c *sightline.Case, err error) {
	err = f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		cases, err := sightline.All[sightline.Case](r, sightline.KindCase)
		if err == nil && len(cases) == 0 {
			err = fmt.Errorf("the folder %s holds no case: %w", f.Dir, sightline.ErrNotFound)
		}
		if err == nil {
			c = cases[0]
		}
		return err
	})
	return c, err
}

// Find returns the case folder that holds start: start itself or the nearest
// folder above it.
func Find(start string) (string, error) {
	p, err := filepath.Abs(start)
	if err != nil {
		return "", fmt.Errorf("failed to look for a case: %w", err)
	}
	for at := p; ; at = filepath.Dir(at) {
		if fi, err := os.Stat(filepath.Join(at, caseFile)); err == nil && fi.Mode().IsRegular() {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("there is no case in %s nor above it; name one with --case, or make one with \"sightline new NAME\": %w", p, sightline.ErrNotFound)
		}
	}
}

// logPublic returns the public key of the log as its first entry sealed it.
func logPublic(r sightline.Reader) ([]byte, error) {
	sealed, err := r.Sealed(0)
	if err != nil {
		return nil, err
	}
	for _, v := range sealed {
		if v.Name != "log" {
			continue
		}
		var k LogKey
		if err := json.Unmarshal(v.Value, &k); err != nil {
			return nil, fmt.Errorf("the key of the log in entry 0: %w: %w", sightline.ErrDamaged, err)
		}
		return hex.DecodeString(k.Public)
	}
	return nil, fmt.Errorf("entry 0 does not hold the key of the log: %w", sightline.ErrDamaged)
}
