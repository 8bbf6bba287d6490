package publish

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"

	"sightline"
)

// publicDerivatives chooses the copies of an item that go out. Of an item with
// redactions only what was made with exactly these redactions does, under the
// name of the plain copy it replaces, so that whatever shows a preview or
// plays a proxy shows and plays the covered one and cannot reach another.
func publicDerivatives(it *sightline.Item, ds []*sightline.Derivative) []*sightline.Derivative {
	asked, err := it.RedactionDigest()
	var out []*sightline.Derivative
	for _, d := range ds {
		role, covered := d.Redacted()
		switch {
		case len(it.Redactions) == 0 && !covered:
		case len(it.Redactions) > 0 && covered && err == nil && d.Meta[sightline.RedactedMeta] == asked:
			d.ID, d.Role = it.ID+"/"+role, role
			d.Recipe.Inputs = nil // the digest of the plain copy would confirm a guess
			meta := map[string]string{"redacted": "yes"}
			if l := d.Meta["lang"]; l != "" {
				meta["lang"] = l
			}
			d.Meta = meta
		default:
			continue
		}
		d.Recipe.Args = nil
		if it.SHA256 == "" || withheldDigest(it) {
			d.Recipe.Inputs = nil
		}
		out = append(out, d)
	}
	return out
}

// withheldDigest reports whether the digest of an item stays back. It can
// identify whoever uploaded the file, so an item with redactions gives it only
// where that was decided.
func withheldDigest(it *sightline.Item) bool {
	switch it.Public.Hash {
	case "withhold", "commit":
		return true
	case "publish":
		return false
	}
	return len(it.Redactions) > 0
}

// redactedItem drops what the original says of itself where a part of it must
// not be seen, and all of a redaction but its kind and reason.
func redactedItem(it *sightline.Item) {
	if len(it.Redactions) == 0 {
		return
	}
	it.Facts, it.Hashes, it.Size = nil, nil, 0
	for i, r := range it.Redactions {
		it.Redactions[i] = sightline.Redaction{ID: r.ID, Kind: r.Kind, Reason: r.Reason, Say: r.Say}
		if r.Sound() {
			it.Redactions[i].FromMS, it.Redactions[i].ToMS = r.FromMS, r.ToMS
		}
	}
}

// DigestName is the name under which the digest of an item is committed to.
const DigestName = "sha256"

// DigestSalt is the salt of the commitment to an item's digest: made from the
// case's secret, so that it can be given later to whoever should be able to
// check the digest, and cannot be guessed before.
func DigestSalt(key []byte, it *sightline.Item) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("sightline/digest-salt/v1\x00" + it.ID + "\x00" + it.SHA256))
	return mac.Sum(nil)
}

// digestCommitment stands for a digest that is not told; "" without a secret.
func digestCommitment(key []byte, it *sightline.Item) string {
	if len(key) == 0 || it.SHA256 == "" {
		return ""
	}
	value, err := sightline.Canonical(it.SHA256)
	if err != nil {
		return ""
	}
	return sightline.Commitment(DigestName, DigestSalt(key, it), value)
}

// caption is one file of captions on the page of an item.
type caption struct{ Lang, Href string }

func captionsOf(d *sightline.Derivative) (caption, bool) {
	lang, ok := strings.CutPrefix(d.Role, "captions-")
	return caption{lang, mediaPath(d)}, ok
}
