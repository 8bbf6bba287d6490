package exercise

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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

// How a camera moves. On a stand and about its centre a frame costs little
// (raster.Backdrop); a walking camera is rendered anew for each frame, so its
// clips are smaller and slower.
const (
	onStand = "still"
	turning = "turning"
	walking = "walking"
)

// reel is one video to be made.
type reel struct {
	w, h, fps int
	seconds   float64
	start     float64 // ms after the first shot
	motion    string
	camera    int  // index in cameras
	nth       int  // of that camera
	other     bool // of another event
}

func (g *gen) reels() []reel {
	if !g.Full {
		return []reel{
			{w: 320, h: 180, fps: 12, seconds: 6, start: -2400.1234, motion: turning, camera: 0},
			{w: 320, h: 180, fps: 10, seconds: 6, start: -1700.8765, motion: walking, camera: 1},
			{w: 320, h: 180, fps: 25, seconds: 5, start: -900.4321, motion: onStand, camera: 2}}
	}
	r := g.stream(forVideos + 900)
	motions := []string{turning, onStand, walking, turning, turning, onStand}
	used := map[int]int{}
	var out []reel
	for i := range 23 {
		x := reel{motion: motions[i%len(motions)], camera: i % (photographers + phones)} // one phone films once at a time
		switch x.motion {
		case onStand:
			x.w, x.h, x.fps = 640, 360, 25
			x.seconds = math.Round(between(r, 9, 18))
		case turning:
			x.w, x.h, x.fps = 640, 360, []int{12, 15, 20}[r.IntN(3)]
			x.seconds = math.Round(between(r, 8, 14))
		case walking:
			x.w, x.h, x.fps = 480, 270, 10
			x.seconds = math.Round(between(r, 6, 8))
		}
		x.start = -500 - 6000*r.Float64()
		switch {
		case i == 1:
			x.seconds, x.start = 30, -9000-3000*r.Float64() // covers everything
		case i == 22:
			x.other, x.camera, x.motion, x.w, x.h, x.fps, x.seconds = true, 4, turning, 640, 360, 15, 10
			x.start = otherEvent - 1500 - 900*r.Float64()
		case i >= 14: // of another time of the morning
			x.start = between(r, 4, 46) * float64(when.Minute) * []float64{1, -1}[r.IntN(2)]
			x.seconds = max(5, math.Round(x.seconds*0.7))
		}
		x.start = math.Round(x.start*1e4) / 1e4
		x.nth = used[x.camera]
		used[x.camera]++
		out = append(out, x)
	}
	return out
}

// videos renders the clips and has ffmpeg encode them, then makes the copies.
// Without ffmpeg they are left out and the report says so.
func (g *gen) videos() error {
	if g.NoVideo {
		return nil
	}
	ffmpeg, err := tool.Find("ffmpeg")
	if err != nil {
		g.truth.Left = append(g.truth.Left, "The videos were left out because ffmpeg cannot be used here: install it and generate the same seed again.")
		return nil
	}
	dir, err := os.MkdirTemp("", "sightline-exercise")
	if err != nil {
		return fmt.Errorf("failed to make a folder for the videos: %w", err)
	}
	defer os.RemoveAll(dir)
	e := &encoder{g: g, path: ffmpeg.Path, dir: dir, codec: []string{"-c:v", "mpeg4", "-q:v", "5"}}
	if b, err := exec.CommandContext(g.ctx, ffmpeg.Path, "-hide_banner", "-encoders").Output(); err == nil && bytes.Contains(b, []byte(" libx264 ")) {
		e.codec = []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "26"}
	}
	reels, cams := g.reels(), g.cameras()
	copies := 2
	if !g.Full {
		copies = 1
	}
	g.total += len(reels) + copies
	var clips []clip
	err = g.parallel(len(reels), func(i int) (func() error, error) {
		c, err := g.video(e, i, reels[i], cams[reels[i].camera])
		if err != nil {
			return nil, err
		}
		return func() error {
			g.addVideo(c)
			clips = append(clips, *c)
			return g.step(c.file.name)
		}, nil
	})
	if err != nil {
		return err
	}
	return g.videoCopies(e, clips, copies)
}

// clip is one video with its truth.
type clip struct {
	file  *media
	truth Video
	reel  reel
}

func (g *gen) addVideo(c *clip) {
	c.file.name = g.unique(c.file.name)
	c.truth.File = c.file.name
	g.truth.Videos = append(g.truth.Videos, c.truth)
	n := len(g.truth.Videos) - 1
	of := c.truth.CopyOf // a file's name until items have ids
	c.file.set = func(id string) {
		v := &g.truth.Videos[n]
		v.Item = id
		if v.OtherEvent {
			g.plant("other_event", id, "The clip shows firecrackers two days earlier and is passed on as the shots: it must not be aligned with the others.", nil)
		}
		if of != "" {
			v.CopyOf = g.idOf(of)
		}
	}
	g.files = append(g.files, c.file)
}

// path is the camera of each frame.
func (g *gen) path(r *walk, base sight.Camera) []sight.Camera {
	a := base.Angles()
	f := base.Matrix()[2]
	target := [3]float64{base.Position[0] + 45*f[0], base.Position[1] + 45*f[1], base.Position[2] + 45*f[2]}
	var out []sight.Camera
	for k := range r.frames {
		t := float64(k) / r.fps
		cam := base
		switch r.motion {
		case onStand:
			return []sight.Camera{base}
		case turning:
			// A hand that follows what happens, and trembles.
			cam.Rotation = sight.Angles{Heading: a.Heading + r.pan*math.Sin(0.45*t+r.p1) - r.pan*math.Sin(r.p1) + r.tremble*math.Sin(5.1*t+r.p1),
				Pitch: a.Pitch + r.tremble*math.Sin(6.3*t+r.p2), Roll: a.Roll + 0.5*r.tremble*math.Sin(3.7*t)}.Rotation()
		case walking:
			cam.Position = r.at(t)
			d := [3]float64{target[0] - cam.Position[0], target[1] - cam.Position[1], target[2] - cam.Position[2]}
			cam.Rotation = sight.Angles{Heading: math.Atan2(d[0], d[1])*180/math.Pi + r.tremble*math.Sin(5.1*t+r.p1),
				Pitch: math.Atan2(d[2], math.Hypot(d[0], d[1]))*180/math.Pi + 0.7*r.tremble*math.Sin(11.2*t+r.p2), Roll: a.Roll + r.tremble*math.Sin(5.6*t)}.Rotation()
		}
		out = append(out, cam)
	}
	return out
}

// walk is how one camera moves.
type walk struct {
	motion       string
	fps          float64
	frames       int
	pan, tremble float64
	p1, p2       float64
	at           func(seconds float64) [3]float64
}

func (g *gen) video(e *encoder, i int, v reel, c camera) (*clip, error) {
	r := g.stream(forVideos + uint64(i))
	start := float64(g.t0) + v.start
	at := when.Instant(math.Floor(start))
	f35 := c.f35[v.nth%len(c.f35)]
	prep, err := g.prepare(at, false, 1024)
	if err != nil {
		return nil, err
	}
	base, err := g.stand(r, prep, v.w, v.h, f35, 0)
	if err != nil {
		return nil, err
	}
	n := int(v.seconds * float64(v.fps))
	w := &walk{motion: v.motion, fps: float64(v.fps), frames: n, pan: between(r, 3, 7), tremble: between(r, 0.05, 0.25), p1: between(r, 0, 6), p2: between(r, 0, 6), at: still(base.Position)}
	if v.motion == walking {
		// Along the ground at the height of the hand, with the bob of steps.
		speed, side := between(r, 0.5, 1.0), []float64{1, -1}[r.IntN(2)]
		heading := base.Angles().Heading + 90*side
		ground, _ := g.doc.Ground(base.Position[0], base.Position[1])
		hand := base.Position[2] - ground
		s, o := math.Sincos(heading * math.Pi / 180)
		w.at = func(t float64) [3]float64 {
			p := [2]float64{base.Position[0] + speed*t*s, base.Position[1] + speed*t*o}
			u, _ := g.doc.Ground(p[0], p[1])
			return [3]float64{p[0], p[1], u + hand + 0.025*math.Sin(2*math.Pi*1.8*t)}
		}
	}
	cams := g.path(w, base)
	const rate = 48000
	samples, arrivals := g.hear(r, w.at, start, rate, int(v.seconds*rate))
	own := local(at + when.Instant(c.OffsetMS))
	name, created := "VID_"+own.Format("20060102_150405")+".mp4", ""
	out := Video{Device: c.ID, Motion: v.motion, StartMS: start, FPS: float64(v.fps), F35: f35, Arrivals: arrivals, OtherEvent: v.other}
	switch c.ID {
	case "D-1", "D-2", "D-6", "D-7", "D-9", "D-10", "D-12", "D-14":
		out.Created, created = "utc", own.UTC().Format(time.RFC3339)
	case "D-3", "D-4":
		// Cameras that know no zone write their wall clock where UTC belongs.
		name = fmt.Sprintf("MOV%05d.mp4", 300+7*i)
		out.Created, created = "local", own.Format("2006-01-02T15:04:05Z")
	default: // a messenger strips the metadata and names a file by the day it came
		name = fmt.Sprintf("VID-%s-WA%04d.mp4", local(g.t0).Format("20060102"), 20+i)
	}
	out.File = name
	for _, cam := range cams {
		out.Cameras = append(out.Cameras, cameraOf(cam))
	}
	o := raster.Options{Style: raster.Photo, Seed: r.Uint32(), CloudCover: between(r, 0.15, 0.6), Exposure: between(r, 0.94, 1.08)}
	var en, es string
	data, err := e.encode(v, created, wav(samples, rate, ""), func(to io.Writer) error {
		var back *raster.Backdrop
		for k := range n {
			if err := g.ctx.Err(); err != nil {
				return err
			}
			cam := cams[min(k, len(cams)-1)]
			if k == 0 || v.motion == walking {
				wide := cam
				o.Samples = 1
				if v.motion != walking {
					o.Samples = 2
				}
				if v.motion == turning {
					wide = cover(cams)
				}
				if back, err = prep.Backdrop(wide, o); err != nil {
					return fmt.Errorf("failed to render a video of the exercise: %w", err)
				}
			}
			view := back
			if v.motion == turning {
				if view, err = back.Turn(cam); err != nil {
					return fmt.Errorf("failed to turn the camera of a video: %w", err)
				}
			}
			ms, open := v.start+1000*float64(k)/float64(v.fps), 1000/float64(v.fps)
			people := g.moving(ms)
			m, err := view.Frame(meshes(people), g.smoke(ms, ms+open), 0.014, uint32(k))
			if err != nil {
				return fmt.Errorf("failed to render a video of the exercise: %w", err)
			}
			if err := g.strip(m.RGBA); err != nil {
				return err
			}
			if k%v.fps == 0 {
				out.Keys = append(out.Keys, Key{k, g.pixels(cam, m)})
			}
			if k == 0 {
				out.Points = out.Keys[0].Points
				en, es = g.describe(m, g.parked(ms), people)
			}
			if _, err := to.Write(m.RGBA.Pix); err != nil {
				return fmt.Errorf("failed to hand a frame to ffmpeg: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	file := &media{name: name, kind: "video", data: data, owner: c.owner, en: "Rendered video: " + en + ".", es: "Video generado: " + es + "."}
	if v.other {
		file.en, file.es = "Rendered video, passed on as \"the shots of 10 May\": "+en+".", "Video generado, difundido como «los disparos del 10 de mayo»: "+es+"."
	}
	return &clip{file, out, v}, nil
}

// cover is a camera at the same point that sees all that these see, with a
// little finer pixels.
func cover(cams []sight.Camera) sight.Camera {
	mid := cams[0]
	a, b := math.Inf(1), math.Inf(-1)
	first := mid.Angles()
	for _, c := range cams {
		d := math.Mod(c.Angles().Heading-first.Heading+540, 360) - 180
		a, b = min(a, d), max(b, d)
	}
	mid.Rotation = sight.Angles{Heading: first.Heading + (a+b)/2, Pitch: first.Pitch}.Rotation()
	mid.FocalPx *= 1.15
	mid.PrincipalPoint = [2]float64{}
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, c := range cams {
		m := c.Matrix()
		for i := range 4 {
			x := (float64(i%2)*float64(c.Width) - c.PrincipalPoint[0]) / c.FocalPx
			y := (float64(i/2)*float64(c.Height) - c.PrincipalPoint[1]) / c.FocalPx
			var p [3]float64
			for k := range 3 {
				p[k] = c.Position[k] + x*m[0][k] + y*m[1][k] + m[2][k]
			}
			if px, err := mid.Project(p); err == nil {
				x0, x1, y0, y1 = min(x0, px[0]), max(x1, px[0]), min(y0, px[1]), max(y1, px[1])
			}
		}
	}
	mid.Width, mid.Height = int(x1-x0)+6, int(y1-y0)+6
	mid.PrincipalPoint = [2]float64{3 - x0, 3 - y0}
	return mid
}

// encoder runs ffmpeg on frames and sound of our own. They are no stranger's
// bytes, so it needs no sandbox. One thread and bitexact: the same encoder
// gives the same bytes.
type encoder struct {
	g     *gen
	path  string
	dir   string
	codec []string
}

func (e *encoder) finish(created string, also ...string) []string {
	args := append([]string{"-map_metadata", "-1", "-threads", "1", "-pix_fmt", "yuv420p"}, e.codec...)
	args = append(args, also...)
	args = append(args, "-c:a", "aac", "-b:a", "96k", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
		"-metadata", "comment="+marked, "-metadata", "title="+band, "-movflags", "+faststart")
	if created != "" {
		args = append(args, "-metadata", "creation_time="+created)
	}
	return args
}

func (e *encoder) run(args []string, in io.Reader, done func() error) error {
	var words bytes.Buffer
	cmd := exec.CommandContext(e.g.ctx, e.path, append([]string{"-hide_banner", "-loglevel", "error", "-y"}, args...)...)
	cmd.Stdin, cmd.Stderr = in, &words
	err := cmd.Run()
	if first := done(); first != nil {
		return first
	}
	if err != nil {
		if e.g.ctx.Err() != nil {
			return e.g.ctx.Err()
		}
		return errors.New("ffmpeg could not encode a video of the exercise: " + strings.TrimSpace(words.String()))
	}
	return nil
}

func (e *encoder) encode(v reel, created string, sound []byte, frames func(io.Writer) error) ([]byte, error) {
	dir, err := os.MkdirTemp(e.dir, "clip")
	if err != nil {
		return nil, fmt.Errorf("failed to make a folder for a video: %w", err)
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "sound.wav"), filepath.Join(dir, "video.mp4")
	if err := os.WriteFile(in, sound, 0o600); err != nil {
		return nil, fmt.Errorf("failed to write the sound of a video: %w", err)
	}
	args := []string{"-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", v.w, v.h), "-r", fmt.Sprint(v.fps), "-i", "pipe:0", "-i", in, "-map", "0:v", "-map", "1:a"}
	pr, pw := io.Pipe()
	fault := make(chan error, 1)
	go func() {
		err := frames(pw)
		pw.CloseWithError(err)
		fault <- err
	}()
	err = e.run(append(append(args, e.finish(created)...), out), pr, func() error {
		pr.Close()
		if err := <-fault; err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return readVideo(out)
}

func readVideo(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read a video of the exercise: %w", err)
	}
	return b, nil
}

// videoCopies makes a re-encode at half size and an excerpt, both without the
// metadata of their originals.
func (g *gen) videoCopies(e *encoder, clips []clip, n int) error {
	r := g.stream(forVideos + 901)
	kinds := []string{"excerpt", "reencode"}[:n]
	for i, kind := range kinds {
		src := clips[min(1, len(clips)-1)] // the longest: the excerpt is of it
		if kind == "reencode" {
			src = clips[3+r.IntN(5)]
		}
		v := src.truth
		v.CopyOf, v.CopyKind, v.Scale, v.Created, v.Keys, v.Arrivals = src.file.name, kind, 1, "", nil, nil
		w, h := src.reel.w, src.reel.h
		var args []string
		first, frames := 0, int(src.reel.seconds)*src.reel.fps
		if kind == "excerpt" {
			// Whole seconds in, so that the cut falls on a key frame of the truth.
			from := int(src.reel.seconds / 3)
			keep := max(3, int(src.reel.seconds/3))
			v.CutS, first, frames = float64(from), from*src.reel.fps, keep*src.reel.fps
			args = append(args, "-ss", fmt.Sprint(from), "-t", fmt.Sprint(keep))
		} else {
			v.Scale, w, h = 0.5, w/2, h/2
		}
		dir, err := os.MkdirTemp(e.dir, "copy")
		if err != nil {
			return fmt.Errorf("failed to make a folder for a video: %w", err)
		}
		in, out := filepath.Join(dir, "in.mp4"), filepath.Join(dir, "video.mp4")
		if err := os.WriteFile(in, src.file.data, 0o600); err != nil {
			return fmt.Errorf("failed to write a video of the exercise: %w", err)
		}
		args = append(args, "-i", in, "-map", "0:v", "-map", "0:a", "-vf", fmt.Sprintf("scale=%d:%d", w, h))
		weak := []string{"-q:v", "9"} // a messenger's quality
		if e.codec[1] == "libx264" {
			weak = []string{"-crf", "33"}
		}
		if err := e.run(append(append(args, e.finish("", weak...)...), out), nil, func() error { return nil }); err != nil {
			return err
		}
		data, err := readVideo(out)
		if err != nil {
			return err
		}
		v.File = fmt.Sprintf("%s_%d.mp4", map[string]string{"excerpt": "clip_part", "reencode": "received_video"}[kind], 100+r.IntN(900))
		v.StartMS = src.truth.StartMS + 1000*v.CutS
		v.Cameras = nil
		for k := range frames {
			c := src.truth.At(first + k).Sight()
			v.Cameras = append(v.Cameras, cameraOf(rescale(c, v.Scale, [2]float64{}, w, h)))
			if src.reel.motion == onStand {
				break
			}
		}
		for _, key := range src.truth.Keys {
			if key.Frame < first || key.Frame >= first+frames {
				continue
			}
			q := Key{key.Frame - first, append([]Pixel(nil), key.Points...)}
			for j := range q.Points {
				p := &q.Points[j]
				p.Px = [2]float64{p.Px[0] * v.Scale, p.Px[1] * v.Scale}
				p.Visible = p.Visible && g.inside(p.Px, w, h)
			}
			v.Keys = append(v.Keys, q)
		}
		v.Points = v.Keys[0].Points
		for _, a := range src.truth.Arrivals {
			if a.At -= v.CutS; a.At > 0 && a.At < float64(frames)/v.FPS {
				v.Arrivals = append(v.Arrivals, a)
			}
		}
		g.addVideo(&clip{&media{name: v.File, kind: "video", data: data, owner: []*owner{reporter, neighbours}[i%2], en: src.file.en, es: src.file.es}, v, src.reel})
		if err := g.step(v.File); err != nil {
			return err
		}
	}
	return nil
}
