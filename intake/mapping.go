package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"sightline"
)

// MapFormat is the value of Mapping.Format.
const MapFormat = "sightline.map/1"

// Mapping says what the columns of a table mean. A target is a path into the
// item as its JSON has it ("title.es", "source.url", "places.0.label.en"), or
// one of the names that need more than copying:
//
//	@time.date @time.from @time.to   day and clock readings of the zone
//	@time.edtf                       an EDTF date or interval
//	@time.utc_from @time.utc_to      RFC 3339
//	@posted.…                        the same for when it was published
//	@place.lat @place.lon            degrees, both needed
//	@place.radius_m                  95 % radius in metres
//	@note                            appended to the notes
//	@fact                            kept as a fact named after the column
//	@item                            a JSON object merged into the item
type Mapping struct {
	Format    string                       `json:"format"`
	Sheet     string                       `json:"sheet,omitempty"`
	Zone      string                       `json:"zone,omitempty"`          // IANA; "" is the case's
	Dates     string                       `json:"dates,omitempty"`         // dmy or mdy, for dates like 3/4/2018
	About     int                          `json:"about_minutes,omitempty"` // how wide "about" is read, either way
	Role      string                       `json:"coordinates,omitempty"`   // camera or subject: what a coordinate is of
	Separator string                       `json:"separator,omitempty"`     // inside cells that hold lists; "" is ";"
	Columns   map[string]Targets           `json:"columns"`                 // header -> targets; none: not used, on purpose
	Constants map[string]json.RawMessage   `json:"constants,omitempty"`     // target -> value for every row
	Values    map[string]map[string]string `json:"values,omitempty"`        // header -> cell -> what it stands for
	Required  []string                     `json:"required,omitempty"`      // headers whose cell may not be empty
	Name      string                       `json:"name,omitempty"`          // of the format, for messages
}

// Targets is one target or a list of them.
type Targets []string

// UnmarshalJSON takes "a", ["a", "b"] or null.
func (t *Targets) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = nil
		if one != "" {
			*t = Targets{one}
		}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return errors.New(`a column maps to a target, a list of targets, or "" for none`)
	}
	*t = many
	return nil
}

// ReadMapping reads a mapping file.
func ReadMapping(r io.Reader) (*Mapping, error) {
	b, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("failed to read the mapping: %w", err)
	}
	var m Mapping
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("the mapping is not readable: %s", jsonFault(b, err))
	}
	if m.Format != MapFormat {
		return nil, fmt.Errorf("the mapping's format is %q; this program reads %q", m.Format, MapFormat)
	}
	return &m, m.check()
}

func (m *Mapping) check() error {
	if len(m.Columns) == 0 {
		return errors.New(`the mapping names no columns: give "columns": {"header": "target"}`)
	}
	switch m.Dates {
	case "", "dmy", "mdy":
	default:
		return fmt.Errorf(`dates: %q: use "dmy" or "mdy"`, m.Dates)
	}
	switch m.Role {
	case "", "camera", "subject":
	default:
		return fmt.Errorf(`coordinates: %q: use "camera" or "subject"`, m.Role)
	}
	for _, h := range sortedKeys(m.Columns) {
		for _, t := range m.Columns[h] {
			if err := checkTarget(t); err != nil {
				return fmt.Errorf("columns: %q: %w", h, err)
			}
		}
	}
	for _, t := range sortedKeys(m.Constants) {
		if err := checkTarget(t); err != nil {
			return fmt.Errorf("constants: %w", err)
		}
	}
	return nil
}

var special = map[string]bool{
	"@note": true, "@fact": true, "@item": true, "@place.lat": true, "@place.lon": true, "@place.radius_m": true,
	"@time.date": true, "@time.from": true, "@time.to": true, "@time.edtf": true, "@time.utc_from": true, "@time.utc_to": true,
	"@posted.date": true, "@posted.from": true, "@posted.to": true, "@posted.edtf": true, "@posted.utc_from": true, "@posted.utc_to": true,
}

// kept fields belong to the bytes, which a table cannot change.
var keptFields = map[string]bool{"sha256": true, "size": true, "type": true, "name": true, "held": true, "problem": true, "hashes": true}

func checkTarget(t string) error {
	if special[t] {
		return nil
	}
	if strings.HasPrefix(t, "@") {
		return fmt.Errorf("target %q is not known", t)
	}
	first, _, _ := strings.Cut(t, ".")
	if keptFields[first] {
		return fmt.Errorf("target %q belongs to the preserved bytes and cannot be mapped", t)
	}
	_, err := typeAt(t)
	return err
}

var itemType = reflect.TypeFor[sightline.Item]()

// typeAt finds the Go type that a path of the item's JSON leads to.
func typeAt(path string) (reflect.Type, error) {
	t := itemType
	for _, p := range strings.Split(path, ".") {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Struct:
			f, ok := fieldNamed(t, p)
			if !ok {
				return nil, fmt.Errorf("target %q: an item has no field %q there", path, p)
			}
			t = f
		case reflect.Map:
			t = t.Elem()
		case reflect.Slice, reflect.Array:
			n, err := strconv.Atoi(p)
			if err != nil || n < 0 || n > 63 {
				return nil, fmt.Errorf("target %q: %q must be a number from 0 to 63, it counts a list", path, p)
			}
			t = t.Elem()
		default:
			return nil, fmt.Errorf("target %q: nothing lies below %q", path, p)
		}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t, nil
}

func fieldNamed(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && tag == "" {
			if x, ok := fieldNamed(f.Type, name); ok {
				return x, true
			}
			continue
		}
		if tag == name && tag != "-" {
			return f.Type, true
		}
	}
	return nil, false
}

// coerce reads a cell as the type of its target.
func coerce(cell string, t reflect.Type, separator string) (any, error) {
	switch t.Kind() {
	case reflect.String:
		return cell, nil
	case reflect.Bool:
		switch strings.ToLower(cell) {
		case "1", "true", "yes", "y", "x", "si", "sí", "verdadero":
			return true, nil
		case "0", "false", "no", "n", "falso":
			return false, nil
		}
		return nil, errors.New("write yes or no")
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(cell, 10, 64)
		if err != nil {
			return nil, errors.New("a whole number is expected")
		}
		return n, nil
	case reflect.Float64:
		return number(cell)
	case reflect.Slice:
		if strings.HasPrefix(cell, "[") {
			break
		}
		if t.Elem().Kind() == reflect.String {
			if separator == "" {
				separator = ";"
			}
			out := []any{}
			for _, p := range strings.Split(cell, separator) {
				if p = strings.TrimSpace(p); p != "" {
					out = append(out, p)
				}
			}
			return out, nil
		}
	}
	var v any
	if err := json.Unmarshal([]byte(cell), &v); err != nil {
		return nil, errors.New("this target holds more than one value: write it as JSON")
	}
	return v, nil
}

func number(cell string) (float64, error) {
	x, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		if strings.Count(cell, ",") == 1 && !strings.Contains(cell, ".") {
			return 0, errors.New("write the number with a decimal point, not a comma")
		}
		return 0, errors.New("a number is expected")
	}
	return x, nil
}

// tree is an item under construction, as its JSON.
type tree map[string]any

// set puts a value at a path, making the objects and lists on the way.
func (t tree) set(path string, v any) error {
	var put func(at any, parts []string) (any, error)
	put = func(at any, parts []string) (any, error) {
		if len(parts) == 0 {
			return v, nil
		}
		if n, err := strconv.Atoi(parts[0]); err == nil {
			list, ok := at.([]any)
			if at != nil && !ok {
				return nil, fmt.Errorf("%s holds something else already", path)
			}
			for len(list) <= n {
				list = append(list, nil)
			}
			x, err := put(list[n], parts[1:])
			list[n] = x
			return list, err
		}
		m, ok := at.(map[string]any)
		if at == nil {
			m = map[string]any{}
		} else if !ok {
			return nil, fmt.Errorf("%s holds something else already", path)
		}
		x, err := put(m[parts[0]], parts[1:])
		m[parts[0]] = x
		return m, err
	}
	_, err := put(map[string]any(t), strings.Split(path, "."))
	return err
}

// fill writes the tree into an item; unknown fields and wrong types are errors.
func (t tree) fill(it *sightline.Item) error {
	b, err := json.Marshal(map[string]any(t))
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(it); err != nil {
		return errors.New(jsonFault(b, err))
	}
	return nil
}

// jsonFault says in one sentence where a JSON text is wrong.
func jsonFault(b []byte, err error) string {
	var se *json.SyntaxError
	var te *json.UnmarshalTypeError
	switch {
	case errors.As(err, &se):
		n := min(int(se.Offset), len(b))
		line := 1 + bytes.Count(b[:n], []byte("\n"))
		return fmt.Sprintf("line %d: %s", line, se.Error())
	case errors.As(err, &te):
		n := min(int(te.Offset), len(b))
		return fmt.Sprintf("line %d: field %q cannot hold a %s", 1+bytes.Count(b[:n], []byte("\n")), te.Field, te.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends in the middle"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
