#!/bin/sh
# Kills a process that adds items with signal 9: N times (default 200) at
# random moments, and at its first K calls (default 12) of each system call that
# makes bytes safe, where strace is here. After each kill no acknowledged item
# may be lost and the case has to check.
set -eu
cd "$(dirname "$0")/.."
SIGHTLINE_KILLS="${1:-200}" SIGHTLINE_POINTS="${2:-12}" CGO_ENABLED=0 \
	go test ./archive -run '^TestKill' -count=1 -v -timeout 30m
