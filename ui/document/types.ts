// The case document as the server sends it: a mirror of the Go package
// sightline (document.go, item.go, claim.go, case.go, finding.go,
// time_place.go). Field names are the Go json tags. Fields that Go leaves out
// when empty are optional here.

/** One text in several languages, keyed by BCP 47 tag. */
export type Text = Record<string, string>;

export type Status = 'none' | 'claimed' | 'estimated' | 'verified' | 'disputed' | 'refuted';

/** When something happened: an interval in UTC milliseconds, both ends included, null = open, with its reason. */
export interface Time {
  min: number | null;
  max: number | null;
  zone?: string;
  precision?: 'about' | 'minute' | 'interval' | 'before' | 'after' | 'day' | 'estimate' | 'derived' | 'unknown' | '';
  printed?: string;
  best?: number;
  status?: Status | '';
  basis?: Text;
  inferred?: boolean;
  finding?: string;
  /** True: it lasted the whole interval; false: it happened somewhere inside it. */
  whole?: boolean;
}

export interface Geo {
  lat: number;
  lon: number;
  h?: number;
  datum?: 'ellipsoid' | 'egm96' | 'unknown' | '';
}

/** 95 % region on the ground; bearing of the major axis, clockwise from true north. */
export interface Ellipse {
  semi_major_m: number;
  semi_minor_m: number;
  bearing_deg: number;
}

/** x right, y down, z forward; rotation [w,x,y,z] world to camera; pixel (0,0) is the outer corner of the top-left pixel. */
export interface Camera {
  width: number;
  height: number;
  position: [number, number, number];
  rotation: [number, number, number, number];
  focal_px: number;
  principal_point: [number, number];
  k1?: number;
  /** 6x6, order e n u wx wy wz, metres and radians. */
  covariance?: number[][];
  /** False: stated by somebody, drawn dashed. */
  solved: boolean;
}

export interface Place {
  role: 'camera' | 'subject' | 'caller' | 'called' | 'area' | string;
  form: 'camera' | 'point' | 'area' | 'named' | string;
  label?: Text;
  geo?: Geo;
  enu?: [number, number, number];
  /** 95 %. */
  radius_m?: number;
  ellipse?: Ellipse;
  /** Ring of east, north metres. */
  area?: [number, number][];
  camera?: Camera;
  target?: [number, number, number];
  approx?: boolean;
  status?: Status | '';
  basis?: Text;
  finding?: string;
  fuzz_m?: number;
  withheld?: boolean;
}

export interface Source {
  name?: Text;
  url?: string;
  citation?: string;
  platform?: string;
  type?: string;
  perspective: 'citizen' | 'security_forces' | 'victim' | 'press' | 'official' | 'satellite' | 'unknown' | string;
  recording?: string;
  collected?: string;
  method?: string;
  reliability?: Text;
}

export interface Rights {
  licence?: string;
  holder?: string;
  consent?: 'not_needed' | 'given' | 'refused' | 'not_asked' | '';
  credit?: string;
}

export interface Public {
  decision: 'undecided' | 'publish' | 'withhold' | '';
  reason?: Text;
  hash?: 'publish' | 'commit' | 'withhold' | '';
  media?: 'publish' | 'withhold' | '';
  /** Who looked for faces in the picture decided this. */
  faces?: 'none_seen' | 'redacted' | 'cleared' | '';
  /** In an edition, where hash is "commit": stands for the digest without telling it. */
  commitment?: string;
}

/** Where the corners of a region are at one moment, as fractions of the upright picture. */
export interface RedactionKey {
  at_ms: number;
  points: [number, number][];
}

/** A part of an item that must not be seen or heard in public. */
export interface Redaction {
  id: string;
  kind: 'region' | 'voice' | 'range';
  shape?: 'rect' | 'polygon';
  keys?: RedactionKey[];
  from_ms?: number;
  to_ms?: number;
  fill?: 'silence' | 'tone';
  caption?: Text;
  reason?: Text;
  by?: string;
}

export interface Axis {
  status: string;
  confidence?: 'low' | 'medium' | 'high' | '';
  reason?: Text;
  method?: string;
  by?: string[];
  blind?: boolean;
  at?: string;
  pins?: string;
}

export interface Axes {
  authenticity: Axis;
  source: Axis;
  place: Axis;
  time: Axis;
  content: Axis;
}

export interface Fact {
  field: string;
  value: string;
  tool?: string;
  doubt?: string;
}

export interface Triage {
  relevant?: 'yes' | 'no' | 'not_assessed' | '';
  reliable?: string;
  removal_risk?: string;
  safe?: string;
  by?: string;
}

export type Media = 'photo' | 'video' | 'audio' | 'post' | 'document' | 'record' | 'image';

export interface Item {
  id: string;
  title: Text;
  seen?: Text;
  media: Media | string;
  sha256: string;
  size: number;
  type: string;
  name?: string;
  /** True: the original media is held; false: a record of something published elsewhere. */
  held: boolean;
  source: Source;
  /** The first is the one in force. */
  times?: Time[];
  posted?: Time;
  places?: Place[];
  lane?: string;
  phase?: string;
  language?: string;
  sensitivity?: 'none' | 'graphic' | 'personal' | 'source_at_risk' | '';
  harm?: Text;
  alt?: Text;
  rights: Rights;
  public: Public;
  axes: Axes;
  workflow?: 'todo' | 'in_progress' | 'help_needed' | 'ready_for_review' | 'reviewed' | 'cancelled' | '';
  tags?: string[];
  entities?: string[];
  facts?: Fact[];
  device?: string;
  width?: number;
  height?: number;
  orientation?: number;
  duration_ms?: number;
  duplicate_of?: string;
  hashes?: Record<string, string>;
  redactions?: Redaction[];
  triage?: Triage;
  notes?: string;
  problem?: string;
}

export interface Recipe {
  tool: string;
  version: string;
  args?: string[];
  inputs: string[];
  deterministic?: boolean;
}

export interface Derivative {
  id: string;
  item: string;
  role: 'thumb' | 'preview' | 'poster' | 'proxy' | 'waveform' | 'frames' | 'redacted' | 'transcript' | 'still' | string;
  sha256: string;
  size: number;
  type: string;
  width?: number;
  height?: number;
  recipe: Recipe;
  meta?: Record<string, string>;
}

export interface Observation {
  id: string;
  item: string;
  text: Text;
  from_ms?: number;
  to_ms?: number;
  /** x, y, w, h as fractions of the picture. */
  region?: number[];
  point?: number[];
  entities?: string[];
  times?: Time[];
  places?: Place[];
  speaker?: string;
  by?: string;
}

export interface Entity {
  id: string;
  type: 'person' | 'unit' | 'vehicle' | 'weapon' | 'call_sign' | 'place' | 'organisation' | string;
  name: Text;
  aliases?: string[];
  note?: Text;
  items?: string[];
  sensitive?: boolean;
}

export interface Finding {
  id: string;
  about: string[];
  axis: 'place' | 'time' | 'authenticity' | 'source' | 'content' | string;
  method: string;
  text: Text;
  inputs?: string[];
  problem?: unknown;
  answer?: unknown;
  software?: string;
  analyst?: string;
  review?: 'self-checked' | 'verified' | 'needs_re-review' | '';
  public: boolean;
  alternatives_considered?: Text;
}

export interface Event {
  id: string;
  title: Text;
  times?: Time[];
  places?: Place[];
  entities?: string[];
  items?: string[];
  phase?: string;
  account?: string;
}

export type ClaimStatus = 'supported' | 'partly' | 'unsupported' | 'contested' | 'contradicted';

export interface Claim {
  id: string;
  account: string;
  text: Text;
  items: string[];
  status: ClaimStatus | '';
  reason?: Text;
  time?: Time;
  places?: Place[];
  for?: Link[];
  against?: Link[];
  unknown?: Text[];
  not_shown?: Text;
  public: boolean;
  /** Claims that answer one question differently share this word. */
  question?: string;
}

export interface Link {
  to: string;
  strength?: 'strong' | 'moderate' | 'weak' | '';
  reason?: Text;
  recording?: string;
}

export interface Account {
  id: string;
  letter: string;
  title: Text;
  note?: Text;
  order: number;
  lane: boolean;
}

export interface Constraint {
  id: string;
  from: string;
  to: string;
  min: number | null;
  max: number | null;
  evidence: string[];
  accounts?: string[];
  strength: 'physical' | 'firm' | 'claim' | string;
  text?: Text;
}

export type Certainty = 'measured' | 'derived' | 'from_plans' | 'conjectural';

export interface Layer {
  id: string;
  title: Text;
  class: Certainty;
  accuracy_m?: number;
  date?: string;
  licence?: string;
  attribution?: string;
  sha256?: string;
  file: string;
  type?: string;
  size?: number;
}

export interface Gap {
  id: string;
  title: Text;
  time?: Time;
  rival?: Time;
  places?: Place[];
  text?: Text;
  asked?: Text;
  items?: string[];
  /** Items that came because it was asked for, and the one that fills the gap. */
  answers?: string[];
  closed?: string;
  public: boolean;
}

export interface Story {
  id: string;
  title: Text;
  intro?: Text;
  steps: Step[];
  public: boolean;
}

export interface Step {
  id: string;
  phase?: string;
  title: Text;
  text: Text;
  time?: Time;
  view: View;
  still_alt?: Text;
  claim?: string;
}

/** A saved state. An undeclared target keeps its value. */
export interface View {
  clock?: number;
  camera?: ViewCamera;
  select?: string;
  layers?: Record<string, boolean>;
  accounts?: string[];
  projectors?: Record<string, number>;
  media?: string[];
  duration_ms?: number;
}

/** A free camera: eye and target in the scene frame (metres), vertical field of view (degrees). item: look through it. */
export interface ViewCamera {
  eye: [number, number, number];
  target: [number, number, number];
  vfov_deg: number;
  item?: string;
}

export interface Edition {
  id: string;
  number: number;
  date: string;
  manifest_sha256: string;
  head: number;
  items: string[];
  notes?: Text;
}

export interface Head {
  size: number;
  root: string;
  at: string;
}

export interface Phase {
  id: string;
  title: Text;
  time?: Time;
}

export interface Case {
  id: string;
  prefix: string;
  title: Text;
  summary?: Text;
  zone: string;
  date?: string;
  languages: string[];
  place?: Place;
  standard?: Text;
  exercise?: boolean;
  notes?: Text;
  phases?: Phase[];
  method?: Text;
  limits?: Text;
  unverified?: Text;
  contact?: Text;
}

/** One person's answer to one question about one item; what follows from answers is computed by the server. */
export interface Review {
  id: string;
  about: string;
  axis: string;
  person: string;
  name?: string;
  state: 'open' | 'done' | 'cancelled' | 'set_aside';
  blind?: boolean;
  asked?: string;
  asked_by?: string;
  due?: string;
  at?: string;
  order?: number;
  did?: string[];
  answer?: { place?: Place; time?: Time; status?: string };
  reason?: string;
  pins?: string;
}

export interface Comment {
  id: string;
  about: string;
  axis?: string;
  text: string;
  at_ms?: number;
  frame?: number;
  region?: number[];
  point?: number[];
  reply_to?: string;
  person: string;
  name?: string;
  at: string;
  resolved?: boolean;
}

export interface Document {
  reviews?: Review[];
  comments?: Comment[];
  format: 'sightline.document/1' | string;
  case: Case;
  items: Item[];
  derivatives: Derivative[];
  observations: Observation[];
  entities: Entity[];
  findings: Finding[];
  events: Event[];
  claims: Claim[];
  accounts: Account[];
  constraints: Constraint[];
  layers: Layer[];
  gaps: Gap[];
  stories: Story[];
  editions: Edition[];
  head: Head;
}

export type Lang = 'en' | 'es';

/** The text in the language asked for, else in another one that has it, else "". */
export function say(text: Text | undefined | null, lang: string): string {
  if (!text) return '';
  return text[lang] || text['en'] || text['es'] || Object.values(text)[0] || '';
}
