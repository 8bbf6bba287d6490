package redact

import (
	"bufio"
	"context"
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

	"sightline"
	"sightline/tool"
)

// videoMargin in pixels widens a region of a video: the loop filter of H.264
// mixes up to three pixels across the edge of a block.
const videoMargin = 4

// videoTolerance is how far a covered sample of a decoded frame may be from the
// fill, of 255. The fill is flat over whole blocks, so only the quantiser and
// the loop filter at its rim move it.
const videoTolerance = 24

// Frames of raw video are I420: light in full, two colours at half the size.
const (
	fillY  = 16 // black
	fillUV = 128
)

// region is a redaction of the picture; its corners at a time are fractions.
type region interface{ At(ms float64) [][2]float64 }

func regionsOf(rs []sightline.Redaction) []region {
	var out []region
	for i := range rs {
		if rs[i].Kind == "region" {
			out = append(out, &rs[i])
		}
	}
	return out
}

// frameMask is what is covered in the frame shown from ms until next. A
// region that begins or ends while the frame is shown covers it whole, and
// one that moves covers where it is at both ends.
func frameMask(w, h int, rs []region, ms, next float64) *Mask {
	m := newMask(w, h)
	for _, r := range rs {
		for _, at := range []float64{ms, (ms + next) / 2, next} {
			m.Add(r.At(at), videoMargin)
		}
	}
	return m
}

// paintFrame covers an I420 picture in place.
func paintFrame(pix []byte, m *Mask) {
	w, h := m.W, m.H
	cw, ch := (w+1)/2, (h+1)/2
	m.runs(func(y, x0, x1 int) {
		set(pix[y*w+x0:y*w+x1], fillY)
		if y%2 == 0 {
			for plane := range 2 {
				row := pix[w*h+plane*cw*ch+y/2*cw:]
				set(row[x0/2:(x1+1)/2], fillUV)
			}
		}
	})
}

func set(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// off is the worst distance of a covered sample from the fill.
func off(pix []byte, m *Mask) int {
	w, h := m.W, m.H
	cw, ch := (w+1)/2, (h+1)/2
	worst := 0
	far := func(b []byte, v int) {
		for _, x := range b {
			worst = max(worst, int(x)-v, v-int(x))
		}
	}
	m.runs(func(y, x0, x1 int) {
		far(pix[y*w+x0:y*w+x1], fillY)
		if y%2 == 0 {
			for plane := range 2 {
				row := pix[w*h+plane*cw*ch+y/2*cw:]
				far(row[x0/2:(x1+1)/2], fillUV)
			}
		}
	})
	return worst
}

// frames reads YUV4MPEG2 of 4:2:0 and calls fn with each picture.
func frames(r io.Reader, fn func(n, w, h int, pix []byte) error) error {
	in := bufio.NewReaderSize(r, 1<<20)
	line := func() (string, error) {
		b, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || len(b) > 1000 {
			return "", errors.New("the decoder wrote a line that is too long")
		}
		return strings.TrimSuffix(string(b), "\n"), err
	}
	head, err := line()
	if err != nil {
		return errors.New("the decoder wrote no picture")
	}
	w, h := 0, 0
	fields := strings.Fields(head)
	if len(fields) == 0 || fields[0] != "YUV4MPEG2" {
		return errors.New("the decoder wrote something else than pictures")
	}
	for _, f := range fields[1:] {
		switch f[0] {
		case 'W':
			w, _ = strconv.Atoi(f[1:])
		case 'H':
			h, _ = strconv.Atoi(f[1:])
		case 'C':
			if !strings.HasPrefix(f, "C420") {
				return fmt.Errorf("the decoder wrote pictures in the form %q", f)
			}
		}
	}
	if w < 2 || h < 2 || w > 8192 || h > 8192 {
		return fmt.Errorf("the decoder wrote pictures of %d by %d", w, h)
	}
	pix := make([]byte, w*h+2*((w+1)/2)*((h+1)/2))
	for n := 0; ; n++ {
		l, err := line()
		if err == io.EOF && l == "" {
			return nil
		}
		if err != nil || !strings.HasPrefix(l, "FRAME") {
			return errors.New("the decoder stopped between two pictures")
		}
		if _, err := io.ReadFull(in, pix); err != nil {
			return errors.New("the decoder stopped within a picture")
		}
		if err := fn(n, w, h, pix); err != nil {
			return err
		}
	}
}

// decode runs ffmpeg and hands each picture of path to fn.
func (e *Env) decode(ctx context.Context, path string, seconds float64, fn func(n, w, h int, pix []byte) error) error {
	pr, pw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := frames(pr, fn)
		pr.CloseWithError(errors.Join(err, io.ErrClosedPipe))
		done <- err
	}()
	args := append(tool.FFmpegArgs(path), "-map", "0:v:0", "-an", "-sn", "-dn", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-strict", "-1", "pipe:1")
	limit := longest(seconds)
	_, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{path}, Stdout: pw, Limits: tool.Limits{CPU: limit, Wall: limit, Memory: 6 << 30, Output: 1 << 42}})
	pw.CloseWithError(err)
	if ferr := <-done; ferr != nil && (err == nil || !errors.Is(ferr, err)) {
		return ferr
	}
	return err
}

func longest(seconds float64) time.Duration {
	return min(10*time.Minute+time.Duration(30*seconds*float64(time.Second)), 12*time.Hour)
}

// times lists when each frame is shown, in milliseconds from the start of the
// file as a player counts.
func (e *Env) times(ctx context.Context, path string) (list []float64, err error) {
	args := append([]string{"-hide_banner", "-v", "error"}, tool.InputArgs()...)
	args = append(args, "-select_streams", "v:0", "-show_entries", "format=start_time:packet=pts_time,flags", "-of", "compact=p=1:nk=0", "file:"+path)
	res, err := e.Box.Run(ctx, tool.Cmd{Program: "ffprobe", Args: args, Read: []string{path}, Limits: tool.Limits{CPU: 5 * time.Minute, Output: 256 << 20}})
	if err != nil {
		return nil, err
	}
	start := 0.0
	for l := range strings.Lines(string(res.Stdout)) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(l), "|")
		v := map[string]string{}
		for _, f := range strings.Split(rest, "|") {
			k, x, _ := strings.Cut(f, "=")
			v[k] = x
		}
		switch kind {
		case "packet":
			if strings.Contains(v["flags"], "D") {
				continue
			}
			s, err := strconv.ParseFloat(v["pts_time"], 64)
			if err != nil || math.Abs(s) > 1e7 || len(list) > 10_000_000 {
				return nil, errors.New("a frame of the working copy states no time, so a region cannot follow it")
			}
			list = append(list, s*1000)
		case "format":
			if s, err := strconv.ParseFloat(v["start_time"], 64); err == nil {
				start = s * 1000
			}
		}
	}
	slices.Sort(list)
	for i := range list {
		list[i] -= start
	}
	return list, nil
}

// video covers the regions of a video and the sound in it, and checks what was
// made by decoding it.
func (e *Env) video(ctx context.Context, path, dir string, rs []sightline.Redaction, progress Progress) ([]made, error) {
	info, _, err := e.Box.Probe(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("the working copy cannot be opened: %w", err)
	}
	seconds, _ := strconv.ParseFloat(info.Format.Duration, 64)
	shown, err := e.times(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(shown) == 0 {
		return nil, errors.New("the working copy has no frame")
	}
	step := 40.0
	if len(shown) > 1 {
		step = (shown[len(shown)-1] - shown[0]) / float64(len(shown)-1)
	}
	next := func(n int) float64 {
		if n+1 < len(shown) {
			return shown[n+1]
		}
		return shown[n] + step
	}
	var painter *soundPainter
	pcm := filepath.Join(dir, "sound.raw")
	if hasSound(info) {
		if painter, err = e.sound(ctx, path, pcm, seconds, rs); err != nil {
			return nil, err
		}
	}
	regions := regionsOf(rs)
	var out, typ string
	var res *tool.Result
	for _, c := range []struct {
		file, typ   string
		video, tone []string
	}{
		{"redacted.mp4", "video/mp4", []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", "48", "-pix_fmt", "yuv420p", "-movflags", "+faststart"}, []string{"-c:a", "aac", "-b:a", "96k"}},
		{"redacted.webm", "video/webm", []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "34", "-b:v", "0", "-g", "48", "-pix_fmt", "yuv420p"}, []string{"-c:a", "libopus", "-b:a", "64k"}},
	} {
		out, typ = filepath.Join(dir, c.file), c.typ
		args := []string{"-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-protocol_whitelist", "file,pipe", "-f", "matroska", "-i", "pipe:0"}
		var read []string
		if painter != nil {
			args = append(args, "-protocol_whitelist", "file,pipe", "-f", "s16le", "-ar", strconv.Itoa(soundRate), "-ac", strconv.Itoa(soundChannels), "-i", "file:"+pcm, "-map", "0:v:0", "-map", "1:a:0")
			args = append(args, c.tone...)
			read = append(read, pcm)
		} else {
			args = append(args, "-map", "0:v:0")
		}
		args = append(args, "-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-fps_mode", "vfr", "-enc_time_base:v", "-1")
		args = append(append(args, c.video...), out)
		res, err = e.paint(ctx, path, seconds, args, read, dir, shown, next, regions, func(n int) {
			if progress != nil {
				progress(0.75 * float64(n) / float64(len(shown)))
			}
		})
		if err == nil || ctx.Err() != nil || res == nil || !strings.Contains(res.Stderr, "Unknown encoder") {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the redacted copy cannot be made: %w", err)
	}
	worst, err := e.checkVideo(ctx, out, seconds, shown, next, regions)
	if err != nil {
		return nil, err
	}
	w, h := 0, 0
	if p, _, err := e.Box.Probe(ctx, out); err == nil {
		for _, s := range p.Streams {
			if s.Type == "video" {
				w, h = s.Width, s.Height
			}
		}
	}
	list := []made{{role: "proxy", typ: typ, path: out, width: w, height: h, recipe: res.Recipe(),
		meta: map[string]string{"frames": strconv.Itoa(len(shown)), "worst_sample": strconv.Itoa(worst)}}}
	if painter != nil {
		if err := e.checkSound(ctx, out, seconds, rs); err != nil {
			return nil, err
		}
		wave := filepath.Join(dir, "waveform.dat")
		if err := os.WriteFile(wave, painter.waveform(), 0o600); err != nil {
			return nil, err
		}
		list = append(list, made{role: "waveform", typ: "application/octet-stream", path: wave, recipe: res.Recipe()})
	}
	poster, err := e.poster(ctx, out, dir, seconds)
	if err != nil {
		return nil, err
	}
	return append(poster, list...), nil
}

// paint decodes, covers and encodes in one go: no uncovered picture is written
// anywhere.
func (e *Env) paint(ctx context.Context, path string, seconds float64, args, read []string, dir string, shown []float64, next func(int) float64, regions []region, tell func(int)) (*tool.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pr, pw := io.Pipe()
	type ended struct {
		res *tool.Result
		err error
	}
	enc := make(chan ended, 1)
	go func() {
		limit := longest(seconds)
		res, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: read, Dir: dir, Stdin: pr, Limits: tool.Limits{CPU: limit, Wall: limit, Memory: 6 << 30, File: 64 << 30}})
		pr.CloseWithError(io.ErrClosedPipe)
		enc <- ended{res, err}
	}()
	raw := &rawWriter{w: pw}
	count := 0
	err := e.decode(ctx, path, seconds, func(n, w, h int, pix []byte) error {
		if n >= len(shown) {
			return fmt.Errorf("the working copy shows more than the %d frames that it states", len(shown))
		}
		raw.wide, raw.high = w, h
		if len(shown) > 1 {
			raw.step = int64((shown[len(shown)-1] - shown[0]) * 1000 / float64(len(shown)-1))
		}
		paintFrame(pix, frameMask(w, h, regions, shown[n], next(n)))
		count++
		tell(n)
		return raw.frame(int64(math.Round(shown[n]*1000)), pix)
	})
	if err == nil && count != len(shown) {
		err = fmt.Errorf("the working copy states %d frames and shows %d, so a region could miss one", len(shown), count)
	}
	pw.CloseWithError(err)
	if err != nil {
		cancelled := errors.Is(err, io.ErrClosedPipe)
		if !cancelled {
			cancel()
		}
		x := <-enc
		if cancelled && x.err != nil {
			return x.res, x.err
		}
		return x.res, err
	}
	x := <-enc
	return x.res, x.err
}

// checkVideo decodes what was made and compares every covered sample of every
// frame with the fill; each frame must also stand at its time.
func (e *Env) checkVideo(ctx context.Context, out string, seconds float64, shown []float64, next func(int) float64, regions []region) (worst int, err error) {
	times, err := e.times(ctx, out)
	if err != nil {
		return 0, err
	}
	if len(times) != len(shown) {
		return 0, fmt.Errorf("the redacted copy has %d frames instead of %d; nothing was kept", len(times), len(shown))
	}
	shift := times[0] - shown[0]
	for i := range times {
		if d := math.Abs(times[i] - shown[i] - shift); d > 2 {
			return 0, fmt.Errorf("frame %d of the redacted copy stands %.1f ms from its time; nothing was kept", i, d)
		}
	}
	n := 0
	err = e.decode(ctx, out, seconds, func(i, w, h int, pix []byte) error {
		n++
		if i >= len(shown) {
			return errors.New("the redacted copy shows more frames than were painted; nothing was kept")
		}
		d := off(pix, frameMask(w, h, regions, shown[i], next(i)))
		if worst = max(worst, d); d > videoTolerance {
			return fmt.Errorf("frame %d of the redacted copy is not covered (a sample is %d from the fill); nothing was kept", i, d)
		}
		return nil
	})
	if err == nil && n != len(shown) {
		err = fmt.Errorf("the redacted copy shows %d frames instead of %d; nothing was kept", n, len(shown))
	}
	return worst, err
}

// poster takes the still pictures from the redacted copy, never from the plain one.
func (e *Env) poster(ctx context.Context, out, dir string, seconds float64) ([]made, error) {
	fit := func(n int) string {
		return fmt.Sprintf("'if(gt(iw,ih),min(%d,iw),-2)':'if(gt(iw,ih),-2,min(%d,ih))'", n, n)
	}
	var res *tool.Result
	var err error
	for _, at := range []float64{math.Min(seconds/10, 10), 0} {
		args := append(tool.FFmpegArgs(out, "-ss", strconv.FormatFloat(at, 'f', 3, 64)),
			"-filter_complex", fmt.Sprintf("[0:v:0]split=2[a][b];[a]scale=%s[p];[b]scale=%s[t]", fit(1600), fit(thumbSide)), "-fflags", "+bitexact", "-flags:v", "+bitexact",
			"-map", "[p]", "-map_metadata", "-1", "-frames:v", "1", "-update", "1", "-q:v", "4", filepath.Join(dir, "poster.jpg"),
			"-map", "[t]", "-map_metadata", "-1", "-frames:v", "1", "-update", "1", "-q:v", "4", filepath.Join(dir, "thumb.jpg"))
		res, err = e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{out}, Dir: dir, Limits: tool.Limits{CPU: time.Minute, Memory: 4 << 30}})
		if err == nil && exists(filepath.Join(dir, "poster.jpg")) && exists(filepath.Join(dir, "thumb.jpg")) {
			break
		}
		if err == nil {
			err = errors.New("no frame of the redacted copy can be decoded")
		}
	}
	if err != nil {
		return nil, err
	}
	var list []made
	for _, role := range []string{"thumb", "poster"} {
		mk := made{role: role, typ: "image/jpeg", path: filepath.Join(dir, role+".jpg"), recipe: res.Recipe()}
		if mk.width, mk.height, err = imageSize(mk.path); err != nil {
			return nil, err
		}
		list = append(list, mk)
	}
	return list, nil
}
