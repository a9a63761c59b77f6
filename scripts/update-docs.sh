#!/usr/bin/env bash
# Writes the tables of docs/configuration.md anew from the program's own catalogs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${1:-$(scripts/build.sh)}
file=docs/configuration.md
result=$(mktemp)
trap 'rm -f "$result"' EXIT
skipping=false
while IFS= read -r line; do
  if [[ $line == '<!-- end -->' ]]; then skipping=false; fi
  $skipping || printf '%s\n' "$line" >>"$result"
  if [[ $line =~ ^'<!-- catalog: '([a-z-]+)' -->'$ ]]; then
    "$program" catalog "${BASH_REMATCH[1]}" --markdown >>"$result"
    skipping=true
  fi
done <"$file"
cat "$result" >"$file"
