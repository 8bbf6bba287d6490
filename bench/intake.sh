#!/bin/sh
# The figures of the call for evidence (docs/methods/call.md): all tests of the
# server at the numbers of the goal, 2 GiB without a script, the flood beside
# the desk. About half an hour on two cores; SIGHTLINE names the program.
set -eu
cd "$(dirname "$0")/.."
SIGHTLINE_FULL=1 CGO_ENABLED=0 go test ./call -count=1 -v -timeout 60m
CGO_ENABLED=0 go test ./call -run '^$' -bench 'LaneB' -benchtime 1x -timeout 30m
node bench/intake_flood.mjs "${1:-20}" "${2:-3}"
