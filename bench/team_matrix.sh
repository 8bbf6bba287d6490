#!/bin/sh
# The scenario with the full exercise, videos and all, from raw files to an
# edition: on a folder and on PostgreSQL with S3, by one worker, by four, by one
# that is killed and by servers that are killed. The editions are the same bytes.
set -eu
cd "$(dirname "$0")/.."
make/team-tests.sh
SIGHTLINE_MATRIX_FULL=1 CGO_ENABLED=0 go test ./cmd/sightline -run '^TestMatrix$' -count=1 -v -timeout 120m
