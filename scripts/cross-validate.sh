#!/usr/bin/env bash
# Trains a configuration once a fold, and prints what each fold's test part gave and the means:
# loss and accuracy, or loss, RMSE and R² of a regression.
#
#   scripts/cross-validate.sh CONFIG.json [FOLDS] [OPTIONS of lockstep train]
#
# FOLDS is 5 where it is left out. LOCKSTEP names the program; by default it is built.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Says what is wrong with what the user gave, and ends.
refuse() {
  echo "cross-validate: $1" >&2
  exit 2
}

if (($# == 0)); then
  echo "usage: scripts/cross-validate.sh CONFIG.json [FOLDS] [OPTIONS]" >&2
  exit 2
fi
config=$1
shift
folds=5
if (($# > 0)) && [[ $1 != -* ]]; then
  folds=$1
  shift
fi
if [[ ! $folds =~ ^[1-9][0-9]{0,8}$ ]] || ((folds < 2)); then
  refuse "FOLDS must be a whole number of at least 2; found '$folds'"
fi
program=${LOCKSTEP:-$("$root/scripts/build.sh")}
cut=(--set data.testFraction=null --set "data.folds=$folds")

# All that can be known is known before the first fold trains.
complaint=$("$program" train "$config" --dry-run "${cut[@]}" --set data.fold=0 "$@" 2>&1 >/dev/null) || {
  code=$?
  case $complaint in
  *"the data comes with one"*)
    refuse "the data of $config has a test part of its own, and each fold's test part is cut from the \
training data; leave the other out (--set data.testFile=null, or data.testInputs and data.testLabels)"
    ;;
  *"folds of "*" examples, found $folds"*)
    examples=$(sed -nE 's/.*expected 2\.\.\.([0-9]+) folds.*/\1/p' <<<"$complaint" | head -n 1)
    refuse "$folds folds are too many for ${examples:-so few} examples; give fewer FOLDS"
    ;;
  esac
  echo "$complaint" >&2
  exit "$code"
}

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
for ((fold = 0; fold < folds; fold++)); do
  "$program" train "$config" --quiet --run-directory "$runs/$fold" "${cut[@]}" \
    --set "data.fold=$fold" "$@" >"$runs/log" || {
    code=$?
    cat "$runs/log"
    exit "$code"
  }
  # "test: loss 0.1, accuracy 97.00 %, of 114 examples"
  line=$("$program" evaluate "$runs/$fold" | grep '^test: ')
  echo "fold $fold: ${line#test: }"
done | tee "$runs/lines"

# The mean of each quantity over the folds that have it, in the order in which they are printed and
# with as many digits.
sed -E 's/^fold [0-9]+: //; s/,? of [0-9]+ examples?$//' "$runs/lines" |
  awk -F ', ' '
    # Four digits, as the program prints them.
    function shown(value, size, text) {
      size = value < 0 ? -value : value
      text = size >= 1000 && size < 1000000 ? sprintf("%.0f", value) : sprintf("%.4g", value)
      sub(/e[+]0*/, "e", text)
      sub(/e-0*/, "e-", text)
      return text
    }
    {
      for (i = 1; i <= NF; i++) {
        split($i, words, " ")
        if (!(words[1] in have)) names[++count] = words[1]
        have[words[1]]++
        sum[words[1]] += words[2]
        # A mean of what is no number is none.
        if (words[2] !~ /^-?[0-9]/) broken[words[1]] = words[2]
        unit[words[1]] = words[3]
      }
    }
    END {
      for (i = 1; i <= count; i++) {
        name = names[i]
        mean = sum[name] / have[name]
        text = unit[name] == "%" ? sprintf("%.2f %%", mean) : shown(mean)
        if (name in broken) text = broken[name]
        printf "%s%s %s", i == 1 ? "mean " : ", ", name, text
        if (have[name] < NR) printf " (of %d of %d folds)", have[name], NR
      }
      printf " over %d folds\n", NR
    }'
