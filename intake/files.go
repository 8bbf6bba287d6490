package intake

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Input is one file to take: where it lies and the name it came with.
type Input struct {
	Path string
	Name string
}

// Refusal is an input that was not taken, with the reason as one sentence.
type Refusal struct {
	Path string `json:"path"`
	Name string `json:"name"`
	Why  string `json:"why"`
}

// junk is what file browsers leave in folders. It is refused where a walk
// finds it, and taken when it is named.
var junk = map[string]bool{".DS_Store": true, "Thumbs.db": true, "desktop.ini": true}

// Walk lists the regular files at and below the paths, each folder in order
// of name. Links are not followed, and what is not a regular file is refused.
func Walk(paths []string) (in []Input, refused []Refusal) {
	no := func(path, why string) {
		refused = append(refused, Refusal{path, filepath.Base(path), why})
	}
	var visit func(path string, named bool)
	visit = func(path string, named bool) {
		fi, err := os.Lstat(path)
		if err != nil {
			no(path, reason(err))
			return
		}
		switch m := fi.Mode(); {
		case m.IsDir():
			if _, err := os.Stat(filepath.Join(path, "case.db")); err == nil {
				no(path, "this folder is a case of Sightline; add the files you want from it one by one")
				return
			}
			list, err := os.ReadDir(path)
			if err != nil {
				no(path, reason(err))
				return
			}
			sort.Slice(list, func(i, j int) bool { return list[i].Name() < list[j].Name() })
			if named && len(list) == 0 {
				no(path, "the folder is empty")
			}
			for _, e := range list {
				visit(filepath.Join(path, e.Name()), false)
			}
		case m&fs.ModeSymlink != 0:
			no(path, "this is a link; links are not followed, give the file itself")
		case m&fs.ModeNamedPipe != 0:
			no(path, "this is a named pipe, not a file")
		case m&fs.ModeSocket != 0:
			no(path, "this is a socket, not a file")
		case m&fs.ModeDevice != 0:
			no(path, "this is a device, not a file")
		case !m.IsRegular():
			no(path, "this is not a regular file")
		case !named && junk[fi.Name()]:
			no(path, "written by the file browser, not evidence; name it on the command line to take it")
		default:
			in = append(in, Input{path, fi.Name()})
		}
	}
	for _, p := range paths {
		visit(filepath.Clean(p), true)
	}
	return in, refused
}

// reason turns an error of the file system into a sentence for a person.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "it cannot be read: permission denied; change its permissions or copy it"
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return "it cannot be read: " + err.Error()
}

// open opens a regular file that was listed, refusing one that has become
// something else since.
func open(path string) (*os.File, fs.FileInfo, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, nil, errors.New(reason(err))
	}
	if !before.Mode().IsRegular() {
		return nil, nil, errors.New("this is not a regular file")
	}
	f, err := openNoFollow(path)
	if err != nil {
		return nil, nil, errors.New(reason(err))
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, errors.New(reason(err))
	}
	if !os.SameFile(before, fi) || !fi.Mode().IsRegular() {
		f.Close()
		return nil, nil, errors.New("it was replaced by another file while it was being opened; add it again")
	}
	if fi.Size() == 0 {
		f.Close()
		return nil, nil, errors.New("it is empty (0 bytes); there is nothing to preserve")
	}
	return f, fi, nil
}

// Printable shows a name to a person: control, bidirectional and other
// invisible characters appear as marks and cannot move a cursor or turn a name
// around.
func Printable(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x20:
			return 0x2400 + r // the pictures of control characters
		case r == 0x7f:
			return 0x2421
		case r >= 0x80 && r < 0xa0, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff, r == 0x61c, r == 0x2028, r == 0x2029:
			return 0xfffd
		}
		return r
	}, name)
}

func countNoun(n int, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", one)
	}
	return fmt.Sprintf("%d %s", n, many)
}
