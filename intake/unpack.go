package intake

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Limits of a ZIP or TAR that is unpacked. What an archive says about sizes is
// not believed: bytes are counted as they come out.
const (
	maxEntries    = 10_000
	maxUnpacked   = 20 << 30
	maxRatio      = 200
	unpackFree    = 10 << 20 // below this an archive may hold whatever it likes
	maxEntryName  = 1024
	maxEntryDepth = 64
)

var errBomb = errors.New("the archive unpacks to far more than it is; it was not read further")

// readArchive unpacks a ZIP, TAR or TAR.GZ: one record lists what it holds,
// and each file is an attachment, an item of its own. Archives inside it are
// items and are not unpacked: they can be taken by themselves. Names that lead
// out of a folder, links and devices are refused one by one.
func readArchive(s *source, im *Imported, _ ImportOptions) error {
	fi, err := s.file.Stat()
	if err != nil {
		return errors.New(reason(err))
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(s.file, 0, fi.Size())); err != nil {
		return errors.New(reason(err))
	}
	im.SHA256, im.Encoding = hex.EncodeToString(h.Sum(nil)), ""
	if s.temp, err = os.MkdirTemp("", "sightline-archive-*"); err != nil {
		return fmt.Errorf("failed to make room for the archive: %w", err)
	}
	u := &unpacker{s: s, im: im, size: fi.Size(), names: map[string]bool{}}
	im.Records = append(im.Records, Record{Number: 1, Kind: "archive", Title: s.name})
	u.rec = &im.Records[0]
	var head [4]byte
	_, _ = s.file.ReadAt(head[:], 0)
	switch {
	case string(head[:2]) == "PK":
		err = u.zip()
	default:
		var r io.Reader = bufio.NewReaderSize(io.NewSectionReader(s.file, 0, fi.Size()), 1<<20)
		if bytes.HasPrefix(head[:], []byte{0x1f, 0x8b}) {
			z, zerr := gzip.NewReader(r)
			if zerr != nil {
				return errors.New("the gzip head of the archive is damaged")
			}
			r = z
		}
		err = u.tar(tar.NewReader(r))
	}
	if errors.Is(err, errBomb) {
		bad(im, u.n, "", "", err.Error())
		err = nil
	}
	u.rec.Text = strings.Join(u.list, "\n")
	return err
}

type unpacker struct {
	s     *source
	im    *Imported
	rec   *Record
	size  int64
	out   int64
	n     int
	names map[string]bool
	list  []string
}

func (u *unpacker) no(name, why string) { bad(u.im, u.n, "", Printable(name), why) }

// allowed says whether a name is one that this program writes to a disk, and
// whether it was there before in another spelling.
func (u *unpacker) allowed(name string) bool {
	why := ""
	clean := strings.TrimPrefix(name, "./")
	key := strings.ToLower(norm.NFC.String(clean))
	switch {
	case clean == "" || len(clean) > maxEntryName || strings.Count(clean, "/") > maxEntryDepth:
		why = "its name is empty or too long"
	case strings.ContainsAny(clean, "\\\x00") || strings.ContainsFunc(clean, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		why = "its name holds a backslash or a control character"
	case strings.HasPrefix(clean, "/") || len(clean) > 1 && clean[1] == ':' || path.Clean(clean) != strings.TrimSuffix(clean, "/") || clean == ".." || strings.HasPrefix(clean, "../"):
		why = "its name leads out of the folder"
	case u.names[key]:
		why = "its name stands in the archive twice (capitals and accents make no difference on some disks)"
	}
	if why != "" {
		u.no(name, why)
		return false
	}
	u.names[key] = true
	return true
}

func (u *unpacker) zip() error {
	z, err := zip.NewReader(u.s.file, u.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("the ZIP cannot be read: %w", err)
	}
	for _, f := range z.File {
		if u.n++; u.n > maxEntries {
			u.no("", fmt.Sprintf("the archive has more than %d entries; the others were not read", maxEntries))
			return nil
		}
		m := f.Mode()
		switch {
		case m.IsDir():
			continue
		case !m.IsRegular():
			u.no(f.Name, "it is a link, a device or a pipe, not a file")
			continue
		case f.Flags&1 != 0:
			u.no(f.Name, "it is encrypted; unpack it with its password and add the file")
			continue
		case !u.allowed(f.Name):
			continue
		}
		r, err := f.Open()
		if err != nil {
			u.no(f.Name, "it is packed in a way that cannot be read here: "+err.Error())
			continue
		}
		err = u.keep(f.Name, r)
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) tar(t *tar.Reader) error {
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			if u.n == 0 {
				return fmt.Errorf("this is no ZIP or TAR archive: %w", err)
			}
			u.no("", "the archive is damaged after this entry: "+err.Error())
			return nil
		}
		if u.n++; u.n > maxEntries {
			u.no("", fmt.Sprintf("the archive has more than %d entries; the others were not read", maxEntries))
			return nil
		}
		switch h.Typeflag {
		case tar.TypeDir, tar.TypeXGlobalHeader:
			continue
		case tar.TypeReg:
		default:
			u.no(h.Name, "it is a link, a device or a pipe, not a file")
			continue
		}
		if !u.allowed(h.Name) {
			continue
		}
		if err := u.keep(h.Name, t); err != nil {
			return err
		}
	}
}

// keep writes one file to where it can be taken from.
func (u *unpacker) keep(name string, r io.Reader) error {
	dir := filepath.Join(u.s.temp, fmt.Sprint(u.n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("failed to make room for a file of the archive: %w", err)
	}
	p := filepath.Join(dir, mediaName(path.Base(name)))
	f, err := os.OpenFile(p, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("failed to make room for a file of the archive: %w", err)
	}
	left := int64(maxUnpacked) - u.out
	if most := max(u.size*maxRatio, unpackFree) - u.out; most < left {
		left = most
	}
	src := &sourceErr{r: io.LimitReader(r, left+1)}
	n, err := io.Copy(f, src)
	u.out += n
	cerr := f.Close()
	switch {
	case n > left:
		os.Remove(p)
		return errBomb
	case src.err != nil:
		u.no(name, "it is damaged: "+src.err.Error())
		return os.Remove(p)
	case err != nil || cerr != nil:
		return fmt.Errorf("failed to unpack a file of the archive: %w", errors.Join(err, cerr))
	case n == 0:
		u.list = append(u.list, "0  "+Printable(name))
		return os.Remove(p)
	}
	u.list = append(u.list, fmt.Sprintf("%d  %s", n, Printable(name)))
	u.rec.Attachments = append(u.rec.Attachments, Attachment{Name: name, Size: n, Held: true, path: p})
	return nil
}
