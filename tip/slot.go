package tip

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"filippo.io/age"
)

// A mailbox always shows Slots slots of SlotSize bytes, so that its length
// says nothing.
const (
	Slots     = 4
	SlotSize  = 16 << 10
	MaxReply  = 12 << 10 // bytes of text of one reply
	slotMagic = "SLREPLY1\n"
)

// Reply is what the team writes to a source.
type Reply struct {
	V    int    `json:"v"`
	Day  string `json:"day"` // YYYY-MM-DD, UTC
	Lang string `json:"lang"`
	Text string `json:"text"`
}

// ErrReply says that a reply does not fit a slot.
var ErrReply = errors.New("the reply is longer than 12 KiB; send it in parts")

// hybridRoom is the room of a slot for any hybrid recipient: the header of a
// file to one of them has one length.
var hybridRoom = sync.OnceValues(func() (int, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return 0, err
	}
	return measureRoom(id.Recipient())
})

// slotRoom is how much plaintext fills a slot sealed to r.
func slotRoom(r age.Recipient) (int, error) {
	if _, ok := r.(*age.HybridRecipient); ok {
		return hybridRoom()
	}
	return measureRoom(r)
}

func measureRoom(r age.Recipient) (int, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r)
	if err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return SlotSize - b.Len(), nil // b holds header, nonce and one empty chunk's tag
}

// SealReply makes the slot of a reply: exactly SlotSize bytes.
func SealReply(to age.Recipient, r Reply) ([]byte, error) {
	if len(r.Text) > MaxReply || !utf8.ValidString(r.Text) {
		return nil, ErrReply
	}
	r.V = 1
	// HTML escaping would make room depend on what is written.
	var j bytes.Buffer
	e := json.NewEncoder(&j)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, err
	}
	room, err := slotRoom(to)
	if err != nil {
		return nil, err
	}
	n := len(slotMagic) + 2 + j.Len()
	if n > room {
		return nil, ErrReply
	}
	plain := make([]byte, 0, room)
	plain = append(plain, slotMagic...)
	plain = binary.BigEndian.AppendUint16(plain, uint16(j.Len()))
	plain = append(plain, j.Bytes()...)
	plain = append(plain, make([]byte, room-n)...)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, err
	}
	if b.Len() != SlotSize {
		return nil, fmt.Errorf("a slot came out at %d bytes instead of %d; only hybrid recipients (age1pq1...) have slots", b.Len(), SlotSize)
	}
	return b.Bytes(), nil
}

// OpenReply reads a slot; ok is false for a slot meant for somebody else,
// which is what an empty one looks like.
func OpenReply(id age.Identity, slot []byte) (r Reply, ok bool, err error) {
	src, err := age.Decrypt(bytes.NewReader(slot), id)
	if err != nil {
		return Reply{}, false, nil
	}
	b, err := io.ReadAll(io.LimitReader(src, SlotSize))
	if err != nil {
		return Reply{}, false, fmt.Errorf("a reply is damaged: %w", err)
	}
	body, isReply := bytes.CutPrefix(b, []byte(slotMagic))
	if !isReply || len(body) < 2 {
		return Reply{}, false, errors.New("a reply has a form this program does not know")
	}
	n := int(binary.BigEndian.Uint16(body))
	if body = body[2:]; n > len(body) {
		return Reply{}, false, errors.New("a reply is cut short")
	}
	if err := json.Unmarshal(body[:n], &r); err != nil {
		return Reply{}, false, errors.New("a reply has a form this program does not know")
	}
	return r, true, nil
}
