package exercise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"sightline/raster"
	"sightline/scene"
	"sightline/sun"
	"sightline/when"
	"sightline/where"
)

// Options of one exercise.
type Options struct {
	Seed    uint64
	Full    bool   // about 60 items; else about a dozen
	Dir     string // must be absent or empty
	Workers int    // of the renderer, default 2; the bytes do not depend on it
	// Progress is told what was made.
	Progress func(done, total int, what string)
	// NoVideo leaves the videos out.
	NoVideo bool
}

// Report says what was made.
type Report struct {
	Dir   string   `json:"dir"`
	Seed  uint64   `json:"seed"`
	Size  string   `json:"size"`
	Items int      `json:"items"` // files and records
	Files int      `json:"files"` // in case/media
	Left  []string `json:"left_out,omitempty"`
}

// media is one file of case/media with what its item will say.
type media struct {
	name  string
	kind  string // photo, image, video, audio, document
	data  []byte
	owner *owner
	en    string // what can be seen or heard
	es    string
	set   func(id string) // tells the truth the item's id

	recording string // items that are one thing share this
	witness   bool   // whoever made it must not be found by it
}

type gen struct {
	Options
	ctx   context.Context
	size  string
	lay   *layout
	doc   *scene.Document
	mesh  []raster.Mesh
	named []scene.Point
	eye   sun.Place
	air   sun.Air
	t0    when.Instant // the first shot
	says  when.Instant // the false official time
	truth *Truth
	bands sync.Map // ribbon by size of picture
	grown []prop
	ids   map[string]string // of the files, by name
	home  *[3]float64       // where the witness says she was who must not be shown
	files []*media
	posts []*post
	done  int
	total int
}

// stream is the source of chance for one purpose, so that a change in one
// part of the exercise leaves the others as they were.
func (g *gen) stream(purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(g.Seed, 0x5167_6874_0000+purpose))
}

// streams by purpose; per-item streams count up from these.
const (
	forPlace = iota
	forClocks
	forTimes
	forPosts
	forGrowth
	forPapers
	forPhotos = 1000
	forSounds = 2000
	forVideos = 3000
)

// Generate writes one exercise. A folder that holds something is refused.
func Generate(ctx context.Context, o Options) (*Report, error) {
	if o.Dir == "" {
		return nil, errors.New("no folder was named for the exercise")
	}
	if es, err := os.ReadDir(o.Dir); err == nil && len(es) > 0 {
		return nil, fmt.Errorf("the folder %s is not empty: name a new one", o.Dir)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the folder for the exercise cannot be used: %w", err)
	}
	if o.Workers < 1 {
		o.Workers = 2
	}
	g := &gen{Options: o, ctx: ctx, size: "small"}
	if o.Full {
		g.size = "full"
	}
	if err := g.begin(); err != nil {
		return nil, err
	}
	for _, step := range []func() error{g.photos, g.sounds, g.videos, g.papers, g.write} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &Report{Dir: o.Dir, Seed: o.Seed, Size: g.size, Items: len(g.files) + len(g.posts), Files: len(g.files), Left: g.truth.Left}, nil
}

// begin invents the place, the clocks and the times.
func (g *gen) begin() (err error) {
	g.lay = lay(g.stream(forPlace))
	if g.doc, err = g.lay.build(); err != nil {
		return err
	}
	if g.mesh, err = g.doc.Meshes(); err != nil {
		return fmt.Errorf("failed to read the place of the exercise: %w", err)
	}
	for _, o := range g.doc.Objects {
		g.named = append(g.named, o.Points...)
	}
	g.grown = g.growth()
	g.mesh = append(g.mesh, meshes(g.grown)...)
	org := g.doc.Frame.Origin
	g.eye = sun.Place{Lat: where.Degrees(org.Lat), Lon: where.Degrees(org.Lon), Height: where.Metres(org.H)}
	g.air = sun.StandardAir(where.Metres(org.H))
	r := g.stream(forTimes)
	g.t0 = when.FromTime(time.Date(2019, 5, 10, 12, 20, 0, 0, time.UTC)) + when.Instant(r.Int64N(30*when.Minute))
	g.says = g.t0 + when.Instant((45+g.stream(forPapers).Int64N(20))*when.Minute)
	g.says -= g.says % when.Instant(5*when.Minute) // officials round
	airC := math.Round(between(r, 14, 24))
	g.truth = &Truth{Format: TruthFormat, Marked: marked, Seed: g.Seed, Size: g.size, Zone: zone, FrameID: g.doc.ID, Origin: Origin{org.Lat, org.Lon, org.H},
		AirC: airC, SoundC: 331.3 * math.Sqrt(1+airC/273.15), Images: []Image{}, Videos: []Video{}, Sounds: []Sound{}, Sources: []Sonic{}, Posts: []Post{}, Planted: []Planted{}}
	g.clocks()
	g.sources(r)
	return nil
}

// otherEvent is when the firecrackers were lit, ms after the first shot.
const otherEvent = -2*24*3600e3 + 95*60e3

// sources places the shots and horns in space and time.
func (g *gen) sources(r *rand.Rand) {
	add := func(kind string, n int, at [2]float64, up float64, ms float64) {
		u, _ := g.doc.Ground(at[0], at[1])
		id := fmt.Sprintf("%s-%d", kind, n)
		g.truth.Sources = append(g.truth.Sources, Sonic{id, kind, float64(g.t0) + ms, [3]float64{at[0], at[1], round2(u + up)}})
	}
	at := 0.0
	for n := 1; n <= 5; n++ {
		add("shot", n, g.lay.shots[min((n-1)/2, 2)], 1.5, at)
		at += float64(700+r.IntN(2600)) + math.Round(1e4*r.Float64())/1e4
	}
	add("horn", 1, g.lay.shots[0], 1, -4200-float64(r.IntN(900)))
	add("horn", 2, g.lay.shots[2], 1, at+900+float64(r.IntN(900)))
	// Another day, another event: firecrackers down the road. One clip of it is
	// passed on as if it showed the shots.
	at = 0
	for n := 1; n <= 6; n++ {
		add("firecracker", n, g.lay.at(-g.lay.side*70, g.lay.roadAt(-g.lay.side*70)), 0.3, otherEvent+at)
		at += float64(250+r.IntN(1500)) + math.Round(1e4*r.Float64())/1e4
	}
}

// idOf is the id of a file's item; only after the files were numbered.
func (g *gen) idOf(name string) string { return g.ids[name] }

func (g *gen) plant(kind, item, note string, at *[3]float64) {
	g.truth.Planted = append(g.truth.Planted, Planted{kind, item, note, at})
}

// parallel makes n things on the workers and hands them in in order, so that
// the result does not depend on who was first.
func (g *gen) parallel(n int, do func(i int) (func() error, error)) error {
	type made struct {
		commit func() error
		err    error
	}
	results := make([]chan made, n)
	for i := range results {
		results[i] = make(chan made, 1)
	}
	next := make(chan int)
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range min(g.Workers, n) {
		wait.Go(func() {
			for i := range next {
				c, err := do(i)
				results[i] <- made{c, err}
			}
		})
	}
	go func() {
		defer close(next)
		for i := range n {
			select {
			case next <- i:
			case <-stop:
				return
			}
		}
	}()
	var err error
	for i := range n {
		m := <-results[i]
		if err = m.err; err == nil {
			err = m.commit()
		}
		if err != nil {
			break
		}
	}
	close(stop)
	wait.Wait()
	return err
}

func (g *gen) step(what string) error {
	g.done++
	if g.Progress != nil {
		g.Progress(g.done, max(g.total, g.done), what)
	}
	return g.ctx.Err()
}

// write gives the items their ids, which follow the names of the files as
// intake takes them, and writes both folders.
func (g *gen) write() error {
	sort.Slice(g.files, func(i, j int) bool { return g.files[i].name < g.files[j].name })
	ids := map[*media]string{}
	g.ids = map[string]string{}
	for i, f := range g.files {
		if i > 0 && g.files[i-1].name == f.name {
			return fmt.Errorf("two files of the exercise are called %s", f.name)
		}
		ids[f] = fmt.Sprintf("%s-%03d", prefix, i+1)
		g.ids[f.name] = ids[f]
	}
	for _, f := range g.files {
		f.set(ids[f])
	}
	g.invent(len(g.files))
	g.plantWitness()
	out := map[string][]byte{}
	for _, f := range g.files {
		out["case/media/"+f.name] = f.data
	}
	put := func(name string, v any) error {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		if err := e.Encode(v); err != nil {
			return fmt.Errorf("failed to write %s: %w", name, err)
		}
		out[name] = b.Bytes()
		return nil
	}
	var err error
	if out["case/records.csv"], err = g.records(); err != nil {
		return err
	}
	out["case/README.txt"] = []byte(g.readme())
	for name, v := range map[string]any{"case/records.map.json": recordsMap(), "case/scene.json": g.lay.spec, "case/case.json": g.document(ids), "truth/truth.json": g.truth} {
		if err := put(name, v); err != nil {
			return err
		}
	}
	names := make([]string, 0, len(out))
	for n := range out {
		names = append(names, n)
	}
	sort.Strings(names)
	// One date on everything: the true times of the files stay out of case.
	stamp := time.Date(2019, 5, 14, 12, 0, 0, 0, time.UTC)
	for _, n := range names {
		p := filepath.Join(g.Dir, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return fmt.Errorf("failed to make the folder of the exercise: %w", err)
		}
		if err := os.WriteFile(p, out[n], 0o644); err != nil {
			return fmt.Errorf("failed to write the exercise: %w", err)
		}
		if err := os.Chtimes(p, stamp, stamp); err != nil {
			return fmt.Errorf("failed to date %s: %w", n, err)
		}
	}
	return nil
}
