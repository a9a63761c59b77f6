#!/usr/bin/env bash
# Makes the pictures of docs/seeing-a-run.md: two runs, their pages, and the pages in Chromium. With --check it
# looks at the pages alone, and passes with a message where there is no Chromium. A minute.
#   scripts/report-pictures.sh [--check] [PROGRAM]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source scripts/environment.sh

check=false
if [[ ${1:-} == --check ]]; then
  check=true
  shift
fi
program=${1:-$(scripts/build.sh)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mpirun -n 2 --oversubscribe "$program" train Examples/digits-mlp.json --quiet \
  --run-directory "$scratch/digits" --profile "$scratch/trace.json"
"$program" train Examples/digits-mlp.json --set clip=null --set seed=2 --quiet \
  --run-directory "$scratch/no-clip"
"$program" train Examples/verses.json --set epochs=4 --quiet --run-directory "$scratch/verses"
"$program" report "$scratch/digits" --html "$scratch/report.html"
"$program" report "$scratch/digits" "$scratch/no-clip" --html "$scratch/comparison.html"
"$program" report "$scratch/verses" --html "$scratch/verses.html"

if $check; then
  scripts/look-at-page.py "$scratch"/{report,comparison,verses}.html
  exit
fi
scripts/look-at-page.py "$scratch/report.html" --pictures "$scratch/pictures" --top 3600
scripts/look-at-page.py "$scratch/comparison.html" --pictures "$scratch/pictures" --top 2400
mkdir -p docs/pictures
cp "$scratch"/pictures/report-*.webp "$scratch"/pictures/comparison-900-dark.webp docs/pictures
ls -l docs/pictures
