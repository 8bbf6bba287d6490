package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"sightline"
	"sightline/flow"
	"sightline/verify/review"
)

// command is one serialisable edit. The interface sends a list of them; they
// become one entry of the log, so that one gesture is one line of history and
// one step of undo.
type command struct {
	Op     string          `json:"op"` // put, new, withdraw
	Kind   sightline.Kind  `json:"kind"`
	ID     string          `json:"id"`
	Rev    *int            `json:"rev"`    // the revision that was edited; a newer one is a conflict
	Parent string          `json:"parent"` // of a new observation: its item
	Value  json.RawMessage `json:"value"`
	Reason string          `json:"reason"`
}

type editRequest struct {
	Label    string    `json:"label"` // what the person did, in words; sealed in the entry
	Commands []command `json:"commands"`
}

type editReply struct {
	Seq sightline.Seq `json:"seq"`
	IDs []string      `json:"ids,omitempty"`
	// Concluded are objects that the rules of review changed besides, or whose
	// value they changed once more: a desk reads them again.
	Concluded []sightline.Ref `json:"concluded,omitempty"`
}

func (s *Server) edit(w http.ResponseWriter, r *http.Request, c *Case) error {
	var in editRequest
	if err := read(w, r, &in); err != nil {
		return err
	}
	if len(in.Commands) == 0 || len(in.Commands) > 1000 {
		return fmt.Errorf("an edit holds 1 to 1000 commands, this one has %d: %w", len(in.Commands), sightline.ErrInvalid)
	}
	var out editReply
	seq, err := c.Store.Update(r.Context(), s.actor(r, c), func(wr sightline.Writer) error {
		out.IDs = out.IDs[:0]
		l, err := s.look(r, wr, c)
		if err != nil {
			return err
		}
		was, items := map[string]*sightline.Item{}, []string{}
		for i := range in.Commands {
			if k := in.Commands[i].Kind; k == sightline.KindCase && asking(r).grant(c.ID).Role != "owner" {
				return fmt.Errorf("what stands about the case itself is changed by an owner: %w", sightline.ErrDenied)
			} else if k == sightline.KindItem {
				items = append(items, in.Commands[i].ID)
			}
			id, err := apply(wr, &in.Commands[i], l, was)
			if err != nil {
				return err
			}
			out.IDs = append(out.IDs, id)
		}
		if out.Concluded, err = conclude(wr, items, was); err != nil {
			return err
		}
		wr.Describe(sightline.Draft{Kind: editKind(in.Commands), Result: "ok", Seal: map[string]any{"label": in.Label}})
		return nil
	})
	if err != nil {
		return err
	}
	out.Seq = seq
	reply(w, out)
	return nil
}

// editKind is the kind of log entry an edit becomes.
func editKind(cs []command) sightline.EntryKind {
	for _, c := range cs {
		if c.Kind == sightline.KindFinding {
			return sightline.EntryFind
		}
	}
	return sightline.EntryAnnotate
}

// editable are the kinds that a person may change; derivatives and editions
// are made by the program alone.
var editable = map[sightline.Kind]func() sightline.Object{
	sightline.KindCase:        func() sightline.Object { return new(sightline.Case) },
	sightline.KindItem:        func() sightline.Object { return new(sightline.Item) },
	sightline.KindObservation: func() sightline.Object { return new(sightline.Observation) },
	sightline.KindEntity:      func() sightline.Object { return new(sightline.Entity) },
	sightline.KindFinding:     func() sightline.Object { return new(sightline.Finding) },
	sightline.KindEvent:       func() sightline.Object { return new(sightline.Event) },
	sightline.KindClaim:       func() sightline.Object { return new(sightline.Claim) },
	sightline.KindAccount:     func() sightline.Object { return new(sightline.Account) },
	sightline.KindConstraint:  func() sightline.Object { return new(sightline.Constraint) },
	sightline.KindGap:         func() sightline.Object { return new(sightline.Gap) },
	sightline.KindStory:       func() sightline.Object { return new(sightline.Story) },
	sightline.KindLayer:       func() sightline.Object { return new(sightline.Layer) },
}

// decode reads a value strictly into its kind's struct, so that a misspelt
// field is refused instead of being lost.
func decode(k sightline.Kind, raw json.RawMessage) (sightline.Object, error) {
	make, ok := editable[k]
	if !ok {
		return nil, fmt.Errorf("%s cannot be edited: %w", printable(string(k)), sightline.ErrInvalid)
	}
	o := make()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(o); err != nil {
		return nil, fmt.Errorf("the %s could not be read: %v: %w", k, err, sightline.ErrInvalid)
	}
	return o, nil
}

// apply does one command of a person who sees the case through l. was takes
// the items that are edited as they stood before.
func apply(wr sightline.Writer, cmd *command, l *lens, was map[string]*sightline.Item) (string, error) {
	switch cmd.Op {
	case "new":
		o, err := decode(cmd.Kind, cmd.Value)
		if err != nil {
			return "", err
		}
		if cmd.Kind == sightline.KindItem {
			return "", fmt.Errorf("an item enters with its bytes; use the upload: %w", sightline.ErrInvalid)
		}
		id := o.Ref().ID
		if id == "" {
			if id, err = wr.NextID(cmd.Kind, cmd.Parent); err != nil {
				return "", err
			}
			if o, err = withID(cmd.Kind, cmd.Value, id); err != nil {
				return "", err
			}
		} else if _, err := wr.Row(sightline.Ref{Kind: cmd.Kind, ID: id}); err == nil {
			return "", fmt.Errorf("there is a %s %s already: %w", cmd.Kind, printable(id), sightline.ErrConflict)
		}
		if f, ok := o.(*sightline.Finding); ok {
			if err := review.GuardFinding(nil, f); err != nil {
				return "", err
			}
		}
		return id, wr.Put(o)
	case "put":
		ref := sightline.Ref{Kind: cmd.Kind, ID: cmd.ID}
		row, err := wr.Row(ref)
		if err != nil {
			return "", fmt.Errorf("%s %s: %w", cmd.Kind, printable(cmd.ID), err)
		}
		if err := l.sameRev(row, cmd.Rev); err != nil {
			return "", err
		}
		o, err := decode(cmd.Kind, cmd.Value)
		if err != nil {
			return "", err
		}
		if o.Ref() != ref {
			return "", fmt.Errorf("the value says it is %s, the edit is about %s: %w", printable(o.Ref().ID), printable(cmd.ID), sightline.ErrInvalid)
		}
		if !isNull(row.Value) {
			if err := l.ruled(row, o, was); err != nil {
				return "", err
			}
		}
		if err := wr.Put(o); err != nil {
			return "", err
		}
		if it, ok := o.(*sightline.Item); ok {
			return cmd.ID, flow.FollowUp(wr, it)
		}
		return cmd.ID, nil
	case "withdraw":
		if _, ok := editable[cmd.Kind]; !ok || cmd.Kind == sightline.KindCase {
			return "", fmt.Errorf("%s cannot be withdrawn: %w", printable(string(cmd.Kind)), sightline.ErrInvalid)
		}
		ref := sightline.Ref{Kind: cmd.Kind, ID: cmd.ID}
		row, err := wr.Row(ref)
		if err != nil {
			return "", fmt.Errorf("%s %s: %w", cmd.Kind, printable(cmd.ID), err)
		}
		if err := l.sameRev(row, cmd.Rev); err != nil {
			return "", err
		}
		if cmd.Reason == "" {
			return "", fmt.Errorf("withdrawing needs a reason: %w", sightline.ErrInvalid)
		}
		return cmd.ID, wr.Withdraw(ref, cmd.Reason)
	}
	return "", fmt.Errorf("the command %s is not known; use put, new or withdraw: %w", printable(cmd.Op), sightline.ErrInvalid)
}

// keepOriginal refuses an edit that would let an item point at other bytes.
func keepOriginal(row sightline.Row, it *sightline.Item) error {
	var was sightline.Item
	if err := json.Unmarshal(row.Value, &was); err != nil {
		return err
	}
	if was.SHA256 != it.SHA256 || was.Size != it.Size {
		return fmt.Errorf("the digest and size of %s are facts about its original bytes and cannot be edited: %w", it.ID, sightline.ErrInvalid)
	}
	return nil
}

// ruled holds an edit of something that exists to the rules: the original of
// an item stays what it is, what the editor was not sent stays as it was, and
// nothing is called verified by hand.
func (l *lens) ruled(row sightline.Row, o sightline.Object, was map[string]*sightline.Item) error {
	before := sightline.NewObject(row.Kind)
	if err := json.Unmarshal(row.Value, before); err != nil {
		return err
	}
	switch o := o.(type) {
	case *sightline.Item:
		stored := before.(*sightline.Item)
		l.merge(stored, o)
		if err := keepOriginal(row, o); err != nil {
			return err
		}
		if was[o.ID] == nil {
			was[o.ID] = stored
		}
		return review.Guard(stored, o)
	case *sightline.Finding:
		if err := review.GuardFinding(before.(*sightline.Finding), o); err != nil {
			return err
		}
	}
	// A person who was sent less than there is would erase the rest.
	v, err := l.value(row.Kind, row.Value)
	if err != nil {
		return err
	}
	if l.covered || l.sealed {
		a, err1 := sightline.CanonicalJSON(row.Value)
		b, err2 := sightline.CanonicalJSON(v)
		if len(v) == 0 || err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			return fmt.Errorf("a part of %s %s is withheld from you, so you cannot change it: %w", row.Kind, row.ID, sightline.ErrDenied)
		}
	}
	return nil
}

func (l *lens) sameRev(row sightline.Row, rev *int) error {
	if rev == nil || row.Rev == *rev {
		return nil
	}
	if rows, err := l.rows([]sightline.Row{row}); err == nil {
		row = rows[0]
	} else {
		row.Value = nil
	}
	return &Problem{
		Status: http.StatusConflict, Title: "Conflict", Code: "conflict",
		Detail:  fmt.Sprintf("somebody changed %s %s meanwhile (revision %d, yours is %d); nothing of yours was written", row.Kind, row.ID, row.Rev, *rev),
		Current: row,
	}
}

// withID writes a fresh id into a value.
func withID(k sightline.Kind, raw json.RawMessage, id string) (sightline.Object, error) {
	m := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("the %s could not be read: %v: %w", k, err, sightline.ErrInvalid)
	}
	m["id"], _ = json.Marshal(id)
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return decode(k, b)
}

// undo writes back what an entry changed. Undoing the undo is redo.
func (s *Server) undo(w http.ResponseWriter, r *http.Request, c *Case) error {
	var in struct {
		Seq sightline.Seq `json:"seq"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	var out editReply
	seq, err := c.Store.Update(r.Context(), s.actor(r, c), func(wr sightline.Writer) error {
		changes, err := changesOf(wr, in.Seq)
		if err != nil {
			return err
		}
		was, items := map[string]*sightline.Item{}, []string{}
		if len(changes) == 0 {
			return fmt.Errorf("entry %d changed nothing that can be undone: %w", in.Seq, sightline.ErrInvalid)
		}
		for _, ch := range changes {
			if ch.Kind == sightline.KindCase && asking(r).grant(c.ID).Role != "owner" {
				return fmt.Errorf("what stands about the case itself is changed by an owner: %w", sightline.ErrDenied)
			}
			if ch.Kind == sightline.KindItem {
				it, err := sightline.Get[sightline.Item](wr, ch.Kind, ch.ID)
				if err == nil {
					was[ch.ID] = it
				}
				items = append(items, ch.ID)
			}
			if err := revert(wr, ch.Ref, in.Seq); err != nil {
				return err
			}
		}
		if out.Concluded, err = conclude(wr, items, was); err != nil {
			return err
		}
		wr.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Seal: map[string]any{"label": fmt.Sprintf("undo of entry %d", in.Seq)}})
		return nil
	})
	if err != nil {
		return err
	}
	out.Seq = seq
	reply(w, out)
	return nil
}

func revert(wr sightline.Writer, ref sightline.Ref, seq sightline.Seq) error {
	if _, ok := editable[ref.Kind]; !ok {
		return fmt.Errorf("a %s cannot be undone: %w", ref.Kind, sightline.ErrInvalid)
	}
	rows, err := wr.History(ref)
	if err != nil {
		return err
	}
	var before *sightline.Row
	at := -1
	for i := range rows {
		if rows[i].Seq == seq {
			at = i
		}
		if rows[i].Seq < seq && (before == nil || rows[i].Rev > before.Rev) {
			before = &rows[i]
		}
	}
	if at < 0 {
		return fmt.Errorf("entry %d did not change %s %s: %w", seq, ref.Kind, ref.ID, sightline.ErrInvalid)
	}
	for i := range rows {
		if rows[i].Seq > seq {
			return fmt.Errorf("%s %s was changed again after entry %d, so undoing would lose that change: %w", ref.Kind, ref.ID, seq, sightline.ErrConflict)
		}
	}
	if before == nil || isNull(before.Value) {
		if ref.Kind == sightline.KindItem {
			return fmt.Errorf("an item that was taken in cannot be undone; withdraw it with a reason: %w", sightline.ErrInvalid)
		}
		return wr.Withdraw(ref, fmt.Sprintf("undo of entry %d", seq))
	}
	return wr.PutRaw(ref, before.Value)
}

func isNull(v json.RawMessage) bool { return len(v) == 0 || string(v) == "null" }

// changesOf reads the rows that an entry wrote from its sealed payload.
func changesOf(rd sightline.Reader, seq sightline.Seq) ([]sightline.Change, error) {
	sealed, err := rd.Sealed(seq)
	if errors.Is(err, sightline.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, sv := range sealed {
		if sv.Name == "change" {
			var cs []sightline.Change
			if err := json.Unmarshal(sv.Value, &cs); err != nil {
				return nil, fmt.Errorf("failed to read the change of entry %d: %w", seq, err)
			}
			return cs, nil
		}
	}
	return nil, nil
}
