#!/bin/sh
# Measures intake: 60 synthetic files (25 videos, 20 photos, 6 recordings, 9
# texts), about 2 GB, taken in and worked on by sightline, against sha256sum,
# exiftool and ffmpeg doing the same work alone on the same files.
#
#   bench/ingest.sh SIGHTLINE [FOLDER]     SIGHTLINE is the binary
#   MB=400 bench/ingest.sh ...             a smaller set
#
# Prints seconds. Goal: at most 120 s, and at most 1.3 times the tools alone,
# on 2 cores. "described" is add plus everything but the video proxies.
# Wall clock only: the processor time of programs in the sandbox does not reach
# the shell's count, so it cannot stand beside that of the tools alone.
set -eu
sl=$(realpath "$1"); dir=${2:-$(mktemp -d)}; mb=${MB:-2000}
mkdir -p "$dir/in"; cd "$dir"
if [ ! -f in/.made ]; then
	per=$((mb * 1024 / 25)) # KiB for each video, nearly all of the bytes
	i=0; while [ $i -lt 25 ]; do
		# 12 s of moving pattern and tone; padding in a free box brings it to size without decoding cost
		ffmpeg -hide_banner -loglevel error -y -f lavfi -i "testsrc2=size=1280x720:rate=30:duration=12" -f lavfi -i "sine=frequency=$((300 + i * 10)):duration=12" \
			-c:v libx264 -preset ultrafast -b:v 12M -minrate 12M -maxrate 12M -bufsize 6M -x264-params nal-hrd=cbr -c:a aac -metadata creation_time=2018-01-15T13:0$((i % 10)):00Z in/video$i.mp4
		have=$(($(wc -c <in/video$i.mp4) / 1024)); need=$((per - have))
		if [ $need -gt 0 ]; then
			python3 -c "
import os,struct,sys
n=$need*1024
with open('in/video$i.mp4','ab') as f:
    f.write(struct.pack('>I4sQ',1,b'free',n))
    n-=16
    while n>0:
        k=min(n,1<<20); f.write(os.urandom(k)); n-=k
"
		fi
		i=$((i + 1))
	done
	i=0; while [ $i -lt 20 ]; do
		ffmpeg -hide_banner -loglevel error -y -f lavfi -i "testsrc2=size=4000x3000:rate=1:duration=1,noise=alls=$((10 + i)):allf=t" -frames:v 1 -q:v 3 in/photo$i.jpg
		exiftool -q -overwrite_original -Orientation#=$((i % 8 + 1)) -DateTimeOriginal="2018:01:15 09:0$((i % 10)):00" -GPSLatitude=10.46 -GPSLatitudeRef=N -GPSLongitude=67.07 -GPSLongitudeRef=W in/photo$i.jpg
		i=$((i + 1))
	done
	i=0; while [ $i -lt 6 ]; do
		ffmpeg -hide_banner -loglevel error -y -f lavfi -i "sine=frequency=$((400 + i * 30)):duration=60" -ac 1 in/sound$i.wav; i=$((i + 1))
	done
	i=0; while [ $i -lt 9 ]; do echo "post $i" >in/post$i.txt; i=$((i + 1)); done
	touch in/.made
fi
mkdir -p files; for f in in/*; do ln -f "$f" files/; done
echo "files: $(ls files | wc -l), $(du -sm files | cut -f1) MB, $(nproc) cores"
seconds() { date +%s.%N; }
past() { echo "$1 $(seconds)" | awk '{printf "%.1f", $2 - $1}'; }
cat files/* >/dev/null # both sides read a warm cache

# The tools alone, two at a time where one does not use both cores.
rm -rf alone; mkdir alone
t=$(seconds); sha256sum files/* >alone/sums; a=$(past $t)
t=$(seconds); exiftool -q -json -G1 -n files >alone/tags.json; b=$(past $t)
t=$(seconds)
ls files/*.jpg | xargs -P2 -I{} sh -c 'n=$(basename {}); ffmpeg -hide_banner -loglevel error -y -i {} -filter_complex "[0:v]split=2[a][b];[a]scale=1600:-2[p];[b]scale=320:-2[t]" -map "[p]" -frames:v 1 -update 1 alone/$n-p.jpg -map "[t]" -frames:v 1 -update 1 alone/$n-t.jpg'
ls files/*.mp4 | xargs -P2 -I{} sh -c 'n=$(basename {}); ffmpeg -hide_banner -loglevel error -y -ss 1.2 -i {} -filter_complex "[0:v]split=2[a][b];[a]scale=1280:-2[p];[b]scale=320:-2[t]" -map "[p]" -frames:v 1 -update 1 alone/$n-p.jpg -map "[t]" -frames:v 1 -update 1 alone/$n-t.jpg'
ls files/*.mp4 files/*.wav | xargs -P2 -I{} sh -c 'ffmpeg -hide_banner -loglevel error -y -i {} -map 0:a:0 -vn -ac 1 -ar 16000 -f s16le - | cat >/dev/null'
c=$(past $t)
t=$(seconds)
if [ -z "${NOPROXY:-}" ]; then
	for f in files/*.mp4; do ffmpeg -hide_banner -loglevel error -y -i $f -map 0:v:0 -map 0:a:0 -vf scale=-2:480 -c:v libx264 -preset veryfast -crf 25 -g 48 -pix_fmt yuv420p -c:a aac -b:a 96k -movflags +faststart alone/proxy.mp4; done
fi
d=$(past $t)
echo "alone: sha256sum $a, exiftool $b, thumbnails posters waveforms $c, proxies $d"

export SIGHTLINE_HOME="$dir/home"; rm -rf case; "$sl" new case --prefix B >/dev/null
t=$(seconds); "$sl" add --case case --reason bench files >/dev/null; e=$(past $t)
t=$(seconds); "$sl" work --case case --lanes cpu --until-idle; f=$(past $t)
t=$(seconds); [ -n "${NOPROXY:-}" ] || "$sl" work --case case --lanes video --until-idle; g=$(past $t)
echo "sightline: add $e, described and thumbnailed $f, proxies $g"
echo "$a $b $c $d $e $f $g" | awk '{printf "described: %.1f s against %.1f s alone, ratio %.2f; with proxies ratio %.2f\n", $5+$6, $1+$2+$3, ($5+$6)/($1+$2+$3), ($5+$6+$7)/($1+$2+$3+$4)}'
