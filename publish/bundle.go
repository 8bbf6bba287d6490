package publish

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"

	"sightline"
	"sightline/digest"
)

// BundleFormat is the value of Manifest.Format of a claim bundle.
const BundleFormat = "sightline.bundle/1"

// Bundle writes one claim of an edition, with everything it rests on, as a ZIP
// archive that can be checked on its own: the claim, the items it is said in
// and that speak for or against it with their proofs, the findings, and the
// constraints among them with what follows. It takes nothing that the edition
// does not publish. The same edition gives the same bytes.
func Bundle(ctx context.Context, edition, claim string, network func(*sightline.Document) (*NetworkReport, error), w io.Writer) error {
	root, err := os.OpenRoot(edition)
	if err != nil {
		return fmt.Errorf("failed to open the edition: %w", err)
	}
	defer root.Close()
	src := root.FS()
	var m Manifest
	if err := readInto(src, manifestName, &m); err != nil || m.Format != ManifestFormat {
		return fmt.Errorf("%s: %w", edition, ErrNotEdition)
	}
	doc := new(sightline.Document)
	if err := readInto(src, "data/document.json", doc); err != nil {
		return fmt.Errorf("the document of the edition cannot be read: %w", err)
	}
	return bundle(ctx, src, m, doc, claim, network, w)
}

func bundle(ctx context.Context, src fs.FS, m Manifest, doc *sightline.Document, claim string, network func(*sightline.Document) (*NetworkReport, error), w io.Writer) error {
	part, err := documentOf(doc, claim)
	if err != nil {
		return err
	}
	b := &bundler{zip: zip.NewWriter(w), sums: map[string]fileSum{}}
	if err := b.fill(ctx, src, part, claim, network); err != nil {
		return err
	}
	m.Format, m.Claim, m.Files = BundleFormat, claim, nil
	if err := b.seal(&m); err != nil {
		return err
	}
	return b.zip.Close()
}

// bundleMost bounds the original bytes in an archive that an edition carries:
// a claim that rests on longer videos is bundled by whoever wants it, with
// sightline export claim.
const bundleMost = 8 << 20

// bundles writes bundle/C-07.zip for each claim.
func (b *builder) bundles(ctx context.Context) error {
	for _, c := range b.pub.Claims {
		part, err := documentOf(b.pub, c.ID)
		if err != nil {
			return err
		}
		var size int64
		for _, it := range part.Items {
			size += b.sums["proof/"+it.SHA256+"/item"].Size
		}
		if size > bundleMost {
			continue
		}
		var buf bytes.Buffer
		if err := bundle(ctx, os.DirFS(b.dir), b.manifest(), b.pub, c.ID, b.in.Network, &buf); err != nil {
			return fmt.Errorf("bundle of %s: %w", c.ID, err)
		}
		if err := b.put("bundle/"+c.ID+".zip", buf.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func readInto(src fs.FS, name string, v any) error {
	b, err := fs.ReadFile(src, name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// documentOf cuts a document down to one claim.
func documentOf(d *sightline.Document, claim string) (*sightline.Document, error) {
	var c *sightline.Claim
	for _, x := range d.Claims {
		if x.ID == claim {
			c = x
		}
	}
	if c == nil {
		return nil, fmt.Errorf("the edition has no claim %q: %w", claim, sightline.ErrNotFound)
	}
	want := map[string]bool{claim: true}
	for _, id := range c.Items {
		want[id] = true
	}
	for _, l := range append(append([]sightline.Link(nil), c.For...), c.Against...) {
		want[l.To], want[itemOf(l.To)] = true, true
	}
	// The inputs of a finding are needed to follow it; other claims are named, not copied.
	for _, f := range d.Findings {
		if want[f.ID] {
			for _, id := range append(append([]string(nil), f.Inputs...), f.About...) {
				want[id], want[itemOf(id)] = true, true
			}
		}
	}
	out := &sightline.Document{Format: d.Format, Case: d.Case, Head: d.Head, Claims: []*sightline.Claim{c}}
	for _, a := range d.Accounts {
		if a.ID == c.Account {
			out.Accounts = append(out.Accounts, a)
		}
	}
	for _, it := range d.Items {
		if want[it.ID] {
			out.Items = append(out.Items, it)
		}
	}
	for _, o := range d.Observations {
		if want[o.Item] {
			out.Observations = append(out.Observations, o)
		}
	}
	for _, f := range d.Findings {
		about := want[f.ID]
		for _, id := range f.About {
			about = about || want[id]
		}
		if about {
			out.Findings = append(out.Findings, f)
		}
	}
	for _, e := range d.Events {
		if want[e.ID] {
			out.Events = append(out.Events, e)
		}
	}
	for _, k := range d.Constraints {
		all := true
		for _, id := range k.Evidence {
			all = all && want[itemOf(id)]
		}
		if all {
			out.Constraints = append(out.Constraints, k)
		}
	}
	return out, nil
}

type bundler struct {
	zip  *zip.Writer
	sums map[string]fileSum
}

// put writes one file; names of an edition are safe, and each comes once.
func (b *bundler) put(name string, r io.Reader) error {
	method := zip.Deflate
	if path.Base(name) == "item" { // media is compressed already
		method = zip.Store
	}
	f, err := b.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method})
	if err != nil {
		return err
	}
	d, n, err := digest.Read(io.TeeReader(r, f))
	if err != nil {
		return fmt.Errorf("failed to write %s: %w", name, err)
	}
	b.sums[name] = fileSum{d.String(), n}
	return nil
}

func (b *bundler) putJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return b.put(name, bytes.NewReader(append(data, '\n')))
}

func (b *bundler) copy(src fs.FS, name string) error {
	f, err := src.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return b.put(name, f)
}

func (b *bundler) fill(ctx context.Context, src fs.FS, doc *sightline.Document, claim string, network func(*sightline.Document) (*NetworkReport, error)) error {
	for _, lang := range doc.Case.Languages {
		if err := b.put("CLAIM."+lang+".md", strings.NewReader(claimText(doc, lang))); err != nil {
			return err
		}
	}
	if err := b.putJSON("data/document.json", doc); err != nil {
		return err
	}
	if nd := networkDocument(doc); network != nil && len(nd.Constraints) > 0 {
		r, err := network(nd)
		if err != nil {
			return fmt.Errorf("the constraints of %s cannot be solved: %w", claim, err)
		}
		r.Schema = NetworkSchema
		if err := b.putJSON("data/network.json", r); err != nil {
			return err
		}
		script, err := pageFiles.ReadFile("pages/network.py")
		if err != nil {
			return err
		}
		if err := b.put("data/network.py", bytes.NewReader(script)); err != nil {
			return err
		}
	}
	for _, it := range doc.Items {
		if err := ctx.Err(); err != nil {
			return err
		}
		if it.SHA256 == "" {
			continue
		}
		dir := "proof/" + it.SHA256
		err := fs.WalkDir(src, dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if _, twice := b.sums[p]; twice { // two items may be one recording
				return nil
			}
			return b.copy(src, p)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("failed to copy the proof of %s: %w", it.ID, err)
		}
	}
	for _, name := range []string{"proof/checkpoint", "proof/log.pub.pem", "VERIFY.md"} {
		if err := b.copy(src, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (b *bundler) seal(m *Manifest) error {
	names := make([]string, 0, len(b.sums))
	for n := range b.sums {
		names = append(names, n)
	}
	sort.Strings(names)
	var sums strings.Builder
	for _, n := range names {
		s := b.sums[n]
		m.Files = append(m.Files, ManifestFile{n, s.Size, s.SHA256})
		fmt.Fprintf(&sums, "%s  %s\n", s.SHA256, n)
	}
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	fmt.Fprintf(&sums, "%s  %s\n", digest.Of(data), manifestName)
	for name, content := range map[string]string{manifestName: string(data)} {
		if err := b.put(name, strings.NewReader(content)); err != nil {
			return err
		}
	}
	return b.put(sumsName, strings.NewReader(sums.String()))
}

// claimText is the claim for a reader without any program.
func claimText(d *sightline.Document, lang string) string {
	w, c := wordsOf(lang), d.Claims[0]
	p := &page{b: &builder{pub: d}, W: w, Lang: lang, Doc: d}
	tx := func(t sightline.Text) string { return t.In(lang, d.Case.Languages...) }
	items := map[string]*sightline.Item{}
	for _, it := range d.Items {
		items[it.ID] = it
	}
	var s strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&s, format+"\n", args...) }
	line("# %s\n", tx(c.Text))
	if d.Case.Exercise {
		line("**%s**\n", w.T("exercise_band"))
	}
	for _, a := range d.Accounts {
		line("%s", w.T("claim_of", c.ID, tx(a.Title)))
	}
	line("%s. %s", w.T("status_"+c.Status), tx(c.Reason))
	if at := p.WhenUTC(c.Time); at != "" {
		line("%s: %s (%s)", w.T("time"), at, d.Case.Zone)
	}
	list := func(title string, ls []sightline.Link) {
		line("\n## %s\n", w.T(title))
		for _, l := range ls {
			why := tx(l.Reason)
			if it := items[itemOf(l.To)]; why == "" && it != nil {
				why = tx(it.Title)
			}
			line("- %s [%s]", why, l.To)
		}
		if len(ls) == 0 {
			line("- %s", w.T("none_listed"))
		}
	}
	list("for", c.For)
	list("against", c.Against)
	line("\n## %s\n", w.T("not_known"))
	for _, u := range c.Unknown {
		line("- %s", tx(u))
	}
	if len(c.Unknown) == 0 {
		line("- %s", w.T("none_listed"))
	}
	line("\n## %s\n\n%s", w.T("not_shown"), tx(c.NotShown))
	line("\n## %s\n", w.T("items"))
	for _, it := range d.Items {
		line("- %s, %s. %s: %s", it.ID, tx(it.Title), w.T("source"), tx(it.Source.Name))
		if it.Source.URL != "" {
			line("  <%s>", it.Source.URL)
		}
		if it.SHA256 != "" {
			line("  SHA-256 %s, proof/%s/", it.SHA256, it.SHA256)
		} else {
			line("  %s", w.T("digest_withheld"))
		}
	}
	return s.String()
}

// bundleLimit bounds what an archive may claim to hold before it is read.
const bundleLimit = 1 << 40

// openBundle opens a claim bundle and refuses an archive whose names could
// mean two things or lead elsewhere.
func openBundle(name string) (*zip.ReadCloser, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read as a ZIP archive: %v: %w", name, err, ErrNotEdition)
	}
	bad := func(format string, args ...any) (*zip.ReadCloser, error) {
		z.Close()
		return nil, fmt.Errorf("%s: %s: %w", name, fmt.Sprintf(format, args...), ErrNotEdition)
	}
	seen := map[string]bool{}
	var total uint64
	for _, f := range z.File {
		n := strings.TrimSuffix(f.Name, "/")
		key := strings.ToLower(n)
		switch {
		case !fs.ValidPath(n) || strings.ContainsAny(n, "\\:"):
			return bad("the archive holds the path %q, which leads out of it", f.Name)
		case seen[key]:
			return bad("the archive holds %q twice", f.Name)
		case f.Mode()&fs.ModeType&^fs.ModeDir != 0:
			return bad("%q is not a plain file", f.Name)
		}
		seen[key] = true
		if total += f.UncompressedSize64; total > bundleLimit || f.UncompressedSize64 > bundleLimit {
			return bad("the archive says it holds more than a terabyte")
		}
		if f.Method == zip.Deflate && f.UncompressedSize64 > 64<<20 && f.UncompressedSize64 > 1000*f.CompressedSize64 {
			return bad("%q would unfold to more than a thousand times its size", f.Name)
		}
	}
	return z, nil
}

// CheckBundle verifies a claim bundle as [Check] verifies an edition.
func CheckBundle(ctx context.Context, name string, verify ProofVerifier, progress func(done, total int)) (*CheckReport, error) {
	z, err := openBundle(name)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return check(ctx, z, name, verify, progress)
}

// RecomputeBundle derives the numbers of a claim bundle again, as [Recompute]
// does for an edition.
func RecomputeBundle(ctx context.Context, name string, rc Recomputer) (*RecomputeReport, error) {
	z, err := openBundle(name)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return again(ctx, z, name, rc)
}
