package identify

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sightline"
	"sightline/tool"
)

// through are the kinds of picture that Go does not decode and ffmpeg may.
var through = map[string]bool{"image/heic": true, "image/heif": true, "image/avif": true}

func removeFile(path string) { os.Remove(path) }

// still makes a PNG of a picture with ffmpeg: of a HEIC from its tiles, see
// heif.go; of an AVIF as a whole, and a reading of another size is refused.
func (e *Env) still(ctx context.Context, it *sightline.Item, path string) (*tool.Result, string, error) {
	if it.Type != "image/avif" {
		res, png, err := e.tiled(ctx, path)
		if err == nil || ctx.Err() != nil {
			return res, png, err
		}
		var missing *tool.MissingError
		if errors.As(err, &missing) || errors.Is(err, tool.ErrNoSandbox) {
			return nil, "", err
		}
		return nil, "", fmt.Errorf("this picture (%s) cannot be shown here: %w", it.Type, err)
	}
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return nil, "", err
	}
	defer remove()
	var rep tagReport
	_, err = e.own(ctx, &rep, tool.Cmd{Args: []string{"tags", path, it.Type}, Read: []string{path}})
	if err != nil || rep.Width == 0 {
		rep.Width, rep.Height = it.Width, it.Height
	}
	png := filepath.Join(dir, "still.png")
	args := append(tool.FFmpegArgs(path), "-map", "0:v:0", "-frames:v", "1", "-update", "1", png)
	res, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{path}, Dir: dir})
	if err != nil {
		return nil, "", fmt.Errorf("this picture (%s) cannot be shown here: %w", it.Type, err)
	}
	b, err := os.ReadFile(png)
	if err != nil {
		return nil, "", fmt.Errorf("this picture (%s) cannot be shown here: ffmpeg wrote nothing", it.Type)
	}
	// The PNG comes from a program that read untrusted bytes, so only its header is read here; the worker decodes it.
	c, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, "", fmt.Errorf("this picture (%s) cannot be shown here: ffmpeg wrote no picture", it.Type)
	}
	same := c.Width == rep.Width && c.Height == rep.Height || c.Width == rep.Height && c.Height == rep.Width
	if rep.Width > 0 && !same {
		return nil, "", fmt.Errorf("this picture (%s) is stored as tiles, which ffmpeg %s does not join; the original is kept", it.Type, res.Program.Version)
	}
	if rep.Width == 0 && it.Type != "image/avif" {
		return nil, "", fmt.Errorf("this picture (%s) does not say its size, so ffmpeg's reading of it cannot be trusted; the original is kept", it.Type)
	}
	keep, removeKeep, err := e.Box.Temp()
	if err != nil {
		return nil, "", err
	}
	to := filepath.Join(filepath.Dir(keep), filepath.Base(keep)+".png")
	removeKeep()
	if err := os.Rename(png, to); err != nil {
		return nil, "", err
	}
	return res, to, nil
}

// Poster takes one frame of a video as its thumbnail and poster.
func Poster(ctx context.Context, e *Env, j sightline.Job, _ Progress) error {
	path, done, err := e.file(ctx, j.Input)
	if err != nil {
		return err
	}
	defer done()
	m, _, err := e.Box.Probe(ctx, path)
	if err != nil {
		return fmt.Errorf("the video cannot be opened: %w", err)
	}
	if !hasPicture(m) {
		return e.nothing(ctx, j)
	}
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return err
	}
	defer remove()
	duration, _ := strconv.ParseFloat(m.Format.Duration, 64)
	var res *tool.Result
	for _, at := range []float64{math.Min(duration/10, 10), 0} {
		args := append(tool.FFmpegArgs(path, "-ss", strconv.FormatFloat(at, 'f', 3, 64)),
			"-filter_complex", fmt.Sprintf("[0:v:0]split=2[a][b];[a]scale=%s[p];[b]scale=%s[t]", fit(PreviewSide), fit(ThumbSide)),
			"-map", "[p]", "-frames:v", "1", "-update", "1", "-q:v", "4", filepath.Join(dir, "poster.jpg"),
			"-map", "[t]", "-frames:v", "1", "-update", "1", "-q:v", "4", filepath.Join(dir, "thumb.jpg"))
		res, err = e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{path}, Dir: dir, Limits: tool.Limits{CPU: time.Minute, Memory: 4 << 30}})
		if err == nil && exists(filepath.Join(dir, "poster.jpg")) && exists(filepath.Join(dir, "thumb.jpg")) {
			break
		}
		if err == nil {
			err = errors.New("no frame can be decoded")
		}
		if ctx.Err() != nil || at == 0 {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("no frame of the video can be shown: %w", err)
	}
	var list []made
	for _, role := range []string{"thumb", "poster"} {
		mk := made{role: role, typ: "image/jpeg", path: filepath.Join(dir, role+".jpg"), recipe: res.Recipe()}
		if mk.width, mk.height, err = jpegSize(mk.path); err != nil {
			return err
		}
		list = append(list, mk)
	}
	return e.keep(ctx, j, list, nil)
}

// fit scales so that the longer side is at most n, never enlarging.
func fit(n int) string {
	return fmt.Sprintf("'if(gt(iw,ih),min(%d,iw),-2)':'if(gt(iw,ih),-2,min(%d,ih))'", n, n)
}

func exists(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Size() > 0
}

func jpegSize(path string) (w, h int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(f)
	if err != nil {
		return 0, 0, fmt.Errorf("the working copy is not a picture: %w", err)
	}
	return c.Width, c.Height, nil
}

func hasPicture(m *tool.MediaInfo) bool {
	for _, s := range m.Streams {
		if s.Type == "video" && s.Disposition["attached_pic"] != 1 && s.Codec != "" && s.Codec != "unknown" {
			return true
		}
	}
	return false
}

func hasSound(m *tool.MediaInfo) bool {
	for _, s := range m.Streams {
		if s.Type == "audio" {
			return true
		}
	}
	return false
}

// nothing ends a job for which the file has no matter.
func (e *Env) nothing(ctx context.Context, j sightline.Job) error {
	_, err := e.Store.Update(ctx, e.Actor, func(w sightline.Writer) error { return w.Finish(j, sightline.JobOutcome{}) })
	return err
}

// Proxy makes a working copy of a video of at most 480 lines that every browser plays and
// that seeks well: H.264 and AAC with the index in front, or VP9 and Opus where
// ffmpeg has no H.264 encoder. Frames keep their times, and the table of them
// ([FrameTable]) is made beside it for stepping from frame to frame.
func Proxy(ctx context.Context, e *Env, j sightline.Job, progress Progress) error {
	path, done, err := e.file(ctx, j.Input)
	if err != nil {
		return err
	}
	defer done()
	m, _, err := e.Box.Probe(ctx, path)
	if err != nil {
		return fmt.Errorf("the video cannot be opened: %w", err)
	}
	duration, _ := strconv.ParseFloat(m.Format.Duration, 64)
	if !hasPicture(m) {
		return e.nothing(ctx, j)
	}
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return err
	}
	defer remove()
	var res *tool.Result
	out, typ := "", ""
	for _, c := range []struct {
		file, typ string
		args      []string
	}{
		{"proxy.mp4", "video/mp4", []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "25", "-g", "48", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-movflags", "+faststart"}},
		{"proxy.webm", "video/webm", []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "36", "-b:v", "0", "-g", "48", "-pix_fmt", "yuv420p", "-c:a", "libopus", "-b:a", "64k", "-ac", "2"}},
	} {
		out, typ = filepath.Join(dir, c.file), c.typ
		args := append(tool.FFmpegArgs(path, "-progress", "pipe:1"), "-map", "0:v:0", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1",
			"-vf", "scale='if(gt(iw,ih),-2,trunc(min(480,iw)/2)*2)':'if(gt(iw,ih),trunc(min(480,ih)/2)*2,-2)'", "-fflags", "+bitexact", "-flags:v", "+bitexact")
		args = append(append(append(args, proxyTiming...), c.args...), out)
		limit := 10*time.Minute + time.Duration(20*duration*float64(time.Second))
		res, err = e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{path}, Dir: dir,
			Stdout: &follow{total: duration, tell: progress}, Limits: tool.Limits{CPU: min(limit, 12*time.Hour), Wall: min(limit, 12*time.Hour), Memory: 6 << 30, File: 64 << 30, Output: 64 << 20}})
		if err == nil || ctx.Err() != nil || res == nil || !strings.Contains(res.Stderr, "Unknown encoder") {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("no working copy of the video can be made: %w", err)
	}
	w, h := 0, 0
	if p, _, err := e.Box.Probe(ctx, out); err == nil {
		for _, s := range p.Streams {
			if s.Type == "video" {
				w, h = s.Width, s.Height
			}
		}
	}
	list := []made{{role: "proxy", typ: typ, path: out, width: w, height: h, recipe: res.Recipe()}}
	table, err := e.frames(ctx, path, out, filepath.Join(dir, "frames.json"))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil: // the copy plays all the same; stepping is then by an assumed rate and says so
		list[0].meta = map[string]string{"frames": err.Error()}
	default:
		list = append([]made{*table}, list...)
	}
	return e.keep(ctx, j, list, nil)
}

// proxyTiming keeps the time of every frame: none is doubled to
// reach a rate, and the encoder counts in the clock of the file instead of in
// frames of an assumed rate, which would move frames of a phone's video.
var proxyTiming = []string{"-fps_mode", "vfr", "-enc_time_base:v", "-1"}

// follow reads ffmpeg's -progress lines.
type follow struct {
	total float64 // seconds
	tell  Progress
	rest  []byte
}

func (f *follow) Write(p []byte) (int, error) {
	f.rest = append(f.rest, p...)
	for {
		line, rest, ok := bytes.Cut(f.rest, []byte("\n"))
		if !ok {
			break
		}
		f.rest = rest
		if v, ok := bytes.CutPrefix(line, []byte("out_time_us=")); ok && f.total > 0 && f.tell != nil {
			if us, err := strconv.ParseFloat(string(bytes.TrimSpace(v)), 64); err == nil {
				f.tell(math.Min(1, math.Max(0, us/1e6/f.total)))
			}
		}
	}
	if len(f.rest) > 1<<16 {
		f.rest = nil
	}
	return len(p), nil
}

// Peaks of a recording: so many samples of sound in a second, so many of them
// to one pair of minimum and maximum.
const (
	peakRate    = 16000
	peakSamples = 160
)

// Waveform makes the minima and maxima of a recording, 100 pairs a second, in
// the binary form of audiowaveform, version 2.
func Waveform(ctx context.Context, e *Env, j sightline.Job, progress Progress) error {
	path, done, err := e.file(ctx, j.Input)
	if err != nil {
		return err
	}
	defer done()
	m, _, err := e.Box.Probe(ctx, path)
	if err != nil {
		return fmt.Errorf("the recording cannot be opened: %w", err)
	}
	if !hasSound(m) {
		return e.nothing(ctx, j)
	}
	duration, _ := strconv.ParseFloat(m.Format.Duration, 64)
	p := &peaks{total: duration, tell: progress}
	args := append(tool.FFmpegArgs(path), "-map", "0:a:0", "-vn", "-ac", "1", "-ar", strconv.Itoa(peakRate), "-f", "s16le", "pipe:1")
	limit := 2*time.Minute + time.Duration(duration*float64(time.Second))
	res, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{path}, Stdout: p, Limits: tool.Limits{CPU: limit, Output: 16 << 30}})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	dat := p.dat()
	meta := map[string]string{"format": "audiowaveform/2", "sample_rate": strconv.Itoa(peakRate), "samples_per_pair": strconv.Itoa(peakSamples), "pairs": strconv.Itoa(p.pairs)}
	var note func(*sightline.Item)
	switch {
	case p.pairs == 0 && err == nil:
		return errors.New("the sound cannot be decoded: there is none in it")
	case p.pairs == 0 || errors.Is(err, tool.ErrTimeout):
		return fmt.Errorf("the sound cannot be decoded: %w", err)
	case err != nil: // a damaged recording: what could be decoded is shown, and said to be a part
		meta["partial"] = err.Error()
		note = func(it *sightline.Item) { it.Problem = "the sound could be decoded only in part: " + err.Error() }
	}
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return err
	}
	defer remove()
	out := filepath.Join(dir, "waveform.dat")
	if err := os.WriteFile(out, dat, 0o600); err != nil {
		return fmt.Errorf("failed to write the waveform: %w", err)
	}
	return e.keep(ctx, j, []made{{role: "waveform", typ: "application/octet-stream", path: out, recipe: res.Recipe(), meta: meta}}, note)
}

// peaks folds 16-bit samples into pairs as they arrive.
type peaks struct {
	total float64 // seconds
	tell  Progress
	odd   []byte
	n     int
	lo    int16
	hi    int16
	pairs int
	out   []byte
}

func (p *peaks) Write(b []byte) (int, error) {
	given := len(b)
	if len(p.odd) == 1 {
		p.sample(int16(uint16(p.odd[0]) | uint16(b[0])<<8))
		p.odd, b = nil, b[1:]
	}
	for len(b) >= 2 {
		p.sample(int16(uint16(b[0]) | uint16(b[1])<<8))
		b = b[2:]
	}
	if len(b) == 1 {
		p.odd = []byte{b[0]}
	}
	if p.tell != nil && p.total > 0 {
		p.tell(math.Min(1, float64(p.pairs*peakSamples)/peakRate/p.total))
	}
	return given, nil
}

func (p *peaks) sample(s int16) {
	if p.n == 0 {
		p.lo, p.hi = s, s
	}
	p.lo, p.hi = min(p.lo, s), max(p.hi, s)
	if p.n++; p.n == peakSamples {
		p.flush()
	}
}

func (p *peaks) flush() {
	if p.n == 0 {
		return
	}
	p.out = binary.LittleEndian.AppendUint16(p.out, uint16(p.lo))
	p.out = binary.LittleEndian.AppendUint16(p.out, uint16(p.hi))
	p.pairs++
	p.n = 0
}

// dat is the file: version 2, flags 0 (16 bits), sample rate, samples per
// pair, number of pairs, one channel, then the pairs; little endian.
func (p *peaks) dat() []byte {
	p.flush()
	var h []byte
	for _, v := range []uint32{2, 0, peakRate, peakSamples, uint32(p.pairs), 1} {
		h = binary.LittleEndian.AppendUint32(h, v)
	}
	return append(h, p.out...)
}
