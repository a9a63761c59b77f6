#!/usr/bin/env bash
# An incremental build does not see that a C header has changed. Touches the Swift files that import a
# C module whose headers differ from those of the last build, so that they are compiled again.
#
#   scripts/touch-importers.sh SCRATCH
#
# SCRATCH is the build's folder (.build), where the headers' hashes are kept. Without them all importers
# are touched.
set -euo pipefail
scratch=$(realpath -m "${1:?the folder of the build is missing}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

record=$scratch/headers.sha256
mkdir -p "$scratch"
touch "$record"
find Sources Tests -path '*/C[A-Z]*' \( -name '*.h' -o -name '*.modulemap' \) -print0 |
  sort -z | xargs -0 sha256sum >"$record.new"
# Lines are "HASH  Sources/CMPI/shim.h".
diff "$record" "$record.new" | sed -nE 's|^[<>] \S+ +[^/]+/([^/]+)/.*|\1|p' | sort -u |
  while read -r module; do
    grep -rlE "^ *([@a-z_]+ )*import $module\$" --include='*.swift' \
      Sources Tests Examples Benchmarks | xargs -r touch
    [[ ! -s $record ]] || echo "touch-importers: headers of $module have changed" >&2
  done || true
mv "$record.new" "$record"
