#!/usr/bin/env bash
# Makes the pictures of terminals of docs/seeing-a-run.md: `train` on two ranks and `lockstep watch`, in tmux, each in
# the light and the dark theme. It needs tmux. Half a minute.
#   scripts/terminal-pictures.sh [PROGRAM]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source scripts/environment.sh

program=$(realpath "${1:-$(scripts/build.sh)}")
if ! command -v tmux >/dev/null; then
  echo "terminal-pictures: there is no tmux (Debian: apt-get install tmux)" >&2
  exit 1
fi
scratch=$(mktemp -d)
terminal=(tmux -L "lockstep-pictures-$$" -f /dev/null)
trap '"${terminal[@]}" kill-server 2>/dev/null || true; rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"
ln -s "$program" "$scratch/bin/lockstep"
# Longer than the example, with fewer words.
sed -e 's/"epochs": [0-9]*/"epochs": 30, "evaluate": {"everyEpochs": 6}/' -e 's/"limit": 1/"limit": 2/' \
  Examples/digits-mlp.json >"$scratch/digits.json"
export LC_ALL=C.UTF-8 PATH="$scratch/bin:$PATH"

# Types a command in a terminal of so many lines, and draws what it shows once a pattern is there.
picture() {
  local name=$1 lines=$2 pattern=$3 title=$4
  shift 4
  local command="$*"
  "${terminal[@]}" new-session -d -s "$name" -x 116 -y "$lines" -c "$scratch" \
    "env PS1='\$ ' bash --norc --noprofile"
  sleep 0.5
  "${terminal[@]}" send-keys -t "$name" "$command" Enter
  local deadline=$((SECONDS + 60)) shown
  until shown=$("${terminal[@]}" capture-pane -e -p -t "$name") && grep -Eq "$pattern" <<<"$shown"; do
    if ((SECONDS > deadline)); then
      printf 'terminal-pictures: %s never shows %s:\n%s\n' "$name" "$pattern" "$shown" >&2
      exit 1
    fi
    sleep 0.05
  done
  for theme in light dark; do
    scripts/draw-terminal.py --theme "$theme" --columns 116 --title "$title" <<<"$shown" \
      >"docs/pictures/$name-$theme.svg"
  done
  "${terminal[@]}" kill-session -t "$name"
}

train="mpirun -n 2 lockstep train digits.json --run-directory runs/digits"
picture terminal-train 30 'step 1[2-9][0-9][0-9]/1890' "lockstep train" "$train"
rm -rf "$scratch/runs"
(cd "$scratch" && exec $train --quiet </dev/null >/dev/null) &
job=$!
until [[ -s $scratch/runs/digits/metrics.jsonl ]]; do sleep 0.2; done
picture terminal-watch 30 'step 1[2-9][0-9][0-9]/1890' "lockstep watch" "lockstep watch runs/digits --every 0.1"
wait "$job"
ls -l docs/pictures/terminal-*
