package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// demuxers are the formats ffmpeg may open. Playlists, concatenations, image
// sequences and scripts are not among them, so no file can make ffmpeg open a
// second one.
var demuxers = strings.Join([]string{
	"mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpeg", "mpegts", "mpegvideo", "asf", "flv", "ogg",
	"mp3", "wav", "w64", "flac", "aac", "ac3", "eac3", "amr", "amrnb", "amrwb", "aiff", "caf", "au", "ape", "wv", "tta", "mxf", "dv", "h264", "hevc", "m4v", "obu", "ivf", "gif",
}, ",")

// InputArgs are the options that stand before every -i of ffmpeg and ffprobe:
// only local files, only formats that hold media.
func InputArgs() []string {
	return []string{"-protocol_whitelist", "file,pipe", "-format_whitelist", demuxers}
}

// FFmpegArgs begins an ffmpeg command line over one input file.
func FFmpegArgs(in string, before ...string) []string {
	a := []string{"-hide_banner", "-nostdin", "-loglevel", "error", "-y"}
	a = append(a, before...)
	a = append(a, InputArgs()...)
	return append(a, "-i", "file:"+in)
}

// MediaInfo is what ffprobe says of a file.
type MediaInfo struct {
	Format  MediaFormat   `json:"format"`
	Streams []MediaStream `json:"streams"`
}

// MediaFormat is the container.
type MediaFormat struct {
	Name     string            `json:"format_name"`
	Duration string            `json:"duration"` // seconds, decimal
	BitRate  string            `json:"bit_rate"`
	Tags     map[string]string `json:"tags"`
}

// MediaStream is one track.
type MediaStream struct {
	Index       int               `json:"index"`
	Type        string            `json:"codec_type"`
	Codec       string            `json:"codec_name"`
	Width       int               `json:"width"`
	Height      int               `json:"height"`
	PixFmt      string            `json:"pix_fmt"`
	FrameRate   string            `json:"avg_frame_rate"`
	SampleRate  string            `json:"sample_rate"`
	Channels    int               `json:"channels"`
	Duration    string            `json:"duration"`
	Frames      string            `json:"nb_frames"`
	Tags        map[string]string `json:"tags"`
	Disposition map[string]int    `json:"disposition"`
	SideData    []struct {
		Type     string  `json:"side_data_type"`
		Rotation float64 `json:"rotation"` // degrees
	} `json:"side_data_list"`
}

// Probe reads the container and streams of a media file with ffprobe.
func (b *Box) Probe(ctx context.Context, path string) (*MediaInfo, *Result, error) {
	args := append([]string{"-hide_banner", "-v", "error"}, InputArgs()...)
	args = append(args, "-show_format", "-show_streams", "-of", "json", "file:"+path)
	res, err := b.Run(ctx, Cmd{Program: "ffprobe", Args: args, Read: []string{path}, Limits: Limits{CPU: 30 * time.Second}})
	if err != nil {
		return nil, res, err
	}
	var m MediaInfo
	if err := json.Unmarshal(res.Stdout, &m); err != nil {
		return nil, res, fmt.Errorf("failed to read the answer of ffprobe: %w", err)
	}
	if len(m.Streams) == 0 {
		return nil, res, fmt.Errorf("ffprobe found no stream in the file")
	}
	return &m, res, nil
}
