#!/bin/sh
# Checks that the data files embedded in the programs are the published ones.
set -eu
cd "$(dirname "$0")/../Sources/CLockstepData/Resources"
exec sha256sum --check --strict SHA256SUMS
