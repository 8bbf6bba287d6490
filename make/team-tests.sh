#!/bin/sh
# Installs the S3 server that the tests of blob/s3 and of the scenario matrix
# run, into the cache of this user. Without a network the tests say that they
# skip; nothing else depends on it.
set -eu
version=v1.8.0
dir="${XDG_CACHE_HOME:-$HOME/.cache}/sightline/tools/versitygw-$version"
[ -x "$dir/versitygw" ] && exit 0
mkdir -p "$dir"
if (cd / && CGO_ENABLED=0 GOBIN="$dir" go install "github.com/versity/versitygw/cmd/versitygw@$version"); then
	echo "versitygw $version is in $dir"
else
	echo "versitygw $version could not be installed: the tests against an S3 server will be skipped" >&2
fi
