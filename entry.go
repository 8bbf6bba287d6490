package sightline

import (
	"encoding/json"
	"errors"
	"time"
)

// EntryKind says what an entry of the custody log records.
type EntryKind string

// The kinds of entries. The list is part of the log's format.
const (
	EntryOpenCase     EntryKind = "open-case"
	EntryCollect      EntryKind = "collect"
	EntryReceive      EntryKind = "receive"
	EntryOpenTip      EntryKind = "open-tip"
	EntryDerive       EntryKind = "derive"
	EntryViewOriginal EntryKind = "view-original"
	EntryTransfer     EntryKind = "transfer"
	EntryAnnotate     EntryKind = "annotate"
	EntryFind         EntryKind = "find"
	EntryReview       EntryKind = "review"
	EntryRedact       EntryKind = "redact"
	EntryErase        EntryKind = "erase"
	EntryPublish      EntryKind = "publish"
	EntryCheck        EntryKind = "check"
	EntryAnchor       EntryKind = "anchor"
	EntryKey          EntryKind = "key"
)

// Entry is one line of the custody log. Its bytes are canonical JSON (RFC
// 8785) written once and never re-serialised; numbers are integers in a
// stated unit. A sealed value never stands in an entry: only its commitment
// does, so that every entry can be published without naming a person.
type Entry struct {
	V       int               `json:"v"`
	Log     string            `json:"log"`  // origin, "<uuid>/case/<case id>"
	Seq     int64             `json:"seq"`  // index of the leaf, from 0
	Prev    string            `json:"prev"` // leaf hash of Seq-1, 64 zeros first
	At      string            `json:"at"`   // RFC 3339, milliseconds, UTC
	Clock   Clock             `json:"clock"`
	Kind    EntryKind         `json:"kind"`
	Actor   EntryActor        `json:"actor"`
	Item    *EntryItem        `json:"item,omitempty"`
	Parents []string          `json:"parents,omitempty"` // SHA-256
	Tool    *EntryTool        `json:"tool,omitempty"`
	Capture *EntryCapture     `json:"capture,omitempty"`
	Result  string            `json:"result"` // ok, partial, failed
	Failed  []FailedPart      `json:"failed,omitempty"`
	Sealed  map[string]string `json:"sealed"` // name -> commitment, 64 hex
}

// Clock is the state of the clock that stamped an entry. An unknown error is -1.
type Clock struct {
	Source   string `json:"source"` // ntp, system, gnss, manual
	OffsetMS int64  `json:"offset_ms"`
	ErrorMS  int64  `json:"error_ms"`
	Checked  string `json:"checked,omitempty"`
}

// EntryActor names the key that signed, and the role it acted in.
type EntryActor struct {
	Key  string `json:"key"` // "ed25519:<sha256 of the raw public key>"
	Role string `json:"role"`
}

// EntryItem is the item an entry is about. Size is in bytes. Copy is
// "evidentiary" for an original, "working" for a derivative.
type EntryItem struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Type   string `json:"type"`
	Copy   string `json:"copy"`
}

// EntryTool is the program that did the work.
type EntryTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256,omitempty"` // of the binary
	Args    string `json:"args,omitempty"`   // SHA-256 of the canonical arguments, which are sealed
}

// EntryCapture says how an item was obtained.
type EntryCapture struct {
	URL      string `json:"url,omitempty"`
	FinalURL string `json:"final_url,omitempty"`
	Method   string `json:"method"` // manual, automatic
	Access   string `json:"access"` // public, login, invitation, given
	Request  string `json:"request,omitempty"`
	Response string `json:"response,omitempty"`
}

// FailedPart is a part of the work that did not succeed, and why.
type FailedPart struct {
	Part  string `json:"part"`
	Error string `json:"error"`
}

// Draft is what a write says about itself before it becomes an [Entry]; the
// store fills in the rest. Seal holds values that are committed to and kept
// in the table of sealed values: collector, machine, persona, args, reason,
// assessment. The store itself seals "change", the full payload of the rows.
type Draft struct {
	Kind    EntryKind
	Item    *EntryItem
	Parents []string
	Tool    *EntryTool
	Capture *EntryCapture
	Result  string
	Failed  []FailedPart
	Seal    map[string]any
}

// Change is one row written by an entry. A nil Value withdraws the object:
// its id stays taken and its history stays readable.
type Change struct {
	Ref
	Rev    int             `json:"rev"` // revision that this change makes
	Value  json.RawMessage `json:"value"`
	Reason string          `json:"reason,omitempty"`
}

// SealedValue is one private value of an entry with the salt that opens its
// commitment.
type SealedValue struct {
	Name  string          `json:"name"`
	Salt  []byte          `json:"salt"`
	Value json.RawMessage `json:"value"` // canonical JSON
}

// LogEntry is an entry as the log keeps it: the exact bytes, their leaf hash
// and the actor's signature over them (DSSE, payload type
// application/vnd.sightline.entry+json).
type LogEntry struct {
	Entry
	Bytes     []byte `json:"-"`
	Leaf      string `json:"leaf"` // leaf hash, RFC 6962, hex
	Signature []byte `json:"signature"`
	PublicKey []byte `json:"public_key"` // raw Ed25519, 32 bytes
}

// Head is the state of the log: how many leaves, and the root over them.
type Head struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // hex; RFC 6962 root of the empty tree when Size is 0
	At   string `json:"at"`   // of the last entry
}

// Checkpoint is a C2SP signed note over a head.
type Checkpoint struct {
	Size int64  `json:"size"`
	Note []byte `json:"note"`
	At   string `json:"at"`
}

// Actor is who asks for a view or makes a change. Sign signs with the
// actor's device key; it is nil for a reader.
type Actor struct {
	Name      string // shown to the team, sealed in the log
	Role      string // owner, investigator, reviewer, reader, system
	PublicKey []byte // raw Ed25519
	Sign      func(message []byte) ([]byte, error)
}

// EntryTime renders t as entries carry times.
func EntryTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// ErrStop ends an iteration early without being an error of its own.
var ErrStop = errors.New("stop")
