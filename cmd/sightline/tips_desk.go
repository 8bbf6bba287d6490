package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"sightline"
	"sightline/call/inbox"
	"sightline/intake"
	"sightline/web"
)

// inboxCalls are the desk's ways into the inbox: the same work as the verbs.
func inboxCalls(f *folder) web.Inbox {
	return web.Inbox{
		List: func(ctx context.Context) (*web.InboxReport, error) { return inboxReport(f) },
		Do: func(ctx context.Context, by sightline.Actor, act string, ask web.InboxAsk) (*web.InboxAnswer, error) {
			w, err := newTipWork(f, by, "")
			if err != nil {
				return nil, err
			}
			a, err := w.act(ctx, act, ask)
			return a, atDesk(err)
		},
		Form: func(ctx context.Context, by sightline.Actor, form json.RawMessage, files []web.Upload) (*web.InboxAnswer, error) {
			w, err := newTipWork(f, by, "")
			if err != nil {
				return nil, err
			}
			var paths []string
			for _, u := range files {
				paths = append(paths, u.Path)
			}
			t, err := w.form(ctx, "", form, paths)
			if err != nil {
				return nil, atDesk(err)
			}
			line := w.line(t)
			return &web.InboxAnswer{Tip: &line}, nil
		},
	}
}

// atDesk gives an error of a verb the meaning that the desk answers with.
func atDesk(err error) error {
	var c *coded
	if errors.As(err, &c) {
		return &web.Problem{Status: http.StatusForbidden, Title: http.StatusText(http.StatusForbidden), Detail: err.Error(), Code: c.code}
	}
	var x *exitError
	if !errors.As(err, &x) || errors.Is(err, sightline.ErrInvalid) || errors.Is(err, sightline.ErrNotFound) || errors.Is(err, sightline.ErrDenied) || errors.Is(err, sightline.ErrDamaged) {
		return err
	}
	kind := sightline.ErrInvalid
	if x.code == 3 {
		kind = sightline.ErrDenied
	}
	return fmt.Errorf("%w: %w", err, kind)
}

func inboxReport(f *folder) (*web.InboxReport, error) {
	w, err := newTipWork(f, f.Actor, "")
	if err != nil {
		return nil, err
	}
	rules, err := w.b.Rules()
	if err != nil {
		return nil, err
	}
	list, err := w.b.List()
	if err != nil {
		return nil, err
	}
	names, err := identityNames()
	if err != nil {
		return nil, err
	}
	out := &web.InboxReport{Tips: []web.InboxTip{}, Keys: []web.InboxKey{}, TwoPeople: rules.TwoPeople, Server: rules.Server != "", Call: rules.Call != "",
		KeepDays: rules.KeepDays, Templates: map[string]sightline.Text{}, Channels: inbox.Channels}
	for _, n := range names {
		out.Keys = append(out.Keys, web.InboxKey{Name: n})
	}
	for n, texts := range replyTemplates {
		out.Templates[n] = sightline.Text(texts)
	}
	flag := map[string][2]bool{}
	due, err := w.b.Due()
	if err != nil {
		return nil, err
	}
	for _, t := range due {
		flag[t.ID] = [2]bool{true}
	}
	waits, err := w.b.Unopened()
	if err != nil {
		return nil, err
	}
	for _, t := range waits {
		flag[t.ID] = [2]bool{flag[t.ID][0], true}
	}
	for i := len(list) - 1; i >= 0; i-- { // the newest first
		l := w.line(list[i])
		l.Due, l.Waits = flag[l.ID][0], flag[l.ID][1]
		out.Tips = append(out.Tips, l)
	}
	return out, nil
}

// line is a tip as the desk shows it. Digests of ciphertext and the address of
// a mailbox stay here.
func (w *tipWork) line(t inbox.Tip) web.InboxTip {
	l := web.InboxTip{ID: t.ID, Source: t.Source, State: t.State, Day: t.Day, Size: inbox.Rounded(t.Size), Channel: t.Channel, Test: t.Drill != "",
		Lang: t.Lang, Lane: t.Lane, Request: t.Request, Incomplete: t.Incomplete, Items: t.Items, Replies: t.Replies, Decided: t.Decided, Note: t.Note,
		CanReply: t.ReplyTo != "" && t.Box != ""}
	for _, o := range t.Opened {
		who := o.By
		if o.Second != "" {
			who += " + " + o.Second
		}
		l.Opened = append(l.Opened, who+", "+o.Day)
	}
	_, err := os.Stat(w.b.Blob(t.ID))
	l.Held = err == nil
	c, err := loadContent(w.place, t)
	l.Here = err == nil
	for i, f := range t.Files {
		x := web.InboxFile{N: f.N, Size: f.Size, SHA256: f.SHA256, Fault: f.Fault}
		if l.Here && i < len(c.MIMEs) {
			x.Type = intake.Printable(c.MIMEs[i])
		}
		l.Files = append(l.Files, x)
	}
	return l
}

func (w *tipWork) act(ctx context.Context, act string, ask web.InboxAsk) (*web.InboxAnswer, error) {
	out := &web.InboxAnswer{}
	var t inbox.Tip
	var err error
	switch act {
	case "pull", "merge", "close":
	default:
		if t, err = w.b.Get(ask.Tip); err != nil {
			return nil, exit(2, err)
		}
	}
	switch act {
	case "pull":
		p, err := w.puller("", "")
		if err != nil {
			return nil, err
		}
		got, err := w.pull(ctx, p)
		if err != nil {
			return nil, err
		}
		out.Fresh, out.Failed = len(got.Fresh), got.Failed
		for _, t := range got.Withdrawn {
			out.Gone = append(out.Gone, t.ID)
		}
		return out, nil
	case "merge":
		out.Source, err = w.merge(ctx, ask.Tips)
		return out, err
	case "close":
		return out, w.closeGap(ctx, ask.Gap, ask.Item, ask.Reason)
	case "open":
		u, err := unlockFor(ask)
		if err != nil {
			return nil, err
		}
		if _, t, err = w.open(ctx, t, u); err != nil {
			return nil, err
		}
		fallthrough
	case "content":
		c, err := loadContent(w.place, t)
		if err != nil {
			return nil, err
		}
		out.Content = &web.InboxContent{Message: c.Tip.Message, Wish: c.Tip.Join.Wish, Form: c.Tip.Join.Form, At: c.Tip.Join.At}
	case "assist":
		keys, err := ownKeys(ask.Key, ask.Passphrase)
		if err != nil {
			return nil, err
		}
		h, err := w.assist(ctx, t, keys)
		if err != nil {
			return nil, err
		}
		if out.Help, err = json.Marshal(h); err != nil {
			return nil, err
		}
	case "accept":
		report, x, err := w.accept(ctx, t, choice{ask.Only, ask.Gap, ask.Perspective, ask.Message, ask.Reason, ask.Tags})
		if err != nil {
			return nil, err
		}
		t = x
		for _, l := range report.Added {
			out.Items = append(out.Items, l.ID)
		}
		for _, l := range report.Known {
			out.Known = append(out.Known, l.ID)
		}
		for _, r := range report.Refused {
			out.Refused = append(out.Refused, filepath.Base(r.Name)+": "+r.Why)
		}
	case "decline":
		if t, err = w.decline(ctx, t, ask.Reason); err != nil {
			return nil, err
		}
	case "reply":
		text, err := replyText(t, ask.Text, ask.Template)
		if err != nil {
			return nil, err
		}
		slot, err := w.sealReply(t, text)
		if err != nil {
			return nil, err
		}
		p, err := w.puller("", "")
		if err != nil {
			return nil, err
		}
		if err := w.reply(ctx, t, slot, p); err != nil {
			return nil, err
		}
		if err := w.replied(ctx, t, text); err != nil {
			return nil, err
		}
		if t, err = w.b.Get(t.ID); err != nil {
			return nil, err
		}
	case "forget":
		if err := w.forget(ctx, t); err != nil {
			return nil, err
		}
		if t, err = w.b.Get(t.ID); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("nothing is done with a tip by that name: %w", sightline.ErrNotFound)
	}
	l := w.line(t)
	out.Tip = &l
	return out, nil
}

// unlockFor unwraps the keys that a person at the desk names.
func unlockFor(ask web.InboxAsk) (u unlocked, err error) {
	if u.keys, err = ownKeys(ask.Key, ask.Passphrase); err != nil {
		return u, err
	}
	if ask.With != "" {
		k, err := loadIdentity(ask.With, ask.WithPassphrase)
		if err != nil {
			return u, err
		}
		u.other = &k
	}
	if len(ask.Help) > 0 && string(ask.Help) != "null" {
		h, err := readHelp(ask.Help)
		if err != nil {
			return u, exit(2, err)
		}
		u.helped = append(u.helped, h)
	}
	return u, nil
}
