package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"sightline/sound"
	"sightline/tool"
)

// maxSound bounds what is read into memory: twelve hours at 48 kHz in floats.
const maxSound = 8 << 30

// readSound decodes the sound of a file: WAV here, everything else by ffmpeg in
// the sandbox, which writes one channel of floats. The decoder's own delay
// (LAME's, Opus's pre-skip) is taken out by ffmpeg, so that sample 0 is the
// first sample the encoder was given. rate 0 keeps the file's rate.
func readSound(e *env, path string, rate int) (*sound.Audio, *askError) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, ask("unreadable", path, "cannot locate %s: %v", path, err)
	}
	st, err := os.Stat(abs)
	switch {
	case err != nil:
		return nil, ask("unreadable", path, "cannot read %s: %v", path, errors.Unwrap(err))
	case !st.Mode().IsRegular():
		return nil, ask("unreadable", path, "%s is not a file", path)
	case st.Size() == 0:
		return nil, ask("unreadable", path, "%s is empty", path)
	}
	f, err := os.Open(abs)
	if err != nil {
		return nil, ask("unreadable", path, "cannot read %s: %v", path, errors.Unwrap(err))
	}
	var head [12]byte
	_, herr := f.ReadAt(head[:], 0)
	f.Close()
	if herr == nil && string(head[8:]) == "WAVE" && st.Size() <= maxSound {
		b, err := os.ReadFile(abs)
		if err != nil {
			return nil, ask("unreadable", path, "cannot read %s: %v", path, err)
		}
		a, err := sound.ParseWAV(b)
		if err == nil {
			return a, nil
		}
		if !errors.Is(err, sound.ErrNotWAV) {
			return nil, ask("unreadable", path, "cannot read sound from %s: %v", path, err)
		}
	}
	box, err := tool.NewBox(e.ctx, filepath.Join(os.TempDir(), "sightline-sound"), os.Getenv("SIGHTLINE_UNSAFE_NO_SANDBOX") == "1")
	if err != nil {
		return nil, ask("unreadable", path, "cannot read sound from %s: %v", path, err)
	}
	args := append(tool.FFmpegArgs(abs), "-vn", "-sn", "-dn", "-map", "0:a:0", "-ac", "1")
	if rate > 0 {
		args = append(args, "-ar", strconv.Itoa(rate))
	}
	args = append(args, "-c:a", "pcm_f32le", "-f", "wav", "pipe:1")
	res, err := box.Run(e.ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{abs},
		Limits: tool.Limits{CPU: 10 * time.Minute, Output: maxSound}})
	if err != nil && (res == nil || len(res.Stdout) < 64) {
		return nil, ask("unreadable", path, "cannot read sound from %s: %v", path, err)
	}
	a, perr := sound.ParseWAV(res.Stdout)
	if perr != nil {
		return nil, ask("unreadable", path, "cannot read sound from %s: %v", path, perr)
	}
	kept := a.Flags[:0]
	for _, f := range a.Flags { // a pipe has no length to write
		if f.Code != "length_not_written" && f.Code != "header_duration" {
			kept = append(kept, f)
		}
	}
	a.Flags = kept
	if err != nil || len(bytes.TrimSpace([]byte(res.Stderr))) > 0 {
		a.Flags = append(a.Flags, sound.Flag{Code: "damaged", Message: "The decoder met faults in this file; what it could read was used."})
	}
	return a, nil
}
