#!/bin/sh
# Reproduces the figures of docs/methods/sound.md: builds the program, scores it
# and the baseline on the shared problems and on pairs of another seed, counts
# false accepts, and measures drift and speed. PYTHON names an interpreter with
# numpy and scipy. The whole takes many minutes; name parts to run fewer:
#   bench/sound.sh score pairs negatives drift speed
set -eu
cd "$(dirname "$0")/.."
bench=$PWD/../shared/bench/time
[ -d "$bench" ] || { echo "the shared time bench is not beside this checkout" >&2; exit 1; }
py=${PYTHON:-/usr/bin/python3}
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
here=$PWD
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
CGO_ENABLED=0 go build -o "$out/sightline" ./cmd/sightline
CGO_ENABLED=0 go test -c -o "$out/sound.test" ./sound
for part in ${*:-score pairs negatives drift speed}; do
	echo "== $part"
	case $part in
	score)
		for bin in "$out/sightline" "$bench/baseline.py"; do
			echo "$bin"
			"$py" "$bench/compare.py" --bin "$bin" bbc onsets realsync pairs locate degenerate
		done ;;
	pairs)
		"$py" -c "import sys; sys.path.insert(0, sys.argv[1]); import compare; compare.pairs(compare.Bin(sys.argv[2]), seed=4711, count=160)" "$bench" "$out/sightline" ;;
	negatives)
		"$py" "$here/bench/sound_negatives.py" "$bench" "$out/negatives" 5 60
		SOUND_NEGATIVES=$out/negatives "$out/sound.test" -test.v -test.run NegativesDump | tail -4 ;;
	drift)
		SOUND_LONG=5 "$out/sound.test" -test.v -test.run DriftOverTenMinutes ;;
	speed)
		"$out/sound.test" -test.run XXX -test.bench 'FFT|SyncHour' -test.benchtime 3x
		SOUND_FILES=60 "$out/sound.test" -test.run XXX -test.bench SyncMany -test.benchtime 1x ;;
	*)
		echo "no part is called $part" >&2; exit 2 ;;
	esac
done
