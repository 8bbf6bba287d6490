package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sightline/tool"
)

// An export is untrusted bytes: spreadsheets, archives, mail and pages are read
// by a copy of this program inside the sandbox. It gets the export to read and
// an empty folder to write to, and answers with JSON; the attachments it found
// lie in that folder or are named by their place beside the export. What it
// answers is checked here as if a stranger had written it.

// carried is an attachment's place: in the worker's folder, or beside the
// export.
type carried struct {
	Record int    `json:"record"`
	At     int    `json:"at"`
	Out    string `json:"out,omitempty"`    // name in the folder
	Beside string `json:"beside,omitempty"` // path relative to the folder of the export
}

type boxedImport struct {
	Imported *Imported `json:"imported"`
	Folder   bool      `json:"folder,omitempty"`
	Main     string    `json:"main"` // name of the file that holds the records
	Carried  []carried `json:"carried,omitempty"`
}

// Worker is the part of this package that runs in the box. Args are what
// follows "sightline worker":
//
//	import IN AS OPTIONS [OUT]   the records of an export; OUT: with attachments
//	table IN SHEET               a table
//
// meant is false when the words are another package's.
func Worker(args []string, out io.Writer) (meant bool, err error) {
	if len(args) == 0 || args[0] != "import" && args[0] != "table" {
		return false, nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the file is damaged in a way that its reader does not expect")
		}
	}()
	switch {
	case args[0] == "table" && len(args) == 3:
		t, err := ReadTable(args[1], args[2])
		if err != nil {
			return true, err
		}
		return true, json.NewEncoder(out).Encode(t)
	case args[0] == "import" && (len(args) == 4 || len(args) == 5):
		var o ImportOptions
		if err := json.Unmarshal([]byte(args[3]), &o); err != nil {
			return true, errors.New("the options are not readable")
		}
		dir := ""
		if len(args) == 5 {
			dir = args[4]
			os.Setenv("TMPDIR", dir)
		}
		b, err := carry(args[1], args[2], o, dir)
		if err != nil {
			return true, err
		}
		return true, json.NewEncoder(out).Encode(b)
	}
	return true, errors.New("this verb is called by sightline itself, in the sandbox: there is nothing to see")
}

func carry(in, as string, o ImportOptions, out string) (*boxedImport, error) {
	im, s, err := readAs(in, as, o)
	if s != nil {
		defer s.close()
	}
	if err != nil {
		return nil, err
	}
	b := &boxedImport{Imported: im, Folder: s.folder, Main: filepath.Base(s.path)}
	if out == "" {
		return b, nil
	}
	for i := range im.Records {
		for k := range im.Records[i].Attachments {
			a := &im.Records[i].Attachments[k]
			if !a.Held {
				continue
			}
			c := carried{Record: i, At: k, Out: fmt.Sprintf("a%d-%d", i, k)}
			to := filepath.Join(out, c.Out)
			switch {
			case a.path != "" && s.temp != "" && inside(s.temp, a.path):
				err = os.Rename(a.path, to)
			case a.path != "":
				c.Out = ""
				if c.Beside, err = filepath.Rel(s.dir, a.path); err != nil {
					return nil, err
				}
			case a.entry != nil:
				var data []byte
				if data, err = unzip(a.entry, maxAttachment); err != nil {
					a.Held, a.Why, err = false, err.Error(), nil
					continue
				}
				err = os.WriteFile(to, data, 0o600)
			default:
				err = os.WriteFile(to, a.bytes, 0o600)
			}
			if err != nil {
				return nil, fmt.Errorf("an attachment cannot be unpacked: %w", err)
			}
			b.Carried = append(b.Carried, c)
		}
	}
	return b, nil
}

func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// alone are the formats that name no file beside them, so that nothing beside
// them is lent.
func alone(as string) bool {
	switch as {
	case "wacz", "warc", "archive", "mail", "vcard", "geojson", "gpx":
		return true
	}
	return transcripts[as]
}

// Limits of reading one export.
var (
	importLimits  = tool.Limits{CPU: 5 * time.Minute, Memory: 8 << 30, File: 3 << 30, Output: 2 << 30}
	previewLimits = tool.Limits{CPU: time.Minute, Memory: 4 << 30, Output: 512 << 20}
)

// lent gives the path by which the worker opens an export: without links in
// its folders, because the sandbox knows places by what they are.
func lent(file string) (string, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(abs); err != nil {
		return "", errors.New(reason(err))
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", errors.New(reason(err))
	}
	return filepath.Join(dir, filepath.Base(abs)), nil
}

func inBox(ctx context.Context, box *tool.Box, answer any, c tool.Cmd) error {
	c.Program = tool.Self
	c.Args = append([]string{"worker"}, c.Args...)
	res, err := box.Run(ctx, c)
	if err != nil {
		if s, ok := strings.CutPrefix(err.Error(), tool.Self+" failed: "); ok {
			return errors.New(strings.TrimPrefix(s, "sightline: "))
		}
		if errors.Is(err, tool.ErrTimeout) || errors.Is(err, tool.ErrOutput) {
			return fmt.Errorf("the file takes more to read than is allowed, as files do that are made to fill a machine: %w", err)
		}
		return err
	}
	if err := json.Unmarshal(res.Stdout, answer); err != nil {
		return fmt.Errorf("failed to read the worker's answer: %w", err)
	}
	return nil
}

// ReadAsIn is [ReadAs] in the sandbox. A nil box reads in this process, which
// is for tests and for files of our own.
func ReadAsIn(ctx context.Context, box *tool.Box, file, as string, o ImportOptions) (*Imported, error) {
	if box == nil {
		return ReadAs(file, as, o)
	}
	b, _, err := readBoxed(ctx, box, file, as, o, "")
	if err != nil {
		return nil, err
	}
	return b.Imported, nil
}

func readBoxed(ctx context.Context, box *tool.Box, file, as string, o ImportOptions, out string) (*boxedImport, string, error) {
	path, err := lent(file)
	if err != nil {
		return nil, "", err
	}
	opts, err := json.Marshal(o)
	if err != nil {
		return nil, "", err
	}
	c := tool.Cmd{Args: []string{"import", path, as, string(opts)}, Read: []string{path}, Limits: previewLimits}
	if !alone(as) {
		c.Read = append(c.Read, filepath.Dir(path))
	}
	if out != "" {
		c.Args, c.Dir, c.Limits = append(c.Args, out), out, importLimits
	}
	var b boxedImport
	if err := inBox(ctx, box, &b, c); err != nil {
		return nil, path, err
	}
	if b.Imported == nil || b.Main != filepath.Base(b.Main) || len(b.Imported.Records) > maxRecords || len(b.Imported.Bad) > maxBadRows {
		return nil, path, errors.New("the worker's answer makes no sense")
	}
	b.Imported.File, b.Imported.As = Printable(b.Imported.File), as
	return &b, path, nil
}

// read reads an export with its attachments, in the sandbox where there is one.
func (a *Adder) read(ctx context.Context, file, as string, o ImportOptions) (*Imported, *source, error) {
	if a.Box == nil {
		return readAs(file, as, o)
	}
	dir, remove, err := a.Box.Temp()
	if err != nil {
		return nil, nil, err
	}
	b, path, err := readBoxed(ctx, a.Box, file, as, o, dir)
	if err != nil {
		remove()
		return nil, nil, err
	}
	s := &source{path: path, dir: filepath.Dir(path), folder: b.Folder, name: b.Main, temp: dir}
	if b.Folder {
		s.dir, s.path = path, filepath.Join(path, b.Main)
	}
	for _, c := range b.Carried {
		if c.Record < 0 || c.Record >= len(b.Imported.Records) || c.At < 0 || c.At >= len(b.Imported.Records[c.Record].Attachments) {
			continue
		}
		at := &b.Imported.Records[c.Record].Attachments[c.At]
		root, rel := dir, c.Out
		if c.Beside != "" {
			root, rel = s.dir, c.Beside
		}
		if !filepath.IsLocal(rel) || !regularIn(root, rel) {
			at.Held, at.Why = false, "the attachment was not found where its reader left it"
			continue
		}
		at.path, at.carried = filepath.Join(root, rel), c.Beside == ""
	}
	for i := range b.Imported.Records {
		for k := range b.Imported.Records[i].Attachments {
			if at := &b.Imported.Records[i].Attachments[k]; at.path == "" {
				at.Held = false
			}
		}
	}
	return b.Imported, s, nil
}

// regularIn reports whether a file lies in a folder, through no link.
func regularIn(dir, rel string) bool {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false
	}
	defer root.Close()
	fi, err := root.Lstat(rel)
	return err == nil && fi.Mode().IsRegular()
}

// ReadTableIn is [ReadTable] in the sandbox.
func ReadTableIn(ctx context.Context, box *tool.Box, file, sheet string) (*Table, error) {
	if box == nil {
		return ReadTable(file, sheet)
	}
	path, err := lent(file)
	if err != nil {
		return nil, err
	}
	var t Table
	if err := inBox(ctx, box, &t, tool.Cmd{Args: []string{"table", path, sheet}, Read: []string{path}, Limits: previewLimits}); err != nil {
		return nil, err
	}
	for i, r := range t.Rows {
		if len(r.Cells) > len(t.Header) {
			return nil, errors.New("the worker's answer makes no sense")
		}
		t.Rows[i].Cells = append(r.Cells, make([]string, len(t.Header)-len(r.Cells))...)
	}
	t.File = filepath.Base(file)
	return &t, nil
}
