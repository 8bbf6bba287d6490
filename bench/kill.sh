#!/bin/sh
# Kills a process that adds items N times (default 200) at random moments with
# signal 9 and checks after each that no acknowledged item is lost.
set -eu
cd "$(dirname "$0")/.."
SIGHTLINE_KILLS="${1:-200}" CGO_ENABLED=0 go test ./archive -run '^TestKill$' -count=1 -v -timeout 30m
