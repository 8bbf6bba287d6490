// Package publish writes an edition: a static folder that tells the story,
// carries the evidence and its proofs, and can be checked by anyone without
// trusting us.
//
// It exists because a reconstruction is only worth what a hostile reader can
// verify. An edition opens from a USB stick and from any static host, asks no
// other host for anything, reads without JavaScript and is the same bytes
// whenever it is built from the same state of a case. What is not cleared for
// the public is dropped here, never hidden by the viewer.
//
// [Preflight] lists what stands in the way, [Build] writes the folder and
// [Check] verifies one. Stills, proofs and logs come from other stages; the
// caller hands them in as functions. After publish the road belongs to the
// reader.
package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"sightline"
	"sightline/digest"
	"sightline/order"
)

// Input is everything an edition is made from. The same input gives the same
// bytes.
type Input struct {
	Doc     *sightline.Document // the whole case; Build drops what is not public
	Number  int                 // of this edition, from 1
	Date    string              // RFC 3339 of the log head it is made from
	Notes   sightline.Text      // what changed, for the corrections page
	Former  []*sightline.Edition
	Before  *sightline.Document // public document of the edition before, where it is at hand
	Version string              // of the program
	FuzzKey []byte              // the case's secret for blurring public coordinates

	// Log is the state of the custody log the edition is anchored to.
	Log LogMaterial
	// Still draws a step's view; nil leaves the stills out.
	Still func(ctx context.Context, s StillRequest) (Picture, error)
	// Proof gives the files of the proof folder of an item, by name.
	Proof func(ctx context.Context, itemID string) (map[string][]byte, error)
	// Blob opens stored bytes.
	Blob func(ctx context.Context, d digest.Digest) (io.ReadCloser, error)
	// EvidenceLog writes the evidence log of the public document.
	EvidenceLog func(doc *sightline.Document, format, lang string, w io.Writer) error
	// Network derives intervals and contradictions from the constraints of the
	// public document; nil leaves the page out.
	Network func(doc *sightline.Document) (*NetworkReport, error)
	// Verification is what the reviews of the whole document allow to be said.
	Verification *Verification
	// Corroborate weighs the public document; nil leaves it out.
	Corroborate func(doc *sightline.Document) *Corroboration
	// Assets holds the scripts and fonts of an edition, under "edition/".
	Assets fs.FS
	// Progress is told what has been done; it may be nil.
	Progress func(done, total int, what string)
}

// LogMaterial anchors an edition in the custody log.
type LogMaterial struct {
	Origin     string
	Size       int64
	Root       string
	Checkpoint []byte // C2SP signed note
	PublicKey  []byte // PEM of the log key
}

// StillRequest asks for the picture of one step in one language.
type StillRequest struct {
	Doc           *sightline.Document // public
	View          sightline.View
	Time          *sightline.Time
	Lang          string
	Width, Height int
}

// Picture is an encoded still.
type Picture struct {
	Data []byte
	Ext  string // ".png", ".webp"
}

// Result names what was written.
type Result struct {
	Dir      string // the edition's folder, OUT/vN
	Manifest digest.Digest
	Files    int
	Bytes    int64
}

// ErrProblems is returned by Build when [Preflight] found obstacles; nothing
// was written.
var ErrProblems = errors.New("the case is not ready to be published")

// Build writes the edition to out/vN and the forwarding page out/index.html.
// It writes to a temporary folder first, so an interrupted build leaves no
// half edition. An existing edition is never overwritten.
func Build(ctx context.Context, in Input, out string) (*Result, error) {
	if ps := Preflight(in.Doc, in.Verification); len(ps) > 0 {
		return nil, fmt.Errorf("%w: %d problems, the first: %s", ErrProblems, len(ps), ps[0].Text["en"])
	}
	final := filepath.Join(out, fmt.Sprintf("v%d", in.Number))
	if _, err := os.Stat(final); err == nil {
		return nil, fmt.Errorf("%s exists already; an edition is permanent and is never overwritten", final)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, fmt.Errorf("failed to make the folder %s: %w", out, err)
	}
	tmp, err := os.MkdirTemp(out, ".edition-*")
	if err != nil {
		return nil, fmt.Errorf("failed to write in %s: %w", out, err)
	}
	defer os.RemoveAll(tmp)

	b := &builder{in: in, dir: tmp, sums: map[string]fileSum{}}
	b.pub = Public(in.Doc, in.FuzzKey)
	b.ver = in.Verification.public(b.pub, hiddenPlaces(in.Doc))
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	res, err := b.seal()
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return nil, err
	}
	if err := os.Rename(tmp, final); err != nil {
		return nil, fmt.Errorf("failed to put the edition in its place: %w", err)
	}
	if err := writeForward(out, in.Number, in.Doc); err != nil {
		return nil, err
	}
	res.Dir = final
	return res, nil
}

type fileSum struct {
	SHA256 string
	Size   int64
}

type builder struct {
	in    Input
	pub   *sightline.Document
	dir   string
	sums  map[string]fileSum
	still map[string]string // step id + lang -> path inside the edition

	// what the pages look up
	items    map[string]*sightline.Item
	claims   map[string]*sightline.Claim
	accounts map[string]*sightline.Account
	entities map[string]*sightline.Entity
	pageOf   map[string]string
	network  *NetworkReport
	ver      *Verification // of what is public
	cor      *Corroboration
	changes  []Change // since the edition before
	netByID  map[string]*order.Constraint
}

// put writes one file of the edition and remembers its digest.
func (b *builder) put(name string, data []byte) error {
	if !fs.ValidPath(name) {
		return fmt.Errorf("%q is not a path an edition may hold", name)
	}
	if was, dup := b.sums[name]; dup {
		if was.SHA256 == digest.Of(data).String() {
			return nil
		}
		return fmt.Errorf("two different files of the edition are named %s", name)
	}
	p := filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(p, data, 0o644); err != nil {
		return fmt.Errorf("failed to write %s: %w", name, err)
	}
	b.sums[name] = fileSum{digest.Of(data).String(), int64(len(data))}
	return nil
}

func (b *builder) putJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return b.put(name, append(data, '\n'))
}

func (b *builder) step(done, total int, what string) {
	if b.in.Progress != nil {
		b.in.Progress(done, total, what)
	}
}

func (b *builder) build(ctx context.Context) error {
	stages := []struct {
		name string
		fn   func(context.Context) error
	}{
		{"scripts and fonts", b.assets},
		{"scene", b.scene},
		{"media", b.media},
		{"stills", b.stills},
		{"data", b.data},
		{"proofs", b.proofs},
		{"commands for checking", b.verifyPage},
		{"bundles of the claims", b.bundles},
		{"pages", b.pages},
	}
	for i, s := range stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.step(i, len(stages), s.name)
		if err := s.fn(ctx); err != nil {
			return fmt.Errorf("failed to write the %s of the edition: %w", s.name, err)
		}
	}
	b.step(len(stages), len(stages), "done")
	return nil
}

// assets copies scripts, style sheets and fonts.
func (b *builder) assets(context.Context) error {
	if b.in.Assets != nil {
		err := fs.WalkDir(b.in.Assets, "edition", func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					return fs.SkipAll
				}
				return err
			}
			if d.IsDir() || strings.HasSuffix(p, ".gz") || strings.HasSuffix(p, ".map") {
				return nil
			}
			data, err := fs.ReadFile(b.in.Assets, p)
			if err != nil {
				return err
			}
			return b.put("a/"+strings.TrimPrefix(p, "edition/"), data)
		})
		if err != nil {
			return err
		}
	}
	css, err := pageFiles.ReadFile("pages/edition.css")
	if err != nil {
		return err
	}
	return b.put("a/edition.css", css)
}

// scene copies the files of the public layers, and a copy of each as a
// script for file:// where fetch does not work.
func (b *builder) scene(ctx context.Context) error {
	for _, l := range b.pub.Layers {
		if l.SHA256 == "" || b.in.Blob == nil {
			continue
		}
		data, err := b.bytes(ctx, l.SHA256)
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.ID, err)
		}
		name := "scene/" + path.Base(l.File)
		if err := b.put(name, data); err != nil {
			return err
		}
		if err := b.put(name+".pack.js", packScript(path.Base(l.File), data)); err != nil {
			return err
		}
	}
	return nil
}

// media copies the derivatives of items whose media is public. Originals are
// in the proof folder, where their digest is checked.
func (b *builder) media(ctx context.Context) error {
	for _, d := range b.pub.Derivatives {
		if b.in.Blob == nil {
			return nil
		}
		data, err := b.bytes(ctx, d.SHA256)
		if err != nil {
			return fmt.Errorf("derivative %s: %w", d.ID, err)
		}
		if err := b.put(mediaPath(d), data); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) bytes(ctx context.Context, hex string) ([]byte, error) {
	d, err := digest.Parse(hex)
	if err != nil {
		return nil, err
	}
	r, err := b.in.Blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if digest.Of(data) != d {
		return nil, fmt.Errorf("the stored bytes are not those of %s: %w", d, sightline.ErrDamaged)
	}
	return data, nil
}

func mediaPath(d *sightline.Derivative) string {
	ext := map[string]string{
		"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "video/mp4": ".mp4", "video/webm": ".webm",
		"audio/mp4": ".m4a", "audio/ogg": ".ogg", "audio/mpeg": ".mp3", "application/json": ".json", "text/vtt": ".vtt",
	}[strings.SplitN(d.Type, ";", 2)[0]]
	return "m/" + strings.ReplaceAll(d.ID, "/", "-") + ext
}

// stills draws each step of the story in each language. Equal pictures are
// stored once.
func (b *builder) stills(ctx context.Context) error {
	b.still = map[string]string{}
	if b.in.Still == nil {
		return nil
	}
	for _, st := range b.pub.Stories {
		for i := range st.Steps {
			for _, lang := range b.pub.Case.Languages {
				if err := ctx.Err(); err != nil {
					return err
				}
				p, err := b.in.Still(ctx, StillRequest{Doc: b.pub, View: st.Steps[i].View, Time: st.Steps[i].Time, Lang: lang, Width: 1120, Height: 700})
				if err != nil {
					return fmt.Errorf("still of step %s: %w", st.Steps[i].ID, err)
				}
				if len(p.Data) == 0 {
					continue
				}
				name := "stills/" + digest.Of(p.Data).String()[:16] + p.Ext
				if err := b.put(name, p.Data); err != nil {
					return err
				}
				b.still[st.ID+"/"+st.Steps[i].ID+"/"+lang] = name
			}
		}
	}
	return nil
}

// proofs writes proof/<sha256>/ for each item whose digest may be public.
func (b *builder) proofs(ctx context.Context) error {
	if b.in.Proof == nil {
		return nil
	}
	for _, it := range b.pub.Items {
		if it.SHA256 == "" {
			continue
		}
		files, err := b.in.Proof(ctx, it.ID)
		if err != nil {
			return fmt.Errorf("proof of %s: %w", it.ID, err)
		}
		if publishesOriginal(it) && b.in.Blob != nil {
			data, err := b.bytes(ctx, it.SHA256)
			if err != nil {
				return fmt.Errorf("original of %s: %w", it.ID, err)
			}
			files["item"] = data
		} else {
			delete(files, "item")
			files["WITHHELD"] = []byte("The bytes of this item are not published. The proof shows that these bytes were logged, by their SHA-256.\n")
		}
		for _, name := range sortedNames(files) {
			if err := b.put("proof/"+it.SHA256+"/"+name, files[name]); err != nil {
				return err
			}
		}
	}
	if len(b.in.Log.Checkpoint) > 0 {
		if err := b.put("proof/checkpoint", b.in.Log.Checkpoint); err != nil {
			return err
		}
	}
	if len(b.in.Log.PublicKey) > 0 {
		return b.put("proof/log.pub.pem", b.in.Log.PublicKey)
	}
	return nil
}

// publishesOriginal reports whether the original bytes of an item go out: the
// record of a statement does, media only where it was decided, and nothing of
// which a part must not be seen.
func publishesOriginal(it *sightline.Item) bool {
	return len(it.Redactions) == 0 && it.Public.Media != "withhold" && (it.Media == "record" || it.Public.Media == "publish")
}

func sortedNames(m map[string][]byte) []string {
	ns := make([]string, 0, len(m))
	for n := range m {
		ns = append(ns, n)
	}
	sort.Strings(ns)
	return ns
}

// writeForward writes the page that leads to the newest edition. It is not
// part of any edition.
func writeForward(out string, number int, doc *sightline.Document) error {
	newest := number
	es, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	var all []int
	for _, e := range es {
		var n int
		if _, err := fmt.Sscanf(e.Name(), "v%d", &n); err == nil && e.IsDir() && fmt.Sprintf("v%d", n) == e.Name() {
			all = append(all, n)
			newest = max(newest, n)
		}
	}
	sort.Ints(all)
	var buf bytes.Buffer
	if err := templates.ExecuteTemplate(&buf, "forward.html", map[string]any{"Newest": newest, "All": all, "Title": doc.Case.Title.In("en", "es"), "Lang": "en"}); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "index.html"), buf.Bytes(), 0o644)
}
