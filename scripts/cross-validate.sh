#!/usr/bin/env bash
# Trains a configuration once a fold, and prints what each fold's test part gave and the means:
# loss and accuracy, or loss, RMSE and R² of a regression.
#
#   scripts/cross-validate.sh CONFIG.json [FOLDS] [OPTIONS of lockstep train]
#
# LOCKSTEP names the program; by default it is built.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if (($# == 0)); then
  echo "usage: scripts/cross-validate.sh CONFIG.json [FOLDS] [OPTIONS]" >&2
  exit 2
fi
config=$1
folds=${2:-5}
shift $(($# > 1 ? 2 : 1))
program=${LOCKSTEP:-$("$root/scripts/build.sh")}

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
for ((fold = 0; fold < folds; fold++)); do
  "$program" train "$config" --quiet --run-directory "$runs/$fold" --set data.testFraction=null \
    --set "data.folds=$folds" --set "data.fold=$fold" "$@" >"$runs/log" || {
    code=$?
    cat "$runs/log"
    exit "$code"
  }
  # "test: loss 0.1, accuracy 97.00 % of 114 examples"
  line=$("$program" evaluate "$runs/$fold" | grep '^test: ')
  echo "fold $fold: ${line#test: }"
done | tee "$runs/lines"

# The mean of each quantity, in the order in which they are printed.
sed -E 's/^fold [0-9]+: //; s/ of [0-9]+ examples$//' "$runs/lines" |
  awk -F ', ' '
    {
      for (i = 1; i <= NF; i++) {
        split($i, words, " ")
        if (!(words[1] in sum)) names[++count] = words[1]
        sum[words[1]] += words[2]
        unit[words[1]] = words[3] == "" ? "" : " " words[3]
      }
    }
    END {
      for (i = 1; i <= count; i++) {
        name = names[i]
        printf "%s%s %.4f%s", i == 1 ? "mean " : ", ", name, sum[name] / NR, unit[name]
      }
      printf " over %d folds\n", NR
    }'
