#!/usr/bin/env bash
# Installs what is missing, checks scripts, links, messages and the format, builds everything without warnings,
# counts public and undocumented declarations, makes the documentation archive, and runs all tests. Arguments are
# passed on to `swift test` (--filter NAME).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Several hosts on one machine are made with iproute2.
scripts/setup.sh iproute2 python3
# Tests run without these, where they cannot be installed.
scripts/setup.sh shellcheck || echo "test: scripts are not checked"
scripts/setup.sh zsh fish mandoc || echo "test: completions and the manual are not checked"
scripts/setup.sh protobuf-c-compiler || echo "test: generated code is not checked"
source scripts/environment.sh

if command -v shellcheck >/dev/null; then
  echo "test: scripts"
  shellcheck scripts/*.sh deploy/*.sh Benchmarks/*.sh .ci/run
fi

echo "test: generated code"
scripts/make-protocol-buffers.sh --check

echo "test: links"
scripts/check-links.py

echo "test: messages of the documentation"
scripts/check-messages.py

echo "test: format"
swift format lint --strict --recursive --parallel --configuration .swift-format \
  Sources Tests Examples Package.swift

echo "test: build"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! swift build -c release --build-tests >"$log" 2>&1; then
  cat "$log"
  exit 1
fi
if grep -E 'warning:' "$log"; then
  echo "test: the build must not warn" >&2
  exit 1
fi

echo "test: documentation of public declarations"
scripts/check-documentation.py

echo "test: documentation archive"
scripts/check-docc.sh

echo "test: embedded data"
scripts/check-embedded-data.sh

echo "test: run"
swift test -c release --skip-build --disable-xctest "$@"

echo "test: peers"
scripts/setup.sh python3-venv || echo "test: python3-venv cannot be installed"
scripts/peers.sh

echo "test: pages"
scripts/report-pictures.sh --check .build/release/lockstep

echo "test: AArch64"
scripts/check-aarch64.sh

echo "test: without a toolchain"
scripts/check-static.sh
