package redact

import (
	"context"
	"path/filepath"
	"testing"

	"sightline/tool"
)

// BenchmarkVideo covers a moving region and a stretch of sound in ten seconds
// of 640 by 480 at 25 frames a second, and checks the copy by decoding it.
func BenchmarkVideo(b *testing.B) {
	ctx := context.Background()
	if _, err := tool.Find("ffmpeg"); err != nil {
		b.Skip(err)
	}
	bx, err := tool.NewBox(ctx, b.TempDir(), true)
	if err != nil {
		b.Fatal(err)
	}
	e := &Env{Box: bx}
	dir := b.TempDir()
	in := filepath.Join(dir, "in.mp4")
	if _, err := bx.Run(ctx, tool.Cmd{Program: "ffmpeg", Dir: dir, Args: []string{"-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=640x480:rate=25:duration=10", "-f", "lavfi", "-i", "sine=duration=10", "-pix_fmt", "yuv420p", in}}); err != nil {
		b.Fatal(err)
	}
	rs := moving()
	var worst string
	for b.Loop() {
		list, err := e.video(ctx, in, b.TempDir(), rs, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range list {
			if m.role == "proxy" {
				worst = m.meta["worst_sample"]
			}
		}
	}
	b.ReportMetric(250*float64(b.N)/b.Elapsed().Seconds(), "frames/s")
	b.Log("the worst covered sample is off the fill by", worst, "of 255;", len(rs), "redactions")
}
