package web

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// zipped compresses the answers of the interface's calls for browsers that take
// it: the document of ten thousand items is eleven megabytes of JSON and less
// than one compressed. What streams and what is media already stays as it is.
// No answer mixes a secret with what a stranger may choose, and only pages of
// this origin can ask, so that its length tells nobody anything.
func zipped(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1400), gzhttp.CompressionLevel(3),
		gzhttp.ContentTypes([]string{"application/json", "application/problem+json", "text/csv", "text/plain"}))
	if err != nil {
		panic(err) // the settings above are wrong
	}
	smaller := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.Path
		if !strings.HasPrefix(p, "/api/") || strings.HasSuffix(p, "/events") || strings.Contains(p, "/derivatives/") || strings.Contains(p, "/original/") {
			next.ServeHTTP(w, r)
			return
		}
		smaller.ServeHTTP(w, r)
	})
}
