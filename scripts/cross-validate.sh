#!/usr/bin/env bash
# Trains a configuration once a fold and prints each fold's test accuracy and their mean.
#
#   scripts/cross-validate.sh CONFIG.json [FOLDS] [OPTIONS of lockstep train]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if (($# == 0)); then
  echo "usage: scripts/cross-validate.sh CONFIG.json [FOLDS] [OPTIONS]" >&2
  exit 2
fi
config=$1
folds=${2:-5}
shift $(($# > 1 ? 2 : 1))
program=$("$root/scripts/build.sh")

accuracies=()
for ((fold = 0; fold < folds; fold++)); do
  line=$("$program" train "$config" --run-directory none --set data.testFraction=null \
    --set "data.folds=$folds" --set "data.fold=$fold" "$@" | grep 'test loss' | tail -n 1)
  echo "fold $fold: $line"
  accuracies+=("$(sed -E 's/.*accuracy ([0-9.]+) %.*/\1/' <<<"$line")")
done
printf '%s\n' "${accuracies[@]}" |
  awk '{ sum += $1 } END { printf "mean accuracy %.2f %% over %d folds\n", sum / NR, NR }'
