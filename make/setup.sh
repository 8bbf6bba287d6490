#!/usr/bin/env bash
# Installs the Debian packages that Sightline can use and that are missing.
# Nothing here is required to build; what cannot be installed is named with
# what is lost, and the rest goes on.
set -u

need() { # command, package, what is lost without it
  command -v "$1" >/dev/null 2>&1 && return
  missing+=("$2"); lost+=("$1: $3")
}
missing=(); lost=()
need ffmpeg   ffmpeg                     "no video proxies, posters and waveforms"
need exiftool libimage-exiftool-perl     "metadata only of the common photo formats"
need bwrap    bubblewrap                 "external programs run in the second-best sandbox"
need chromium chromium                   "no browser tests, no capture of web pages"
need python3  python3                    "the proof script of an edition is not tried in the tests"
need openssl  openssl                    "time-stamp replies are not cross-checked in the tests"
# The tests start a private PostgreSQL; Debian keeps its programs off the PATH.
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
[ -f /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)

[ ${#missing[@]} -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  printf 'not installed here, and no apt-get to install it with:\n'; printf '  %s\n' "${lost[@]}"; exit 0
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo="sudo -n"
  else printf 'not installed, and this user may not install packages:\n'; printf '  %s\n' "${lost[@]}"; exit 0; fi
fi
echo "setting up: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq >/dev/null 2>&1 || true
if ! $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
  for p in "${missing[@]}"; do
    $sudo apt-get install -y -qq --no-install-recommends "$p" >/dev/null 2>&1 || echo "could not install $p; going on without it"
  done
fi
for l in "${lost[@]}"; do command -v "${l%%:*}" >/dev/null 2>&1 || echo "missing $l"; done
exit 0
