package web

import (
	"embed"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed all:assets
var embedded embed.FS

// Assets is the built interface: the desk at its root, what an edition needs
// under edition/. It is empty when the interface has not been built.
func Assets() fs.FS {
	sub, err := fs.Sub(embedded, "assets")
	if err != nil {
		panic(err) // the folder is part of this package
	}
	return sub
}

var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": "application/json", ".woff2": "font/woff2", ".svg": "image/svg+xml", ".png": "image/png", ".map": "application/json", ".wasm": "application/wasm",
}

// assets serves the interface, compressed where the build left a .gz beside a
// file. A path without a file is a view of the single-page desk.
func (s *Server) assets(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		problem(w, http.StatusMethodNotAllowed, "method", "pages are only read")
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	files := Assets()
	if name == "" || path.Ext(name) == "" {
		name = "index.html"
	}
	if strings.HasSuffix(name, ".gz") || path.Base(name) == ".keep" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", types[path.Ext(name)])
	if types[path.Ext(name)] == "" {
		h.Set("Content-Type", mimeOf(name))
	}
	h.Set("Vary", "Accept-Encoding")
	if hashed(name) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if b, err := fs.ReadFile(files, name+".gz"); err == nil {
			h.Set("Content-Encoding", "gzip")
			w.Write(b) //nolint:errcheck // the reader is gone
			return
		}
	}
	f, err := files.Open(name)
	if err != nil {
		if name == "index.html" {
			h.Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, "This program was built without its interface. Run \"make build\" and start it again.\n") //nolint:errcheck
			return
		}
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	io.Copy(w, f) //nolint:errcheck // the reader is gone
}

func mimeOf(name string) string {
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// hashed reports whether the build put a content hash into a file's name.
func hashed(name string) bool {
	base := path.Base(name)
	parts := strings.Split(base, "-")
	last, _, _ := strings.Cut(parts[len(parts)-1], ".")
	return len(parts) > 1 && len(last) == 8 && strings.ToUpper(last) == last
}
