package intake

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What a bag is found to be.
const (
	BagValid      = "valid"
	BagWarning    = "warning"    // valid, but not every system can hold it as it is
	BagIncomplete = "incomplete" // files of fetch.txt are not there; nothing is ever fetched
	BagInvalid    = "invalid"
)

// BagReport is what reading a bag (BagIt, RFC 8493) through gave.
type BagReport struct {
	State    string      `json:"state"`
	Version  string      `json:"version,omitempty"`
	Faults   []string    `json:"faults"`
	Warnings []string    `json:"warnings"`
	Notes    []string    `json:"notes"`
	Info     [][2]string `json:"info"` // bag-info.txt, in its order
	Files    []BagFile   `json:"files"`
	Bytes    int64       `json:"bytes"`
}

// BagFile is one payload file that is there and whole.
type BagFile struct {
	Path   string `json:"path"` // in the bag, "data/..."
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Limits of a bag in a ZIP file: what a hostile one may make this program read.
const (
	maxBagEntries = 100_000
	maxBagBytes   = 20 << 30
	maxBagRatio   = 200
	ratioFrom     = 10 << 20
	maxTagBytes   = 64 << 20
)

var bagHashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// bag is a bag being read. No name in it leads out of the folder or archive,
// and no address in it is ever opened.
type bag struct {
	fs.FS
	rep       BagReport
	close     func() error
	manifests map[string]map[string]string // algorithm -> path -> digest, lower-case hex
	tags      map[string]map[string]string
	payload   map[string]int64  // files that are there
	composed  map[string]string // NFC form -> path that is there
	fetch     map[string]bool
}

// CheckBag reads a bag, a folder or a ZIP file of one, and every byte in it.
// The error says only why it could not be read at all.
func CheckBag(ctx context.Context, name string) (*BagReport, error) {
	b, err := openBag(name)
	if err != nil {
		return nil, err
	}
	defer b.close()
	if err := b.check(ctx); err != nil {
		return nil, err
	}
	return &b.rep, nil
}

// openBag opens the folder or ZIP file and finds the bag in it: at its top or
// in its only folder.
func openBag(name string) (*bag, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, errors.New(reason(err))
	}
	b := &bag{close: func() error { return nil }, manifests: map[string]map[string]string{}, tags: map[string]map[string]string{}, payload: map[string]int64{}, composed: map[string]string{}, fetch: map[string]bool{}}
	b.rep = BagReport{Faults: []string{}, Warnings: []string{}, Notes: []string{}, Info: [][2]string{}, Files: []BagFile{}}
	if fi.IsDir() {
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, errors.New(reason(err))
		}
		b.FS, b.close = root.FS(), root.Close
	} else {
		z, err := zip.OpenReader(name)
		if err != nil {
			return nil, fmt.Errorf("this is neither a folder nor a ZIP file: %w", err)
		}
		b.close = z.Close
		if err := zipLimits(z.File); err != nil {
			z.Close()
			return nil, err
		}
		b.FS = &z.Reader
	}
	if _, err := fs.Stat(b.FS, "bagit.txt"); err == nil {
		return b, nil
	}
	list, err := fs.ReadDir(b.FS, ".")
	if err == nil && len(list) == 1 && list[0].IsDir() {
		if b.FS, err = fs.Sub(b.FS, list[0].Name()); err != nil {
			b.close()
			return nil, fmt.Errorf("failed to open the bag: %w", err)
		}
	}
	return b, nil
}

func zipLimits(files []*zip.File) error {
	if len(files) > maxBagEntries {
		return fmt.Errorf("the ZIP file holds %d entries, more than %d; unpack it and give the folder", len(files), maxBagEntries)
	}
	var in, out uint64
	for _, f := range files {
		in, out = in+f.CompressedSize64, out+f.UncompressedSize64
		if f.UncompressedSize64 > maxBagBytes || out > maxBagBytes {
			return fmt.Errorf("the ZIP file unpacks to more than %d GiB; unpack it and give the folder", maxBagBytes>>30)
		}
	}
	if out > ratioFrom && in > 0 && out/in > maxBagRatio {
		return fmt.Errorf("the ZIP file unpacks to %d times its size, which no real evidence does; it is refused", out/in)
	}
	return nil
}

func (b *bag) fault(format string, args ...any) {
	b.rep.Faults = append(b.rep.Faults, fmt.Sprintf(format, args...))
}

func (b *bag) warn(format string, args ...any) {
	b.rep.Warnings = append(b.rep.Warnings, fmt.Sprintf(format, args...))
}

// tag reads one of the bag's own files as text; ok is false where it is not there.
func (b *bag) tag(name string) (text string, ok bool) {
	f, err := b.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	if err != nil {
		b.fault("%s cannot be read: %v", name, err)
		return "", false
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxTagBytes+1))
	switch {
	case err != nil:
		b.fault("%s cannot be read: %v", name, err)
		return "", false
	case len(raw) > maxTagBytes:
		b.fault("%s has more than %d MiB", name, maxTagBytes>>20)
		return "", false
	case !utf8.Valid(raw):
		b.fault("%s is not UTF-8", name)
		return "", false
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\r", "\n"), true
}

func tagLines(text string) []string {
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}

func (b *bag) check(ctx context.Context) error {
	b.declaration()
	if err := b.list(ctx); err != nil {
		return err
	}
	if len(b.manifests) == 0 && len(b.rep.Faults) == 0 {
		b.fault("there is no manifest of the payload (manifest-sha256.txt)")
	}
	b.fetches()
	b.complete()
	if err := b.digests(ctx); err != nil {
		return err
	}
	b.info()
	b.names()
	strong := false
	for alg := range b.manifests {
		strong = strong || strings.HasPrefix(alg, "sha2") || strings.HasPrefix(alg, "sha3") || strings.HasPrefix(alg, "sha5")
	}
	if !strong && len(b.manifests) > 0 {
		b.rep.Notes = append(b.rep.Notes, "the only manifest is of a weak digest (MD5 or SHA-1): it finds accidents, not a deliberate change")
	}
	missing := 0
	for p := range b.fetch {
		if _, ok := b.payload[p]; !ok {
			missing++
		}
	}
	switch {
	case len(b.rep.Faults) > 0:
		b.rep.State = BagInvalid
	case missing > 0:
		b.rep.State = BagIncomplete
		b.rep.Notes = append(b.rep.Notes, fmt.Sprintf("%d files of fetch.txt are not here; they are not fetched, and no connection was opened", missing))
	case len(b.rep.Warnings) > 0:
		b.rep.State = BagWarning
	default:
		b.rep.State = BagValid
	}
	return nil
}

var bagVersions = []string{"0.93", "0.94", "0.95", "0.96", "0.97", "1.0"}

func (b *bag) declaration() {
	text, ok := b.tag("bagit.txt")
	if !ok {
		b.fault("bagit.txt is missing: this is not a bag")
		return
	}
	if strings.HasPrefix(text, "\ufeff") {
		b.fault("bagit.txt begins with a byte order mark")
		return
	}
	lines := tagLines(text)
	if len(lines) != 2 {
		b.fault("bagit.txt has to have two lines")
		return
	}
	v, ok := strings.CutPrefix(lines[0], "BagIt-Version:")
	b.rep.Version = strings.TrimSpace(v)
	if !ok || !slices.Contains(bagVersions, b.rep.Version) {
		b.fault("bagit.txt says %q: this program reads the versions %s", lines[0], strings.Join(bagVersions, ", "))
	}
	enc, ok := strings.CutPrefix(lines[1], "Tag-File-Character-Encoding:")
	if !ok || !strings.EqualFold(strings.TrimSpace(enc), "UTF-8") {
		b.fault("bagit.txt says %q: only UTF-8 is read", lines[1])
	}
}

// list finds the payload and reads the manifests.
func (b *bag) list(ctx context.Context) error {
	top, err := fs.ReadDir(b.FS, ".")
	if err != nil {
		return fmt.Errorf("failed to read the bag: %w", err)
	}
	data := false
	for _, e := range top {
		name := e.Name()
		if e.IsDir() {
			data = data || name == "data"
			continue
		}
		into, rest := b.manifests, ""
		if r, ok := strings.CutPrefix(name, "tagmanifest-"); ok {
			into, rest = b.tags, r
		} else if r, ok := strings.CutPrefix(name, "manifest-"); ok {
			rest = r
		}
		alg, ok := strings.CutSuffix(rest, ".txt")
		if !ok {
			continue
		}
		alg = strings.ToLower(alg)
		if bagHashes[alg] == nil {
			b.rep.Notes = append(b.rep.Notes, fmt.Sprintf("%s is of a digest that this program does not know and was not used", name))
			continue
		}
		if text, ok := b.tag(name); ok {
			into[alg] = b.manifest(name, text, alg, strings.HasPrefix(name, "manifest-"))
		}
	}
	if !data {
		b.fault("there is no folder data")
		return nil
	}
	err = fs.WalkDir(b.FS, "data", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.IsDir() {
			return nil
		}
		if !e.Type().IsRegular() {
			b.fault("%q is no plain file; links and devices do not belong in a bag", p)
			return nil
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		b.payload[p] = fi.Size()
		b.composed[norm.NFC.String(p)] = p
		return nil
	})
	if err != nil {
		return fmt.Errorf("failed to list the payload: %w", err)
	}
	return nil
}

var percent = strings.NewReplacer("%0A", "\n", "%0a", "\n", "%0D", "\r", "%0d", "\r", "%25", "%")

// manifest reads one manifest: digest, white space, perhaps a star, path.
func (b *bag) manifest(name, text, alg string, payload bool) map[string]string {
	out := map[string]string{}
	for i, line := range tagLines(text) {
		if line == "" {
			continue
		}
		n := strings.IndexAny(line, " \t")
		if n < 0 {
			b.fault("%s, line %d: a digest and a path are expected", name, i+1)
			continue
		}
		sum, p := strings.ToLower(line[:n]), percent.Replace(strings.TrimPrefix(strings.TrimLeft(line[n:], " \t"), "*"))
		p = strings.TrimPrefix(p, "./")
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != bagHashes[alg]().Size() {
			b.fault("%s, line %d: %.80q is no digest of the sort %s", name, i+1, sum, alg)
			continue
		}
		if !fs.ValidPath(p) || p == "." || strings.HasPrefix(p, "~") || payload && !strings.HasPrefix(p, "data/") || !payload && strings.HasPrefix(p, "data/") {
			b.fault("%s, line %d: the path %.200q does not lie where it has to in the bag", name, i+1, p)
			continue
		}
		if _, twice := out[p]; twice {
			b.fault("%s lists %q twice", name, p)
			continue
		}
		out[p] = sum
	}
	return out
}

// fetches reads fetch.txt: files that lie elsewhere. They are named, never fetched.
func (b *bag) fetches() {
	text, ok := b.tag("fetch.txt")
	if !ok {
		return
	}
	for i, line := range tagLines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) < 3 {
			b.fault("fetch.txt, line %d: an address, a length and a path are expected", i+1)
			continue
		}
		at := strings.Index(line, f[1]) + len(f[1])
		p := percent.Replace(strings.TrimLeft(line[at:], " \t"))
		if _, err := strconv.ParseInt(f[1], 10, 64); err != nil && f[1] != "-" {
			b.fault("fetch.txt, line %d: the length %.40q is no number", i+1, f[1])
		}
		if !fs.ValidPath(p) || !strings.HasPrefix(p, "data/") {
			b.fault("fetch.txt, line %d: the path %.200q does not lie in data/", i+1, p)
			continue
		}
		b.fetch[p] = true
	}
}

// complete compares the manifests with what is there and with one another.
func (b *bag) complete() {
	listed := map[string]bool{}
	for alg, m := range b.manifests {
		for p := range m {
			listed[p] = true
			if _, there := b.payload[p]; there || b.fetch[p] {
				continue
			}
			if other, there := b.composed[norm.NFC.String(p)]; there {
				b.warn("the manifest has %q and the file is called %q: the same letters in another Unicode form", p, other)
				b.rename(alg, p, other)
				listed[other] = true
				continue
			}
			b.fault("%q is listed and missing", p)
		}
	}
	for p := range b.fetch {
		if !listed[p] {
			b.fault("fetch.txt names %q, which no manifest lists", p)
		}
	}
	for _, p := range sortedKeys(b.payload) {
		in := 0
		for _, m := range b.manifests {
			if _, ok := m[p]; ok {
				in++
			}
		}
		switch {
		case len(b.manifests) == 0:
		case in == 0:
			b.fault("%q is in no manifest", p)
		case in < len(b.manifests) && b.rep.Version == "1.0":
			b.fault("%q is not in every manifest, as version 1.0 asks", p)
		}
	}
}

// rename lets a manifest speak of a file by the name that it has.
func (b *bag) rename(alg, from, to string) {
	b.manifests[alg][to] = b.manifests[alg][from]
	delete(b.manifests[alg], from)
}

// digests reads each file once and compares every digest that names it.
func (b *bag) digests(ctx context.Context) error {
	one := func(p string, in map[string]map[string]string, payload bool) error {
		sums := map[string]hash.Hash{"sha256": sha256.New()}
		for alg, m := range in {
			if _, ok := m[p]; ok {
				sums[alg] = bagHashes[alg]()
			}
		}
		var w []io.Writer
		for _, h := range sums {
			w = append(w, h)
		}
		f, err := b.Open(p)
		if errors.Is(err, fs.ErrNotExist) && !payload {
			b.fault("%q is listed and missing", p)
			return nil
		}
		if err != nil {
			b.fault("%q cannot be read: %v", p, err)
			return nil
		}
		defer f.Close()
		n, err := io.Copy(io.MultiWriter(w...), contextReader{ctx, io.LimitReader(f, maxBagBytes)})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			b.fault("%q cannot be read: %v", p, err)
			return nil
		}
		whole := true
		for alg, m := range in {
			if want, ok := m[p]; ok && hex.EncodeToString(sums[alg].Sum(nil)) != want {
				b.fault("the bytes of %q are not those of the manifest (%s)", p, alg)
				whole = false
			}
		}
		if payload {
			b.rep.Bytes += n
			if whole {
				b.rep.Files = append(b.rep.Files, BagFile{p, hex.EncodeToString(sums["sha256"].Sum(nil)), n})
			}
		}
		return nil
	}
	for _, p := range sortedKeys(b.payload) {
		if err := one(p, b.manifests, true); err != nil {
			return err
		}
	}
	tags := map[string]bool{}
	for _, m := range b.tags {
		for p := range m {
			tags[p] = true
		}
	}
	for _, p := range sortedKeys(tags) {
		if err := one(p, b.tags, false); err != nil {
			return err
		}
	}
	return nil
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// info reads bag-info.txt and compares the sum of the payload.
func (b *bag) info() {
	text, ok := b.tag("bag-info.txt")
	if !ok {
		return
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, maxTagBytes)
	for i := 1; lines.Scan(); i++ {
		line := lines.Text()
		switch {
		case strings.TrimSpace(line) == "":
		case (line[0] == ' ' || line[0] == '\t') && len(b.rep.Info) > 0:
			last := &b.rep.Info[len(b.rep.Info)-1]
			last[1] += " " + strings.TrimSpace(line)
		default:
			k, v, ok := strings.Cut(line, ":")
			if !ok {
				b.fault("bag-info.txt, line %d: a label, a colon and a value are expected", i)
				continue
			}
			b.rep.Info = append(b.rep.Info, [2]string{strings.TrimSpace(k), strings.TrimSpace(v)})
		}
	}
	for _, kv := range b.rep.Info {
		if !strings.EqualFold(kv[0], "Payload-Oxum") {
			continue
		}
		var total int64
		for _, n := range b.payload {
			total += n
		}
		if want := fmt.Sprintf("%d.%d", total, len(b.payload)); kv[1] != want && !b.lacks() {
			b.fault("Payload-Oxum is %s and the payload has %s (bytes.files)", kv[1], want)
		}
	}
}

// lacks reports whether files of fetch.txt are still to come.
func (b *bag) lacks() bool {
	for p := range b.fetch {
		if _, ok := b.payload[p]; !ok {
			return true
		}
	}
	return false
}

// names warns of names that another system cannot hold as they are.
func (b *bag) names() {
	folded := map[string]string{}
	for _, p := range sortedKeys(b.payload) {
		k := strings.ToLower(norm.NFC.String(p))
		if other, ok := folded[k]; ok {
			b.warn("%q and %q differ only in upper and lower case or in their Unicode form: one file on Windows and macOS", other, p)
		}
		folded[k] = p
		for _, part := range strings.Split(p, "/") {
			if !windowsHolds(part) && !strings.ContainsAny(part, "\r\n") {
				b.warn("%q is a name that Windows cannot hold", p)
				break
			}
		}
	}
}

var devices = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true}

func windowsHolds(name string) bool {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	device := devices[base] || len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")) && base[3] >= '1' && base[3] <= '9'
	return !device && !strings.ContainsAny(name, `<>:"|?*\`) && !strings.HasSuffix(name, ".") && !strings.HasSuffix(name, " ")
}

// read gives the whole of a file of the payload.
func (b *bag) read(p string) ([]byte, error) {
	f, err := b.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var buf bytes.Buffer
	_, err = io.Copy(&buf, io.LimitReader(f, maxTagBytes))
	return buf.Bytes(), err
}

func baseName(p string) string { return path.Base(p) }
