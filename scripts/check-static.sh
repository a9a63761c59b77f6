#!/usr/bin/env bash
# Checks that the program runs where there is no Swift toolchain: nothing of it is on its paths, and
# it needs none of Swift's shared libraries.
set -euo pipefail
program=$("$(dirname "${BASH_SOURCE[0]}")/build.sh")

if ldd "$program" | grep -Ei 'libswift|not found'; then
  echo "check-static: the program needs the libraries above" >&2
  exit 1
fi
env -i PATH=/usr/bin:/bin HOME=/nonexistent "$program" --version
