package narrate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"sightline"
	"sightline/digest"
)

// BagInput is what a bag is made from: one state of a case.
type BagInput struct {
	Doc        *sightline.Document
	Origin     string
	Checkpoint []byte // signed note over Doc.Head
	LogKey     []byte // PEM
	Entries    iter.Seq2[sightline.LogEntry, error]
	Version    string // of this program

	Open func(context.Context, digest.Digest) (io.ReadCloser, error)
	// Proof gives the files of an item's proof folder; ErrNotFound where no
	// entry took its bytes in.
	Proof    func(ctx context.Context, item string) (map[string][]byte, error)
	Progress func(done, total int, what string)
}

// BagWritten says what a bag holds.
type BagWritten struct {
	Items int   `json:"items"`
	Held  int   `json:"held"` // items with their bytes
	Files int   `json:"files"`
	Size  int64 `json:"bytes"`
}

// WriteBag writes a case as a bag (BagIt 1.0, RFC 8493) into the folder dir,
// which must be empty: the original bytes under the id of each item, so that
// files of one name lie apart; the objects as JSON; the log; and a proof folder
// for each item. The same state of a case gives the same bytes. The bag is
// internal: it holds what the case holds but sealed values, working copies
// and editions.
func WriteBag(ctx context.Context, in BagInput, dir string) (BagWritten, error) {
	w := &bagWriter{ctx: ctx, in: in, dir: dir, payload: map[string]string{}}
	if err := w.all(); err != nil {
		return w.out, fmt.Errorf("failed to write the bag: %w", err)
	}
	return w.out, nil
}

type bagWriter struct {
	ctx     context.Context
	in      BagInput
	dir     string
	payload map[string]string // path -> SHA-256
	size    int64
	out     BagWritten
}

func (w *bagWriter) all() error {
	for i, it := range w.in.Doc.Items {
		if w.in.Progress != nil {
			w.in.Progress(i, len(w.in.Doc.Items), it.ID)
		}
		if err := w.item(it); err != nil {
			return fmt.Errorf("%s: %w", it.ID, err)
		}
		w.out.Items++
	}
	for _, l := range w.in.Doc.Layers {
		if l.SHA256 == "" {
			continue
		}
		if _, err := w.blob("data/layers/"+l.ID+"/"+fileName(l.File), l.SHA256); err != nil {
			return fmt.Errorf("layer %s: %w", l.ID, err)
		}
	}
	// What is made from the rest or belongs to this log alone stays out.
	doc, err := sightline.Canonical(map[string]any{
		"format": sightline.DocumentFormat, "case": w.in.Doc.Case, "items": w.in.Doc.Items, "observations": w.in.Doc.Observations, "entities": w.in.Doc.Entities,
		"findings": w.in.Doc.Findings, "events": w.in.Doc.Events, "claims": w.in.Doc.Claims, "accounts": w.in.Doc.Accounts, "constraints": w.in.Doc.Constraints,
		"layers": w.in.Doc.Layers, "gaps": w.in.Doc.Gaps, "stories": w.in.Doc.Stories,
	})
	if err != nil {
		return err
	}
	if err := w.put("data/case.json", doc); err != nil {
		return err
	}
	if err := w.log(); err != nil {
		return err
	}
	return w.tags()
}

// item writes the original bytes and the proof of one item. A record of
// something published elsewhere may have no bytes.
func (w *bagWriter) item(it *sightline.Item) error {
	name := fileName(it.Name)
	p := "data/items/" + it.ID + "/" + name
	there, err := w.blob(p, it.SHA256)
	if err != nil {
		return err
	}
	if !there && it.Held {
		return fmt.Errorf("its bytes are missing; run \"sightline check\": %w", sightline.ErrDamaged)
	}
	if !there {
		return nil
	}
	w.out.Held++
	if w.in.Proof == nil {
		return nil
	}
	files, err := w.in.Proof(w.ctx, it.ID)
	if errors.Is(err, sightline.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	at := "data/proof/" + it.SHA256 + "/"
	for _, n := range slices.Sorted(maps.Keys(files)) {
		if err := w.put(at+n, files[n]); err != nil {
			return err
		}
	}
	return w.put(at+"WITHHELD", []byte("The bytes are in this bag: "+p+"\nCopy that file here as \"item\", remove this one, and follow VERIFY.md.\n"))
}

// blob copies stored bytes and compares them with their digest on the way.
func (w *bagWriter) blob(p, sum string) (there bool, err error) {
	d, err := digest.Parse(sum)
	if err != nil {
		return false, nil // nothing was ever held
	}
	r, err := w.in.Open(w.ctx, d)
	if errors.Is(err, sightline.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	return true, w.write(p, r, sum)
}

func (w *bagWriter) put(p string, b []byte) error { return w.write(p, bytes.NewReader(b), "") }

func (w *bagWriter) write(p string, r io.Reader, want string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	name := filepath.Join(w.dir, filepath.FromSlash(p))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), r)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if want != "" && sum != want {
		return fmt.Errorf("the stored bytes have changed; run \"sightline check\": %w", sightline.ErrDamaged)
	}
	if strings.HasPrefix(p, "data/") {
		w.payload[p] = sum
		w.size += n
	}
	w.out.Files++
	w.out.Size += n
	return nil
}

// log writes every entry, as it was signed, with its signature (DSSE).
func (w *bagWriter) log() error {
	var b bytes.Buffer
	for e, err := range w.in.Entries {
		if err != nil {
			return err
		}
		line, err := sightline.Canonical(map[string]any{
			"payload": base64.StdEncoding.EncodeToString(e.Bytes), "payloadType": sightline.EntryPayloadType,
			"signatures": []map[string]string{{"keyid": e.Actor.Key, "sig": base64.StdEncoding.EncodeToString(e.Signature)}},
		})
		if err != nil {
			return err
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return errors.Join(w.put("data/log/entries.dsse.jsonl", b.Bytes()), w.put("data/log/checkpoint", w.in.Checkpoint), w.put("data/log/log.pub.pem", w.in.LogKey))
}

// tags writes the bag's own files, the manifest of those last.
func (w *bagWriter) tags() error {
	tags := map[string]string{}
	put := func(name, text string) error {
		sum := sha256.Sum256([]byte(text))
		tags[name] = hex.EncodeToString(sum[:])
		return w.put(name, []byte(text))
	}
	day, _, _ := strings.Cut(w.in.Doc.Head.At, "T")
	info := [][2]string{
		{"Bag-Software-Agent", "Sightline " + w.in.Version}, {"Bagging-Date", day}, {"External-Identifier", w.in.Origin},
		{"External-Description", oneLine(w.in.Doc.Case.Title.In("en", w.in.Doc.Case.Languages...))},
		{"Internal-Sender-Description", "Internal: holds notes and positions as the case has them, not as published."},
		{"Log-Size", fmt.Sprint(w.in.Doc.Head.Size)}, {"Log-Root", w.in.Doc.Head.Root}, {"Payload-Oxum", fmt.Sprintf("%d.%d", w.size, len(w.payload))},
	}
	var b strings.Builder
	for _, kv := range info {
		if kv[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", kv[0], kv[1])
		}
	}
	return errors.Join(
		put("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"),
		put("bag-info.txt", b.String()),
		put("manifest-sha256.txt", manifestText(w.payload)),
		w.put("tagmanifest-sha256.txt", []byte(manifestText(tags))),
	)
}

// manifestText is a manifest that sha256sum -c reads as well: names made by
// fileName need no escape in either.
func manifestText(sums map[string]string) string {
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&b, "%s  %s\n", sums[p], strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(p))
	}
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// fileName makes a name that every system can hold. The name as it was
// received stands in case.json.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`<>:"/\|?*%`, r) {
			return '_'
		}
		return r
	}, name)
	ext := path.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	base := strings.TrimSuffix(name, ext)
	for len(base) > 120 {
		r := []rune(base)
		base = string(r[:len(r)-1])
	}
	name = strings.TrimRight(base+ext, " .")
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch {
	case name == "" || strings.Trim(name, ".") == "":
		return "item"
	case slices.Contains([]string{"con", "prn", "aux", "nul"}, stem), len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")), strings.HasPrefix(name, "~"), strings.HasPrefix(name, " "):
		return "_" + name
	}
	return name
}
