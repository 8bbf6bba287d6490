#!/bin/sh
# Reproduces the figures of docs/methods/place.md: builds the program, solves
# the shared camera problems and a twin set with another seed, and prints the
# evaluators' tables. Needs python3 with numpy. PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
bench=$root/../shared/bench/camera
[ -d "$bench" ] || { echo "the shared camera bench is not beside this checkout" >&2; exit 1; }
py=${PYTHON:-/usr/bin/python3}
export OPENBLAS_NUM_THREADS=1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
go build -o "$out/sightline" ./cmd/sightline
solve() { "$out/sightline" camera solve --json --timing "$1" > "$2"; }
cd "$bench"

echo "synthetic set"
solve synth/problems.jsonl "$out/a.jsonl"
"$py" eval.py synth/problems.jsonl synth/truth.jsonl "$out/a.jsonl"
echo "twin set, seed 7"
"$py" gen_synth.py "$out/twin" --seed 7
solve "$out/twin/problems.jsonl" "$out/b.jsonl"
"$py" eval.py "$out/twin/problems.jsonl" "$out/twin/truth.jsonl" "$out/b.jsonl"
echo "smapshot"
solve smapshot/problems.jsonl "$out/c.jsonl"
"$py" eval_clicks.py smapshot/problems.jsonl "$out/c.jsonl" --archive smapshot/archive.jsonl
echo "smapshot, one planted mistake"
"$py" plant_wrong.py smapshot/problems.jsonl 1 7 "$out/p.jsonl" "$out/flags.jsonl"
solve "$out/p.jsonl" "$out/d.jsonl"
"$py" eval_clicks.py "$out/p.jsonl" "$out/d.jsonl" --flags "$out/flags.jsonl"
echo "chessboard"
solve chessboard/problems.jsonl "$out/e.jsonl"
"$py" eval.py chessboard/problems.jsonl chessboard/truth.jsonl "$out/e.jsonl"
echo "speed: cpu-ns/op is processor time"
cd "$root"
go test ./sight -run XXX -bench . -benchtime 1s
echo "exercise: scripted clicks of 1 px on every camera, seeds 1 to 3"
for seed in 1 2 3; do
	"$out/sightline" exercise --seed "$seed" -o "$out/exercise$seed" --size full --no-video > /dev/null
	"$out/sightline" exercise --score "$out/exercise$seed/truth/truth.json" --rounds 20
done
echo "search on invented countries (12 photos; some minutes)"
SIGHTLINE_LONG=1 go test ./sight -run 'TestFindOnRenderedGround|TestSolvePanorama|TestLayOnGround' -v -timeout 30m | grep -v '^==='
