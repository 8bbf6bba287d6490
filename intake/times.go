package intake

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sightline"
	"sightline/when"
)

// clockCells are the cells of one row that together say when.
type clockCells struct {
	date, from, to, edtf, utcFrom, utcTo string
}

func (c *clockCells) set(name, v string) {
	switch name {
	case "date":
		c.date = v
	case "from":
		c.from = v
	case "to":
		c.to = v
	case "edtf":
		c.edtf = v
	case "utc_from":
		c.utcFrom = v
	case "utc_to":
		c.utcTo = v
	}
}

func (c clockCells) empty() bool { return c == clockCells{} }

// printed repeats the words of the source.
func (c clockCells) printed() string {
	var p []string
	for _, s := range []string{c.date, c.edtf, c.utcFrom} {
		if s != "" {
			p = append(p, s)
		}
	}
	switch {
	case c.from != "" && c.to != "":
		p = append(p, c.from+"–"+c.to)
	case c.from != "":
		p = append(p, c.from)
	case c.to != "":
		p = append(p, "–"+c.to)
	}
	if c.utcTo != "" {
		p = append(p, "– "+c.utcTo)
	}
	return strings.Join(p, " ")
}

// cellFault is an error about one of the cells.
type cellFault struct {
	cell string // date, from, to, ...
	why  string
}

func (f *cellFault) Error() string { return f.why }

// read makes the interval. Only from: one clock reading. Only to: an upper
// bound on that day. Neither: the day.
func (c clockCells) read(zone when.Zone, order string, about int, precision string) (*sightline.Time, error) {
	t := &sightline.Time{Zone: zone.Name(), Printed: c.printed(), Status: "claimed", Precision: precision}
	switch {
	case c.utcFrom != "" || c.utcTo != "":
		for _, e := range []struct {
			cell, v string
			max     bool
		}{{"utc_from", c.utcFrom, false}, {"utc_to", c.utcTo, true}} {
			if e.v == "" {
				continue
			}
			iv, err := one("rfc3339", e.v, zone)
			if err != nil {
				return nil, &cellFault{e.cell, err.Error()}
			}
			if e.max {
				t.Max = iv.Max
			} else {
				t.Min = iv.Min
				if c.utcTo == "" {
					t.Max = iv.Max
				}
			}
		}
	case c.edtf != "":
		iv, err := one("edtf", c.edtf, zone)
		if err != nil {
			return nil, &cellFault{"edtf", err.Error()}
		}
		t.Interval = iv
	case c.date == "":
		cell := "from"
		if c.from == "" {
			cell = "to"
		}
		return nil, &cellFault{cell, "a clock time without a date"}
	default:
		day, err := isoDate(c.date, order)
		if err != nil {
			return nil, &cellFault{"date", err.Error()}
		}
		whole, err := one("edtf", day, zone)
		if err != nil {
			return nil, &cellFault{"date", err.Error()}
		}
		t.Interval = whole
		var from, to when.Interval
		if c.from != "" {
			if from, err = clock(day, c.from, zone, whole); err != nil {
				return nil, &cellFault{"from", err.Error()}
			}
			t.Interval = from
		}
		if c.to != "" {
			if to, err = clock(day, c.to, zone, whole); err != nil {
				return nil, &cellFault{"to", err.Error()}
			}
			t.Max = to.Max
			if c.from == "" {
				t.Min = whole.Min
			}
		}
		if c.from != "" && c.to == "" && roughly(precision) {
			if about <= 0 {
				about = 15
			}
			d := int64(about) * when.Minute
			t.Interval = t.Interval.Add(-d, d)
			t.Basis = sightline.Text{
				"en": fmt.Sprintf("the source says %q; read as %d minutes either way, our choice", precision, about),
				"es": fmt.Sprintf("la fuente dice %q; se lee como %d minutos antes o después, por decisión nuestra", precision, about),
			}
		}
	}
	if !t.Interval.Valid() {
		return nil, &cellFault{"to", "the end lies before the beginning"}
	}
	return t, nil
}

func roughly(p string) bool {
	p = strings.ToLower(p)
	for _, w := range []string{"about", "circa", "approx", "~", "hacia", "alrededor", "aprox"} {
		if strings.Contains(p, w) {
			return true
		}
	}
	return false
}

// one reads a value that must have exactly one meaning.
func one(kind, v string, zone when.Zone) (when.Interval, error) {
	r, err := when.Parse(when.Written{Kind: kind, Value: v, Zone: zone.Name()})
	if err != nil {
		return when.Interval{}, err
	}
	switch r.Status {
	case when.StatusOK:
		return r.Hypotheses[0].Interval, nil
	case when.StatusGap:
		return when.Interval{}, errors.New("clocks in " + zone.Name() + " never showed this time: they were moved forward over it")
	case when.StatusFold:
		return when.Interval{}, errors.New("clocks in " + zone.Name() + " showed this time twice: give the UTC time")
	case when.StatusUnknownZone:
		return when.Interval{}, errors.New("the time zone is not known: set the zone of the case or of the mapping")
	}
	return when.Interval{}, errors.New("this is not a time that can be read")
}

var clockRE = regexp.MustCompile(`^(\d{1,2})[:hH.](\d{2})(?:[:.](\d{2}))?\s*([aApP]\.?\s?[mM]\.?)?$`)

func clock(day, v string, zone when.Zone, whole when.Interval) (when.Interval, error) {
	m := clockRE.FindStringSubmatch(strings.TrimSpace(v))
	if m == nil {
		return when.Interval{}, errors.New("write the time as 09:07 or 09:07:30")
	}
	h, _ := strconv.Atoi(m[1])
	if m[4] != "" {
		if h < 1 || h > 12 {
			return when.Interval{}, errors.New("with am or pm the hour goes from 1 to 12")
		}
		h %= 12
		if strings.ContainsAny(m[4], "pP") {
			h += 12
		}
	}
	if h == 24 && m[2] == "00" && (m[3] == "" || m[3] == "00") {
		return when.Interval{Min: whole.Max, Max: whole.Max}, nil
	}
	s := fmt.Sprintf("%sT%02d:%s", day, h, m[2])
	if m[3] != "" {
		s += ":" + m[3]
	}
	return one("local", s, zone)
}

var (
	isoRE   = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$`)
	slashRE = regexp.MustCompile(`^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$`)
)

// isoDate reads a date whose order of day and month is known or cannot be
// mistaken.
func isoDate(v, order string) (string, error) {
	v = strings.TrimSpace(v)
	if m := isoRE.FindStringSubmatch(v); m != nil {
		return pad(m[1], m[2], m[3])
	}
	m := slashRE.FindStringSubmatch(v)
	if m == nil {
		return "", errors.New("write the date as 2018-01-15")
	}
	a, _ := strconv.Atoi(m[1])
	b, _ := strconv.Atoi(m[2])
	switch {
	case order == "dmy" || order == "" && a > 12 && b <= 12:
		return pad(m[3], m[2], m[1])
	case order == "mdy" || order == "" && b > 12 && a <= 12:
		return pad(m[3], m[1], m[2])
	case a == b:
		return pad(m[3], m[1], m[2])
	}
	return "", errors.New("day and month can be read either way: say --dates dmy or --dates mdy")
}

func pad(y, m, d string) (string, error) {
	mm, _ := strconv.Atoi(m)
	dd, _ := strconv.Atoi(d)
	if mm < 1 || mm > 12 || dd < 1 || dd > 31 {
		return "", errors.New("there is no such date")
	}
	return fmt.Sprintf("%s-%02d-%02d", y, mm, dd), nil
}
