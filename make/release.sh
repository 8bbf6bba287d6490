#!/usr/bin/env bash
# Cross-compiles the one binary for six platforms, with checksums and a bill
# of materials (SPDX 2.3 JSON). Run twice, it gives the same bytes.
set -eu
cd "$(dirname "$0")/.."
version=$1 ldflags=$2
mkdir -p dist
for os in linux darwin windows; do
  for arch in amd64 arm64; do
    ext=""; [ $os = windows ] && ext=.exe
    echo "dist/sightline-$os-$arch$ext"
    CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -ldflags "$ldflags" -o "dist/sightline-$os-$arch$ext" ./cmd/sightline
  done
done
make/licences.sh
node make/sbom.mjs "$version" > dist/sightline.spdx.json
(cd dist && sha256sum sightline-* sightline.spdx.json > SHA256SUMS)
echo "dist/SHA256SUMS"
