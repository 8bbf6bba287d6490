package exercise

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sightline/raster"
	"sightline/sight"
	"sightline/tool"
	"sightline/when"
)

// fps of all videos: low, because each frame is rendered in software.
const fps = 5

// reel is one video to be made.
type reel struct {
	w, h    int
	seconds float64
	start   float64 // ms after the first shot
}

func (g *gen) reels() []reel {
	if !g.Full {
		return []reel{{320, 180, 5, -2400}}
	}
	r := g.stream(forVideos + 900)
	sizes := [][2]int{{320, 180}, {480, 270}, {640, 360}}
	var out []reel
	for i := range 12 {
		s := sizes[i%3]
		x := reel{s[0], s[1], math.Round(between(r, 5, 12)), -1000 - 5000*r.Float64()}
		if i == 1 {
			x.seconds = 30
		}
		if i%2 == 1 { // every second one is of another time of the morning
			x.start = between(r, -45, 48) * float64(when.Minute)
		}
		x.start = math.Round(x.start*1e4) / 1e4
		out = append(out, x)
	}
	return out
}

// videos renders the clips and has ffmpeg encode them. Without ffmpeg they
// are left out and the report says so.
func (g *gen) videos() error {
	if g.NoVideo {
		return nil
	}
	ffmpeg, err := tool.Find("ffmpeg")
	if err != nil {
		g.truth.Left = append(g.truth.Left, "The videos were left out because ffmpeg cannot be used here: install it and generate the same seed again.")
		return nil
	}
	reels := g.reels()
	g.total += len(reels)
	used := map[string]int{}
	cams := g.cameras()
	for i, v := range reels {
		if err := g.video(ffmpeg, i, v, cams[i%len(cams)], used); err != nil {
			return err
		}
	}
	return nil
}

func (g *gen) video(ffmpeg *tool.Program, i int, v reel, c camera, used map[string]int) error {
	r := g.stream(forVideos + uint64(i))
	start := float64(g.t0) + v.start
	at := when.Instant(math.Floor(start))
	f35 := c.f35[used[c.ID]%len(c.f35)]
	used[c.ID]++
	prep, err := g.prepare(at)
	if err != nil {
		return err
	}
	base, err := g.stand(r, prep, v.w, v.h, f35, 0)
	if err != nil {
		return err
	}
	a := base.Angles()
	// A hand: a slow pan, a sway of a step, a tremble.
	pan, sway, tremble := between(r, -0.9, 0.9), between(r, 0.02, 0.12), between(r, 0.05, 0.25)
	p1, p2 := between(r, 0, 6), between(r, 0, 6)
	o := raster.Options{Style: raster.Photo, Samples: 1, Workers: g.Workers, Seed: r.Uint32(), CloudCover: between(r, 0.15, 0.6), Band: band}
	clip := Video{Device: c.ID, StartMS: start, FPS: fps, F35: f35}
	var raw bytes.Buffer
	var first *raster.Image
	for k := range int(v.seconds * fps) {
		if err := g.ctx.Err(); err != nil {
			return err
		}
		t := float64(k) / fps
		cam := base
		cam.Rotation = sight.Angles{Heading: a.Heading + pan*t + tremble*math.Sin(5.1*t+p1), Pitch: a.Pitch + tremble*math.Sin(6.3*t+p2), Roll: a.Roll + 0.5*tremble*math.Sin(3.7*t)}.Rotation()
		cam.Position[0] += sway * math.Sin(1.3*t+p2)
		cam.Position[1] += sway * math.Sin(1.1*t+p1)
		cam.Position[2] += 0.3 * sway * math.Sin(2.2*t)
		m, err := prep.Render(cam, o)
		if err != nil {
			return fmt.Errorf("failed to render a video of the exercise: %w", err)
		}
		if k == 0 {
			first, clip.Points = m, g.pixels(cam, m)
		}
		clip.Cameras = append(clip.Cameras, cameraOf(cam))
		raw.Write(m.RGBA.Pix)
	}
	const rate = 48000
	samples, arrivals := g.hear(r, base.Position, start, rate, int(v.seconds*rate))
	clip.Arrivals = arrivals
	own := local(at + when.Instant(c.OffsetMS))
	name := "VID_" + own.Format("20060102_150405") + ".mp4"
	created := ""
	switch c.ID {
	case "D-1", "D-2":
		clip.Created, created = "utc", own.UTC().Format(time.RFC3339)
	case "D-3", "D-4":
		// Cameras that know no zone write their wall clock where UTC belongs.
		name = fmt.Sprintf("MOV%05d.mp4", 300+7*i)
		clip.Created, created = "local", own.Format("2006-01-02T15:04:05Z")
	default:
		name = fmt.Sprintf("VID-%s-WA%04d.mp4", own.Format("20060102"), 20+i)
	}
	clip.File = name
	data, err := g.encode(ffmpeg, v, raw.Bytes(), wav(samples, rate, ""), created)
	if err != nil {
		return err
	}
	g.truth.Videos = append(g.truth.Videos, clip)
	n := len(g.truth.Videos) - 1
	en, es := g.describe(first)
	g.files = append(g.files, &media{name: name, kind: "video", data: data, owner: c.owner, en: "Rendered video: " + en + ".", es: "Video generado: " + es + ".", set: func(id string) { g.truth.Videos[n].Item = id }})
	return g.step(name)
}

// encode runs ffmpeg on frames and sound of our own. They are no stranger's
// bytes, so it needs no sandbox.
func (g *gen) encode(ffmpeg *tool.Program, v reel, frames, sound []byte, created string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "sightline-exercise")
	if err != nil {
		return nil, fmt.Errorf("failed to make a folder for a video: %w", err)
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "sound.wav"), filepath.Join(dir, "video.mp4")
	if err := os.WriteFile(in, sound, 0o600); err != nil {
		return nil, fmt.Errorf("failed to write the sound of a video: %w", err)
	}
	// One thread and bitexact: the same encoder gives the same bytes.
	args := []string{"-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", v.w, v.h), "-r", fmt.Sprint(fps), "-i", "pipe:0", "-i", in,
		"-map", "0:v", "-map", "1:a", "-map_metadata", "-1", "-threads", "1", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k",
		"-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-metadata", "comment=" + marked, "-metadata", "title=" + band, "-movflags", "+faststart"}
	if created != "" {
		args = append(args, "-metadata", "creation_time="+created)
	}
	var words bytes.Buffer
	for _, codec := range [][]string{{"-c:v", "libx264", "-preset", "veryfast", "-crf", "25"}, {"-c:v", "mpeg4", "-q:v", "5"}} { // a build without x264 has the second
		words.Reset()
		cmd := exec.CommandContext(g.ctx, ffmpeg.Path, append(append(append([]string(nil), args...), codec...), out)...)
		cmd.Stdin, cmd.Stderr = bytes.NewReader(frames), &words
		if err = cmd.Run(); err == nil {
			break
		}
	}
	if err != nil {
		if g.ctx.Err() != nil {
			return nil, g.ctx.Err()
		}
		return nil, errors.New("ffmpeg could not encode a video of the exercise: " + strings.TrimSpace(words.String()))
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("failed to read a video of the exercise: %w", err)
	}
	return b, nil
}
