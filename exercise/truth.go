package exercise

import (
	"encoding/json"
	"fmt"

	"sightline/sight"
)

// TruthFormat is the value of Truth.Format.
const TruthFormat = "sightline.exercise.truth/2"

// Truth is the answer sheet. Positions are metres east, north, up of the
// scene frame; times are UTC milliseconds; pixels are those of the picture as
// shown, after its orientation, (0,0) at the outer corner of the top left one.
type Truth struct {
	Format  string `json:"format"`
	Marked  string `json:"marked"` // says that all of this is invented
	Seed    uint64 `json:"seed"`
	Size    string `json:"size"`
	Zone    string `json:"zone"`
	FrameID string `json:"frame_id"` // of the scene that case/scene.json builds

	Origin Origin  `json:"origin"`
	AirC   float64 `json:"air_c"`     // degrees Celsius
	SoundC float64 `json:"sound_mps"` // 331.3 sqrt(1 + T/273.15)

	Devices []Device `json:"devices"`
	Images  []Image  `json:"images"`
	Videos  []Video  `json:"videos"`
	Sounds  []Sound  `json:"sounds"`
	Sources []Sonic  `json:"sound_sources"` // shots, horns, and those of another event
	Posts   []Post   `json:"posts"`

	// Official is what the planted false communique says, and the truth.
	Official struct {
		Item      string `json:"item"`
		Claim     string `json:"claim"`
		SaysMS    int64  `json:"says_utc_ms"`
		FirstShot int64  `json:"first_shot_utc_ms"`
	} `json:"official"`

	Planted []Planted `json:"planted"`

	// Left says what this machine could not make.
	Left []string `json:"left_out,omitempty"`
}

// Origin is the frame's origin: WGS84 degrees, metres above the ellipsoid.
type Origin struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
	H   float64 `json:"h"`
}

// Device is one camera, phone or recorder with one clock.
type Device struct {
	ID    string `json:"id"`
	Make  string `json:"make"`
	Model string `json:"model"`
	// OffsetMS is the device's clock minus the true time. What the device
	// writes is true time plus this.
	OffsetMS int64 `json:"offset_ms"`
	// ZoneStated: the device writes its offset from UTC beside its time.
	ZoneStated bool `json:"zone_stated"`
}

// Camera is a pose; the fields are those of [sight.Camera].
type Camera struct {
	Width     int        `json:"width"`
	Height    int        `json:"height"`
	Position  [3]float64 `json:"position"`
	Rotation  [4]float64 `json:"rotation"`
	FocalPx   float64    `json:"focal_px"`
	Principal [2]float64 `json:"principal_point"`
	K1        float64    `json:"k1"`
}

func cameraOf(c sight.Camera) Camera {
	return Camera{c.Width, c.Height, c.Position, c.Rotation, c.FocalPx, c.PrincipalPoint, c.K1}
}

// Sight is the camera as package sight takes it.
func (c Camera) Sight() sight.Camera {
	return sight.Camera{Width: c.Width, Height: c.Height, Position: c.Position, Rotation: c.Rotation, FocalPx: c.FocalPx, PrincipalPoint: c.Principal, K1: c.K1}
}

// Pixel is where a named point of the scene falls. Visible: nothing stands
// before it and it lies inside the picture.
type Pixel struct {
	ID      string     `json:"id"`
	At      [3]float64 `json:"at"`
	Px      [2]float64 `json:"px"`
	Visible bool       `json:"visible"`
}

// ShadowTip is the shadow of a point on the ground.
type ShadowTip struct {
	Of  string     `json:"of"` // the point that casts it
	Top [3]float64 `json:"top"`
	Tip [3]float64 `json:"tip"`
	// Pixels, where the point falls inside the picture unhidden.
	TopPx *[2]float64 `json:"top_px,omitempty"`
	TipPx *[2]float64 `json:"tip_px,omitempty"`
}

// Image is one photo.
type Image struct {
	Item     string      `json:"item"`
	File     string      `json:"file"`
	Device   string      `json:"device"`
	TimeMS   int64       `json:"utc_ms"`
	F35      float64     `json:"f35_mm"` // by the diagonal of 43.27 mm
	Camera   Camera      `json:"camera"`
	HouseM   float64     `json:"house_m"` // distance to the house
	SunAz    float64     `json:"sun_azimuth_deg"`
	SunEl    float64     `json:"sun_elevation_deg"`
	Points   []Pixel     `json:"points"`
	Shadows  []ShadowTip `json:"shadows"`
	Stored   int         `json:"exif_orientation"` // 1, or 6: stored turned
	EXIF     bool        `json:"exif"`             // false: stripped
	GPS      bool        `json:"gps"`
	GPSErrM  float64     `json:"gps_error_m,omitempty"`
	CopyOf   string      `json:"copy_of,omitempty"`   // item it was made from
	CopyKind string      `json:"copy_kind,omitempty"` // crop, reencode, screenshot
	// Ground is the footprint of the satellite picture: corners of the picture
	// from its top left clockwise, on the ground. Empty for photos.
	Ground [][3]float64 `json:"ground,omitempty"`
	// Scale and Shift take pixels of the original to this picture:
	// px = Scale * original + Shift.
	Scale float64    `json:"scale,omitempty"`
	Shift [2]float64 `json:"shift,omitempty"`
}

// Video is one clip. Frame k is at StartMS + 1000 k / FPS, its sound begins
// with frame 0.
type Video struct {
	Item     string    `json:"item"`
	File     string    `json:"file"`
	Device   string    `json:"device"`
	Motion   string    `json:"motion"` // still (on a stand), turning (about its centre), walking
	StartMS  float64   `json:"utc_ms"`
	FPS      float64   `json:"fps"`
	F35      float64   `json:"f35_mm"`
	Cameras  []Camera  `json:"cameras"` // one a frame; one alone where nothing of it changes
	Points   []Pixel   `json:"points"`  // in the first frame
	Keys     []Key     `json:"keys"`    // once a second
	Arrivals []Arrival `json:"arrivals,omitempty"`
	// Created is what the file's creation time means: utc (the device's clock
	// in UTC), local (its wall clock written where UTC belongs), or empty
	// where it has none.
	Created string `json:"creation_time,omitempty"`
	// CopyOf is the item it was made from, CopyKind reencode or excerpt. Pixels
	// are Scale times those of the original; its first frame is CutS seconds
	// into the original. The other fields are those of the copy.
	CopyOf   string  `json:"copy_of,omitempty"`
	CopyKind string  `json:"copy_kind,omitempty"`
	Scale    float64 `json:"scale,omitempty"`
	CutS     float64 `json:"cut_s,omitempty"`
	// OtherEvent: it shows something else than what it is passed on as.
	OtherEvent bool `json:"other_event,omitempty"`
}

// Key is a frame with the named points in it.
type Key struct {
	Frame  int     `json:"frame"`
	Points []Pixel `json:"points"`
}

// At is the camera of a frame.
func (v *Video) At(frame int) Camera { return v.Cameras[min(frame, len(v.Cameras)-1)] }

// Planted is a trap or duty of the case that no other list names.
type Planted struct {
	Kind string      `json:"kind"` // deleted, blur, other_event
	Item string      `json:"item"`
	Note string      `json:"note"`
	ENU  *[3]float64 `json:"enu,omitempty"` // blur: what an edition must not show
}

// Sound is one recording with a position. Sample n is at StartMS + 1000 n / Rate
// true time.
type Sound struct {
	Item     string     `json:"item"`
	File     string     `json:"file"`
	Device   string     `json:"device"`
	StartMS  float64    `json:"utc_ms"`
	Rate     int        `json:"rate"`
	Samples  int        `json:"samples"`
	Position [3]float64 `json:"position"`
	Radio    bool       `json:"radio,omitempty"` // a radio clip: no shots, no position of its own
	Arrivals []Arrival  `json:"arrivals,omitempty"`
}

// Arrival is when a sound reaches the recorder, seconds into the file.
type Arrival struct {
	Source string  `json:"source"`
	At     float64 `json:"at_s"`
	RangeM float64 `json:"range_m"`
}

// Sonic is a source of sound.
type Sonic struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind"` // shot, horn; firecracker: of the other event
	TimeMS   float64    `json:"utc_ms"`
	Position [3]float64 `json:"position"`
}

// Post is a post, transcript or document of the records. Transcripts have no
// time of posting.
type Post struct {
	Item     string `json:"item"`
	PostedMS int64  `json:"posted_utc_ms,omitempty"`
	Says     string `json:"says"`
}

// ReadTruth reads truth.json.
func ReadTruth(b []byte) (*Truth, error) {
	var t Truth
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("the truth of the exercise is not readable: %w", err)
	}
	if t.Format != TruthFormat {
		return nil, fmt.Errorf("format %q: this program reads %q", t.Format, TruthFormat)
	}
	return &t, nil
}
