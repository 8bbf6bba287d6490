package sightline

// Item is one preserved piece of media or record. Its original bytes never
// change and its id is never reused.
type Item struct {
	ID          string            `json:"id"` // EJ-014
	Title       Text              `json:"title"`
	Seen        Text              `json:"seen,omitempty"` // description_visible: only what can be seen or heard, or what the record says
	Media       string            `json:"media"`          // photo, video, audio, post, document, record, image
	SHA256      string            `json:"sha256"`         // of the original bytes
	Size        int64             `json:"size"`
	Type        string            `json:"type"`           // media type by content
	Name        string            `json:"name,omitempty"` // original file name, as it came
	Held        bool              `json:"held"`           // true: the original media is held; false: a record of something published elsewhere
	Source      Source            `json:"source"`
	Times       []Time            `json:"times,omitempty"`  // first is the one in force
	Posted      *Time             `json:"posted,omitempty"` // when it was published; bounds content from above only
	Places      []Place           `json:"places,omitempty"`
	Lane        string            `json:"lane,omitempty"`  // account id whose lane it is drawn in
	Phase       string            `json:"phase,omitempty"` //
	Language    string            `json:"language,omitempty"`
	Sensitivity string            `json:"sensitivity,omitempty"` // none, graphic, personal, source_at_risk
	Harm        Text              `json:"harm,omitempty"`        // names what a viewer would see: "body, blood; 0:12-0:19"
	Alt         Text              `json:"alt,omitempty"`         // alternative text, required to publish a picture
	Rights      Rights            `json:"rights"`
	Public      Public            `json:"public"`
	Axes        Axes              `json:"axes"`
	Workflow    string            `json:"workflow,omitempty"` // todo, in_progress, help_needed, ready_for_review, reviewed, cancelled
	Tags        []string          `json:"tags,omitempty"`
	Entities    []string          `json:"entities,omitempty"`
	Facts       []Fact            `json:"facts,omitempty"`       // metadata read from the bytes, with what each may and may not prove
	Device      string            `json:"device,omitempty"`      // groups files of one clock
	Width       int               `json:"width,omitempty"`       // pixels after orientation
	Height      int               `json:"height,omitempty"`      //
	Orientation int               `json:"orientation,omitempty"` // EXIF 1..8 as stored
	DurationMS  int64             `json:"duration_ms,omitempty"`
	DuplicateOf string            `json:"duplicate_of,omitempty"`
	Hashes      map[string]string `json:"hashes,omitempty"`     // perceptual: pdq, phash
	Redactions  []Redaction       `json:"redactions,omitempty"` // what the public must not see or hear
	Triage      *Triage           `json:"triage,omitempty"`
	Notes       string            `json:"notes,omitempty"`   // internal, never published
	Problem     string            `json:"problem,omitempty"` // why a job could not finish, one sentence
}

func (i *Item) Ref() Ref { return Ref{KindItem, i.ID} }

// Source is where an item came from and from whose side it looks.
type Source struct {
	Name        Text   `json:"name,omitempty"` // who said or published it, as the public record has it
	URL         string `json:"url,omitempty"`
	Citation    string `json:"citation,omitempty"` // printed reference when there is no address
	Platform    string `json:"platform,omitempty"`
	Type        string `json:"type,omitempty"`      // press, official claim, victim video, witness via press, legal, ...
	Perspective string `json:"perspective"`         // citizen, security_forces, victim, press, official, satellite, unknown
	Recording   string `json:"recording,omitempty"` // items that report one recording share this and count once
	Collected   string `json:"collected,omitempty"` // RFC 3339
	Method      string `json:"method,omitempty"`
	Reliability Text   `json:"reliability,omitempty"`
}

// Rights says what may be done with an item.
type Rights struct {
	Licence string `json:"licence,omitempty"`
	Holder  string `json:"holder,omitempty"`
	Consent string `json:"consent,omitempty"` // not_needed, given, refused, not_asked
	Credit  string `json:"credit,omitempty"`
}

// Public is the decision about publishing an item.
type Public struct {
	Decision   string `json:"decision"`             // undecided, publish, withhold
	Reason     Text   `json:"reason,omitempty"`     // why withheld
	Hash       string `json:"hash,omitempty"`       // publish (default), commit, withhold: a digest can identify an uploader
	Media      string `json:"media,omitempty"`      // publish, withhold: the record may be public while its pixels are not
	Faces      string `json:"faces,omitempty"`      // none_seen, redacted, cleared: who looked for faces in the picture decided this
	Commitment string `json:"commitment,omitempty"` // in an edition, where Hash is commit: stands for the digest without telling it
}

// Axis is one independent question about an item.
type Axis struct {
	Status     string   `json:"status"`
	Confidence string   `json:"confidence,omitempty"` // low, medium, high
	Reason     Text     `json:"reason,omitempty"`
	Method     string   `json:"method,omitempty"`
	By         []string `json:"by,omitempty"` // analysts; two different ones make "verified"
	Blind      bool     `json:"blind,omitempty"`
	At         string   `json:"at,omitempty"`
	Pins       string   `json:"pins,omitempty"` // SHA-256 of the inputs that were reviewed; a change makes it stale
}

// Axes are the questions of verification, kept apart on purpose.
type Axes struct {
	Authenticity Axis `json:"authenticity"`
	Source       Axis `json:"source"`
	Place        Axis `json:"place"`
	Time         Axis `json:"time"`
	Content      Axis `json:"content"`
}

// Fact is one value read from a file's bytes or from an outside record of it.
type Fact struct {
	Field string `json:"field"` // e.g. "EXIF:DateTimeOriginal"
	Value string `json:"value"`
	Tool  string `json:"tool,omitempty"`
	Doubt string `json:"doubt,omitempty"` // why this value should not be relied on
}

// Triage is the first, fast judgement made by keyboard.
type Triage struct {
	Relevant    string `json:"relevant,omitempty"` // yes, no, not_assessed
	Reliable    string `json:"reliable,omitempty"`
	RemovalRisk string `json:"removal_risk,omitempty"`
	Safe        string `json:"safe,omitempty"`
	By          string `json:"by,omitempty"`
}

// Derivative is a working copy made from an item, with the recipe to make it
// again.
type Derivative struct {
	ID     string            `json:"id"`   // EJ-014/thumb
	Item   string            `json:"item"` //
	Role   string            `json:"role"` // thumb, preview, poster, proxy, waveform, frames, redacted, transcript, still
	SHA256 string            `json:"sha256"`
	Size   int64             `json:"size"`
	Type   string            `json:"type"`
	Width  int               `json:"width,omitempty"`
	Height int               `json:"height,omitempty"`
	Recipe Recipe            `json:"recipe"`
	Meta   map[string]string `json:"meta,omitempty"`
}

// Recipe says how a derivative was made: tool, version, arguments, inputs.
type Recipe struct {
	Tool          string   `json:"tool"`
	Version       string   `json:"version"`
	Args          []string `json:"args,omitempty"`
	Inputs        []string `json:"inputs"` // SHA-256
	Deterministic bool     `json:"deterministic,omitempty"`
}

func (d *Derivative) Ref() Ref { return Ref{KindDerivative, d.ID} }

// Observation is what can be seen or heard in a part of an item. It states
// only what is visible.
type Observation struct {
	ID       string    `json:"id"` // EJ-014.3
	Item     string    `json:"item"`
	Text     Text      `json:"text"`
	FromMS   *int64    `json:"from_ms,omitempty"` // media time
	ToMS     *int64    `json:"to_ms,omitempty"`
	Region   []float64 `json:"region,omitempty"` // x, y, w, h as fractions of the picture
	Point    []float64 `json:"point,omitempty"`
	Entities []string  `json:"entities,omitempty"`
	Times    []Time    `json:"times,omitempty"`
	Places   []Place   `json:"places,omitempty"`
	Speaker  string    `json:"speaker,omitempty"`
	By       string    `json:"by,omitempty"`
}

func (o *Observation) Ref() Ref { return Ref{KindObservation, o.ID} }

// Entity is a person, unit, vehicle, weapon, call sign or place.
type Entity struct {
	ID        string   `json:"id"`   // N-01
	Type      string   `json:"type"` // person, unit, vehicle, weapon, call_sign, place, organisation
	Name      Text     `json:"name"`
	Aliases   []string `json:"aliases,omitempty"`
	Note      Text     `json:"note,omitempty"`
	Items     []string `json:"items,omitempty"` // where observed or named
	Sensitive bool     `json:"sensitive,omitempty"`
}

func (e *Entity) Ref() Ref { return Ref{KindEntity, e.ID} }
