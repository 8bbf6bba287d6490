package call

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Sizes of lane A.
const (
	MaxChunk  = 4 << 20
	SlowChunk = 256 << 10 // what the browser takes when a chunk lasts more than 60 s
	maxChunks = 32 << 10  // 4,096 bytes of bitmap; 8 GiB in small chunks
	ageHead   = "age-encryption.org/v1\n"
)

// tipID checks the 128 random bits a browser drew for its upload.
func tipID(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16 && s == strings.ToLower(s)
}

func chunkName(n int) string { return fmt.Sprintf("%05d", n) }

// putChunk takes one chunk. Sent twice it is the same chunk; sent changed it
// is refused, because two files would be mixed.
func (s *Server) putChunk(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	n, err := strconv.Atoi(r.PathValue("n"))
	if !tipID(id) || err != nil || n < 0 || n >= maxChunks || strconv.Itoa(n) != r.PathValue("n") {
		s.refuse(w, r, sayNotHere)
		return
	}
	give, ok := s.limit.upload(circuit(r))
	if !ok {
		s.refuse(w, r, sayBusy)
		return
	}
	defer give()
	if r.ContentLength > MaxChunk {
		s.refuse(w, r, sayTooLarge)
		return
	}
	want, ok := contentDigest(r.Header.Get("Content-Digest"))
	if !ok {
		s.refuse(w, r, sayDigest)
		return
	}
	if done, err := s.store.hasTip(id); err != nil {
		s.refuse(w, r, sayBroken)
		return
	} else if done {
		s.refuse(w, r, sayChanged)
		return
	}
	dir := s.store.partPath(id)
	path := filepath.Join(dir, chunkName(n))
	if s.full(max(0, r.ContentLength)) {
		s.refuse(w, r, sayFull)
		return
	}
	if sizeOf(dir)+max(0, r.ContentLength) > s.maxSealed() {
		s.refuse(w, r, sayTooLarge)
		return
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		s.refuse(w, r, sayOf(err))
		return
	}
	setDay(dir, s.store.day())
	tmp, err := os.CreateTemp(dir, ".in-*")
	if err != nil {
		s.refuse(w, r, sayOf(err))
		return
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	sum := sha256.New()
	body := http.MaxBytesReader(w, s.patient(w, r), MaxChunk)
	size, err := io.CopyBuffer(io.MultiWriter(onlyWriter{tmp}, sum), onlyReader{body}, make([]byte, bufferSize))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		s.refuse(w, r, sayTooLarge)
		return
	case err != nil:
		s.refuse(w, r, sayOf(err))
		return
	case size == 0:
		s.refuse(w, r, sayEmpty)
		return
	case subtle.ConstantTimeCompare(sum.Sum(nil), want) != 1:
		s.refuse(w, r, sayDigest)
		return
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		s.refuse(w, r, sayOf(err))
		return
	}
	// Link fails when the chunk is here: then it must be this very chunk.
	err = os.Link(tmp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		same, err := sameContent(path, want)
		if err != nil {
			s.refuse(w, r, sayOf(err))
			return
		}
		if !same {
			s.refuse(w, r, sayChanged)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		s.refuse(w, r, sayOf(err))
		return
	}
	s.store.used.Add(size)
	setDay(path, s.store.day())
	setDay(dir, s.store.day())
	w.WriteHeader(http.StatusNoContent)
}

// maxSealed is how long the ciphertext of the largest tip can be: content,
// frames, padding and age's own 16 bytes per 64 KiB, with room to spare.
func (s *Server) maxSealed() int64 {
	return s.cfg.Limits.Tip + s.cfg.Limits.Tip/16 + formSlack
}

// onlyWriter and onlyReader hide the short cuts of files, so that CopyBuffer
// uses the buffer it was given.
type onlyWriter struct{ io.Writer }
type onlyReader struct{ io.Reader }

func sayOf(err error) say {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return sayFull
	}
	var n interface{ Timeout() bool }
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &n) && n.Timeout() {
		return sayBroke
	}
	return sayBroken
}

// contentDigest reads the header of RFC 9530: sha-256=:<base64>:
func contentDigest(h string) ([]byte, bool) {
	for part := range strings.SplitSeq(h, ",") {
		v, ok := strings.CutPrefix(strings.TrimSpace(part), "sha-256=:")
		if !ok {
			continue
		}
		if v, ok = strings.CutSuffix(v, ":"); !ok {
			continue
		}
		if b, err := base64.StdEncoding.DecodeString(v); err == nil && len(b) == sha256.Size {
			return b, true
		}
	}
	return nil, false
}

func sameContent(path string, want []byte) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(h.Sum(nil), want) == 1, nil
}

// haveChunks answers which chunks are here, always in 4,096 bytes.
func (s *Server) haveChunks(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !tipID(id) {
		s.refuse(w, r, sayNotHere)
		return
	}
	bitmap := make([]byte, maxChunks/8)
	list, err := os.ReadDir(s.store.partPath(id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.refuse(w, r, sayBroken)
		return
	}
	for _, e := range list {
		if n, err := strconv.Atoi(e.Name()); err == nil && n >= 0 && n < maxChunks {
			bitmap[n/8] |= 1 << (n % 8)
		}
	}
	send(w, http.StatusOK, "application/octet-stream", bitmap)
}

// doneTip joins the chunks to one file and enters it. Repeating it is safe:
// the answer may have been lost on the way.
func (s *Server) doneTip(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	b, err := readSmall(w, r, 4096)
	var in struct {
		N    int    `json:"n"`
		Box  string `json:"box"`
		Auth string `json:"auth"`
	}
	var box [16]byte
	var auth [32]byte
	if !tipID(id) || err != nil || json.Unmarshal(b, &in) != nil || in.N < 1 || in.N > maxChunks ||
		!unhex(box[:], in.Box) || !unhex(auth[:], in.Auth) || auth == ([32]byte{}) {
		s.refuse(w, r, sayForm)
		return
	}
	// Two requests for one tip, after a cut line: the second waits its turn.
	if _, busy := s.joining.LoadOrStore(id, true); busy {
		s.refuse(w, r, sayBusy)
		return
	}
	defer s.joining.Delete(id)
	if done, err := s.store.hasTip(id); err != nil {
		s.refuse(w, r, sayBroken)
		return
	} else if done {
		s.json(w, http.StatusOK, map[string]bool{"ok": true})
		return
	}
	switch err := s.join(id, in.N, box, auth); {
	case errors.Is(err, fs.ErrNotExist):
		s.refuse(w, r, sayMissing)
		return
	case errors.Is(err, errNotAge):
		s.refuse(w, r, sayNotAge)
		return
	case errors.Is(err, errTooLarge):
		s.refuse(w, r, sayTooLarge)
		return
	case errors.Is(err, errBoxTaken):
		s.refuse(w, r, sayCode)
		return
	case err != nil:
		s.refuse(w, r, sayOf(err))
		return
	}
	gone := sizeOf(s.store.partPath(id))
	if os.RemoveAll(s.store.partPath(id)) == nil {
		s.store.used.Add(-gone)
	}
	s.store.count("tip")
	s.json(w, http.StatusOK, map[string]bool{"ok": true})
}

var (
	errNotAge   = errors.New("not an age file")
	errTooLarge = errors.New("larger than a tip may be")
)

// join writes chunks 0..n-1 into one file and enters it, and leaves the
// chunks: until the tip is entered they are the only acknowledged copy.
func (s *Server) join(id string, n int, box [16]byte, auth [32]byte) error {
	dir := s.store.partPath(id)
	var total int64
	for i := range n {
		st, err := os.Stat(filepath.Join(dir, chunkName(i)))
		if err != nil {
			return err
		}
		total += st.Size()
	}
	if total > s.maxSealed() {
		return errTooLarge
	}
	tmp, err := os.CreateTemp(filepath.Join(s.dir, partDir), streamPrefix+"*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	var size int64
	for i := range n {
		f, err := os.Open(filepath.Join(dir, chunkName(i)))
		if err != nil {
			return err
		}
		if i == 0 {
			head := make([]byte, len(ageHead))
			f.ReadAt(head, 0)
			if !bytes.Equal(head, []byte(ageHead)) {
				f.Close()
				return errNotAge
			}
		}
		m, err := io.Copy(tmp, f)
		f.Close()
		size += m
		if err != nil {
			return err
		}
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	s.store.used.Add(size)
	if err := s.store.enter(tmp.Name(), id, size, box, auth); err != nil {
		s.store.used.Add(-size)
		return err
	}
	return nil
}

func unhex(to []byte, s string) bool {
	if len(s) != 2*len(to) {
		return false
	}
	_, err := hex.Decode(to, []byte(s))
	return err == nil
}
