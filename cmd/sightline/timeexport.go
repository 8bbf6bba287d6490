package main

import (
	"bytes"
	"fmt"

	"sightline/archive"
	vtime "sightline/verify/time"
)

// exportTime are the forms of the master clock that other programs read; each
// is a verb of its own because each has a name that people look for.
type exportTime struct {
	OTIO     exportTimeCmd `cmd:"" name:"otio" help:"Write the recordings on the master clock as OpenTimelineIO."`
	FCPXML   exportTimeCmd `cmd:"" name:"fcpxml" help:"The same as Final Cut Pro XML 1.10, 25 frames a second."`
	EDL      exportTimeCmd `cmd:"" name:"edl" help:"The same as a CMX 3600 list, record times in local time of day."`
	Offsets  exportTimeCmd `cmd:"" name:"offsets" help:"The start of every recording with its error, as CSV."`
	SRT      exportTimeCmd `cmd:"" name:"srt" help:"What was said, on the master clock, as SubRip."`
	VTT      exportTimeCmd `cmd:"" name:"vtt" help:"What was said, on the master clock, as WebVTT."`
	EAF      exportTimeCmd `cmd:"" name:"eaf" help:"Recordings, utterances and events for ELAN."`
	TextGrid exportTimeCmd `cmd:"" name:"textgrid" help:"Utterances and events for Praat."`
	Network  exportTimeCmd `cmd:"" name:"network" help:"The constraints of the case, as time solve reads them."`
}

type exportTimeCmd struct {
	inCase `embed:""`
	Output string `short:"o" help:"File to write; \"-\" is the standard output." default:"-" placeholder:"FILE"`
	Lang   string `enum:"en,es" default:"en" help:"Language of titles and sentences."`

	format string
}

// setFormats tells each verb its format.
func (x *exportTime) setFormats() {
	for name, c := range map[string]*exportTimeCmd{"otio": &x.OTIO, "fcpxml": &x.FCPXML, "edl": &x.EDL, "offsets": &x.Offsets, "srt": &x.SRT, "vtt": &x.VTT, "eaf": &x.EAF, "textgrid": &x.TextGrid, "network": &x.Network} {
		c.format = name
	}
}

// AfterApply runs before the verb's Run.
func (x *exportTime) AfterApply() error {
	x.setFormats()
	return nil
}

func (c *exportTimeCmd) Run(e *env) error {
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := vtime.Export(&b, doc, c.format, c.Lang); err != nil {
		return exit(2, err)
	}
	if c.Output == "-" {
		_, err = e.stdout.Write(b.Bytes())
		return err
	}
	if err := writeWhole(c.Output, b.Bytes()); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "wrote", c.Output)
	return nil
}
