package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"sightline/order"
	"sightline/when"
)

// timeCmd derives intervals from constraints and reads written times.
type timeCmd struct {
	Solve  timeSolveCmd  `cmd:"" help:"Derive every interval from a network of constraints, with its proof."`
	Parse  timeParseCmd  `cmd:"" help:"Read a written time into everything it may mean."`
	Case   timeCaseCmd   `cmd:"" help:"Say what follows from the dated facts of a case, with proofs and contradictions."`
	Import timeImportCmd `cmd:"" help:"Take back where another program has put the recordings: OTIO, FCPXML, EDL or a table of offsets."`
}

type timeSolveCmd struct {
	Network      string `arg:"" optional:"" help:"The network, sightline/time-network/1; - reads standard input."`
	Account      string `help:"Assume this account too."`
	Without      string `help:"Leave these constraints out, ids separated by commas."`
	Contribution bool   `help:"Say what each constraint adds."`
	Conflicts    string `enum:"first,disjoint,all" default:"first" help:"Which contradictions to list: first, disjoint, or all with every repair."`
	Lang         string `enum:"en,es" default:"en" help:"Language of the sentences."`
	Batch        string `placeholder:"FILE" help:"Read one network a line and write one answer a line."`
}

func (c *timeSolveCmd) options() order.Options {
	o := order.Options{Account: c.Account, Contribution: c.Contribution, Conflicts: c.Conflicts, Lang: c.Lang}
	for _, id := range strings.Split(c.Without, ",") {
		if id = strings.TrimSpace(id); id != "" {
			o.Without = append(o.Without, id)
		}
	}
	return o
}

func (c *timeSolveCmd) solve(b []byte) (any, *order.Error) {
	n, err := order.Decode(b)
	if err != nil {
		return nil, timeFault(err)
	}
	a, err := order.Solve(n, c.options())
	if err != nil {
		return nil, timeFault(err)
	}
	return a, nil
}

func (c *timeSolveCmd) Run(e *env) error {
	if (c.Network == "") == (c.Batch == "") {
		return timeError(&order.Error{Code: "bad_json", Message: "give one network file, or --batch with a file of networks", Where: "arguments"})
	}
	if c.Batch != "" {
		return timeBatch(e, c.Batch, c.solve)
	}
	b, err := timeRead(e, c.Network)
	if err != nil {
		return timeError(timeFault(err))
	}
	a, fault := c.solve(b)
	if fault != nil {
		return timeError(fault)
	}
	return json.NewEncoder(e.stdout).Encode(a)
}

type timeParseCmd struct {
	Value  string `arg:"" optional:"" help:"The time as it is written."`
	Kind   string `default:"local" help:"edtf, exif, local, rfc3339, quicktime, snowflake, instagram or filename."`
	Zone   string `help:"IANA zone of the clock, such as America/Caracas."`
	Offset string `help:"Offset that the source states, such as -04:00."`
	Subsec string `help:"Digits of the second's fraction, where they stand apart."`
	Batch  string `placeholder:"FILE" help:"Read one written time a line (JSON) and write one reading a line."`
}

// timeReading is a line of time parse.
type timeReading struct {
	ID any `json:"id,omitempty"`
	when.Reading
}

func (c *timeParseCmd) Run(e *env) error {
	if c.Batch == "" {
		r, err := when.Parse(when.Written{Kind: c.Kind, Value: c.Value, Zone: c.Zone, Offset: c.Offset, Subsec: c.Subsec})
		if err != nil {
			return timeError(&order.Error{Code: "bad_json", Message: err.Error(), Where: "kind"})
		}
		return json.NewEncoder(e.stdout).Encode(timeReading{Reading: r})
	}
	return timeBatch(e, c.Batch, func(b []byte) (any, *order.Error) {
		var q struct {
			ID any `json:"id"`
			when.Written
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&q); err != nil {
			return nil, &order.Error{Code: "bad_json", Message: "this line is not a written time: " + err.Error()}
		}
		r, err := when.Parse(q.Written)
		if err != nil {
			return nil, &order.Error{Code: "bad_json", Message: err.Error(), Where: "kind"}
		}
		return timeReading{q.ID, r}, nil
	})
}

// timeRead reads a file, or standard input for "-".
func timeRead(e *env, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(e.stdin)
	}
	return os.ReadFile(name)
}

// timeFault turns any error into one with a code.
func timeFault(err error) *order.Error {
	var f *order.Error
	if errors.As(err, &f) {
		return f
	}
	return &order.Error{Code: "bad_json", Message: err.Error()}
}

type timeErrorLine struct {
	ID    any          `json:"id,omitempty"`
	Error *order.Error `json:"error"`
}

// timeError is the one line on standard error, with exit status 2.
func timeError(f *order.Error) error {
	b, err := json.Marshal(timeErrorLine{Error: f})
	if err != nil {
		return err
	}
	return exit(2, errors.New(string(b)))
}

// timeBatch answers one problem a line, in order. A bad line is answered with
// its error and the rest goes on.
func timeBatch(e *env, name string, answer func([]byte) (any, *order.Error)) error {
	var in io.Reader = e.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return timeError(timeFault(err))
		}
		defer f.Close()
		in = f
	}
	r := bufio.NewReaderSize(in, 1<<20)
	w := bufio.NewWriterSize(e.stdout, 1<<16)
	out := json.NewEncoder(w)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			a, fault := answer(line)
			if fault != nil {
				f := *fault
				if f.Where == "" {
					f.Where = "line " + strconv.Itoa(n)
				}
				a = timeErrorLine{timeLineID(line), &f}
			}
			if err := out.Encode(a); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return w.Flush()
		}
		if err != nil {
			return timeError(timeFault(err))
		}
	}
}

// timeLineID is the id of a bad line, where it can still be read.
func timeLineID(line []byte) any {
	var q struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(line, &q) != nil || len(q.ID) == 0 {
		return nil
	}
	return q.ID
}
