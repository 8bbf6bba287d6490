package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"sightline"
)

// Inbox is what came by a call for evidence, on its way into the case. The
// desk shows of a sealed tip what the team may know without a key; it opens
// one only on the machine that holds the key, with the passphrase of whoever
// sits there.
type Inbox struct {
	List func(context.Context) (*InboxReport, error)
	// Do carries out one act: pull, open, accept, decline, reply, merge,
	// forget, close.
	Do func(ctx context.Context, by sightline.Actor, act string, ask InboxAsk) (*InboxAnswer, error)
	// Form takes what came by hand: the answers of the form and the files.
	Form func(ctx context.Context, by sightline.Actor, form json.RawMessage, files []Upload) (*InboxAnswer, error)
}

// InboxReport is the inbox as a whole.
type InboxReport struct {
	Tips      []InboxTip                `json:"tips"`
	Keys      []InboxKey                `json:"keys"` // on this machine
	TwoPeople bool                      `json:"two_people"`
	Server    bool                      `json:"server"` // it is known where the server of the call is
	Call      bool                      `json:"call"`   // it is known to which keys forms are sealed
	KeepDays  int                       `json:"keep_days"`
	Templates map[string]sightline.Text `json:"templates"`
	Channels  []string                  `json:"channels"` // of the form for what came by hand
}

// InboxKey is an identity of this machine, by name only.
type InboxKey struct {
	Name string `json:"name"`
}

// InboxTip is one line of the inbox.
type InboxTip struct {
	ID         string      `json:"id"`
	Source     string      `json:"source,omitempty"` // pseudonym
	State      string      `json:"state"`
	Day        string      `json:"day"`
	Size       int64       `json:"size"` // bytes, rounded to the bucket that may be known
	Channel    string      `json:"channel,omitempty"`
	Test       bool        `json:"test,omitempty"`
	Lang       string      `json:"lang,omitempty"`
	Lane       string      `json:"lane,omitempty"`
	Request    string      `json:"request,omitempty"`
	Incomplete string      `json:"incomplete,omitempty"`
	Files      []InboxFile `json:"files,omitempty"`
	Items      []string    `json:"items,omitempty"`
	Opened     []string    `json:"opened,omitempty"` // by whom, on which day
	Replies    []string    `json:"replies,omitempty"`
	Decided    string      `json:"decided,omitempty"`
	Note       string      `json:"note,omitempty"`
	Here       bool        `json:"here"`      // its plaintext lies in quarantine on this machine
	Held       bool        `json:"held"`      // its ciphertext is here
	CanReply   bool        `json:"can_reply"` // it came with a receipt code
	Due        bool        `json:"due,omitempty"`
	Waits      bool        `json:"waits,omitempty"` // unopened for longer than the rules allow
}

// InboxFile is one file of an opened tip, without the name its source gave it.
type InboxFile struct {
	N      int    `json:"n"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Type   string `json:"type,omitempty"` // as the source's device called it
	Fault  string `json:"fault,omitempty"`
}

// InboxAsk is what one act needs.
type InboxAsk struct {
	Tip            string          `json:"tip"`
	Tips           []string        `json:"tips"`
	Key            string          `json:"key"`
	Passphrase     string          `json:"passphrase"`
	With           string          `json:"with"` // the other half of a pair
	WithPassphrase string          `json:"with_passphrase"`
	Help           json.RawMessage `json:"help"` // what the other person made on their machine
	Only           []int           `json:"only"`
	Gap            string          `json:"gap"`
	Item           string          `json:"item"`
	Perspective    string          `json:"perspective"`
	Message        bool            `json:"message"`
	Tags           []string        `json:"tags"`
	Reason         string          `json:"reason"`
	Text           string          `json:"text"`
	Template       string          `json:"template"`
}

// InboxAnswer says what came of it.
type InboxAnswer struct {
	Tip     *InboxTip       `json:"tip,omitempty"`
	Content *InboxContent   `json:"content,omitempty"`
	Help    json.RawMessage `json:"help,omitempty"`
	Items   []string        `json:"items,omitempty"`
	Known   []string        `json:"known,omitempty"`
	Refused []string        `json:"refused,omitempty"`
	Fresh   int             `json:"fresh"`
	Gone    []string        `json:"gone,omitempty"` // tips whose sources ask that they be deleted
	Failed  []string        `json:"failed,omitempty"`
	Source  string          `json:"source,omitempty"`
}

// InboxContent is what an opened tip says. It is never stored by the desk.
type InboxContent struct {
	Message string          `json:"message"`
	Wish    string          `json:"wish,omitempty"`
	Form    json.RawMessage `json:"form,omitempty"`
	At      string          `json:"at,omitempty"`
}

// inboxRoutes are the calls of this file.
func (s *Server) inboxRoutes(m *router) {
	m.HandleFunc("GET /api/cases/{case}/inbox", s.inCase(s.inbox))
	m.HandleFunc("POST /api/cases/{case}/inbox/{act}", s.inCase(s.inboxAct))
	m.HandleFunc("POST /api/cases/{case}/inbox-form", s.inCase(s.inboxForm))
}

var errNoInbox = fmt.Errorf("there is no inbox of a call for evidence here: %w", sightline.ErrDenied)

func (s *Server) inbox(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Inbox.List == nil {
		return errNoInbox
	}
	rep, err := c.Inbox.List(r.Context())
	if err == nil {
		reply(w, rep)
	}
	return err
}

func (s *Server) inboxAct(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Inbox.Do == nil {
		return errNoInbox
	}
	var ask InboxAsk
	if err := read(w, r, &ask); err != nil {
		return err
	}
	a, err := c.Inbox.Do(r.Context(), s.actor(r, c), r.PathValue("act"), ask)
	if err == nil {
		reply(w, a)
	}
	return err
}

// inboxForm receives the form first and then the files, each under a name of
// ours: what a person called a file goes into the sealed tip only.
func (s *Server) inboxForm(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Inbox.Form == nil {
		return errNoInbox
	}
	mr, err := r.MultipartReader()
	if err != nil {
		return &Problem{Status: 400, Title: "Bad Request", Detail: "the upload is not multipart/form-data", Code: "bad_upload"}
	}
	dir, err := os.MkdirTemp(s.cfg.TempDir, "form-*")
	if err != nil {
		return fmt.Errorf("failed to make room for the upload: %w", err)
	}
	defer os.RemoveAll(dir)
	var form json.RawMessage
	var files []Upload
	for {
		p, err := mr.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return &Problem{Status: 400, Title: "Bad Request", Detail: "the upload broke off; nothing was added, send it again", Code: "upload_broken"}
		}
		switch p.FormName() {
		case "form":
			if form, err = io.ReadAll(io.LimitReader(p, 1<<20)); err != nil {
				return err
			}
		case "file":
			if p.FileName() == "" {
				continue
			}
			sub := filepath.Join(dir, fmt.Sprint(len(files)))
			if err := os.Mkdir(sub, 0o700); err != nil {
				return err
			}
			u := Upload{Name: p.FileName(), Path: filepath.Join(sub, keptName(p.FileName()))}
			if err := saveTo(u.Path, p); err != nil {
				return err
			}
			files = append(files, u)
		}
	}
	a, err := c.Inbox.Form(r.Context(), s.actor(r, c), form, files)
	if err == nil {
		reply(w, a)
	}
	return err
}
