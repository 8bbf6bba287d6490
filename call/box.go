package call

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"

	"filippo.io/age"

	"sightline/call/pages"
	"sightline/tip"
)

// dummies makes slots nobody can open. Their identity is thrown away as soon
// as its recipient is drawn.
type dummies struct{ to age.Recipient }

func newDummies() (*dummies, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, err
	}
	return &dummies{id.Recipient()}, nil
}

// slots gives the slots of a mailbox. The same work is done whether it is
// known, unknown or opened with the wrong half of a code: four fresh dummies
// are sealed, the store is asked for the box and for four slots, and copies are
// laid over the dummies.
func (s *Server) slots(box [16]byte, auth [32]byte) ([]byte, bool, error) {
	out := make([]byte, 0, tip.Slots*tip.SlotSize)
	for range tip.Slots {
		d, err := tip.SealReply(s.dummy.to, tip.Reply{})
		if err != nil {
			return nil, false, err
		}
		out = append(out, d...)
	}
	have, err := s.store.boxAuth(s.store.db, box[:])
	if err != nil {
		return nil, false, err
	}
	given := sha256.Sum256(auth[:])
	open := subtle.ConstantTimeCompare(have[:], given[:]) == 1
	stored, real, err := s.store.replies(box)
	if err != nil {
		return nil, false, err
	}
	for i, b := range stored {
		// One of the two is copied, and takes the same time.
		to, from := out[i*tip.SlotSize:(i+1)*tip.SlotSize], b
		use := subtle.ConstantTimeLessOrEq(i+1, real)
		if !open || len(b) != tip.SlotSize {
			use = 0
		}
		if use == 0 {
			from = bytes.Clone(to)
		} else {
			from = bytes.Clone(from)
		}
		copy(to, from)
	}
	return out, open, nil
}

// touch notes that a mailbox was used. The day is written with the next sweep:
// a write to the disk, now, would take longer for a known code than for an
// unknown one, and its time would stand in the file system.
func (s *Server) touch(box [16]byte, open bool) {
	s.store.touchMu.Lock()
	defer s.store.touchMu.Unlock()
	if !open {
		box = decoy // no row has this name
	}
	s.store.touched[box] = s.store.day()
}

// openBox shows a mailbox: four slots to a script, a page to a form.
func (s *Server) openBox(w http.ResponseWriter, r *http.Request) {
	if wantsJSON(r) {
		box, auth, ok := readBox(w, r)
		if !ok {
			s.refuse(w, r, sayForm)
			return
		}
		slots, open, err := s.slots(box, auth)
		if err != nil {
			s.refuse(w, r, sayBroken)
			return
		}
		s.touch(box, open)
		send(w, http.StatusOK, "application/octet-stream", slots)
		return
	}
	lang, code, keys, ok := s.codeForm(w, r)
	if !ok {
		return
	}
	slots, open, err := s.slots(keys.Box, keys.Auth)
	if err != nil {
		s.refuseIn(w, r, lang, sayBroken)
		return
	}
	s.touch(keys.Box, open)
	id, err := keys.Identity()
	if err != nil {
		s.refuseIn(w, r, lang, sayBroken)
		return
	}
	v := s.view(lang)
	v.Box = &pages.Box{Code: code}
	for i := range tip.Slots {
		if p, ok, _ := tip.OpenReply(id, slots[i*tip.SlotSize:(i+1)*tip.SlotSize]); ok {
			v.Box.Replies = append(v.Box.Replies, pages.Reply{Day: p.Day, Text: p.Text})
		}
	}
	s.show(w, r, http.StatusOK, pages.Mailbox, v, tip.Slots*tip.SlotSize)
}

func readBox(w http.ResponseWriter, r *http.Request) (box [16]byte, auth [32]byte, ok bool) {
	b, err := readSmall(w, r, 4096)
	var in struct{ Box, Auth string }
	if err != nil || json.Unmarshal(b, &in) != nil {
		return box, auth, false
	}
	return box, auth, unhex(box[:], in.Box) && unhex(auth[:], in.Auth)
}

// codeForm reads a form with a code and stretches it; where it says false the
// answer is given.
func (s *Server) codeForm(w http.ResponseWriter, r *http.Request) (lang, code string, keys tip.Keys, ok bool) {
	lang = language(r)
	form, err := readForm(w, r)
	if err != nil {
		s.refuse(w, r, sayForm)
		return lang, "", keys, false
	}
	if l := form.Get("lang"); pages.Known(l) {
		lang = l
	}
	c, err := tip.ParseCode(form.Get("code"))
	if err != nil {
		s.refuseIn(w, r, lang, sayCode)
		return lang, "", keys, false
	}
	keys, err = s.opt.Stretch(r.Context(), c, s.cfg.ID)
	switch {
	case errors.Is(err, errQueue):
		s.refuseIn(w, r, lang, sayQueue)
	case errors.Is(err, context.Canceled):
	case err != nil:
		s.refuseIn(w, r, lang, sayBroken)
	}
	return lang, c.Digits(), keys, err == nil
}

// readForm reads a small form of either encoding without the standard
// library's way to temporary files.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	b, err := readSmall(w, r, 8192)
	if err != nil {
		return nil, err
	}
	if kind != "multipart/form-data" {
		return url.ParseQuery(string(b))
	}
	v := url.Values{}
	m := multipart.NewReader(strings.NewReader(string(b)), params["boundary"])
	for {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return v, nil
		}
		if err != nil {
			return nil, err
		}
		t, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		v.Add(p.FormName(), string(t))
	}
}

// eraseBox removes a mailbox with its replies, and what of it nobody fetched.
// What the team has already is listed to the team as withdrawn. The answer is
// the same for an unknown code.
func (s *Server) eraseBox(w http.ResponseWriter, r *http.Request) {
	var box [16]byte
	var auth [32]byte
	script := wantsJSON(r)
	lang := language(r)
	if script {
		var ok bool
		if box, auth, ok = readBox(w, r); !ok {
			s.refuse(w, r, sayForm)
			return
		}
	} else {
		l, _, keys, ok := s.codeForm(w, r)
		if !ok {
			return
		}
		lang, box, auth = l, keys.Box, keys.Auth
	}
	if err := s.erase(box, auth); err != nil {
		s.refuseIn(w, r, lang, sayBroken)
		return
	}
	s.store.count("erase")
	if script {
		s.json(w, http.StatusOK, map[string]bool{"ok": true})
		return
	}
	s.show(w, r, http.StatusOK, pages.Erased, s.view(lang), 4096)
}

func (s *Server) erase(box [16]byte, auth [32]byte) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var gone []string
	given := sha256.Sum256(auth[:])
	err := s.store.tx(func(t *sql.Tx) error {
		have, err := s.store.boxAuth(t, box[:])
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(have[:], given[:]) != 1 {
			return nil
		}
		rows, err := t.Query(`SELECT id, acked IS NOT NULL FROM tip WHERE box = ?`, box[:])
		if err != nil {
			return err
		}
		var had []string
		for rows.Next() {
			var id string
			var acked bool
			if err := rows.Scan(&id, &acked); err != nil {
				rows.Close()
				return err
			}
			gone = append(gone, id)
			if acked {
				had = append(had, id)
			}
		}
		rows.Close()
		for _, id := range had {
			if _, err := t.Exec(`INSERT INTO withdrawn VALUES (?, ?) ON CONFLICT DO NOTHING`, id, s.store.day()); err != nil {
				return err
			}
		}
		for _, q := range []string{`DELETE FROM reply WHERE box = ?`, `DELETE FROM tip WHERE box = ?`, `DELETE FROM box WHERE id = ?`} {
			if _, err := t.Exec(q, box[:]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range gone {
		p := s.store.tipPath(id)
		if i, err := os.Stat(p); err == nil && os.Remove(p) == nil {
			s.store.used.Add(-i.Size())
		}
	}
	return nil
}
