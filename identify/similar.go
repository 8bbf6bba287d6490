package identify

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sightline/alike"
	"sightline/digest"
	"sightline/tool"
)

// Sketch is what is kept of a file in memory to compare it with others.
type Sketch struct {
	File    string
	SHA256  string
	Size    int64
	Type    string
	Width   int // of the upright picture
	Height  int
	Quality int
	Turns   []alike.PDQ // of the picture and its seven turns; none: not hashed
	Inner   []alike.PDQ // of the picture inside flat borders
	PHash   string
	Seconds float64       // of a recording
	Frames  []alike.Frame // of a video
	Voice   alike.Voice   // of its sound
	Error   string

	gray  alike.Gray
	feats []alike.Feature
	fsqu  []alike.Feature // of the mirrored picture, made when first needed
}

// Bare is the sketch without what is compared: its name, size and length.
func (s *Sketch) Bare() *Sketch {
	return &Sketch{File: s.File, SHA256: s.SHA256, Size: s.Size, Type: s.Type, Width: s.Width, Height: s.Height, Quality: s.Quality, PHash: s.PHash, Seconds: s.Seconds, Error: s.Error}
}

// Sketched reads a file for comparison.
func Sketched(ctx context.Context, e *Env, path, typ string) (*Sketch, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(abs)
	if err != nil {
		return nil, err
	}
	sum, n, err := digest.Read(f)
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	s := &Sketch{File: path, SHA256: sum.String(), Size: n, Type: typ}
	switch {
	case strings.HasPrefix(typ, "image/") && typ != "image/svg+xml":
		err = s.picture(ctx, e, abs)
	case strings.HasPrefix(typ, "video/"), strings.HasPrefix(typ, "audio/"):
		err = s.recording(ctx, e, abs)
	default:
		s.Error = "this kind of file (" + typ + ") has nothing to look at; only the same bytes are found"
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		s.Error = err.Error()
	}
	return s, nil
}

func (s *Sketch) picture(ctx context.Context, e *Env, path string) error {
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return err
	}
	defer remove()
	o := 1
	if _, ok := metaFormats[s.Type]; ok && !through[s.Type] {
		var rep tagReport
		if _, err := e.own(ctx, &rep, tool.Cmd{Args: []string{"tags", path, s.Type}, Read: []string{path}}); err == nil {
			for _, t := range rep.Tags {
				if t.Name == "EXIF:Orientation" {
					if v, err := strconv.Atoi(t.Value); err == nil && v >= 1 && v <= 8 {
						o = v
					}
				}
			}
		}
	}
	l, err := e.see(ctx, path, s.Type, o, dir)
	if err != nil {
		return err
	}
	if len(l.PDQ) == 0 {
		return errors.New(l.Problem)
	}
	s.Width, s.Height, s.Quality, s.PHash = l.Width, l.Height, l.Quality, l.PHash
	if o >= 5 {
		s.Width, s.Height = s.Height, s.Width
	}
	if s.Turns, err = hashes(l.PDQ); err != nil {
		return err
	}
	if s.Inner, err = hashes(l.InnerPDQ); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(dir, "gray.raw"))
	if err != nil || len(raw) != l.Gray[0]*l.Gray[1] {
		return errors.New("the working copy of the picture was not written")
	}
	s.gray = grayOf(raw, l.Gray[0], l.Gray[1])
	s.feats = alike.Features(s.gray)
	return nil
}

func hashes(l []string) (out []alike.PDQ, err error) {
	for _, h := range l {
		p, err := alike.ParsePDQ(h)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func grayOf(raw []byte, w, h int) alike.Gray {
	g := alike.Gray{W: w, H: h, Pix: make([]float32, w*h)}
	for i, v := range raw[:w*h] {
		g.Pix[i] = float32(v)
	}
	return g
}

// frameSide is the longer side of the frames that are hashed: PDQ looks at
// 64 by 64 samples, so more adds only time.
const frameSide = 256

// frameRate is how many frames of a video are looked at in a second.
func frameRate(seconds float64) float64 {
	switch {
	case seconds <= 60:
		return 10
	case seconds <= 600:
		return 4
	case seconds <= 3600:
		return 2
	}
	return 1
}

func (s *Sketch) recording(ctx context.Context, e *Env, path string) error {
	m, _, err := e.Box.Probe(ctx, path)
	if err != nil {
		return fmt.Errorf("the recording cannot be opened: %w", err)
	}
	s.Seconds, _ = strconv.ParseFloat(m.Format.Duration, 64)
	if hasPicture(m) {
		for _, st := range m.Streams {
			if st.Type == "video" && st.Disposition["attached_pic"] != 1 && st.Width > 0 {
				s.Width, s.Height = st.Width, st.Height
				break
			}
		}
		if s.Frames, err = e.Frames(ctx, path, s.Width, s.Height, s.Seconds); err != nil {
			return err
		}
	}
	if hasSound(m) {
		v, err := e.voice(ctx, path, s.Seconds)
		if err != nil && len(s.Frames) == 0 {
			return err
		}
		s.Voice = v
	}
	return nil
}

// Frames hashes a video's frames, decoded and shrunk by ffmpeg in the box.
// Times are seconds from the first frame. Borders of one flat shade that all
// frames share are cut before hashing.
func (e *Env) Frames(ctx context.Context, path string, w, h int, seconds float64) ([]alike.Frame, error) {
	if w <= 0 || h <= 0 {
		return nil, errors.New("the video does not say how large its pictures are")
	}
	sw, sh := frameSide, max(16, frameSide*h/w)
	if h > w {
		sw, sh = max(16, frameSide*w/h), frameSide
	}
	rate := frameRate(seconds)
	sink := &frames{w: sw, h: sh, step: 1 / rate}
	args := append(tool.FFmpegArgs(path), "-map", "0:v:0", "-an", "-sn", "-dn", "-vf", fmt.Sprintf("fps=%g:round=near,scale=%d:%d:flags=area,format=gray", rate, sw, sh), "-f", "rawvideo", "pipe:1")
	limit := 2*time.Minute + time.Duration(4*seconds*float64(time.Second))
	_, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{path}, Stdout: sink, Limits: tool.Limits{CPU: min(limit, 2*time.Hour), Memory: 4 << 30, Output: 64 << 30}})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(sink.out) == 0 {
		if err == nil {
			err = errors.New("there is no frame in it")
		}
		return nil, fmt.Errorf("no frame of the video can be decoded: %w", err)
	}
	return sink.out, nil
}

// frames hashes raw pictures as they arrive.
type frames struct {
	w, h int
	step float64
	buf  []byte
	out  []alike.Frame
}

func (f *frames) Write(p []byte) (int, error) {
	f.buf = append(f.buf, p...)
	n := f.w * f.h
	for len(f.buf) >= n {
		g := grayOf(f.buf, f.w, f.h)
		x0, y0, x1, y1 := g.Bars()
		h, q := alike.Hash(g.Cut(x0, y0, x1, y1))
		f.out = append(f.out, alike.Frame{AtS: float64(len(f.out)) * f.step, Hash: h, Quality: q})
		f.buf = f.buf[:copy(f.buf, f.buf[n:])]
	}
	return len(p), nil
}

// voice fingerprints the first sound track.
func (e *Env) voice(ctx context.Context, path string, seconds float64) (alike.Voice, error) {
	var pcm bytes.Buffer
	limit := time.Minute + time.Duration(seconds*float64(time.Second))
	args := append(tool.FFmpegArgs(path), "-map", "0:a:0", "-vn", "-sn", "-dn", "-ac", "1", "-ar", strconv.Itoa(alike.VoiceRate), "-f", "s16le", "pipe:1")
	_, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{path}, Stdout: &pcm, Limits: tool.Limits{CPU: limit, Output: 512 << 20}})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if pcm.Len() < 2 {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("the sound cannot be decoded: %w", err)
	}
	b := pcm.Bytes()
	x := make([]float32, len(b)/2)
	for i := range x {
		x[i] = float32(int16(binary.LittleEndian.Uint16(b[2*i:])))
	}
	return alike.Fingerprint(x), nil
}

// Relation says how two files are related. Distance is in bits of PDQ (0 to
// 256) where pictures were compared as wholes; nil where they were not.
type Relation struct {
	A           string   `json:"a"`
	B           string   `json:"b"`
	Relation    string   `json:"relation"` // same bytes, re-encode, scale, stretch, crop, letterbox, rotation, flip, overlay, screenshot, edited, excerpt
	Also        []string `json:"also"`     // further differences, in the same words and: tone, detail
	Distance    *int     `json:"distance"`
	PHash       *int     `json:"phash_distance,omitempty"`
	Turn        string   `json:"turn,omitempty"`     // what was done to A to get B
	Cover       *float64 `json:"cover,omitempty"`    // share of A's surface that B shows
	CoverB      *float64 `json:"cover_b,omitempty"`  // share of B's surface that A shows
	OffsetS     *float64 `json:"offset_s,omitempty"` // where B begins in A, seconds
	OffsetError *float64 `json:"offset_error_s,omitempty"`
	OverlapS    *float64 `json:"overlap_s,omitempty"`
	By          string   `json:"by"` // bytes, picture, corners, frames, sound
	Sentence    string   `json:"sentence"`
}

// Relate compares two sketches; nil when they are not related as far as this
// method sees.
func Relate(a, b *Sketch) *Relation {
	if a.SHA256 == b.SHA256 {
		zero := 0
		return &Relation{A: a.File, B: b.File, Relation: "same bytes", Also: []string{}, Distance: &zero, By: "bytes", Sentence: "the same bytes"}
	}
	switch {
	case len(a.Turns) > 0 && len(b.Turns) > 0:
		return relatePictures(a, b)
	case len(a.Turns) > 0 && len(b.Frames) > 0:
		return relateStill(b, a)
	case len(a.Frames) > 0 && len(b.Turns) > 0:
		return relateStill(a, b)
	}
	if len(a.Frames) > 0 && len(b.Frames) > 0 {
		if r := relateVideos(a, b); r != nil {
			return r
		}
	}
	if len(a.Voice) > 0 && len(b.Voice) > 0 {
		return relateSounds(a, b)
	}
	return nil
}

func relatePictures(a, b *Sketch) *Relation {
	r := &Relation{A: a.File, B: b.File, Also: []string{}, By: "picture"}
	if a.PHash != "" && b.PHash != "" {
		x, err1 := strconv.ParseUint(a.PHash, 16, 64)
		y, err2 := strconv.ParseUint(b.PHash, 16, 64)
		if err1 == nil && err2 == nil {
			d := alike.P(x).Distance(alike.P(y))
			r.PHash = &d
		}
	}
	whole := a.Quality >= alike.UsableFrom && b.Quality >= alike.UsableFrom
	best, turn, bars := 999, alike.Upright, false
	try := func(p []alike.PDQ, q []alike.PDQ, cut bool) {
		if len(p) == 0 || len(q) == 0 {
			return
		}
		for k := range p {
			// A tie goes to the upright picture.
			if d := p[k].Distance(q[0]); d < best {
				best, turn, bars = d, alike.Turn(k), cut
			}
		}
	}
	if whole {
		try(a.Turns, b.Turns, false)
		if best > alike.MatchAt {
			try(a.Inner, b.Turns, true)
			try(a.Turns, b.Inner, true)
			try(a.Inner, b.Inner, true)
		}
	}
	if whole && best < 999 {
		d := best
		r.Distance = &d
	}
	if best <= alike.MatchAt {
		return describeWhole(r, a, b, turn, bars)
	}
	if r := relateParts(r, a, b); r != nil {
		return r
	}
	return nil
}

// describeWhole names what differs between two pictures of one scene, turned
// alike.
func describeWhole(r *Relation, a, b *Sketch, turn alike.Turn, bars bool) *Relation {
	add := func(w string) {
		if !slices.Contains(r.Also, w) {
			r.Also = append(r.Also, w)
		}
	}
	ga := turn.Apply(a.gray)
	wa, ha := a.Width, a.Height
	if ga.W != a.gray.W || ga.H != a.gray.H {
		if turn == alike.Rotated90 || turn == alike.Rotated270 || turn == alike.Transposed || turn == alike.Antitransposed {
			wa, ha = ha, wa
		}
	}
	fa := a.feats
	if turn != alike.Upright {
		r.Turn = turn.String()
		fa = alike.Features(ga)
	}
	sameSize := wa == b.Width && ha == b.Height
	shape := math.Abs(float64(wa)*float64(b.Height)/(float64(ha)*float64(b.Width)) - 1)
	// Laid on one another as wholes, or as the corners say: a small crop fits
	// better by its corners, a stretched copy only as a whole.
	p := alike.Compare(ga, b.gray.Resize(ga.W, ga.H), alike.Similarity{Scale: 1})
	margin := 0.01
	if shape > 0.03 {
		margin = 0.05
	}
	if q, ok := alike.Register(ga, b.gray, fa, b.feats); ok && q.Alike > p.Alike+margin {
		p = q
	}
	ca, cb := round3(p.CoverA), round3(p.CoverB)
	r.Cover, r.CoverB = &ca, &cb
	if bars {
		add("letterbox")
	}
	if !bars && (p.CoverA < 0.97 || p.CoverB < 0.97) {
		add("crop")
	} else if shape > 0.03 && !bars {
		add("stretch")
	}
	if p.Changed > 0.004 {
		add("overlay")
	}
	if p.Tone {
		add("tone")
	}
	if !sameSize {
		add("scale")
	}
	if p.ShiftPct > 2.5 && p.Changed <= 0.004 {
		add("detail")
	}
	add("re-encode")
	switch turn {
	case alike.Upright:
		for _, w := range []string{"crop", "overlay", "letterbox", "scale", "stretch", "tone", "detail", "re-encode"} {
			if slices.Contains(r.Also, w) {
				r.Relation = w
				break
			}
		}
		if r.Relation == "tone" || r.Relation == "detail" {
			r.Relation = "edited"
		} else {
			r.Also = slices.DeleteFunc(r.Also, func(w string) bool { return w == r.Relation })
		}
	case alike.Rotated90, alike.Rotated180, alike.Rotated270:
		r.Relation = "rotation"
	default:
		r.Relation = "flip"
	}
	r.Sentence = sentence(r, a, b)
	return r
}

// relateParts looks for a shared part by corners, upright first, then
// mirrored.
func relateParts(r *Relation, a, b *Sketch) *Relation {
	p, ok := alike.Register(a.gray, b.gray, a.feats, b.feats)
	mirrored := false
	if !ok {
		if b.fsqu == nil {
			b.fsqu = alike.Features(alike.Mirrored.Apply(b.gray))
		}
		p, ok = alike.Register(a.gray, alike.Mirrored.Apply(b.gray), a.feats, b.fsqu)
		mirrored = ok
	}
	if !ok {
		return nil
	}
	r.By = "corners"
	ca, cb := round3(p.CoverA), round3(p.CoverB)
	r.Cover, r.CoverB = &ca, &cb
	angle := -p.Angle * 180 / math.Pi
	turned := math.Abs(math.Remainder(angle, 360)) > 2
	if mirrored {
		r.Turn = "mirrored"
	}
	if turned {
		r.Turn = strings.TrimSpace(r.Turn + fmt.Sprintf(" rotated %.0f", math.Mod(angle+360, 360)))
	}
	switch {
	case p.CoverA > 0.97 && p.CoverB > 0.97:
		switch {
		case mirrored:
			r.Relation = "flip"
		case turned:
			r.Relation = "rotation"
		case p.Changed > 0.004:
			r.Relation = "overlay"
		default:
			r.Relation = "edited"
		}
	case p.CoverA > 0.9 && p.CoverB < 0.9, p.CoverB > 0.9 && p.CoverA < 0.9:
		// One picture holds the whole of the other: a cut of it, or the other stands
		// inside a screen. Around a screenshot's picture lie flat surfaces.
		r.Relation = "crop"
		if framed(a, b, p, mirrored) {
			r.Relation = "screenshot"
		}
	default:
		r.Relation = "crop"
	}
	for word, yes := range map[string]bool{"flip": mirrored && r.Relation != "flip", "rotation": turned && r.Relation != "rotation", "overlay": p.Changed > 0.004 && r.Relation != "overlay", "tone": p.Tone} {
		if yes {
			r.Also = append(r.Also, word)
		}
	}
	ratio := p.Scale * (float64(a.Width) / float64(a.gray.W)) / (float64(b.Width) / float64(b.gray.W))
	if math.Abs(ratio-1) > 0.02 {
		r.Also = append(r.Also, "scale")
	}
	slices.Sort(r.Also)
	r.Sentence = sentence(r, a, b)
	return r
}

// framed reports whether the larger picture is mostly flat outside the part
// that the smaller one fills, as the surface of a program around a picture is.
func framed(a, b *Sketch, p alike.Part, mirrored bool) bool {
	big, small, s := a.gray, b.gray, p.Similarity.Inverse()
	if p.CoverA > p.CoverB {
		big, small, s = b.gray, a.gray, p.Similarity
		if mirrored {
			big = alike.Mirrored.Apply(big)
		}
	}
	flat, n := 0, 0
	for y := 2; y < big.H-2; y += 3 {
		for x := 2; x < big.W-2; x += 3 {
			px, py := s.Map(float64(x), float64(y))
			if px >= 0 && py >= 0 && px < float64(small.W) && py < float64(small.H) {
				continue
			}
			n++
			i := y*big.W + x
			v := big.Pix[i]
			if diff(v, big.Pix[i-2]) < 3 && diff(v, big.Pix[i+2]) < 3 && diff(v, big.Pix[i-2*big.W]) < 3 && diff(v, big.Pix[i+2*big.W]) < 3 {
				flat++
			}
		}
	}
	return n > 30 && flat*10 > n*6
}

func diff(a, b float32) float32 {
	if a > b {
		return a - b
	}
	return b - a
}

// relateStill finds a picture among the frames of a video.
func relateStill(video, pic *Sketch) *Relation {
	if pic.Quality < alike.UsableFrom {
		return nil
	}
	best, at := 999, 0.0
	for _, f := range video.Frames {
		if f.Quality < alike.UsableFrom {
			continue
		}
		d := f.Hash.Distance(pic.Turns[0])
		if len(pic.Inner) > 0 {
			d = min(d, f.Hash.Distance(pic.Inner[0]))
		}
		if d < best {
			best, at = d, f.AtS
		}
	}
	if best > alike.MatchAt {
		return nil
	}
	err := round3(1 / frameRate(video.Seconds))
	at = round3(at)
	r := &Relation{A: video.File, B: pic.File, Relation: "excerpt", Also: []string{"screenshot"}, Distance: &best, OffsetS: &at, OffsetError: &err, By: "frames"}
	r.Sentence = fmt.Sprintf("the picture looks like the video at %.1f s", at)
	return r
}

func relateVideos(a, b *Sketch) *Relation {
	long, short := a, b
	if b.Seconds > a.Seconds {
		long, short = b, a
	}
	x, ok := alike.FindExcerpt(long.Frames, short.Frames)
	if !ok {
		return nil
	}
	off, eps, over, d := round3(x.OffsetS), round3(x.ErrorS), round3(x.ToA-x.FromA), int(math.Round(x.Distance))
	r := &Relation{A: long.File, B: short.File, Also: []string{}, Distance: &d, OffsetS: &off, OffsetError: &eps, OverlapS: &over, By: "frames"}
	all := short.Seconds > 0 && math.Abs(long.Seconds-short.Seconds) < math.Max(1, 0.05*long.Seconds) && math.Abs(off) <= math.Max(1, eps)
	switch {
	case !all:
		r.Relation = "excerpt"
	case long.Width != short.Width || long.Height != short.Height:
		r.Relation = "scale"
		r.Also = append(r.Also, "re-encode")
	case x.Distance > 12:
		r.Relation = "overlay"
		r.Also = append(r.Also, "re-encode")
	default:
		r.Relation = "re-encode"
	}
	if all && x.Distance > 12 && r.Relation != "overlay" {
		r.Also = append(r.Also, "overlay")
	}
	r.Sentence = fmt.Sprintf("%s shows %.1f s of %s, beginning at %.1f s (± %.1f s)", filepath.Base(short.File), over, filepath.Base(long.File), off, eps)
	return r
}

func relateSounds(a, b *Sketch) *Relation {
	long, short := a, b
	if b.Seconds > a.Seconds {
		long, short = b, a
	}
	x, ok := alike.SoundExcerpt(long.Voice, short.Voice)
	if !ok {
		return nil
	}
	off, eps, over := round3(x.OffsetS), round3(x.ErrorS), round3(x.OverlapS)
	r := &Relation{A: long.File, B: short.File, Relation: "excerpt", Also: []string{"sound only"}, OffsetS: &off, OffsetError: &eps, OverlapS: &over, By: "sound"}
	if math.Abs(long.Seconds-short.Seconds) < 1 && math.Abs(off) < 1 {
		r.Relation = "re-encode"
	}
	r.Sentence = fmt.Sprintf("the sound of %s is that of %s from %.1f s on", filepath.Base(short.File), filepath.Base(long.File), off)
	return r
}

func round3(x float64) float64 { return math.Round(x*1000) / 1000 }

func sentence(r *Relation, a, b *Sketch) string {
	words := append([]string{r.Relation}, r.Also...)
	s := fmt.Sprintf("%s and %s look like one picture; what differs: %s", filepath.Base(a.File), filepath.Base(b.File), strings.Join(words, ", "))
	if r.Turn != "" {
		s += " (" + r.Turn + ")"
	}
	if r.Cover != nil && *r.Cover < 0.97 {
		s += fmt.Sprintf("; %s shows %.0f %% of %s", filepath.Base(b.File), 100**r.Cover, filepath.Base(a.File))
	}
	return s
}

// Cluster is a group of files that are related, directly or through others.
type Cluster struct {
	ID    int      `json:"id"`
	Files []string `json:"files"`
	Best  string   `json:"best"` // most pixels or longest; a proposal, not a finding
	// Earliest is the item of a case that is known to have existed first, and by
	// which time, RFC 3339; of files alone nothing of the kind is known.
	Earliest   string     `json:"earliest,omitempty"`
	EarliestBy string     `json:"earliest_by,omitempty"`
	Relations  []Relation `json:"relations"`
}

// Clusters joins files by their relations. Files related to none stand in
// none.
func Clusters(list []*Sketch, rel []Relation) []Cluster {
	at := map[string]int{}
	up := make([]int, len(list))
	for i, s := range list {
		at[s.File], up[i] = i, i
	}
	var root func(int) int
	root = func(i int) int {
		for up[i] != i {
			up[i] = up[up[i]]
			i = up[i]
		}
		return i
	}
	for _, r := range rel {
		a, b := root(at[r.A]), root(at[r.B])
		up[max(a, b)] = min(a, b)
	}
	group := map[int]*Cluster{}
	var out []*Cluster
	weight := func(s *Sketch) float64 { return float64(s.Width)*float64(s.Height)*(1+s.Seconds) + s.Seconds }
	best := map[int]float64{}
	for i, s := range list {
		g := root(i)
		c := group[g]
		if c == nil {
			c = &Cluster{}
			group[g] = c
			out = append(out, c)
		}
		c.Files = append(c.Files, s.File)
		if w := weight(s); c.Best == "" || w > best[g] {
			c.Best, best[g] = s.File, w
		}
	}
	for _, r := range rel {
		c := group[root(at[r.A])]
		c.Relations = append(c.Relations, r)
	}
	final := []Cluster{}
	for _, c := range out {
		if len(c.Files) > 1 {
			c.ID = len(final) + 1
			final = append(final, *c)
		}
	}
	return final
}
