package review

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sightline"
	"sightline/where"
)

// Did lists what a reviewer can tick.
var Did = []string{"re_solved", "re_watched", "opened_archive", "checked_hash", "checked_earlier"}

// Says lists the answers to the questions that are not a place or a time.
var Says = map[string][]string{
	sightline.AxisAuthenticity: {"no_sign_of_manipulation", "altered_benign", "altered_deceptive", "synthetic_suspected"},
	sightline.AxisSource:       {"confirmed", "refuted"},
	sightline.AxisContent:      {"confirmed", "refuted"},
}

// MaxText is the longest reason or comment, in bytes.
const MaxText = 20_000

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, sightline.ErrInvalid)...)
}

// Check refuses an answer that cannot be weighed. It is about one submitted
// review; before are the done reviews of the same item and axis.
func Check(r *sightline.Review, before []*sightline.Review) error {
	if !slices.Contains(sightline.AxisNames, r.Axis) {
		return invalid("a review is about one of %s, not %q", strings.Join(sightline.AxisNames, ", "), short(r.Axis))
	}
	if r.State != "done" {
		return nil
	}
	if len(r.Did) == 0 {
		return invalid("say what you did before you answer: at least one of %s", strings.Join(Did, ", "))
	}
	for i, d := range r.Did {
		if !slices.Contains(Did, d) {
			return invalid("%q is not one of the things a reviewer does: %s", short(d), strings.Join(Did, ", "))
		}
		if slices.Contains(r.Did[:i], d) {
			return invalid("%s is ticked twice", d)
		}
	}
	if err := Plain("the reason", r.Reason); err != nil {
		return err
	}
	if strings.TrimSpace(r.Reason) == "" {
		for _, b := range before {
			if b.Person == r.Person && b.ID != r.ID {
				return invalid("you answered this before (%s); say what was wrong with that answer", b.ID)
			}
		}
	}
	a := r.Answer
	if a == nil {
		return invalid("the review holds no answer")
	}
	switch r.Axis {
	case sightline.AxisPlace:
		if a.Time != nil || a.Status != "" || a.Place == nil {
			return invalid("an answer about the place holds a place and nothing else")
		}
		return checkPlace(a.Place)
	case sightline.AxisTime:
		if a.Place != nil || a.Status != "" || a.Time == nil {
			return invalid("an answer about the time holds a time and nothing else")
		}
		if !a.Time.Valid() {
			return invalid("the time ends before it begins")
		}
		if !a.Time.Bounded() {
			return invalid("the time has an open end, which agrees with nearly anything; give both ends")
		}
		if a.Time.Status != "" && a.Time.Status != "estimated" {
			return invalid("the status of a time in an answer is left empty; the rules set it")
		}
		return nil
	}
	if a.Place != nil || a.Time != nil || !slices.Contains(Says[r.Axis], a.Status) {
		return invalid("an answer about the %s is one of %s", r.Axis, strings.Join(Says[r.Axis], ", "))
	}
	return nil
}

func checkPlace(p *sightline.Place) error {
	if p.Status != "" && p.Status != "estimated" {
		return invalid("the status of a place in an answer is left empty; the rules set it")
	}
	if p.Geo != nil {
		if err := (where.Geodetic{Lat: where.Degrees(p.Geo.Lat), Lon: where.Degrees(p.Geo.Lon)}).Check(); err != nil {
			return invalid("the place: %v", err)
		}
	}
	v := enu(p)
	switch {
	case p.Geo == nil && v == nil:
		return invalid("the place has no coordinate, so it cannot be compared with another answer")
	case v != nil && !finite(v[:]...):
		return invalid("the place has a coordinate that is not a number")
	case !finite(p.RadiusM) || p.RadiusM < 0:
		return invalid("the radius of the place is not a length")
	case p.Ellipse != nil && (!finite(p.Ellipse.SemiMajorM, p.Ellipse.SemiMinorM, p.Ellipse.BearingDeg) || p.Ellipse.SemiMajorM < 0 || p.Ellipse.SemiMinorM < 0):
		return invalid("the ellipse of the place is not one")
	}
	return nil
}

// CheckComment refuses a comment that has nothing to show or points nowhere.
func CheckComment(c *sightline.Comment, item *sightline.Item) error {
	if strings.TrimSpace(c.Text) == "" {
		return invalid("the comment is empty")
	}
	if err := Plain("the comment", c.Text); err != nil {
		return err
	}
	if c.Axis != "" && !slices.Contains(sightline.AxisNames, c.Axis) {
		return invalid("a comment is about one of %s, not %q", strings.Join(sightline.AxisNames, ", "), short(c.Axis))
	}
	anchored := c.AtMS != nil || c.Frame != nil || c.Region != nil || c.Point != nil
	if anchored && item == nil {
		return invalid("only a comment on an item can point at a frame, region, second or point")
	}
	if c.AtMS != nil && (*c.AtMS < 0 || item.DurationMS > 0 && *c.AtMS > item.DurationMS) {
		return invalid("the second lies outside the %s of %s", span(item.DurationMS), item.ID)
	}
	if c.Frame != nil && (*c.Frame < 0 || *c.Frame > 1<<40) {
		return invalid("the frame number is not one")
	}
	if c.Point != nil && (len(c.Point) != 2 || !inside(c.Point...)) {
		return invalid("a point is x and y between 0 and 1")
	}
	if c.Region != nil {
		r := c.Region
		if len(r) != 4 || !inside(r...) || r[2] == 0 || r[3] == 0 || r[0]+r[2] > 1+1e-9 || r[1]+r[3] > 1+1e-9 {
			return invalid("a region is x, y, width and height inside the picture, each between 0 and 1")
		}
	}
	return nil
}

func inside(v ...float64) bool {
	for _, x := range v {
		if !(x >= 0 && x <= 1) {
			return false
		}
	}
	return true
}

// Plain refuses a text that is too long or that carries characters which
// change how other text is read: control characters and the marks that turn
// the direction of writing around.
func Plain(what, s string) error {
	if len(s) > MaxText {
		return invalid("%s has %d characters; at most %d are kept", what, utf8.RuneCountInString(s), MaxText)
	}
	if !utf8.ValidString(s) {
		return invalid("%s is not UTF-8 text", what)
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return invalid("%s holds the invisible character U+%04X; write it without", what, r)
		}
	}
	return nil
}

// CheckDue accepts an empty day or YYYY-MM-DD.
func CheckDue(day string) error {
	if day == "" {
		return nil
	}
	if _, err := time.Parse("2006-01-02", day); err != nil {
		return invalid("the day %q is not of the form 2026-11-24", short(day))
	}
	return nil
}

func short(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
