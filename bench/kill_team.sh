#!/bin/sh
# Kills workers (default 100) and servers (default 20) with signal 9 at random
# moments of the scenario, on a folder and on PostgreSQL with S3: the small
# exercise from raw files to an edition. After each run every job has its result
# once, the log checks, and the edition is the one of a single worker that nobody
# killed, byte for byte.
#
#   bench/kill_team.sh [WORKERS [SERVERS]]
set -eu
cd "$(dirname "$0")/.."
make/team-tests.sh
SIGHTLINE_WORKER_KILLS="${1:-100}" SIGHTLINE_SERVER_KILLS="${2:-20}" CGO_ENABLED=0 \
	go test ./cmd/sightline -run '^TestTeamKills$' -count=1 -v -timeout 120m
