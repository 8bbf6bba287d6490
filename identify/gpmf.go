package identify

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Fix is one position of a recording's track.
type Fix struct {
	AtS    float64  `json:"at_s"` // seconds from the start of the recording
	Lat    float64  `json:"lat"`
	Lon    float64  `json:"lon"`
	Alt    *float64 `json:"alt"`
	Time   string   `json:"time,omitempty"`    // as the device wrote it
	ErrorM float64  `json:"error_m,omitempty"` // dilution of precision times 5 m, GoPro
	NoFix  bool     `json:"no_fix,omitempty"`
}

// gpmf reads a GoPro payload (GPMF: four-letter key, type, size of an element,
// count; big endian, padded to 32 bits, type 0 nests, type "?" is a structure
// whose TYPE came before). Only the satellite streams are kept: GPS5 and GPS9
// of cameras, GPRI of the Karma aircraft.
func gpmf(b []byte, at, span float64) (fixes []Fix, device string, damage string) {
	type stream struct {
		scale []float64
		time  string
		fix   uint32
		dop   float64
		rows  [][]float64
		five  bool
		raw   bool // of the aircraft: time, latitude, longitude, height
		has   bool
		types string
	}
	var walk func(b []byte, s *stream, depth int) string
	flush := func(s *stream) {
		if !s.has {
			return
		}
		for i, r := range s.rows {
			f := Fix{AtS: at + span*float64(i)/float64(len(s.rows)), Time: s.time, NoFix: s.fix == 0 && s.five, ErrorM: s.dop * 5}
			v := make([]float64, len(r))
			for k, x := range r {
				d := 1.0
				switch {
				case len(s.scale) == 1:
					d = s.scale[0]
				case k < len(s.scale):
					d = s.scale[k]
				}
				if d == 0 {
					d = 1
				}
				v[k] = x / d
			}
			if s.raw {
				if len(v) < 4 {
					continue
				}
				if v[0] > 1e9 && v[0] < 1e10 {
					f.Time = time.UnixMicro(int64(math.Round(v[0] * 1e6))).UTC().Format("2006-01-02T15:04:05.999999Z")
				}
				v = v[1:]
			}
			if len(v) < 3 || math.Abs(v[0]) > 90 || math.Abs(v[1]) > 180 {
				continue
			}
			h := v[2]
			f.Lat, f.Lon, f.Alt = v[0], v[1], &h
			if !s.five && !s.raw && len(v) >= 9 {
				f.NoFix, f.ErrorM = v[8] < 2, v[7]*5
			}
			if len(fixes) < 1_000_000 {
				fixes = append(fixes, f)
			}
		}
	}
	walk = func(b []byte, s *stream, depth int) string {
		for i := 0; i+8 <= len(b); {
			key, typ, size, count := string(b[i:i+4]), b[i+4], int(b[i+5]), int(binary.BigEndian.Uint16(b[i+6:]))
			if key == "\x00\x00\x00\x00" {
				return ""
			}
			n := size * count
			if i+8+n > len(b) {
				return fmt.Sprintf("the key %q at byte %d is longer than its payload", clean(key), i)
			}
			v := b[i+8 : i+8+n]
			switch {
			case typ == 0:
				if depth > 6 {
					return "keys lie too deep inside one another"
				}
				var in stream
				if key != "STRM" && s != nil {
					in = *s
				}
				if d := walk(v, &in, depth+1); d != "" {
					return d
				}
				if key == "STRM" {
					flush(&in)
				}
			case key == "DVNM":
				if d := clean(string(v)); device == "" {
					device = d
				}
			case s == nil:
			case key == "SCAL":
				s.scale = numbers(v, typ)
			case key == "GPSU":
				if t := strings.TrimRight(string(v), "\x00"); len(t) >= 12 {
					s.time = fmt.Sprintf("20%s-%s-%sT%s:%s:%sZ", t[0:2], t[2:4], t[4:6], t[6:8], t[8:10], clean(t[10:]))
				}
			case key == "GPSF" && len(v) >= 4:
				s.fix = binary.BigEndian.Uint32(v)
			case key == "GPSP" && len(v) >= 2:
				s.dop = float64(binary.BigEndian.Uint16(v)) / 100
			case key == "GPS5" && typ == 'l' && size >= 12:
				s.has, s.five, s.rows = true, true, nil
				for k := range count {
					s.rows = append(s.rows, numbers(v[k*size:(k+1)*size], typ))
				}
			case key == "TYPE":
				s.types = string(v)
			case key == "GPRI" && typ == '?':
				s.has, s.raw, s.rows = true, true, nil
				for k := range count {
					if r := structure(v[k*size:(k+1)*size], s.types); r != nil {
						s.rows = append(s.rows, r)
					}
				}
			case key == "GPS9" && size >= 32:
				s.has, s.five, s.rows = true, false, nil
				for k := range count {
					row := v[k*size:]
					r := numbers(row[:28], 'l')
					r = append(r, float64(binary.BigEndian.Uint16(row[28:])), float64(binary.BigEndian.Uint16(row[30:])))
					s.rows = append(s.rows, r)
				}
			}
			i += 8 + (n+3)&^3
		}
		return ""
	}
	damage = walk(b, nil, 0)
	return fixes, device, damage
}

// structure reads the leading numbers of one structure; nil when its types are
// not all known or do not fit.
func structure(v []byte, types string) (out []float64) {
	width := map[byte]int{'b': 1, 'B': 1, 's': 2, 'S': 2, 'l': 4, 'L': 4, 'f': 4, 'j': 8, 'J': 8, 'd': 8}
	for i := range len(types) {
		n := width[types[i]]
		if n == 0 || n > len(v) {
			return nil
		}
		var x float64
		switch types[i] {
		case 'b':
			x = float64(int8(v[0]))
		case 'B':
			x = float64(v[0])
		case 'f':
			x = float64(math.Float32frombits(binary.BigEndian.Uint32(v)))
		case 'd':
			x = math.Float64frombits(binary.BigEndian.Uint64(v))
		case 'j':
			x = float64(int64(binary.BigEndian.Uint64(v)))
		case 'J':
			x = float64(binary.BigEndian.Uint64(v))
		default:
			x = numbers(v[:n], types[i])[0]
		}
		out = append(out, x)
		v = v[n:]
	}
	return out
}

func numbers(v []byte, typ byte) (out []float64) {
	switch typ {
	case 'l':
		for ; len(v) >= 4; v = v[4:] {
			out = append(out, float64(int32(binary.BigEndian.Uint32(v))))
		}
	case 'L':
		for ; len(v) >= 4; v = v[4:] {
			out = append(out, float64(binary.BigEndian.Uint32(v)))
		}
	case 's':
		for ; len(v) >= 2; v = v[2:] {
			out = append(out, float64(int16(binary.BigEndian.Uint16(v))))
		}
	case 'S':
		for ; len(v) >= 2; v = v[2:] {
			out = append(out, float64(binary.BigEndian.Uint16(v)))
		}
	}
	return out
}

// gpmfTrack reads the payloads of the "gpmd" track of an MP4.
func gpmfTrack(b []byte) (fixes []Fix, device, damage string) {
	moov, ok := find(b, 0, len(b), "moov")
	if !ok {
		return nil, "", ""
	}
	list, _ := boxes(b, moov.start, moov.end)
	for _, trak := range list {
		if trak.name != "trak" {
			continue
		}
		stbl, ok := find(b, trak.start, trak.end, "mdia", "minf", "stbl")
		if !ok {
			continue
		}
		stsd, ok := find(b, stbl.start, stbl.end, "stsd")
		if !ok || stsd.end-stsd.start < 16 || string(b[stsd.start+12:stsd.start+16]) != "gpmd" {
			continue
		}
		scale := 1000.0
		if mdhd, ok := find(b, trak.start, trak.end, "mdia", "mdhd"); ok && mdhd.end-mdhd.start >= 24 {
			at := 12
			if b[mdhd.start] == 1 {
				at = 20
			}
			scale = math.Max(1, float64(binary.BigEndian.Uint32(b[mdhd.start+at:])))
		}
		for _, s := range samples(b, stbl) {
			f, d, bad := gpmf(b[s.at:s.at+s.size], float64(s.start)/scale, float64(s.span)/scale)
			fixes = append(fixes, f...)
			if device == "" {
				device = d
			}
			if damage == "" {
				damage = bad
			}
		}
	}
	return fixes, device, damage
}

type sample struct {
	at, size    int
	start, span int64
}

// samples lists where the samples of a track lie and when they are.
func samples(b []byte, stbl isoBox) (out []sample) {
	table := func(name string) []byte {
		x, ok := find(b, stbl.start, stbl.end, name)
		if !ok || x.end-x.start < 8 {
			return nil
		}
		return b[x.start+4 : x.end]
	}
	u32 := func(t []byte, k int) int {
		if 4*k+4 > len(t) {
			return -1
		}
		return int(binary.BigEndian.Uint32(t[4*k:]))
	}
	stsz, stsc, stts := table("stsz"), table("stsc"), table("stts")
	stco, wide := table("stco"), false
	if stco == nil {
		stco, wide = table("co64"), true
	}
	if stsz == nil || stsc == nil || stco == nil || len(stsz) < 8 {
		return nil
	}
	fixed, count := u32(stsz, 0), u32(stsz, 1)
	chunkCount, runs := u32(stco, 0), u32(stsc, 0)
	k, when, run, left, span := 0, int64(0), -1, 0, int64(0)
	for c := 0; c < chunkCount && k < count && len(out) < 1_000_000; c++ {
		at := u32(stco, 1+c)
		if wide {
			if 4+8*c+8 > len(stco) {
				break
			}
			at = int(min(binary.BigEndian.Uint64(stco[4+8*c:]), 1<<62))
		}
		per := 0
		for r := range min(runs, 1_000_000) {
			first := u32(stsc, 1+3*r)
			if first < 0 || first > c+1 {
				break
			}
			per = u32(stsc, 2+3*r)
		}
		for range max(per, 0) {
			if k >= count {
				break
			}
			size := fixed
			if fixed == 0 {
				size = u32(stsz, 2+k)
			}
			for left == 0 && stts != nil {
				run++
				if left = u32(stts, 1+2*run); left < 0 {
					left = math.MaxInt
				}
				span = int64(max(u32(stts, 2+2*run), 0))
			}
			if at < 0 || size < 0 || at > len(b)-size {
				return out
			}
			out = append(out, sample{at, size, when, span})
			when += span
			left--
			at += size
			k++
		}
	}
	return out
}

var (
	djiPair  = regexp.MustCompile(`\[?\blat(?:itude)?\s*:\s*(-?\d+(?:\.\d+)?)\]?[^\[]*\[?\blon(?:g(?:t)?i?tude)?\s*:\s*(-?\d+(?:\.\d+)?)`)
	djiGPS   = regexp.MustCompile(`GPS\s*\(\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)(M?)`)
	djiAlt   = regexp.MustCompile(`\[?\b(?:abs_alt|altitude)\s*:\s*(-?\d+(?:\.\d+)?)`)
	djiDate  = regexp.MustCompile(`\b(\d{4})[-.](\d{1,2})[-.](\d{1,2}) (\d{1,2}:\d{2}:\d{2})(?:[.,](\d{3}))?`)
	srtTimes = regexp.MustCompile(`(\d{1,3}):(\d{2}):(\d{2})[,.](\d{1,3})\s*-->`)
)

// djiTrack reads the telemetry that DJI aircraft write as subtitles. The time
// is the aircraft's local clock. Old models write longitude first; the model
// that writes "M" after the height writes latitude first.
func djiTrack(text string) (fixes []Fix, broken int) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	marks := srtTimes.FindAllStringSubmatchIndex(text, -1)
	if len(marks) == 0 {
		return djiBlocks(text)
	}
	for i, m := range marks {
		end := len(text)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		part := func(k int) float64 { v, _ := strconv.ParseFloat(text[m[2*k]:m[2*k+1]], 64); return v }
		f := Fix{AtS: part(1)*3600 + part(2)*60 + part(3) + part(4)/1000}
		if readDJI(text[m[1]:end], &f) {
			fixes = append(fixes, f)
		} else {
			broken++
		}
	}
	return fixes, broken
}

// djiBlocks reads telemetry without media times: blocks between blank lines,
// placed by the aircraft's clock.
func djiBlocks(text string) (fixes []Fix, broken int) {
	var zero time.Time
	for _, block := range strings.Split(text, "\n\n") {
		var f Fix
		if strings.TrimSpace(block) == "" {
			continue
		}
		if !readDJI(block, &f) {
			broken++
			continue
		}
		if t, err := time.Parse("2006-01-02T15:04:05", f.Time[:min(19, len(f.Time))]); err == nil {
			if zero.IsZero() {
				zero = t
			}
			f.AtS = t.Sub(zero).Seconds()
		}
		fixes = append(fixes, f)
	}
	return fixes, broken
}

func readDJI(cue string, f *Fix) bool {
	num := func(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }
	if d := djiDate.FindStringSubmatch(cue); d != nil {
		f.Time = fmt.Sprintf("%s-%02s-%02sT%08s", d[1], d[2], d[3], d[4])
		if d[5] != "" {
			f.Time += "." + d[5]
		}
	}
	if p := djiPair.FindStringSubmatch(cue); p != nil {
		f.Lat, f.Lon = num(p[1]), num(p[2])
		if a := djiAlt.FindStringSubmatch(cue); a != nil {
			h := num(a[1])
			f.Alt = &h
		}
	} else if p := djiGPS.FindStringSubmatch(cue); p != nil {
		f.Lon, f.Lat = num(p[1]), num(p[2])
		if p[4] == "M" {
			f.Lat, f.Lon = f.Lon, f.Lat
		}
		if p[4] == "M" {
			h := num(p[3])
			f.Alt = &h
		}
	} else {
		return false
	}
	return math.Abs(f.Lat) <= 90 && math.Abs(f.Lon) <= 180 && (f.Lat != 0 || f.Lon != 0)
}
