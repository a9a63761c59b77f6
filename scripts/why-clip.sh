#!/usr/bin/env bash
# Runs what docs/why-clip.md tells of, and draws its plots: some minutes of one processor.
#   scripts/why-clip.sh [PROGRAM] [DIRECTORY OF RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${1:-$(scripts/build.sh)}
runs=${2:-runs/why-clip}
adding=Examples/adding-problem.json
characters=Examples/characters-sgd.json

# A run that diverges ends with an error, which is what is to be shown.
train() {
  local directory=$1
  shift
  if [[ ! -d $directory ]]; then
    "$program" train "$@" --quiet --run-directory "$directory" || echo "$directory: failed"
  fi
}

mkdir -p "$runs/adding" "$runs/characters"
for seed in 1 2 3; do
  train "$runs/adding/clip-1-seed-$seed" "$adding" --set "seed=$seed"
  train "$runs/adding/no-clip-seed-$seed" "$adding" --set "seed=$seed" --set clip=null
  train "$runs/characters/clip-0.1-seed-$seed" "$characters" --set "seed=$seed"
  train "$runs/characters/no-clip-seed-$seed" "$characters" --set "seed=$seed" --set clip=null
done

for task in adding characters; do
  "$program" report "$runs/$task"/*-seed-* --loss-plot "docs/why-clip-$task-loss.svg" \
    --norm-plot "docs/why-clip-$task-norm.svg"
done

# What suggest-clip reads off a run that does not learn, and whether it helps.
for seed in 1 2 3; do
  limit=$("$program" suggest-clip "$runs/adding/no-clip-seed-$seed" --json |
    grep -o '"threshold":[^,]*' | head -1 | cut -d: -f2)
  echo "adding, seed $seed: suggested $limit"
  train "$runs/adding/suggested-$seed" "$adding" --set "seed=$seed" --set "clip.limit=$limit"
  "$program" report "$runs/adding/suggested-$seed"
done
"$program" suggest-clip "$runs/adding/no-clip-seed-1" --plot docs/why-clip-suggested.svg

# Other learning rates: is it the rate alone?
"$program" sweep "$characters" --set steps=100 --vary optimizer.learningRate=1,3,5,10,30 \
  --vary clip.limit=0.1,1e9
