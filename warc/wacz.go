package warc

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"sort"
	"strings"
	"time"
)

// Page is one line of the list of pages.
type Page struct {
	ID    string `json:"id"`
	URL   string `json:"url"`
	TS    string `json:"ts"` // RFC 3339
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Line is one line of the index (CDXJ): where the answer to a request stands.
type Line struct {
	URL, Mime, Digest, File string
	Status                  int
	At                      time.Time
	Offset, Length          int64
}

// Key writes an address as indexes sort it (SURT): the host's labels from the
// top level down, then the path.
func Key(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	host := strings.ToLower(u.Hostname())
	host = strings.TrimPrefix(host, "www.")
	if !strings.ContainsAny(host, ":") && !digits(strings.ReplaceAll(host, ".", "")) {
		l := strings.Split(host, ".")
		slices.Reverse(l)
		host = strings.Join(l, ",")
	}
	if p := u.Port(); p != "" && !(u.Scheme == "http" && p == "80") && !(u.Scheme == "https" && p == "443") {
		host += ":" + p
	}
	p := u.EscapedPath()
	if p == "" {
		p = "/"
	}
	if u.RawQuery != "" {
		q := strings.Split(u.RawQuery, "&")
		sort.Strings(q)
		p += "?" + strings.Join(q, "&")
	}
	return host + ")" + strings.ToLower(p)
}

func (l Line) String() string {
	b, _ := json.Marshal(struct {
		URL    string `json:"url"`
		Mime   string `json:"mime"`
		Status string `json:"status"`
		Digest string `json:"digest"`
		Length string `json:"length"`
		Offset string `json:"offset"`
		File   string `json:"filename"`
	}{l.URL, l.Mime, fmt.Sprint(l.Status), l.Digest, fmt.Sprint(l.Length), fmt.Sprint(l.Offset), l.File})
	return Key(l.URL) + " " + l.At.UTC().Format("20060102150405") + " " + string(b)
}

// Pack is what a WACZ is written from.
type Pack struct {
	Title, Description, Software string
	Created                      time.Time
	MainURL                      string
	Pages                        []Page
	Index                        []Line
	Archives                     []Archive
}

// Archive is one WARC file of a pack.
type Archive struct {
	Name string // below archive/
	Open func() (io.ReadCloser, error)
}

type resource struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Hash  string `json:"hash"`
	Bytes int64  `json:"bytes"`
	Stats *struct {
		Hash  string `json:"hash"`
		Bytes int64  `json:"bytes"`
	} `json:"stats,omitempty"`
}

// WriteWACZ writes a WACZ (version 1.1.1): the archives stored as they are, so
// that a player reads single records of them, the index, the pages, and the
// list of all with SHA-256. The same pack gives the same bytes.
func WriteWACZ(w io.Writer, p Pack) error {
	z := zip.NewWriter(w)
	var list []resource
	put := func(name string, store bool, r io.Reader) error {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.Created.UTC()}
		if store {
			h.Method = zip.Store
		}
		f, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		sum := sha256.New()
		n, err := io.Copy(io.MultiWriter(f, sum), r)
		list = append(list, resource{Name: path.Base(name), Path: name, Hash: "sha256:" + hex.EncodeToString(sum.Sum(nil)), Bytes: n})
		return err
	}
	fail := func(err error) error { return fmt.Errorf("failed to write the WACZ: %w", err) }
	for _, a := range p.Archives {
		r, err := a.Open()
		if err != nil {
			return fail(err)
		}
		err = put("archive/"+a.Name, true, r)
		r.Close()
		if err != nil {
			return fail(err)
		}
	}
	lines := make([]string, len(p.Index))
	for i, l := range p.Index {
		lines[i] = l.String()
	}
	sort.Strings(lines)
	if err := put("indexes/index.cdx", true, strings.NewReader(strings.Join(append(lines, ""), "\n"))); err != nil {
		return fail(err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(map[string]any{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"})
	for _, pg := range p.Pages {
		err = errors.Join(err, e.Encode(pg))
	}
	if err = errors.Join(err, put("pages/pages.jsonl", false, &b)); err != nil {
		return fail(err)
	}
	pack := map[string]any{"profile": "data-package", "wacz_version": "1.1.1", "software": p.Software, "created": p.Created.UTC().Format(time.RFC3339), "title": p.Title, "resources": list}
	if p.Description != "" {
		pack["description"] = p.Description
	}
	if p.MainURL != "" && len(p.Pages) > 0 {
		pack["mainPageUrl"], pack["mainPageDate"] = p.MainURL, p.Pages[0].TS
	}
	j, err := json.MarshalIndent(pack, "", "  ")
	if err != nil {
		return fail(err)
	}
	if err := put("datapackage.json", false, bytes.NewReader(j)); err != nil {
		return fail(err)
	}
	d, err := json.MarshalIndent(map[string]string{"path": "datapackage.json", "hash": list[len(list)-1].Hash}, "", "  ")
	if err == nil {
		err = put("datapackage-digest.json", false, bytes.NewReader(d))
	}
	if err = errors.Join(err, z.Close()); err != nil {
		return fail(err)
	}
	return nil
}

// Package is a WACZ that was opened and checked.
type Package struct {
	Version, Software, Title, Created, MainURL string

	Pages    []Page
	Archives []*zip.File
	Faults   []string // what does not agree with what the package says of itself
	Notes    []string
	Claim    *Claim // a signature, as a claim of its signer
	files    map[string]*zip.File
}

// Claim is the signature of a package by a named signer. It is shown as what
// the signer says, never as a proof of ours.
type Claim struct {
	Signer, Created, Software string

	Agrees bool   // the signature fits the key that stands beside it
	Why    string // what it does not show, or why it does not agree
}

// OpenWACZ opens a package and checks names, sizes and digests.
func OpenWACZ(r io.ReaderAt, size int64, lim Limits) (*Package, error) {
	lim = lim.filled()
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("this is no WACZ: the ZIP cannot be read: %w", err)
	}
	p := &Package{files: map[string]*zip.File{}}
	var total uint64
	if len(z.File) > 10_000 {
		return nil, fmt.Errorf("%w: %d files", ErrLimit, len(z.File))
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !plainName(f.Name) || p.files[f.Name] != nil {
			p.Faults = append(p.Faults, fmt.Sprintf("the name %.80q is not allowed in a package or stands there twice; the file was passed over", f.Name))
			continue
		}
		if total += f.UncompressedSize64; total > uint64(lim.Total) || f.UncompressedSize64 > 10<<20 && f.UncompressedSize64 > uint64(lim.Ratio)*max(f.CompressedSize64, 1) {
			return nil, fmt.Errorf("%w: %.80q", ErrLimit, f.Name)
		}
		p.files[f.Name] = f
		if strings.HasPrefix(f.Name, "archive/") {
			p.Archives = append(p.Archives, f)
		}
	}
	if err := p.describe(); err != nil {
		return nil, err
	}
	p.pages()
	return p, nil
}

func plainName(n string) bool {
	return n != "" && !strings.ContainsAny(n, "\\\x00") && !strings.HasPrefix(n, "/") && path.Clean(n) == n && n != ".." && !strings.HasPrefix(n, "../") && !strings.Contains(n, ":/")
}

// small reads a file of the package that has to fit into memory.
func (p *Package) small(name string) ([]byte, error) {
	f := p.files[name]
	if f == nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	defer r.Close()
	const most = 64 << 20
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	if len(b) > most {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, most>>20)
	}
	return b, nil
}

func (p *Package) describe() error {
	raw, err := p.small("datapackage.json")
	if err != nil {
		return fmt.Errorf("this is no WACZ: %w", err)
	}
	var d struct {
		Version   string     `json:"wacz_version"`
		Software  string     `json:"software"`
		Created   string     `json:"created"`
		Title     string     `json:"title"`
		MainURL   string     `json:"mainPageUrl"`
		Resources []resource `json:"resources"`
		Metadata  struct {
			Title string `json:"title"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return fmt.Errorf("this is no WACZ: datapackage.json is no JSON: %w", err)
	}
	p.Version, p.Software, p.Created, p.Title, p.MainURL = d.Version, d.Software, d.Created, d.Title, d.MainURL
	if p.Title == "" {
		p.Title = d.Metadata.Title
	}
	listed := map[string]bool{"datapackage.json": true, "datapackage-digest.json": true}
	for _, r := range d.Resources {
		listed[r.Path] = true
		hash, size := r.Hash, r.Bytes
		if r.Stats != nil {
			hash, size = r.Stats.Hash, r.Stats.Bytes
		}
		f := p.files[r.Path]
		if f == nil {
			p.Faults = append(p.Faults, fmt.Sprintf("%s is named in datapackage.json and is not there", r.Path))
			continue
		}
		sum, n, err := hashOf(f)
		switch algo, want, ok := strings.Cut(hash, ":"); {
		case err != nil:
			p.Faults = append(p.Faults, fmt.Sprintf("%s cannot be read: %v", r.Path, err))
		case ok && algo != "sha256":
			p.Notes = append(p.Notes, fmt.Sprintf("the digest of %s is of a kind that is not checked here (%s)", r.Path, algo))
		case !ok && !strings.EqualFold(hash, sum), ok && !strings.EqualFold(want, sum):
			p.Faults = append(p.Faults, fmt.Sprintf("the bytes of %s are not those of its digest", r.Path))
		case size != n:
			p.Faults = append(p.Faults, fmt.Sprintf("%s has %d bytes; datapackage.json says %d", r.Path, n, size))
		}
	}
	for n := range p.files {
		if !listed[n] {
			p.Notes = append(p.Notes, n+" is not named in datapackage.json")
		}
	}
	sort.Strings(p.Notes)
	p.signed(raw)
	return nil
}

func hashOf(f *zip.File) (string, int64, error) {
	r, err := f.Open()
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// signed reads datapackage-digest.json: the digest of the list, and, in the
// form of the WACZ signing draft, a signature over that digest.
func (p *Package) signed(pack []byte) {
	raw, err := p.small("datapackage-digest.json")
	if err != nil {
		return // optional
	}
	var d struct {
		Hash   string `json:"hash"`
		Signed *struct {
			Hash      string `json:"hash"`
			Signature string `json:"signature"`
			PublicKey string `json:"publicKey"`
			Domain    string `json:"domain"`
			Cert      string `json:"domainCert"`
			Created   string `json:"created"`
			Software  string `json:"software"`
		} `json:"signedData"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		p.Faults = append(p.Faults, "datapackage-digest.json is no JSON")
		return
	}
	sum := sha256.Sum256(pack)
	want := "sha256:" + hex.EncodeToString(sum[:])
	if !strings.EqualFold(d.Hash, want) {
		p.Faults = append(p.Faults, "the bytes of datapackage.json are not those of datapackage-digest.json")
	}
	s := d.Signed
	if s == nil {
		return
	}
	c := &Claim{Signer: s.Domain, Created: s.Created, Software: s.Software}
	p.Claim = c
	var key any
	var chain []*x509.Certificate
	if s.Cert != "" {
		rest := []byte(s.Cert)
		for len(chain) < 8 {
			var b *pem.Block
			if b, rest = pem.Decode(rest); b == nil {
				break
			}
			if x, err := x509.ParseCertificate(b.Bytes); err == nil {
				chain = append(chain, x)
			}
		}
		if len(chain) > 0 {
			key = chain[0].PublicKey
			if err := chain[0].VerifyHostname(s.Domain); err != nil {
				c.Why = "the certificate is not one of " + s.Domain
				return
			}
		}
	} else if b, err := base64.StdEncoding.DecodeString(s.PublicKey); err == nil {
		c.Signer = "a key without a name"
		key, _ = x509.ParsePKIXPublicKey(b)
	}
	sig, err := base64.StdEncoding.DecodeString(s.Signature)
	k, ok := key.(*ecdsa.PublicKey)
	digest := sha256.Sum256([]byte(s.Hash))
	switch {
	case !strings.EqualFold(s.Hash, want):
		c.Why = "the signature is over another list of files"
	case err != nil || !ok:
		c.Why = "the signature or its key is of a kind that is not read here"
	case !ecdsa.VerifyASN1(k, digest[:], sig):
		c.Why = "the signature does not fit the key beside it"
	default:
		c.Agrees, c.Why = true, "who held the key was not checked"
		if n := len(chain); n > 0 {
			at, err := time.Parse(time.RFC3339, s.Created)
			last := chain[n-1]
			for i := 0; i+1 < n; i++ {
				if err := chain[i].CheckSignatureFrom(chain[i+1]); err != nil {
					c.Agrees, c.Why = false, "the chain of certificates is broken"
					return
				}
			}
			if err != nil || at.Before(chain[0].NotBefore) || at.After(chain[0].NotAfter) {
				c.Agrees, c.Why = false, "the certificate was not valid at the time of signing"
				return
			}
			c.Why = fmt.Sprintf("the chain of certificates leads to %q, which was not compared with a list of authorities", last.Issuer.String())
			if strings.Contains(strings.ToUpper(last.Issuer.String()), "(STAGING)") {
				c.Agrees, c.Why = false, fmt.Sprintf("the chain of certificates leads to an authority for tests (%s)", last.Issuer.String())
			}
		}
	}
}

// pages reads the lists of pages, line by line.
func (p *Package) pages() {
	names := []string{}
	for n := range p.files {
		if strings.HasPrefix(n, "pages/") && strings.HasSuffix(n, ".jsonl") {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	for _, n := range names {
		b, err := p.small(n)
		if err != nil {
			p.Faults = append(p.Faults, err.Error())
			continue
		}
		list, faults := ReadPages(bytes.NewReader(b))
		p.Pages = append(p.Pages, list...)
		for _, f := range faults {
			p.Faults = append(p.Faults, n+", "+f)
		}
	}
}

// ReadPages reads a list of pages; a line that is none is reported.
func ReadPages(r io.Reader) (list []Page, faults []string) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	for n := 1; s.Scan(); n++ {
		l := bytes.TrimSpace(s.Bytes())
		if len(l) == 0 {
			continue
		}
		var v struct {
			Page
			Format string `json:"format"`
		}
		switch err := json.Unmarshal(l, &v); {
		case err != nil:
			faults = append(faults, fmt.Sprintf("line %d: not JSON", n))
		case v.Format != "":
		case v.URL == "":
			faults = append(faults, fmt.Sprintf("line %d: a page without an address", n))
		default:
			list = append(list, v.Page)
		}
	}
	if err := s.Err(); err != nil {
		faults = append(faults, err.Error())
	}
	return list, faults
}
