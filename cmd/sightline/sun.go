package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"sightline/sun"
	"sightline/when"
	"sightline/where"
)

// sunCmd: where the sun stands, and what time a shadow shows.
type sunCmd struct {
	At     sunAtCmd     `cmd:"" help:"Where the sun stands at a time and place."`
	Shadow sunShadowCmd `cmd:"" help:"The times at which the sun casts the given shadows."`
}

type sunAtCmd struct {
	Lat         number `help:"Latitude, degrees north."`
	Lon         number `help:"Longitude, degrees east."`
	Time        string `help:"RFC 3339 time with its offset, such as 2018-01-15T09:07:00-04:00."`
	Elevation   number `help:"Height of the place in metres." placeholder:"M"`
	Pressure    number `help:"Air pressure at the place in hPa (default: the standard atmosphere)." placeholder:"HPA"`
	Temperature number `help:"Air temperature in degrees Celsius (default: 15)." placeholder:"C"`
	Batch       string `help:"Read one problem a line from this file (- for standard input)." placeholder:"FILE"`
	JSON        bool   `name:"json" help:"Print JSON (always on)." hidden:""`
}

// number is a flag's value that may be negative: kong takes "--lon -67" for a
// flag named 6 without it.
type number struct{ set *float64 }

// Decode reads the next word of the command line.
func (n *number) Decode(ctx *kong.DecodeContext) error {
	word := ctx.Scan.Pop()
	x, err := strconv.ParseFloat(word.String(), 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("%q is not a number", word.String())
	}
	n.set = &x
	return nil
}

type sunShadowCmd struct {
	Problem string `arg:"" optional:"" help:"Problem as JSON (- for standard input)."`
	Batch   string `help:"Read one problem a line from this file (- for standard input)." placeholder:"FILE"`
	JSON    bool   `name:"json" help:"Print JSON (always on)." hidden:""`
}

// askError is the one line {"error":{...}} that the science commands print for
// a question they cannot read.
type askError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Where   string `json:"where,omitempty"`
}

func (e *askError) Error() string {
	b, err := json.Marshal(map[string]*askError{"error": e})
	if err != nil {
		return e.Message
	}
	return string(b)
}

func ask(code, where, format string, args ...any) *askError {
	return &askError{code, fmt.Sprintf(format, args...), where}
}

// sunQuestion is a line of sun at --batch.
type sunQuestion struct {
	ID          any      `json:"id"`
	Time        string   `json:"time"`
	Lat         *float64 `json:"lat"`
	Lon         *float64 `json:"lon"`
	HeightM     float64  `json:"height_m"`
	PressureHPa *float64 `json:"pressure_hpa"`
	Temperature *float64 `json:"temperature_c"`
	DeltaT      *float64 `json:"delta_t_s"`
}

// sunAnswer repeats the inputs as they were used.
type sunAnswer struct {
	Schema      string  `json:"schema"`
	ID          any     `json:"id,omitempty"`
	Time        string  `json:"time"`
	Lat         float64 `json:"lat"`
	Lon         float64 `json:"lon"`
	HeightM     float64 `json:"height_m"`
	PressureHPa float64 `json:"pressure_hpa"`
	Temperature float64 `json:"temperature_c"`
	DeltaT      float64 `json:"delta_t_s"`
	Azimuth     float64 `json:"azimuth_deg"`
	Elevation   float64 `json:"elevation_deg"`
	Apparent    float64 `json:"apparent_elevation_deg"`
	Refraction  float64 `json:"refraction_deg"`
	Declination float64 `json:"declination_deg"`
	HourAngle   float64 `json:"hour_angle_deg"`
}

func (c *sunAtCmd) Run(e *env) error {
	if c.Batch != "" {
		return eachLine(e, c.Batch, func(line []byte) (any, error) {
			var q sunQuestion
			if err := readJSON(line, &q); err != nil {
				return q.ID, err
			}
			return answerOr(q.answer())
		})
	}
	q := sunQuestion{Time: c.Time, Lat: c.Lat.set, Lon: c.Lon.set, PressureHPa: c.Pressure.set, Temperature: c.Temperature.set}
	if c.Elevation.set != nil {
		q.HeightM = *c.Elevation.set
	}
	return printOne(e)(answerOr(q.answer()))
}

// answerOr keeps a nil *askError from becoming a non-nil error.
func answerOr[T any](a T, err *askError) (any, error) {
	if err != nil {
		return a, err
	}
	return a, nil
}

func (q sunQuestion) answer() (*sunAnswer, *askError) {
	if q.Lat == nil || q.Lon == nil {
		return nil, ask("bad_json", "lat, lon", "latitude and longitude are needed, in degrees")
	}
	t, bad := instant(q.Time, "time")
	if bad != nil {
		return nil, bad
	}
	place, air, bad := conditions(*q.Lat, *q.Lon, q.HeightM, q.PressureHPa, q.Temperature)
	if bad != nil {
		return nil, bad
	}
	dt := sun.DeltaT(t)
	if q.DeltaT != nil {
		dt = *q.DeltaT
	}
	if math.Abs(dt) > 1e6 || math.IsNaN(dt) {
		return nil, ask("out_of_range", "delta_t_s", "delta T of %g s is not possible", dt)
	}
	p := sun.AtDeltaT(t, place, air, dt)
	return &sunAnswer{"sightline/sun/1", q.ID, q.Time, *q.Lat, *q.Lon, q.HeightM, air.PressureHPa, air.TemperatureC, dt,
		float64(p.Azimuth), float64(p.Elevation), float64(p.Apparent), float64(p.Refraction), float64(p.Declination), float64(p.HourAngle)}, nil
}

// conditions checks a place and its weather.
func conditions(lat, lon, height float64, pressure, temperature *float64) (p sun.Place, a sun.Air, bad *askError) {
	if !(math.Abs(lat) <= 90) {
		return p, a, ask("out_of_range", "lat", "latitude %g is outside -90 to 90 degrees", lat)
	}
	if !(math.Abs(lon) <= 360) {
		return p, a, ask("out_of_range", "lon", "longitude %g is outside -180 to 180 degrees", lon)
	}
	if !(height >= -12000 && height <= 100000) {
		return p, a, ask("out_of_range", "height_m", "height %g m is not a place on the Earth", height)
	}
	p = sun.Place{Lat: where.Degrees(lat), Lon: where.Degrees(lon), Height: where.Metres(height)}
	a = sun.StandardAir(p.Height)
	if pressure != nil {
		if a.PressureHPa = *pressure; !(a.PressureHPa >= 0 && a.PressureHPa <= 5000) {
			return p, a, ask("out_of_range", "pressure_hpa", "pressure %g hPa is not possible", *pressure)
		}
	}
	if temperature != nil {
		if a.TemperatureC = *temperature; !(a.TemperatureC > -150 && a.TemperatureC < 150) {
			return p, a, ask("out_of_range", "temperature_c", "temperature %g C is not possible outdoors", *temperature)
		}
	}
	return p, a, nil
}

// instant reads a time that must say its offset.
func instant(s, at string) (when.Instant, *askError) {
	if s == "" {
		return 0, ask("bad_json", at, "a time is needed, such as 2018-01-15T09:07:00-04:00")
	}
	s = strings.Replace(s, " ", "T", 1)
	t, err := time.Parse("2006-01-02T15:04:05.999999999Z07:00", s)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04Z07:00", s)
	}
	if err == nil {
		return when.FromTime(t), nil
	}
	for _, l := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		if _, err := time.Parse(l, s); err == nil {
			return 0, ask("no_offset", at, "%s has no offset from UTC: add Z, or -04:00 and the like", s)
		}
	}
	return 0, ask("bad_json", at, "%q is not a time as RFC 3339 writes it, such as 2018-01-15T09:07:00-04:00", s)
}

// readJSON reads one value and nothing after it.
func readJSON(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(v); err != nil {
		return ask("bad_json", "", "not readable as JSON: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ask("bad_json", "", "something follows the JSON value")
	}
	return nil
}

// printOne prints the answer to a single question as a line of JSON; a
// question that cannot be read ends with exit status 2.
func printOne(e *env) func(any, error) error {
	return func(a any, err error) error {
		if err != nil {
			return exit(2, err)
		}
		b, err := json.Marshal(a)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.stdout, "%s\n", b)
		return err
	}
}

// eachLine answers a file of one question a line, in order. A question that
// cannot be read gets an object with id and error in its place.
func eachLine(e *env, path string, answer func([]byte) (any, error)) error {
	in := e.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return exit(2, ask("bad_json", path, "cannot open the file: %v", err))
		}
		defer f.Close()
		in = f
	}
	out := bufio.NewWriter(e.stdout)
	r := bufio.NewReaderSize(in, 1<<16)
	for {
		line, rerr := r.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			a, err := answer(line)
			if err != nil {
				var ae *askError
				if !errors.As(err, &ae) {
					ae = ask("bad_json", "", "%v", err)
				}
				var named struct {
					ID any `json:"id"`
				}
				_ = json.Unmarshal(line, &named) // the id stays empty when the line is no JSON
				a = map[string]any{"id": named.ID, "error": ae}
			}
			b, err := json.Marshal(a)
			if err != nil {
				return err
			}
			if _, err := out.Write(append(b, '\n')); err != nil {
				return err
			}
		}
		if rerr == io.EOF {
			return out.Flush()
		}
		if rerr != nil {
			return exit(2, ask("bad_json", path, "cannot read the file: %v", rerr))
		}
	}
}
