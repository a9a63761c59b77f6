#!/usr/bin/env bash
# Builds the release program, with Swift's standard libraries linked statically so that it runs on
# machines without a toolchain, and prints its path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A scratch folder of its own: static linking changes how every module is compiled.
options=(-c release --static-swift-stdlib --scratch-path .build/static)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! swift build "${options[@]}" --product lockstep >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
echo "$(swift build "${options[@]}" --show-bin-path)/lockstep"
