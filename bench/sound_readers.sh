#!/bin/sh
# Opens the exports of the master clock with independent readers: Praat for
# TextGrid, ffmpeg for SRT and WebVTT, xmllint for what is XML (Debian: praat
# ffmpeg libxml2-utils). A reader that is
# not installed is named and left out. Needs a case with recordings on the clock:
#   bench/sound_readers.sh SIGHTLINE CASE
set -eu
bin=$1 case=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for f in otio fcpxml edl offsets srt vtt eaf textgrid; do
	"$bin" export $f --case "$case" -o "$out/t.$f" >/dev/null
done
has() { command -v "$1" >/dev/null || { echo "$2: not tried, $1 is not installed"; return 1; }; }
if has praat textgrid; then
	cp "$out/t.textgrid" "$out/t.TextGrid"
	cat >"$out/read.praat" <<-'END'
		form Read
		  sentence file
		endform
		Read from file: file$
		n = Get number of tiers
		end = Get end time
		words = 0
		for t to n
		  i = Is interval tier: t
		  if i
		    k = Get number of intervals: t
		    for j to k
		      s$ = Get label of interval: t, j
		      if s$ <> ""
		        words = words + 1
		      endif
		    endfor
		  endif
		endfor
		writeInfoLine: n, " tiers, ", words, " intervals with words, ", fixed$ (end, 3), " s"
	END
	echo "textgrid: Praat reads $(praat --run "$out/read.praat" "$out/t.TextGrid")"
fi
for f in srt vtt; do
	if has ffprobe $f; then
		echo "$f: ffmpeg reads $(ffprobe -v error -show_entries packet=pts_time -of csv=p=0 "$out/t.$f" | grep -c .) cues"
	fi
done
if has xmllint "eaf, fcpxml"; then
	for f in eaf fcpxml; do
		xmllint --noout "$out/t.$f" && echo "$f: well-formed (no schema of it is at hand)"
	done
fi
# What was not touched comes back unchanged.
for f in otio fcpxml edl offsets; do
	echo "$f: comes back: $("$bin" time import --case "$case" --dry-run "$out/t.$f" | tail -1)"
done
