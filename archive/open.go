package archive

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sightline"
	"sightline/blob/dir"
	"sightline/blob/s3"
	"sightline/store/postgres"
	"sightline/store/sqlite"
	"sightline/store/tables"
)

// Store is a store that can be checked, signed for and erased from. Both
// engines give one.
type Store interface {
	sightline.Store
	Origin(context.Context) (string, error)
	Keys(context.Context) ([]tables.ActorKey, error)
	Checkpoint(context.Context) (sightline.Checkpoint, error)
	AddToken(context.Context, int64, sightline.Token) error
	Raw(context.Context, func(*tables.Raw) error) error
	Rebuild(ctx context.Context, scratch string) ([]tables.Difference, error)
	Erase(context.Context, sightline.Actor, tables.Erasure) (sightline.Seq, error)
	Retry(ctx context.Context, jobID string) error
}

// mover is a store that takes the log of another one.
type mover interface {
	Store
	Append(context.Context, []tables.Moved) error
	Extends(context.Context, *tables.Raw) (int64, error)
	TakeCheckpoints(context.Context, []sightline.Checkpoint, map[int64][]sightline.Token) error
	TakeJobs(context.Context, []sightline.Job) error
}

var (
	_ mover = (*sqlite.Store)(nil)
	_ mover = (*postgres.Store)(nil)
)

// Place says where the parts of a case are. Either Dir alone, a case folder;
// or the addresses of a team's database and bucket, with Dir as the folder of
// this machine for what is not shared: the key of the log, working files, the
// editions made here. There, Dir "" is a folder below [Home].
type Place struct {
	Dir   string
	DB    string // postgres://user@host/database?case=ID
	Blobs string // s3://bucket/prefix?endpoint=..., or a folder that all machines share
}

// ParsePlace reads a place from one word: a folder, or the address of a
// database, a comma, and that of the bytes.
func ParsePlace(s string) (Place, error) {
	if !strings.HasPrefix(s, "postgres://") && !strings.HasPrefix(s, "postgresql://") {
		return Place{Dir: s}, nil
	}
	i := strings.LastIndex(s, ",s3://")
	if i < 0 {
		i = strings.LastIndexByte(s, ',')
	}
	if i < 0 {
		return Place{}, fmt.Errorf("%q names a database without the bytes: write postgres://...,s3://...: %w", s, sightline.ErrInvalid)
	}
	return Place{DB: s[:i], Blobs: s[i+1:]}, nil
}

// Team reports that the place is that of a team and not a folder.
func (p Place) Team() bool { return p.DB != "" }

// String names the place without secrets.
func (p Place) String() string {
	if !p.Team() {
		return p.Dir
	}
	db, blobs := "the database", p.Blobs
	if a, err := postgres.ParseAddress(p.DB); err == nil {
		db = a.String()
	}
	if a, err := s3.ParseAddress(p.Blobs); err == nil {
		blobs = a.String()
	}
	return db + "," + blobs
}

// stateDir is this machine's folder for a team's case.
func stateDir(p Place, origin string) (string, error) {
	if p.Dir == "" {
		home, err := Home()
		if err != nil {
			return "", err
		}
		uuid, id, _ := strings.Cut(origin, "/case/")
		p.Dir = filepath.Join(home, "team", unsafeName.ReplaceAllString(id+"-"+uuid[:min(8, len(uuid))], "-"))
	}
	for _, sub := range []string{keysDir, "tmp"} {
		if err := os.MkdirAll(filepath.Join(p.Dir, sub), 0o700); err != nil {
			return "", fmt.Errorf("failed to make this machine's folder for the case: %w", err)
		}
	}
	return p.Dir, nil
}

// openBlobs opens the bytes of a team.
func openBlobs(ctx context.Context, address, scratch string, readOnly bool) (sightline.Blobs, sightline.Redactor, error) {
	switch {
	case address == "":
		return nil, nil, fmt.Errorf("the database is named and the bytes are not: give --blobs s3://... as well: %w", sightline.ErrInvalid)
	case strings.HasPrefix(address, "s3://"):
		a, err := s3.ParseAddress(address)
		if err != nil {
			return nil, nil, err
		}
		b, err := s3.Open(ctx, a, s3.Options{Scratch: scratch})
		return b, b, err
	case strings.Contains(address, "://"):
		return nil, nil, fmt.Errorf("%q is not the address of a bucket (s3://...) or a folder: %w", address, sightline.ErrInvalid)
	case readOnly:
		d, err := dir.OpenReadOnly(address)
		return d, nil, err
	}
	d, err := dir.Open(address)
	return d, d, err
}

// OpenAt opens a case where it is. For a folder that is [Open].
func OpenAt(ctx context.Context, p Place, o Options) (_ *CaseFolder, err error) {
	if !p.Team() {
		if p.Blobs != "" {
			return nil, fmt.Errorf("the bytes are named and the database is not: give --db postgres://... as well: %w", sightline.ErrInvalid)
		}
		return Open(p.Dir, o)
	}
	a, err := postgres.ParseAddress(p.DB)
	if err != nil {
		return nil, err
	}
	so := postgres.Options{Now: o.Now, Rand: o.Rand, Machine: o.Machine, ReadOnly: o.ReadOnly}
	f := &CaseFolder{Place: p, Actor: sightline.Actor{Role: "reader"}}
	look, err := postgres.Open(ctx, a, postgres.Options{ReadOnly: o.ReadOnly})
	if err != nil {
		return nil, err
	}
	origin, err := look.Origin(ctx)
	a = look.Address()
	if err = errors.Join(err, look.Close()); err != nil {
		return nil, err
	}
	if f.Dir, err = stateDir(p, origin); err != nil {
		return nil, err
	}
	if !o.ReadOnly {
		if f.Actor, err = o.actor(); err != nil {
			return nil, err
		}
		// Without the log's key the case still opens and grows; checkpoints
		// wait for the machine that holds the key.
		key, err := loadKey(filepath.Join(f.Dir, keysDir, logKey))
		if err == nil {
			so.LogKey, err = newLogSigner(origin, key)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		so.Witness = func(c sightline.Checkpoint) { f.keepWitness(c, o.Actor == nil) }
	}
	store, err := postgres.Open(ctx, a, so)
	if err != nil {
		return nil, err
	}
	f.Store = store
	defer func() {
		if err != nil {
			store.Close()
		}
	}()
	if f.Blobs, f.Redactor, err = openBlobs(ctx, p.Blobs, filepath.Join(f.Dir, "tmp"), o.ReadOnly); err != nil {
		return nil, err
	}
	if o.ReadOnly {
		f.Redactor = nil
		return f, nil
	}
	return f, f.enter()
}

// CreateAt makes a new case where p says. For a folder that is [Create].
func CreateAt(ctx context.Context, p Place, c sightline.Case, o Options) (_ *CaseFolder, err error) {
	if !p.Team() {
		return Create(p.Dir, c, o)
	}
	a, err := postgres.ParseAddress(p.DB)
	if err != nil {
		return nil, err
	}
	if a.Case == "" {
		a = a.WithCase(c.ID)
	}
	if a.Case != c.ID {
		return nil, fmt.Errorf("the address names the case %q and the case is called %q: %w", a.Case, c.ID, sightline.ErrInvalid)
	}
	if err := validCase(c); err != nil {
		return nil, err
	}
	actor, err := o.actor()
	if err != nil {
		return nil, err
	}
	// The bytes first: a bucket that does not open must not leave half a case.
	if _, _, err := openBlobs(ctx, p.Blobs, "", false); err != nil {
		return nil, err
	}
	key, err := newKey(o.rand())
	if err != nil {
		return nil, err
	}
	id, err := uuid(o.rand())
	if err != nil {
		return nil, err
	}
	origin := id + "/case/" + c.ID
	f := &CaseFolder{Place: p, Actor: actor}
	if f.Dir, err = stateDir(p, origin); err != nil {
		return nil, err
	}
	if err := saveLogKey(f.Dir, key); err != nil {
		return nil, err
	}
	if f.Blobs, f.Redactor, err = openBlobs(ctx, p.Blobs, filepath.Join(f.Dir, "tmp"), false); err != nil {
		return nil, err
	}
	signer, err := newLogSigner(origin, key)
	if err != nil {
		return nil, err
	}
	store, err := postgres.Create(ctx, a, origin, postgres.Options{Now: o.Now, Rand: o.Rand, Machine: o.Machine, LogKey: signer,
		Witness: func(c sightline.Checkpoint) { f.keepWitness(c, o.Actor == nil) }})
	if err != nil {
		return nil, err
	}
	f.Store = store
	if err := f.first(c, key.Public().(ed25519.PublicKey)); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return f, nil
}

// first writes the entry that binds the log to its own key and to its owner's.
func (f *CaseFolder) first(c sightline.Case, public ed25519.PublicKey) error {
	_, err := f.Store.Update(context.Background(), f.Actor, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryOpenCase, Result: "ok", Seal: map[string]any{
			"key": keyChange(f.Actor, "owner", "add"),
			"log": LogKey{Public: hex.EncodeToString(public)},
		}})
		return w.Put(&c)
	})
	return err
}

// saveLogKey writes the key of a log and its public half into the folder of a
// case.
func saveLogKey(folder string, key ed25519.PrivateKey) error {
	if err := os.MkdirAll(filepath.Join(folder, keysDir), 0o700); err != nil {
		return fmt.Errorf("failed to make the case folder: %w", err)
	}
	if err := saveKey(filepath.Join(folder, keysDir, logKey), key); err != nil {
		return err
	}
	pub, err := publicPEM(key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, keysDir, logPub), pub, 0o644); err != nil {
		return fmt.Errorf("failed to write the log's public key: %w", err)
	}
	return nil
}

func validCase(c sightline.Case) error {
	if !idPattern.MatchString(c.ID) {
		return fmt.Errorf("the id %q of a case has to be 1 to 63 of the characters a-z, 0-9, dot, dash, underscore: %w", c.ID, sightline.ErrInvalid)
	}
	if !prefixPattern.MatchString(c.Prefix) {
		return fmt.Errorf("the prefix %q of a case's items has to be 1 to 8 capital letters and digits, a letter first: %w", c.Prefix, sightline.ErrInvalid)
	}
	return nil
}
