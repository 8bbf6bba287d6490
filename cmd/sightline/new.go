package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"sightline"
	"sightline/archive"
	"sightline/web"
	"sightline/when"
)

// newCmd makes a case folder.
type newCmd struct {
	Name   string   `arg:"" help:"Folder to make for the case; its last part becomes the case's id."`
	Title  string   `help:"Title, as readers will see it." placeholder:"TEXT"`
	Prefix string   `help:"Prefix of item ids, e.g. EJ for EJ-014. Default: the initials of the name." placeholder:"XX"`
	Zone   string   `help:"Time zone of the place, e.g. America/Caracas." default:"UTC"`
	Lang   []string `help:"Languages of the edition, the first is the default." default:"en,es"`
	Place  string   `help:"Where it happened: LAT,LON in degrees, or LAT,LON,LABEL." placeholder:"LAT,LON"`
	Date   string   `help:"Day or span of the incident, as EDTF (2018-01-15)." placeholder:"DATE"`
	DB     string   `name:"db" help:"Make the case in a team's database instead: postgres://user@host/database. NAME is then its id." placeholder:"ADDRESS"`
	Blobs  string   `help:"With --db: where its bytes go: s3://bucket/prefix?endpoint=https://host, or a folder that all machines share." placeholder:"ADDRESS"`
	Local  string   `type:"path" help:"With --db: this machine's own folder for the case, with the key of its log." placeholder:"DIR"`
	JSON   bool     `help:"Print the result as JSON."`
}

var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

func (c *newCmd) Run(e *env) error {
	k, err := c.build()
	if err != nil {
		return exit(2, err)
	}
	if c.DB == "" && (c.Blobs != "" || c.Local != "") {
		return exit(2, errors.New("--blobs and --local are for a team's case: give --db postgres://... as well"))
	}
	place := archive.Place{Dir: c.Name}
	if c.DB != "" {
		place = archive.Place{Dir: c.Local, DB: c.DB, Blobs: c.Blobs}
	}
	f, err := archive.CreateAt(e.ctx, place, *k, archive.Options{})
	if err != nil {
		return exit(2, err)
	}
	if c.DB != "" {
		defer f.Close()
		if c.JSON {
			return json.NewEncoder(e.stdout).Encode(map[string]string{"case": k.ID, "prefix": k.Prefix, "place": f.Place.String(), "folder": f.Dir})
		}
		_, err := fmt.Fprintf(e.stdout, "Made the case %s in %s.\nThe key of its log is in %s on this machine; keep a copy of it. Items will be %s-001, %s-002, ...\nNext: sightline add --db ... --blobs ... FILES\n",
			k.ID, f.Place, f.Dir, k.Prefix, k.Prefix)
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]string{"case": k.ID, "prefix": k.Prefix, "folder": c.Name})
	}
	fmt.Fprintf(e.stdout, "Made the case %s in %s. Items will be %s-001, %s-002, ...\nNext: sightline add --case %s FILES\n", k.ID, c.Name, k.Prefix, k.Prefix, c.Name)
	return nil
}

// newCaseIn makes a case folder in home from what a person answered in the
// desk. The folder is named after the title and never written over.
func newCaseIn(home string, in web.NewCase) (*folder, error) {
	title := strings.TrimSpace(in.Title)
	name := slug(title)
	if name == "" || len(title) > 200 {
		return nil, fmt.Errorf("a case needs a name of at most 200 characters with a letter or digit in it: %w", sightline.ErrInvalid)
	}
	if len(name) > 60 {
		name = strings.Trim(name[:60], "-")
	}
	dir := filepath.Join(home, name)
	for n := 2; ; n++ {
		if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
			break
		} else if err != nil || n > 99 {
			return nil, fmt.Errorf("there are too many cases of the name %q in %s; choose another: %w", title, home, sightline.ErrInvalid)
		}
		dir = filepath.Join(home, fmt.Sprintf("%s-%d", name, n))
	}
	c := newCmd{Name: dir, Title: title, Zone: in.Zone, Lang: in.Languages, Place: in.Place, Date: strings.TrimSpace(in.Date)}
	if c.Zone == "" {
		c.Zone = "UTC"
	}
	k, err := c.build()
	if err != nil {
		return nil, err
	}
	if c.Date != "" {
		if r, err := when.Parse(when.Written{Kind: "edtf", Value: c.Date, Zone: c.Zone}); err != nil || r.Status != when.StatusOK {
			return nil, fmt.Errorf("the date %q is not one such as 2018-01-15 or 2018-01: %w", c.Date, sightline.ErrInvalid)
		}
	}
	return archive.Create(dir, *k, archive.Options{})
}

func (c *newCmd) build() (*sightline.Case, error) {
	abs, err := filepath.Abs(c.Name)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(abs)
	k := &sightline.Case{ID: slug(name), Prefix: strings.ToUpper(c.Prefix), Title: sightline.Text{}, Zone: c.Zone, Date: c.Date, Languages: c.Lang}
	if k.ID == "" {
		return nil, fmt.Errorf("the name %q has no letter or digit for an id: %w", name, sightline.ErrInvalid)
	}
	if k.Prefix == "" {
		k.Prefix = initials(k.ID)
	}
	if _, err := when.LoadZone(c.Zone); err != nil {
		return nil, fmt.Errorf("--zone %q is not a time zone; use a name such as America/Caracas: %w", c.Zone, sightline.ErrInvalid)
	}
	if len(c.Lang) == 0 {
		return nil, fmt.Errorf("--lang needs at least one language: %w", sightline.ErrInvalid)
	}
	title := c.Title
	if title == "" {
		title = name
	}
	for _, l := range c.Lang {
		if !languageTag.MatchString(l) {
			return nil, fmt.Errorf("--lang %q is not a language tag such as en, es or pt-BR: %w", l, sightline.ErrInvalid)
		}
	}
	// Only the first language: a title in another one is a translation that
	// somebody has to make.
	k.Title[c.Lang[0]] = title
	if c.Place != "" {
		if k.Place, err = parsePlace(c.Place, c.Lang[0]); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func parsePlace(s string, lang string) (*sightline.Place, error) {
	part := strings.SplitN(s, ",", 3)
	bad := fmt.Errorf("--place %q is not LAT,LON in degrees, e.g. 10.4665,-67.0838: %w", s, sightline.ErrInvalid)
	if len(part) < 2 {
		return nil, bad
	}
	lat, err1 := strconv.ParseFloat(strings.TrimSpace(part[0]), 64)
	lon, err2 := strconv.ParseFloat(strings.TrimSpace(part[1]), 64)
	if err1 != nil || err2 != nil || !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return nil, bad
	}
	p := &sightline.Place{Role: "area", Form: "point", Geo: &sightline.Geo{Lat: lat, Lon: lon}, Status: "claimed"}
	if len(part) == 3 && strings.TrimSpace(part[2]) != "" {
		p.Label = sightline.Text{lang: strings.TrimSpace(part[2])}
	}
	return p, nil
}

// plainLetters maps letters with marks to the letter, for ids that anybody can type.
var plainLetters = strings.NewReplacer("á", "a", "à", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ç", "c", "é", "e", "è", "e", "ê", "e", "ë", "e",
	"í", "i", "ì", "i", "î", "i", "ï", "i", "ñ", "n", "ó", "o", "ò", "o", "ô", "o", "õ", "o", "ö", "o", "ú", "u", "ù", "u", "û", "u", "ü", "u", "ý", "y")

func slug(name string) string {
	var b strings.Builder
	dash := false
	for _, r := range plainLetters.Replace(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		default:
			dash = true
		}
	}
	return strings.TrimRight(b.String()[:min(b.Len(), 63)], "-")
}

// initials makes a prefix: "el-junquito" gives EJ, "bridge" gives BRI.
func initials(id string) string {
	words := strings.FieldsFunc(id, func(r rune) bool { return !unicode.IsLetter(r) })
	p := ""
	for _, w := range words {
		p += w[:1]
	}
	if len(words) == 1 {
		p = words[0][:min(3, len(words[0]))]
	}
	if p == "" {
		p = "I"
	}
	return strings.ToUpper(p[:min(8, len(p))])
}
