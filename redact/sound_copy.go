package redact

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"sightline"
	"sightline/tool"
)

// sound decodes the sound of path, replaces what is covered, and writes the
// samples to pcm.
func (e *Env) sound(ctx context.Context, path, pcm string, seconds float64, rs []sightline.Redaction) (*soundPainter, error) {
	f, err := os.OpenFile(pcm, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	p := &soundPainter{hs: hushes(rs), out: func(b []byte) error { _, err := w.Write(b); return err }}
	err = e.samples(ctx, path, seconds, p)
	if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
		return nil, fmt.Errorf("the sound cannot be decoded: %w", err)
	}
	if p.n == 0 {
		return nil, errors.New("the sound cannot be decoded: there is none in it")
	}
	return p, nil
}

func (e *Env) samples(ctx context.Context, path string, seconds float64, to io.Writer) error {
	args := append(tool.FFmpegArgs(path), "-map", "0:a:0", "-vn", "-af", "aresample=async=1:first_pts=0", "-ac", strconv.Itoa(soundChannels), "-ar", strconv.Itoa(soundRate), "-f", "s16le", "pipe:1")
	limit := longest(seconds)
	_, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{path}, Stdout: to, Limits: tool.Limits{CPU: limit, Wall: limit, Output: 1 << 40}})
	return err
}

// checkSound decodes the copy and listens to what was replaced.
func (e *Env) checkSound(ctx context.Context, out string, seconds float64, rs []sightline.Redaction) error {
	c := &soundCheck{hs: hushes(rs)}
	if len(c.hs) == 0 {
		return nil
	}
	if err := e.samples(ctx, out, seconds, c); err != nil {
		return fmt.Errorf("the sound of the redacted copy cannot be read again: %w", err)
	}
	c.take()
	if c.Loud > soundTolerance*c.slack() {
		return fmt.Errorf("something is heard where the sound was replaced (%.5f of full scale); nothing was kept", c.Loud)
	}
	return nil
}

// slack: a coder leaves noise beside a tone, 40 dB below it; beside silence it
// leaves none.
func (c *soundCheck) slack() float64 {
	for _, h := range c.hs {
		if h.tone {
			return 5
		}
	}
	return 1
}

// audio replaces what is covered in a recording without a picture.
func (e *Env) audio(ctx context.Context, path, dir string, rs []sightline.Redaction) ([]made, error) {
	info, _, err := e.Box.Probe(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("the recording cannot be opened: %w", err)
	}
	if hasPicture(info) {
		return nil, errors.New("the recording has a picture, and no working copy of it could be made; withhold its media")
	}
	seconds, _ := strconv.ParseFloat(info.Format.Duration, 64)
	pcm, out := filepath.Join(dir, "sound.raw"), filepath.Join(dir, "redacted.m4a")
	painter, err := e.sound(ctx, path, pcm, seconds, rs)
	if err != nil {
		return nil, err
	}
	args := []string{"-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-protocol_whitelist", "file,pipe", "-f", "s16le", "-ar", strconv.Itoa(soundRate), "-ac", strconv.Itoa(soundChannels), "-i", "file:" + pcm,
		"-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart", out}
	limit := longest(seconds)
	res, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{pcm}, Dir: dir, Limits: tool.Limits{CPU: limit, Wall: limit}})
	if err != nil {
		return nil, fmt.Errorf("the redacted copy cannot be made: %w", err)
	}
	if err := e.checkSound(ctx, out, seconds, rs); err != nil {
		return nil, err
	}
	wave := filepath.Join(dir, "waveform.dat")
	if err := os.WriteFile(wave, painter.waveform(), 0o600); err != nil {
		return nil, err
	}
	return []made{{role: "waveform", typ: "application/octet-stream", path: wave, recipe: res.Recipe()}, {role: "proxy", typ: "audio/mp4", path: out, recipe: res.Recipe()}}, nil
}
