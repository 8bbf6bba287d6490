import {
  AudioLines, Check, ChevronDown, ChevronLeft, ChevronRight, ChevronUp, Clapperboard, Clock, Download, ExternalLink, Eye, EyeOff, FileText, Frame, Image,
  LayoutGrid, Link, ListTree, MapPin, Menu, MessageSquare, PanelBottom, PanelLeft, PanelRight, Pause, Pencil, Play, Plus, Redo2, RotateCcw, Satellite, ScrollText, Search,
  SkipBack, SkipForward, StepBack, StepForward, Table, TriangleAlert, Undo2, Upload, Video, Volume2, VolumeX, X, Camera, Trash2, type IconNode,
} from 'lucide';

/** The line icons of the desk, by what they mean here. */
export const ICONS = {
  video: Video, photo: Image, audio: AudioLines, post: MessageSquare, document: FileText, record: ScrollText, image: Satellite,
  search: Search, down: ChevronDown, up: ChevronUp, left: ChevronLeft, right: ChevronRight, play: Play, pause: Pause, prev: SkipBack, next: SkipForward,
  back: StepBack, forward: StepForward, hide: EyeOff, show: Eye, mute: VolumeX, sound: Volume2, grid: LayoutGrid, table: Table, edit: Pencil, add: Plus, close: X,
  check: Check, warn: TriangleAlert, undo: Undo2, redo: Redo2, upload: Upload, download: Download, external: ExternalLink, link: Link, place: MapPin, time: Clock,
  frame: Frame, story: Clapperboard, camera: Camera, trash: Trash2, menu: Menu, tree: ListTree, retry: RotateCcw, panelLeft: PanelLeft, panelRight: PanelRight, panelBottom: PanelBottom,
} satisfies Record<string, IconNode>;

export type IconName = keyof typeof ICONS;
