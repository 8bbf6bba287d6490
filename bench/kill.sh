#!/bin/sh
# Kills a process that adds items with signal 9: N times (default 200) at
# random moments, and at its first K calls (default 12) of each system call that
# makes bytes safe, where strace is here. After each kill no acknowledged item
# may be lost and the case has to check. Then each of those calls fails instead
# (EIO, ENOSPC), and 10,000 power cuts are played on a model of a disk.
set -eu
cd "$(dirname "$0")/.."
SIGHTLINE_KILLS="${1:-200}" SIGHTLINE_POINTS="${2:-12}" CGO_ENABLED=0 \
	go test ./archive -run '^Test(Kill|Errors)' -count=1 -v -timeout 60m
SIGHTLINE_OUTAGES="${3:-10000}" CGO_ENABLED=0 \
	go test ./blob/dir -run '^Test(PowerCut|EveryCall)' -count=1 -v -timeout 30m
