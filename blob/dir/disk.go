package dir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is what writing asks of a file system, apart so that tests can put one
// in its place that fails at the n-th call or loses power.
type disk interface {
	Mkdir(path string) error
	Create(path string) (handle, error) // must not exist
	OpenWrite(path string) (handle, error)
	Lstat(path string) (fs.FileInfo, error)
	Chmod(path string, mode fs.FileMode) error
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(path string) error
	ReadDir(path string) ([]fs.DirEntry, error)
}

// handle is a file that is being written.
type handle interface {
	io.Writer
	Name() string
	Sync() error
	Chmod(fs.FileMode) error
	Lock() error // marks it as being written; the mark dies with the process
	Close() error
}

// system is the disk of this machine.
type system struct{}

type systemFile struct{ *os.File }

func (f systemFile) Lock() error { return lock(f.File) }

func (system) Mkdir(p string) error { return os.Mkdir(p, 0o755) }

func (system) Create(p string) (handle, error) {
	f, err := os.OpenFile(p, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return systemFile{f}, nil
}

func (system) OpenWrite(p string) (handle, error) {
	f, err := os.OpenFile(p, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return systemFile{f}, nil
}

func (system) Lstat(p string) (fs.FileInfo, error)     { return os.Lstat(p) }
func (system) Chmod(p string, m fs.FileMode) error     { return os.Chmod(p, m) }
func (system) Rename(from, to string) error            { return os.Rename(from, to) }
func (system) Remove(p string) error                   { return os.Remove(p) }
func (system) SyncDir(p string) error                  { return syncDir(p) }
func (system) ReadDir(p string) ([]fs.DirEntry, error) { return os.ReadDir(p) }

// makeDirs makes the folder p and those above it, up to top.
func makeDirs(d disk, p, top string) error {
	if p == top || p == filepath.Dir(p) {
		return nil
	}
	if _, err := d.Lstat(p); err == nil {
		return nil
	}
	if err := makeDirs(d, filepath.Dir(p), top); err != nil {
		return err
	}
	if err := d.Mkdir(p); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
