#!/usr/bin/env bash
# Builds the DocC documentation of all that `import Lockstep` brings, from the symbol graphs of a build
# (.build/release), so that nothing is compiled anew. Ends with 1 where DocC warns: a link that leads
# nowhere, a page without a place.
#
#   scripts/check-docc.sh [BUILD] [ARCHIVE]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${1:-.build/release}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
archive=${2:-$folder/Lockstep.doccarchive}

scripts/symbol_graphs.py "$build" "$folder/graphs"
if ! docc convert Sources/Lockstep/Lockstep.docc --additional-symbol-graph-dir "$folder/graphs" \
  --fallback-display-name Lockstep --fallback-bundle-identifier Lockstep \
  --output-path "$archive" >"$folder/log" 2>&1 || grep -qE '^(warning|error)' "$folder/log"; then
  cat "$folder/log" >&2
  echo "check-docc: the documentation must build without warnings" >&2
  exit 1
fi
echo "check-docc: $(find "$archive/data/documentation" -name '*.json' | wc -l) pages"
