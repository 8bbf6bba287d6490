#!/usr/bin/env bash
# Reports the licence of every Go module that is linked in and of every npm
# package that is bundled, and fails on one that is not permissive.
set -eu
cd "$(dirname "$0")/.."
permissive='MIT|BSD|ISC|Apache|MPL|Unlicense|CC0|Zlib|OFL|0BSD|Python|BlueOak'
bad=0
name_licence() {
  local f
  f=$(find "$1" -maxdepth 1 -iname 'licen[cs]e*' -o -maxdepth 1 -iname 'copying*' | sort | head -1)
  [ -n "$f" ] || { echo unknown; return; }
  local t; t=$(tr -s '[:space:]' ' ' <"$f" | head -c 4000)
  case "$t" in
    *"GNU AFFERO"*) echo AGPL;; *"GNU LESSER"*) echo LGPL;; *"GNU GENERAL PUBLIC"*) echo GPL;;
    *"Apache License"*) echo Apache-2.0;; *"Mozilla Public License"*) echo MPL-2.0;;
    *"Permission is hereby granted, free of charge"*) echo MIT;;
    *"Permission to use, copy, modify, and"*distribute*) echo ISC;;
    *"Redistribution and use in source and binary forms"*) echo BSD;;
    *"unencumbered software"*) echo Unlicense;; *"CC0"*) echo CC0;; *) echo unknown;;
  esac
}
report() { # name version licence
  printf '%-55s %-42s %s\n' "$1" "$2" "$3" >> "$out"
  if ! printf %s "$3" | grep -Eq "^\(?($permissive)"; then echo "licence of $1 $2: $3"; bad=1; fi
}
mkdir -p dist; out=dist/licences.txt; : > "$out"
while read -r mod ver dir; do
  [ "$mod" = sightline ] && continue
  report "$mod" "$ver" "$(name_licence "$dir")"
done < <(CGO_ENABLED=0 go list -deps -f '{{with .Module}}{{.Path}} {{.Version}} {{.Dir}}{{end}}' ./cmd/sightline | sort -u | grep -v '^$')
if [ -f ui/package.json ] && [ -d ui/node_modules ]; then
  while read -r n v l; do report "npm:$n" "$v" "$l"; done < <(node -e '
    const fs = require("fs"), p = JSON.parse(fs.readFileSync("ui/package.json"));
    for (const n of Object.keys(p.dependencies ?? {}).sort()) {
      const q = JSON.parse(fs.readFileSync("ui/node_modules/" + n + "/package.json"));
      console.log(n, q.version, String(q.license ?? "unknown").replace(/ /g, "_"));
    }')
fi
[ $bad -eq 0 ] || { echo "a dependency is not under a permissive licence; see $out"; exit 1; }
