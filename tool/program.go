package tool

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"sightline"
	"sightline/digest"
)

// Program is an installed external program.
type Program struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"` // of the executable, as found
}

// known is what we may run: how to ask for the version, and what is lost
// without it.
var known = map[string]struct {
	ask     []string
	version *regexp.Regexp
	lost    sightline.Text
}{
	"ffmpeg": {[]string{"-hide_banner", "-version"}, regexp.MustCompile(`ffmpeg version (\S+)`), sightline.Text{
		"en": "no working copies of video, no poster frames, no waveforms, no previews of HEIC and AVIF pictures",
		"es": "sin copias de trabajo de video, ni fotogramas, ni formas de onda, ni vistas previas de imágenes HEIC y AVIF"}},
	"ffprobe": {[]string{"-hide_banner", "-version"}, regexp.MustCompile(`ffprobe version (\S+)`), sightline.Text{
		"en": "no duration, size, codec or creation time of video and audio",
		"es": "sin duración, tamaño, códec ni fecha de creación de video y audio"}},
	"exiftool": {[]string{"-ver"}, regexp.MustCompile(`^(\d+\.\d+)`), sightline.Text{
		"en": "only the common metadata of pictures is read; maker notes, documents and video atoms are not",
		"es": "solo se leen los metadatos comunes de las imágenes; no las notas del fabricante, los documentos ni los átomos de video"}},
	"bwrap": {[]string{"--version"}, regexp.MustCompile(`bubblewrap (\S+)`), sightline.Text{
		"en": "the weaker sandbox (Landlock) is used on Linux",
		"es": "en Linux se usa el aislamiento más débil (Landlock)"}},
	"chromium": {[]string{"--version"}, regexp.MustCompile(`(\d+\.\d+\.\d+\.\d+)`), sightline.Text{
		"en": "web pages cannot be captured",
		"es": "no se pueden capturar páginas web"}},
	"vips": {[]string{"--version"}, regexp.MustCompile(`vips-(\S+)`), sightline.Text{
		"en": "nothing is lost; very large pictures get their previews more slowly",
		"es": "no se pierde nada; las vistas previas de imágenes muy grandes tardan más"}},
}

// Self names this program itself: [Box.Run] then runs another copy of it, so
// that our own parsers of untrusted bytes stand in the box as well.
const Self = "sightline"

// home is what must be visible for the program to start: itself when it is
// one file, else the folder it was installed in.
func (p *Program) home() string {
	if p.Name == Self {
		return p.Path
	}
	return filepath.Dir(p.Path)
}

// Version of this program, for its own recipes; package main sets it.
var Version = "dev"

var found sync.Map // name -> *Program or error

// Find looks a program up by name, once per process. The error names the
// program and what is lost without it.
func Find(name string) (*Program, error) {
	if v, ok := found.Load(name); ok {
		if p, ok := v.(*Program); ok {
			return p, nil
		}
		return nil, v.(error)
	}
	p, err := look(name)
	if err != nil {
		found.Store(name, err)
		return nil, err
	}
	found.Store(name, p)
	return p, nil
}

// MissingError says which program is not there and what is lost without it.
type MissingError struct {
	Name string
	Lost sightline.Text
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not installed: %s", e.Name, e.Lost["en"])
}

func look(name string) (*Program, error) {
	if name == Self {
		path, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("failed to find our own program: %w", err)
		}
		return &Program{Name: Self, Path: path, Version: Version}, nil
	}
	k, ok := known[name]
	if !ok {
		return nil, fmt.Errorf("%s is not a program that sightline runs", name)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, &MissingError{name, k.lost}
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("failed to locate %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a loaded machine is slow, not without the program
	defer cancel()
	cmd := exec.CommandContext(ctx, path, k.ask...) // no untrusted input: asked before any file is opened
	cmd.Env = cleanEnv()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s is installed at %s but does not run: %w", name, path, err)
	}
	p := &Program{Name: name, Path: path, Version: "unknown"}
	if m := k.version.FindSubmatch(bytes.TrimSpace(out)); m != nil {
		p.Version = string(m[1])
	}
	if f, err := os.Open(path); err == nil {
		d, _, err := digest.Read(f)
		f.Close()
		if err == nil {
			p.SHA256 = d.String()
		}
	}
	return p, nil
}

// cleanEnv is all a program gets of our environment.
func cleanEnv() []string {
	if runtime.GOOS == "windows" {
		return append([]string{"SystemRoot=" + os.Getenv("SystemRoot")}, "PATH="+os.Getenv("PATH"))
	}
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "LANG=C.UTF-8", "TZ=UTC", "TMPDIR=/tmp"}
}

// Presence is one line of the doctor: is the program there, and what is lost
// without it.
type Presence struct {
	Name    string         `json:"name"`
	Present bool           `json:"present"`
	Path    string         `json:"path,omitempty"`
	Version string         `json:"version,omitempty"`
	SHA256  string         `json:"sha256,omitempty"`
	Problem string         `json:"problem,omitempty"`
	Lost    sightline.Text `json:"lost"` // without it
}

// Report is what [Probe] finds on this machine.
type Report struct {
	System   string         `json:"system"`  // GOOS/GOARCH
	Sandbox  Sandbox        `json:"sandbox"` // bwrap, landlock, none
	Note     sightline.Text `json:"note"`    // what that sandbox means here
	Programs []Presence     `json:"programs"`
}

// Probe says what is installed here, and what is lost without the rest.
func Probe(ctx context.Context) Report {
	r := Report{System: runtime.GOOS + "/" + runtime.GOARCH, Sandbox: Available(ctx)}
	r.Note = notes[r.Sandbox]
	names := make([]string, 0, len(known))
	for n := range known {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		line := Presence{Name: n, Lost: known[n].lost}
		p, err := Find(n)
		if err == nil {
			line.Present, line.Path, line.Version, line.SHA256 = true, p.Path, p.Version, p.SHA256
		} else if _, missing := err.(*MissingError); !missing {
			line.Problem = strings.TrimSpace(err.Error())
		}
		r.Programs = append(r.Programs, line)
	}
	return r
}

var notes = map[Sandbox]sightline.Text{
	Bwrap: {
		"en": "external programs run in bubblewrap: no network, a read-only system, one folder to write to",
		"es": "los programas externos se ejecutan en bubblewrap: sin red, con el sistema de solo lectura y una carpeta para escribir"},
	Landlock: {
		"en": "external programs run under Landlock, seccomp and resource limits: no network, a read-only system, one folder to write to",
		"es": "los programas externos se ejecutan con Landlock, seccomp y límites de recursos: sin red, con el sistema de solo lectura y una carpeta para escribir"},
	None: {
		"en": "there is no sandbox on this system: external programs are refused unless --unsafe-no-sandbox is given, and then a hostile file can do what you can do",
		"es": "en este sistema no hay aislamiento: los programas externos se rechazan salvo con --unsafe-no-sandbox, y entonces un archivo hostil puede hacer lo mismo que usted"},
}
