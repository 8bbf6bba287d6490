package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"sightline"
	"sightline/call"
	"sightline/call/inbox"
	"sightline/flow"
	"sightline/intake"
	"sightline/tip"
)

// tipWork is what a person does with tips, the same by verb and in the desk.
type tipWork struct {
	f     *folder
	by    sightline.Actor
	b     *inbox.Inbox
	place string // quarantine
}

func newTipWork(f *folder, by sightline.Actor, quarantine string) (*tipWork, error) {
	b, err := openInbox(f)
	if err != nil {
		return nil, err
	}
	if quarantine == "" {
		quarantine = quarantinePlace(b)
	}
	return &tipWork{f, by, b, quarantine}, nil
}

// coded is an error that the desk can say in the reader's language.
type coded struct {
	code string
	error
}

func (c *coded) Unwrap() error { return c.error }

// note writes one entry of the log.
func (w *tipWork) note(ctx context.Context, d sightline.Draft) error {
	_, err := w.f.Store.Update(ctx, w.by, func(s sightline.Writer) error {
		s.Describe(d)
		return nil
	})
	return err
}

// received logs that ciphertext is here: its digest, its padded size, the day.
func (w *tipWork) received(ctx context.Context, t inbox.Tip) error {
	return w.note(ctx, sightline.Draft{Kind: sightline.EntryReceive, Result: "ok", Parents: []string{t.SHA256},
		Capture: &sightline.EntryCapture{Method: "manual", Access: "given"},
		Seal:    map[string]any{"tip": map[string]any{"id": t.ID, "source": t.Source, "size": inbox.Bucket(t.Size), "day": t.Day, "channel": t.Channel}}})
}

// puller is how the server of the call is reached.
func (w *tipWork) puller(server, proxy string) (*call.Puller, error) {
	rules, err := w.b.Rules()
	if err != nil {
		return nil, exit(2, err)
	}
	if server == "" {
		server, proxy = rules.Server, rules.Proxy
	}
	if server == "" {
		return nil, exit(2, errors.New("it is not known where the server of the call is: --server ADDR, or \"server\" in tips/rules.json of the case"))
	}
	key, err := pullKey()
	if err != nil {
		return nil, err
	}
	p, err := call.NewPuller(server, proxy, key)
	if err != nil {
		return nil, exit(2, err)
	}
	return p, nil
}

// pulled says what came and what did not.
type pulled struct {
	Fresh     []inbox.Tip
	Withdrawn []inbox.Tip
	Failed    []string
	Late      int
}

func (w *tipWork) pull(ctx context.Context, p *call.Puller) (out pulled, err error) {
	in, err := p.List(ctx)
	if err != nil {
		return out, exit(1, &coded{"tip_server", err})
	}
	out.Late = in.Late
	for _, x := range in.Tips {
		if x.Acked {
			continue
		}
		var sha string
		var got int64
		t, fresh, err := w.b.Take(inbox.Tip{Remote: x.ID, Box: x.Box, Day: x.Day, Channel: "server"}, func(to io.Writer) error {
			var err error
			sha, got, err = p.Fetch(ctx, x.ID, to)
			return err
		})
		if err == nil && got != x.Size {
			err = fmt.Errorf("%d bytes came instead of %d", got, x.Size)
		}
		if err == nil && fresh {
			err = w.received(ctx, t)
		}
		if err == nil {
			err = p.Ack(ctx, x.ID, sha)
		}
		if err != nil {
			out.Failed = append(out.Failed, fmt.Sprintf("one tip of %s could not be fetched: %v", x.Day, err))
			continue
		}
		if fresh {
			out.Fresh = append(out.Fresh, t)
		}
	}
	out.Withdrawn, err = w.withdrawn(in.Withdrawn, func(id string) error { return p.AckWithdrawn(ctx, id) })
	return out, err
}

func (w *tipWork) withdrawn(ids []string, ack func(string) error) (out []inbox.Tip, err error) {
	list, err := w.b.List()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		for _, t := range list {
			if t.Remote != id {
				continue
			}
			if t.State != inbox.Withdrawn {
				t.Note, t.State, t.Decided = "its source asked to delete it; it was "+t.State, inbox.Withdrawn, w.b.Day()
				if err := w.b.Save(t); err != nil {
					return nil, err
				}
			}
			out = append(out, t)
		}
		if err := ack(id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// open decrypts a tip into quarantine with keys that are unlocked.
func (w *tipWork) open(ctx context.Context, t inbox.Tip, u unlocked) (*inbox.Content, inbox.Tip, error) {
	if t.State == inbox.Withdrawn {
		return nil, t, exit(3, fmt.Errorf("the source of %s asked that it be deleted; it is not opened", t.ID))
	}
	rules, err := w.b.Rules()
	if err != nil {
		return nil, t, exit(2, err)
	}
	ids, err := u.identities(rules.TwoPeople)
	if err != nil {
		return nil, t, err
	}
	content, err := w.b.Decrypt(t, ids, w.place)
	switch {
	case errors.Is(err, tip.ErrAlone):
		return nil, t, exit(3, &coded{"tip_alone", fmt.Errorf("%s does not open by your half of the pair: the other person runs \"sightline tips assist %s\" and gives you what it prints (--help-of), or types the passphrase here (--with); a tip from before the pair was made has to be sealed again first (\"sightline tips reseal\")", t.ID, t.ID)})
	case errors.Is(err, inbox.ErrKey) && rules.TwoPeople:
		return nil, t, exit(3, &coded{"tip_single", fmt.Errorf("%s is not sealed to a pair of this machine, and this case demands two people: seal it again to the pairs of today with \"sightline tips reseal\"", t.ID)})
	case errors.Is(err, inbox.ErrKey):
		return nil, t, exit(1, &coded{"tip_key", err})
	case err != nil:
		return nil, t, exit(1, err)
	}
	second := u.second()
	t.Learn(content)
	t.Opened = append(t.Opened, inbox.Opening{By: w.by.Name, Second: second, Day: w.b.Day()})
	if err := w.b.Save(t); err != nil {
		return nil, t, err
	}
	err = w.note(ctx, sightline.Draft{Kind: sightline.EntryOpenTip, Result: "ok", Parents: []string{t.SHA256},
		Seal: map[string]any{"tip": map[string]any{"id": t.ID, "source": t.Source}, "opened": map[string]any{"by": w.by.Name, "second": second}}})
	if err != nil {
		return nil, t, err
	}
	// What accept needs and the line of the tip must not hold stays beside the
	// files, in quarantine.
	return content, t, saveContent(t, content)
}

// assist makes the help that the other person of a pair needs for one tip.
func (w *tipWork) assist(ctx context.Context, t inbox.Tip, keys []ownKey) (tipHelp, error) {
	h := tipHelp{V: 1, SHA256: t.SHA256, By: w.by.Name}
	if t.State == inbox.Withdrawn {
		return h, exit(3, fmt.Errorf("the source of %s asked that it be deleted; nobody helps to open it", t.ID))
	}
	p, err := os.Open(w.b.Blob(t.ID))
	if err != nil {
		return h, exit(2, fmt.Errorf("the content of %s is not here: %w", t.ID, err))
	}
	points, err := tip.Points(p)
	p.Close()
	if err != nil {
		return h, exit(1, err)
	}
	if other, err := w.repeats(t, points); err != nil {
		return h, err
	} else if other != "" {
		return h, exit(3, fmt.Errorf("the header of %s repeats a part of the header of %s: helping with the one would open the other, and no honest program makes such a file", t.ID, other))
	}
	halves := 0
	for _, k := range keys {
		if k.Half == nil || !k.Half.Whole() {
			continue
		}
		halves++
		// Which recipient is which pair cannot be seen, so all points are
		// multiplied: those of strangers come to nothing.
		for _, point := range points {
			part, err := k.Half.Help(point)
			if err != nil {
				continue
			}
			h.Parts = append(h.Parts, tipPart{hex.EncodeToString(point), hex.EncodeToString(part)})
		}
	}
	if halves != 1 {
		return h, exit(2, fmt.Errorf("%d halves of pairs open with this passphrase; name one with --key", halves))
	}
	return h, w.note(ctx, sightline.Draft{Kind: sightline.EntryOpenTip, Result: "ok", Parents: []string{t.SHA256},
		Seal: map[string]any{"tip": map[string]any{"id": t.ID, "source": t.Source}, "assisted": map[string]any{"by": w.by.Name}}})
}

// repeats looks for a point of one tip in the header of another.
func (w *tipWork) repeats(t inbox.Tip, points [][]byte) (string, error) {
	list, err := w.b.List()
	if err != nil {
		return "", err
	}
	for _, o := range list {
		if o.ID == t.ID {
			continue
		}
		p, err := os.Open(w.b.Blob(o.ID))
		if err != nil {
			continue // deleted
		}
		theirs, err := tip.Points(p)
		p.Close()
		if err != nil {
			continue // not an age file
		}
		for _, x := range points {
			if slices.ContainsFunc(theirs, func(y []byte) bool { return bytes.Equal(x, y) }) {
				return o.ID, nil
			}
		}
	}
	return "", nil
}

// choice is what is decided when a tip becomes items.
type choice struct {
	Only        []int    `json:"only"`
	Gap         string   `json:"gap"`
	Perspective string   `json:"perspective"`
	Message     bool     `json:"message"`
	Reason      string   `json:"reason"`
	Tags        []string `json:"tags"`
}

// accept makes items of an opened tip. The bytes go through the ordinary
// intake and are read in the sandbox like all others.
func (w *tipWork) accept(ctx context.Context, t inbox.Tip, c choice) (*intake.Report, inbox.Tip, error) {
	if t.State == inbox.Withdrawn || t.Drill != "" {
		return nil, t, exit(3, fmt.Errorf("%s cannot become items: it is a test, or its source asked to delete it", t.ID))
	}
	content, err := loadContent(w.place, t)
	if err != nil {
		return nil, t, err
	}
	gap := c.Gap
	if gap == "" {
		gap = t.Request
	}
	if gap != "" {
		err := w.f.Store.View(ctx, w.by, func(r sightline.Reader) error {
			_, err := sightline.Get[sightline.Gap](r, sightline.KindGap, gap)
			return err
		})
		if err != nil && c.Gap != "" {
			return nil, t, exit(2, fmt.Errorf("the request %s is not in this case: %w", gap, err))
		}
		if err != nil {
			gap = "" // what a stranger wrote there means nothing here
		}
	}
	in, err := c.inputs(content, t)
	if err != nil {
		return nil, t, err
	}
	if len(in) == 0 {
		return nil, t, exit(2, fmt.Errorf("%s has no file to take; --message makes an item of its message", t.ID))
	}
	a := &intake.Adder{
		Store: w.f.Store, Blobs: w.f.Blobs, Actor: w.by, Version: version, Reason: c.Reason, Access: "given", Jobs: flow.JobsFor,
		Argv: []string{"tips", "accept", t.ID},
	}
	report, err := a.Take(ctx, in)
	if err != nil {
		return nil, t, err
	}
	for _, l := range report.Added {
		if err := w.mark(ctx, t, content, l, c); err != nil {
			return report, t, err
		}
	}
	for _, l := range append(slices.Clone(report.Added), report.Known...) {
		if !slices.Contains(t.Items, l.ID) {
			t.Items = append(t.Items, l.ID)
		}
	}
	if err := w.answers(ctx, gap, t.Items); err != nil {
		return report, t, err
	}
	t.State, t.Decided, t.Request = inbox.Accepted, w.b.Day(), gap
	if err := w.b.Save(t); err != nil {
		return report, t, err
	}
	if len(report.Refused) > 0 {
		return report, t, nil // the rest stays in quarantine
	}
	return report, t, os.RemoveAll(content.Dir)
}

// inputs names the files neutrally: a name such as IMG_Ana.jpg could tell who
// took it, so the case calls it T-001-1 and the name is sealed. The time of
// the copy is the day of the tip, not the minute of its opening.
func (c *choice) inputs(content *inbox.Content, t inbox.Tip) (in []intake.Input, err error) {
	day, derr := time.Parse(time.DateOnly, t.Day)
	add := func(path, name string) error {
		if derr == nil {
			if err := os.Chtimes(path, day, day); err != nil {
				return err
			}
		}
		in = append(in, intake.Input{Path: path, Name: name})
		return nil
	}
	for n := range content.Tip.Files {
		if len(c.Only) > 0 && !slices.Contains(c.Only, n+1) {
			continue
		}
		ext := strings.ToLower(filepath.Ext(tip.BaseName(content.Names[n])))
		if len(ext) > 6 || strings.ContainsFunc(ext, func(r rune) bool { return r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
			ext = ""
		}
		if err := add(content.Path(n+1), fmt.Sprintf("%s-%d%s", t.ID, n+1, ext)); err != nil {
			return nil, err
		}
	}
	if c.Message && content.Tip.Message != "" {
		path := filepath.Join(content.Dir, "message.txt")
		if err := os.WriteFile(path, []byte(content.Tip.Message), 0o600); err != nil {
			return nil, err
		}
		if err := add(path, t.ID+"-message.txt"); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// mark says on the item that it came by the call, and writes the entry that
// joins it to the ciphertext. What the source wrote is sealed.
func (w *tipWork) mark(ctx context.Context, t inbox.Tip, content *inbox.Content, l intake.Line, c choice) error {
	said := map[string]any{"id": t.ID, "source": t.Source, "lane": content.Tip.Join.Lane, "lang": content.Tip.Join.Lang,
		"at": content.Tip.Join.At, "message": content.Tip.Message, "wish": content.Tip.Join.Wish, "day": t.Day, "incomplete": content.Tip.Incomplete}
	var n int
	if _, err := fmt.Sscanf(l.Name, t.ID+"-%d", &n); err == nil && n >= 1 && n <= len(content.Names) {
		said["name"], said["mime"], said["modified"], said["fault"] = content.Names[n-1], content.MIMEs[n-1], content.Changed[n-1], content.Tip.Files[n-1].Fault
	}
	if len(content.Tip.Join.Form) > 0 {
		var form any
		if json.Unmarshal(content.Tip.Join.Form, &form) == nil {
			said["form"] = form
		}
	}
	_, err := w.f.Store.Update(ctx, w.by, func(s sightline.Writer) error {
		it, err := sightline.Get[sightline.Item](s, sightline.KindItem, l.ID)
		if err != nil {
			return err
		}
		it.Source.Name = sightline.Text{"en": "anonymous intake", "es": "recepción anónima"}
		it.Source.Type, it.Source.Method, it.Source.Perspective = "anonymous intake", "call for evidence", c.Perspective
		it.Sensitivity = "source_at_risk"
		it.Public.Hash = "withhold" // the source's device holds the same bytes
		it.Tags = append(it.Tags, c.Tags...)
		if err := s.Put(it); err != nil {
			return err
		}
		s.Describe(sightline.Draft{
			Kind: sightline.EntryOpenTip, Result: "ok", Parents: []string{t.SHA256}, Seal: map[string]any{"tip": said},
			Item: &sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"},
		})
		return nil
	})
	return err
}

// answers links items to the gap that asked for them.
func (w *tipWork) answers(ctx context.Context, gap string, items []string) error {
	if gap == "" || len(items) == 0 {
		return nil
	}
	_, err := w.f.Store.Update(ctx, w.by, func(s sightline.Writer) error {
		g, err := sightline.Get[sightline.Gap](s, sightline.KindGap, gap)
		if err != nil {
			return err
		}
		for _, id := range items {
			if !slices.Contains(g.Answers, id) {
				g.Answers = append(g.Answers, id)
			}
		}
		s.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok"})
		return s.Put(g)
	})
	return err
}

// closeGap fills a gap with a verified item that answers it; item "" opens it
// again.
func (w *tipWork) closeGap(ctx context.Context, gap, item, reason string) error {
	_, err := w.f.Store.Update(ctx, w.by, func(s sightline.Writer) error {
		g, err := sightline.Get[sightline.Gap](s, sightline.KindGap, gap)
		if err != nil {
			return fmt.Errorf("the request %s is not in this case: %w", gap, err)
		}
		if item == "" {
			g.Closed = ""
		} else {
			it, err := sightline.Get[sightline.Item](s, sightline.KindItem, item)
			if err != nil {
				return fmt.Errorf("the item %s is not in this case: %w", item, err)
			}
			if err := g.Close(it); err != nil {
				return &coded{"gap_unverified", err}
			}
		}
		d := sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok"}
		if reason != "" {
			d.Seal = map[string]any{"reason": reason}
		}
		s.Describe(d)
		return s.Put(g)
	})
	return err
}

func (w *tipWork) decline(ctx context.Context, t inbox.Tip, reason string) (inbox.Tip, error) {
	if t.State == inbox.Accepted {
		return t, exit(3, fmt.Errorf("%s has become %s; items are erased with \"sightline erase\"", t.ID, strings.Join(t.Items, ", ")))
	}
	if strings.TrimSpace(reason) == "" {
		return t, exit(2, errors.New("say why it is declined"))
	}
	t.State, t.Note, t.Decided = inbox.Declined, reason, w.b.Day()
	err := w.note(ctx, sightline.Draft{Kind: sightline.EntryReview, Result: "ok", Parents: []string{t.SHA256},
		Seal: map[string]any{"tip": map[string]any{"id": t.ID, "source": t.Source, "decision": "declined"}, "reason": reason}})
	if err == nil {
		err = os.RemoveAll(filepath.Join(w.place, t.ID))
	}
	if err == nil {
		err = w.b.Save(t)
	}
	return t, err
}

func (w *tipWork) merge(ctx context.Context, ids []string) (string, error) {
	s, err := w.b.Merge(ids...)
	if err != nil {
		return "", exit(2, err)
	}
	return s, w.note(ctx, sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Seal: map[string]any{"tip": map[string]any{"merged": ids, "source": s}}})
}

func (w *tipWork) forget(ctx context.Context, t inbox.Tip) error {
	if err := w.b.Forget(&t, w.place); err != nil {
		return err
	}
	return w.note(ctx, sightline.Draft{Kind: sightline.EntryErase, Result: "ok", Parents: []string{t.SHA256},
		Seal: map[string]any{"tip": map[string]any{"id": t.ID, "state": t.State}, "reason": forgetReason(t)}})
}

func forgetReason(t inbox.Tip) string {
	if t.State == inbox.Withdrawn {
		return "at the wish of its source"
	}
	return "not needed any more: " + t.State
}

// sealReply makes the slot of a reply.
func (w *tipWork) sealReply(t inbox.Tip, text string) ([]byte, error) {
	if t.ReplyTo == "" {
		return nil, exit(2, fmt.Errorf("where to answer %s is known when it has been opened, and only if it came with a receipt code", t.ID))
	}
	to, err := age.ParseHybridRecipient(t.ReplyTo)
	if err != nil {
		return nil, exit(1, fmt.Errorf("the reply address of %s is not one", t.ID))
	}
	slot, err := tip.SealReply(to, tip.Reply{Day: w.b.Day(), Lang: t.Lang, Text: text})
	if err != nil {
		return nil, exit(2, err)
	}
	return slot, nil
}

// reply lays a sealed reply into the mailbox of a tip's source.
func (w *tipWork) reply(ctx context.Context, t inbox.Tip, slot []byte, p *call.Puller) error {
	if t.Box == "" {
		return exit(2, fmt.Errorf("%s came on a stick, so its mailbox is not known here; fetch it from the server, or write with --out", t.ID))
	}
	if err := p.Reply(ctx, t.Box, slot); err != nil {
		return exit(1, &coded{"tip_server", err})
	}
	return nil
}

func (w *tipWork) replied(ctx context.Context, t inbox.Tip, text string) error {
	t.Replies = append(t.Replies, w.b.Day())
	if err := w.b.Save(t); err != nil {
		return err
	}
	return w.note(ctx, sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Parents: []string{t.SHA256},
		Seal: map[string]any{"tip": map[string]any{"id": t.ID, "source": t.Source, "reply": text, "day": w.b.Day()}}})
}

// replyText is a template in the source's language, or what was written.
func replyText(t inbox.Tip, text, template string) (string, error) {
	if template == "" {
		if strings.TrimSpace(text) == "" {
			return "", exit(2, errors.New("the reply is empty"))
		}
		return text, nil
	}
	all, ok := replyTemplates[template]
	if !ok {
		return "", exit(2, fmt.Errorf("there is no template %q; there are thanks, original, where, received, cannot", template))
	}
	if s := all[t.Lang]; s != "" {
		return s, nil
	}
	return all["en"], nil
}

// form takes what came by hand: the answers and the files, sealed at once.
func (w *tipWork) form(ctx context.Context, dir string, p []byte, files []string) (inbox.Tip, error) {
	form, err := inbox.ReadForm(p)
	if err != nil {
		return inbox.Tip{}, exit(2, err)
	}
	rules, err := w.b.Rules()
	if err != nil {
		return inbox.Tip{}, exit(2, err)
	}
	if dir == "" {
		if dir = rules.Call; dir == "" {
			return inbox.Tip{}, exit(2, errors.New("it is not known to which keys this is sealed: --call DIR, or \"call\" in tips/rules.json of the case"))
		}
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(w.f.Dir, dir)
		}
	}
	rs, err := checkKeys(ctx, w.f, dir)
	if err != nil {
		return inbox.Tip{}, exit(1, err)
	}
	cfg, err := call.LoadConfig(dir)
	if err != nil {
		return inbox.Tip{}, exit(2, err)
	}
	var whole bytes.Buffer
	if err := json.Compact(&whole, p); err != nil {
		return inbox.Tip{}, exit(2, err)
	}
	j := tip.Join{Lang: form.Language, At: form.Date, Call: cfg.ID, Lane: "D", Wish: form.Wish, Request: form.Request, Form: whole.Bytes()}
	t, fresh, err := w.b.Take(inbox.Tip{Channel: form.Channel, Request: form.Request}, func(to io.Writer) error {
		return inbox.Bundle(to, tip.AgeRecipients(rs), form.Said, files, j)
	})
	if err != nil {
		return t, exit(2, err)
	}
	if fresh {
		err = w.received(ctx, t)
	}
	return t, err
}
