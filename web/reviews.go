package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"sightline"
	"sightline/verify/review"
)

// Reviews and comments have calls of their own, because what they say about
// who, when, blind and about which record is written by the desk and not by
// the browser.

type reviewBoard struct {
	*review.Report
	Me     string       `json:"me"`
	Blind  bool         `json:"blind"` // whether this desk can ask somebody blind
	People []personLine `json:"people"`
}

type personLine struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Role    string `json:"role"`
	Sources bool   `json:"sources,omitempty"`
}

// reviewState answers with the state of verification as the person may see it.
func (s *Server) reviewState(w http.ResponseWriter, r *http.Request, c *Case) error {
	p := asking(r)
	out := reviewBoard{Me: p.in(c), Blind: s.cfg.People != nil}
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		doc, err := sightline.Load(rd)
		if err != nil {
			return err
		}
		l, err := s.look(r, rd, c)
		if err != nil {
			return err
		}
		out.Report = review.Status(doc)
		if l.veil != nil {
			for i, v := range out.Verdicts {
				if l.veil.Hides(v.Item, v.Axis) {
					out.Counts[v.State]--
					out.Counts[review.Waiting]++
					out.Verdicts[i] = &review.Verdict{Item: v.Item, Axis: v.Axis, State: review.Waiting, Open: v.Open,
						Why: sightline.Text{"en": "You were asked, and are sent no answer of others before yours.", "es": "Se le preguntó; no recibe respuestas de otras personas antes de dar la suya."}}
				}
			}
		}
		return s.sent(r, c, doc.Head.Size)
	})
	if err != nil {
		return err
	}
	if out.People, err = s.peopleOf(c); err != nil {
		return err
	}
	reply(w, out)
	return nil
}

// peopleOf lists who works on a case.
func (s *Server) peopleOf(c *Case) ([]personLine, error) {
	if s.cfg.People == nil {
		return []personLine{{ID: sightline.KeyID(c.Actor.PublicKey), Name: c.Actor.Name, Role: "owner", Sources: true}}, nil
	}
	as, err := s.cfg.People.List()
	out := []personLine{}
	for _, a := range as {
		if g := a.Grants[c.ID]; g.Role != "" && a.Closed == "" {
			out = append(out, personLine{a.ID, a.Name, g.Role, g.Sources})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out, err
}

type askRequest struct {
	About  string            `json:"about"`
	Axis   string            `json:"axis"`
	Person string            `json:"person"` // who is asked; "" is the asker
	Due    string            `json:"due"`
	Answer *sightline.Answer `json:"answer"` // given at once, by the asker
	Did    []string          `json:"did"`
	Reason string            `json:"reason"`
	Ask    []string          `json:"ask"` // with an answer: who else is asked in the same step, so that they are not sent it
}

type reviewReply struct {
	Seq     sightline.Seq   `json:"seq"`
	ID      string          `json:"id"`
	Asked   []string        `json:"asked,omitempty"`
	Blind   bool            `json:"blind"`
	Verdict *review.Verdict `json:"verdict,omitempty"`
}

// ask asks a person to answer a question about an item, or takes the asker's
// own answer at once.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, c *Case) error {
	var in askRequest
	if err := read(w, r, &in); err != nil {
		return err
	}
	me := asking(r)
	if in.Person == "" {
		in.Person = me.in(c)
	}
	if in.Answer != nil && in.Person != me.in(c) {
		return fmt.Errorf("nobody answers for somebody else: %w", sightline.ErrDenied)
	}
	if in.Person != me.in(c) && rank(me.grant(c.ID).Role) < rank("investigator") {
		return fmt.Errorf("asking somebody else needs the role investigator: %w", sightline.ErrDenied)
	}
	out := reviewReply{}
	seq, err := s.rule(r, c, sightline.EntryReview, func(wr sightline.Writer, doc *sightline.Document) (string, error) {
		out = reviewReply{}
		q := &sightline.Review{About: in.About, Axis: in.Axis, Person: in.Person, Due: in.Due, State: "open", AskedBy: me.in(c), Asked: now()}
		if err := review.AskCheck(doc, q); err != nil {
			return "", err
		}
		var err error
		if q.Name, q.Blind, err = s.who(wr, doc, c, q); err != nil {
			return "", err
		}
		if q.ID, err = wr.NextID(sightline.KindReview, ""); err != nil {
			return "", err
		}
		out.ID, out.Blind = q.ID, q.Blind
		if in.Answer == nil {
			doc.Reviews = append(doc.Reviews, q)
			return in.About, wr.Put(q)
		}
		// Whoever else is asked in this step is asked before the answer is there.
		for _, id := range in.Ask {
			if id == q.Person || slices.Contains(out.Asked, id) {
				return "", fmt.Errorf("ask other people, each once: %w", sightline.ErrInvalid)
			}
			o := &sightline.Review{About: in.About, Axis: in.Axis, Person: id, Due: in.Due, State: "open", AskedBy: me.in(c), Asked: now()}
			if err := review.AskCheck(doc, o); err != nil {
				return "", err
			}
			if rank(me.grant(c.ID).Role) < rank("investigator") {
				return "", fmt.Errorf("asking somebody else needs the role investigator: %w", sightline.ErrDenied)
			}
			if o.Name, o.Blind, err = s.who(wr, doc, c, o); err != nil {
				return "", err
			}
			if o.ID, err = wr.NextID(sightline.KindReview, ""); err != nil {
				return "", err
			}
			doc.Reviews = append(doc.Reviews, o)
			out.Asked = append(out.Asked, id)
			if err := wr.Put(o); err != nil {
				return "", err
			}
		}
		doc.Reviews = append(doc.Reviews, q)
		return in.About, answer(wr, doc, q, in.Did, in.Answer, in.Reason)
	})
	if err != nil {
		return err
	}
	return s.said(w, r, c, seq, &out, in.About, in.Axis)
}

// answerCall takes the answer of a person who was asked.
func (s *Server) answerCall(w http.ResponseWriter, r *http.Request, c *Case) error {
	var in struct {
		Did    []string          `json:"did"`
		Answer *sightline.Answer `json:"answer"`
		Reason string            `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	me, id := asking(r), r.PathValue("review")
	out := reviewReply{ID: id}
	var about, axis string
	seq, err := s.rule(r, c, sightline.EntryReview, func(wr sightline.Writer, doc *sightline.Document) (string, error) {
		q, err := openReview(doc, id)
		if err != nil {
			return "", err
		}
		if q.Person != me.in(c) {
			return "", fmt.Errorf("%s was asked of %s, who alone can answer it: %w", q.ID, printable(q.Name), sightline.ErrDenied)
		}
		about, axis, out.Blind = q.About, q.Axis, q.Blind
		return q.About, answer(wr, doc, q, in.Did, in.Answer, in.Reason)
	})
	if err != nil {
		return err
	}
	return s.said(w, r, c, seq, &out, about, axis)
}

func openReview(doc *sightline.Document, id string) (*sightline.Review, error) {
	for _, q := range doc.Reviews {
		if q.ID == id {
			if q.State != "open" {
				return nil, fmt.Errorf("%s is not open any more: %w", id, sightline.ErrConflict)
			}
			return q, nil
		}
	}
	return nil, fmt.Errorf("review %s: %w", printable(id), sightline.ErrNotFound)
}

// answer fills in a review: what was said, about which record, in which place
// of the log. The answer comes into force on the item when nothing of a second
// person is in force, or when it revises what its author had said.
func answer(wr sightline.Writer, doc *sightline.Document, q *sightline.Review, did []string, a *sightline.Answer, reason string) error {
	var before []*sightline.Review
	others := false
	for _, x := range doc.Reviews {
		if x.ID != q.ID && x.About == q.About && x.Axis == q.Axis && x.State == "done" {
			before = append(before, x)
			others = others || x.Person != q.Person
		}
	}
	mine := len(before) > 0 && !slices.ContainsFunc(before, func(x *sightline.Review) bool { return x.Order < firstOf(before, q.Person) })
	q.State, q.Did, q.Answer, q.Reason = "done", did, a, strings.TrimSpace(reason)
	if err := review.Check(q, before); err != nil {
		return err
	}
	head, err := wr.Head()
	if err != nil {
		return err
	}
	q.Order, q.At = head.Size, now()
	q.Pins = review.Pin(doc, q.About, q.Axis, a)
	if err := wr.Put(q); err != nil {
		return err
	}
	if !others || mine {
		for i, it := range doc.Items {
			if it.ID == q.About {
				c := *it
				review.Apply(&c, a)
				doc.Items[i] = &c
				return wr.Put(&c)
			}
		}
	}
	return nil
}

// firstOf is the place in the log of the first answer of a person.
func firstOf(rs []*sightline.Review, person string) int64 {
	first := int64(1<<63 - 1)
	for _, r := range rs {
		if r.Person == person {
			first = min(first, r.Order)
		}
	}
	return first
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

// who finds the person that is asked, and whether they can answer blind: they
// have an account here, and were not sent the case since the first answer of
// anybody else came in.
func (s *Server) who(rd sightline.Reader, doc *sightline.Document, c *Case, q *sightline.Review) (name string, blind bool, err error) {
	if s.cfg.People == nil {
		if q.Person != sightline.KeyID(c.Actor.PublicKey) {
			return "", false, fmt.Errorf("this desk has one person; a second one needs a desk with accounts: %w", sightline.ErrInvalid)
		}
		return c.Actor.Name, false, nil
	}
	var a *Account
	if err := s.cfg.People.read(func(f *peopleFile) error {
		if x := f.account(q.Person); x != nil {
			k := *x
			a = &k
		}
		return nil
	}); err != nil {
		return "", false, err
	}
	if a == nil || a.Closed != "" || rank(a.Grants[c.ID].Role) < rank("reviewer") {
		return "", false, fmt.Errorf("%s is nobody who reviews this case: %w", printable(q.Person), sightline.ErrInvalid)
	}
	seen := a.Seen[c.ID]
	for _, x := range doc.Reviews {
		if x.About == q.About && x.Axis == q.Axis && x.Person != q.Person && x.At != "" && seen > x.Order {
			return a.Name, false, nil
		}
	}
	came, err := valueSince(rd, doc, q)
	if err != nil {
		return "", false, err
	}
	return a.Name, came < 0 || seen <= came, nil
}

// valueSince is the place in the log at which the place or time that an item
// states came in; -1 when it states none, or only what its source claims.
func valueSince(rd sightline.Reader, doc *sightline.Document, q *sightline.Review) (sightline.Seq, error) {
	value := func(it *sightline.Item) string {
		var v any
		switch {
		case q.Axis == sightline.AxisPlace && len(it.Places) > 0 && it.Places[0].Status != "" && it.Places[0].Status != "none" && it.Places[0].Status != "claimed":
			p := it.Places[0]
			p.Status = ""
			v = p
		case q.Axis == sightline.AxisTime && len(it.Times) > 0 && it.Times[0].Status != "" && it.Times[0].Status != "none" && it.Times[0].Status != "claimed":
			t := it.Times[0]
			t.Status = ""
			v = t
		default:
			return ""
		}
		b, _ := json.Marshal(v)
		return string(b)
	}
	var is string
	for _, it := range doc.Items {
		if it.ID == q.About {
			is = value(it)
		}
	}
	if is == "" {
		return -1, nil
	}
	rows, err := rd.History(sightline.Ref{Kind: sightline.KindItem, ID: q.About})
	if err != nil {
		return 0, err
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Rev > rows[j].Rev })
	came := sightline.Seq(-1)
	for _, row := range rows {
		var it sightline.Item
		if json.Unmarshal(row.Value, &it) != nil || value(&it) != is {
			break
		}
		came = row.Seq
	}
	return came, nil
}

// closeReview ends an open question: by who asked, who was asked, or an owner.
func (s *Server) closeReview(w http.ResponseWriter, r *http.Request, c *Case) error {
	reason, err := readReason(w, r)
	if err != nil {
		return err
	}
	me, id := asking(r), r.PathValue("review")
	out := reviewReply{ID: id}
	var about, axis string
	seq, err := s.rule(r, c, sightline.EntryReview, func(wr sightline.Writer, doc *sightline.Document) (string, error) {
		q, err := openReview(doc, id)
		if err != nil {
			return "", err
		}
		if p := me.in(c); p != q.Person && p != q.AskedBy && me.grant(c.ID).Role != "owner" {
			return "", fmt.Errorf("%s is between the person who asked and the one who was asked: %w", id, sightline.ErrDenied)
		}
		about, axis = q.About, q.Axis
		q.State, q.Reason = "cancelled", reason
		return q.About, wr.Put(q)
	})
	if err != nil {
		return err
	}
	return s.said(w, r, c, seq, &out, about, axis)
}

// setAside lets an owner leave an answer out of account, with a reason that
// stays. It never makes an answer count.
func (s *Server) setAside(w http.ResponseWriter, r *http.Request, c *Case) error {
	reason, err := readReason(w, r)
	if err != nil {
		return err
	}
	if strings.TrimSpace(reason) == "" {
		return fmt.Errorf("setting an answer aside needs a reason: %w", sightline.ErrInvalid)
	}
	me, id := asking(r), r.PathValue("review")
	out := reviewReply{ID: id}
	var about, axis string
	seq, err := s.rule(r, c, sightline.EntryReview, func(wr sightline.Writer, doc *sightline.Document) (string, error) {
		for _, q := range doc.Reviews {
			if q.ID != id {
				continue
			}
			if q.State != "done" {
				return "", fmt.Errorf("%s is not an answer: %w", id, sightline.ErrInvalid)
			}
			for _, x := range doc.Reviews {
				if x.About == q.About && x.Axis == q.Axis && x.State == "done" && x.Person == me.in(c) && x.Person != q.Person {
					return "", fmt.Errorf("you answered the same question, so another owner has to set %s aside: %w", id, sightline.ErrDenied)
				}
			}
			about, axis = q.About, q.Axis
			q.State, q.Reason = "set_aside", strings.TrimSpace(q.Reason+"\nSet aside by "+me.name(c)+": "+reason)
			return q.About, wr.Put(q)
		}
		return "", fmt.Errorf("review %s: %w", printable(id), sightline.ErrNotFound)
	})
	if err != nil {
		return err
	}
	return s.said(w, r, c, seq, &out, about, axis)
}

func readReason(w http.ResponseWriter, r *http.Request) (string, error) {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return "", err
	}
	return in.Reason, review.Plain("the reason", in.Reason)
}

// rule runs one change to reviews and lets the rules draw their conclusions in
// the same entry of the log. change gives the item that it is about.
func (s *Server) rule(r *http.Request, c *Case, kind sightline.EntryKind, change func(sightline.Writer, *sightline.Document) (string, error)) (sightline.Seq, error) {
	return c.Store.Update(r.Context(), s.actor(r, c), func(wr sightline.Writer) error {
		doc, err := sightline.Load(wr)
		if err != nil {
			return err
		}
		about, err := change(wr, doc)
		if err != nil {
			return err
		}
		d := sightline.Draft{Kind: kind, Result: "ok"}
		for _, it := range doc.Items {
			if it.ID == about {
				d.Item = &sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"}
			}
		}
		wr.Describe(d)
		_, err = conclude(wr, []string{about}, nil)
		return err
	})
}

// conclude writes what follows from the reviews into the items and findings
// that an edit touched, and says what that changed. was holds the items as they
// stood before.
func conclude(wr sightline.Writer, items []string, was map[string]*sightline.Item) (changed []sightline.Ref, err error) {
	n, err := wr.Count(sightline.KindReview)
	if err != nil {
		return nil, err
	}
	if n == 0 && !verifiedBefore(was) {
		return nil, nil
	}
	doc, err := sightline.Load(wr)
	if err != nil {
		return nil, err
	}
	for _, o := range review.Derive(doc, review.Touched(doc, items...), was) {
		if err := wr.Put(o); err != nil {
			return nil, err
		}
		changed = append(changed, o.Ref())
	}
	return changed, nil
}

func verifiedBefore(was map[string]*sightline.Item) bool {
	for _, it := range was {
		for _, a := range sightline.AxisNames {
			if it.Axes.Of(a).Status == "verified" {
				return true
			}
		}
	}
	return false
}

// said answers a change to reviews with the verdict as it is now.
func (s *Server) said(w http.ResponseWriter, r *http.Request, c *Case, seq sightline.Seq, out *reviewReply, about, axis string) error {
	out.Seq = seq
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		l, err := s.look(r, rd, c)
		if err != nil {
			return err
		}
		if l.veil != nil && l.veil.Hides(about, axis) {
			return nil
		}
		doc, err := sightline.Load(rd)
		if err == nil {
			out.Verdict = review.Status(doc).Of(about, axis)
		}
		return err
	})
	if err == nil {
		reply(w, out)
	}
	return err
}

// comment keeps a remark. Who said it and when is the desk's to say.
func (s *Server) comment(w http.ResponseWriter, r *http.Request, c *Case) error {
	var in sightline.Comment
	if err := read(w, r, &in); err != nil {
		return err
	}
	me := asking(r)
	in.ID, in.Person, in.Name, in.At, in.Resolved = "", me.in(c), me.name(c), now(), false
	seq, err := c.Store.Update(r.Context(), s.actor(r, c), func(wr sightline.Writer) error {
		item, err := commented(wr, &in)
		if err != nil {
			return err
		}
		if err := review.CheckComment(&in, item); err != nil {
			return err
		}
		if in.ReplyTo != "" {
			to, err := sightline.Get[sightline.Comment](wr, sightline.KindComment, in.ReplyTo)
			if err != nil {
				return fmt.Errorf("the comment that this replies to: %w", err)
			}
			if to.About != in.About {
				return fmt.Errorf("%s is about %s, not about %s: %w", to.ID, to.About, printable(in.About), sightline.ErrInvalid)
			}
		}
		if in.ID, err = wr.NextID(sightline.KindComment, ""); err != nil {
			return err
		}
		wr.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Seal: map[string]any{"label": "comment on " + in.About}})
		return wr.Put(&in)
	})
	if err == nil {
		reply(w, map[string]any{"seq": seq, "id": in.ID})
	}
	return err
}

// commented finds what a comment is about.
func commented(rd sightline.Reader, in *sightline.Comment) (*sightline.Item, error) {
	for _, k := range sightline.Kinds {
		row, err := rd.Row(sightline.Ref{Kind: k, ID: in.About})
		if err != nil || isNull(row.Value) || k == sightline.KindComment {
			continue
		}
		if k == sightline.KindItem {
			return sightline.Get[sightline.Item](rd, k, in.About)
		}
		return nil, nil
	}
	return nil, fmt.Errorf("there is no %s to comment on: %w", printable(in.About), sightline.ErrNotFound)
}

// commentState resolves a comment or opens it again.
func (s *Server) commentState(w http.ResponseWriter, r *http.Request, c *Case) error {
	var in struct {
		Resolved bool `json:"resolved"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	id := r.PathValue("comment")
	seq, err := c.Store.Update(r.Context(), s.actor(r, c), func(wr sightline.Writer) error {
		l, err := s.look(r, wr, c)
		if err != nil {
			return err
		}
		q, err := sightline.Get[sightline.Comment](wr, sightline.KindComment, id)
		if err != nil {
			return err
		}
		if _, ok := l.object(q); !ok {
			return fmt.Errorf("comment %s: %w", printable(id), sightline.ErrNotFound)
		}
		q.Resolved = in.Resolved
		wr.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Seal: map[string]any{"label": "comment " + id}})
		return wr.Put(q)
	})
	if err == nil {
		reply(w, map[string]any{"seq": seq, "id": id})
	}
	return err
}

// report answers with a computed view of the case: corroboration or coverage.
func (s *Server) report(w http.ResponseWriter, r *http.Request, c *Case) error {
	name := r.PathValue("report")
	make := s.cfg.Reports[name]
	if make == nil {
		return fmt.Errorf("there is no report %s: %w", printable(name), sightline.ErrNotFound)
	}
	var doc *sightline.Document
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		l, err := s.look(r, rd, c)
		if err != nil {
			return err
		}
		if doc, err = sightline.Load(rd); err != nil {
			return err
		}
		// Made from what the person may see, so that nothing withheld shows through.
		doc = l.document(doc)
		return s.sent(r, c, doc.Head.Size)
	})
	if err != nil {
		return err
	}
	out, err := make(r.Context(), doc)
	if err == nil {
		reply(w, out)
	}
	return err
}

// people lists who works on the case.
func (s *Server) people(w http.ResponseWriter, r *http.Request, c *Case) error {
	ps, err := s.peopleOf(c)
	if err == nil {
		reply(w, ps)
	}
	return err
}

// invite makes an invitation to the case. The link is shown once.
func (s *Server) invite(w http.ResponseWriter, r *http.Request, c *Case) error {
	var in struct {
		Name    string `json:"name"`
		Role    string `json:"role"`
		Sources bool   `json:"sources"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	if s.cfg.People == nil {
		return fmt.Errorf("this desk has one person; start it with accounts to invite others: %w", sightline.ErrDenied)
	}
	me := asking(r)
	token, err := s.cfg.People.Invite(in.Name, c.ID, Grant{in.Role, in.Sources}, me.ID)
	if err != nil {
		return err
	}
	if err := s.audit(r, c, "invite", map[string]any{"name": in.Name, "role": in.Role, "sources": in.Sources}); err != nil {
		return err
	}
	reply(w, map[string]any{"path": JoinPath(token), "hours": int(InvitationLife.Hours())})
	return nil
}

// JoinPath is where an invitation is accepted. The token is in the fragment,
// which no server and no log along the way sees.
func JoinPath(token string) string { return "/#join=" + token }

// role changes what a person may do in the case.
func (s *Server) role(w http.ResponseWriter, r *http.Request, c *Case) error {
	var in struct {
		Role    string `json:"role"`
		Sources bool   `json:"sources"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	if s.cfg.People == nil {
		return fmt.Errorf("this desk has one person: %w", sightline.ErrDenied)
	}
	id := r.PathValue("account")
	if err := s.cfg.People.Grant(id, c.ID, Grant{in.Role, in.Sources}, asking(r).ID); err != nil {
		return err
	}
	if err := s.audit(r, c, "grant", map[string]any{"account": id, "role": in.Role, "sources": in.Sources}); err != nil {
		return err
	}
	reply(w, map[string]bool{"ok": true})
	return nil
}

// passkeyInvitation makes an invitation for a further passkey of a person who
// works on this case and on none that the asker does not own.
func (s *Server) passkeyInvitation(w http.ResponseWriter, r *http.Request, c *Case) error {
	if s.cfg.People == nil {
		return fmt.Errorf("this desk has one person: %w", sightline.ErrDenied)
	}
	me, id := asking(r), r.PathValue("account")
	as, err := s.cfg.People.List()
	if err != nil {
		return err
	}
	for _, a := range as {
		if a.ID != id || a.Grants[c.ID].Role == "" {
			continue
		}
		for other := range a.Grants {
			// A passkey opens every case of its account.
			if me.grant(other).Role != "owner" {
				return fmt.Errorf("%s also works on a case that you do not own; an owner of all of them has to do this: %w", printable(a.Name), sightline.ErrDenied)
			}
		}
		token, err := s.cfg.People.InvitePasskey(id, me.ID)
		if err != nil {
			return err
		}
		if err := s.audit(r, c, "invite-passkey", map[string]any{"account": id}); err != nil {
			return err
		}
		reply(w, map[string]any{"path": JoinPath(token), "hours": int(InvitationLife.Hours())})
		return nil
	}
	return fmt.Errorf("account %s: %w", printable(id), sightline.ErrNotFound)
}

// audit writes an act about people into the log of the case, sealed.
func (s *Server) audit(r *http.Request, c *Case, what string, detail map[string]any) error {
	p := asking(r)
	if p.account == nil {
		return nil
	}
	_, err := c.Store.Update(r.Context(), s.actor(r, c), func(wr sightline.Writer) error {
		wr.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Seal: map[string]any{
			"label": what, "audit": map[string]any{"act": what, "account": p.ID, "name": p.Name, "role": p.grant(c.ID).Role, "detail": detail},
		}})
		return nil
	})
	return err
}
