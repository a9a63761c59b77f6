#!/usr/bin/env bash
# Kills runs at random moments and resumes them on other numbers of ranks, again and again: every
# final fingerprint must be that of the undisturbed run.
#
#   scripts/soak.sh [KILLS] [SECONDS]
#
# Ends after KILLS kills (100), or after SECONDS (1800) with what it has. Each kill is a SIGKILL to a
# rank or to mpirun, chosen by chance. SOAK_SEED repeats a sequence. Prints a summary; code 1 where a
# fingerprint differs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/environment.sh"
kills=${1:-100} seconds=${2:-1800}
program=${LOCKSTEP:-$("$here/build.sh")}
RANDOM=${SOAK_SEED:-$(date +%s)}
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_hwloc_base_binding_policy=none

folder=$(mktemp -d)
memory=$(mktemp -d /dev/shm/lockstep-XXXXXXXX)
trap 'rm -rf "$folder" "$memory"' EXIT
export OMPI_MCA_osc_sm_backing_directory=$memory OMPI_MCA_btl_vader_backing_directory=$memory

train=("$program" train "$here/../Examples/digits-mlp.json" --set shards=8 --set steps=150
  --set checkpoint.everySteps=7 --quiet)
expected=$("${train[@]}" --run-directory none | sed -n 's/^fingerprint //p')
echo "soak: undisturbed $expected"

# Brings the current run to its end, undisturbed.
finish() {
  ranks=$((RANDOM % 8 + 1))
  if ! mpirun -n "$ranks" "${train[@]}" --run-directory "$folder/run$run" --resume >"$log" 2>&1; then
    echo "soak: run $run failed on $ranks ranks:"
    cat "$log"
    wrong=$((wrong + 1))
  fi
  found=$(sed -n 's/^fingerprint //p' "$log")
}

# Compares a run that has come to its end.
judge() {
  [[ -n $found ]] || return 0
  runs=$((runs + 1))
  if [[ $found != "$expected" ]]; then
    echo "soak: run $run has $found"
    wrong=$((wrong + 1))
  fi
  rm -rf "$folder/run$run"
  run=$((run + 1))
}

deadline=$((SECONDS + seconds))
killed=0 runs=0 wrong=0 hung=0
run=1
while ((killed < kills && SECONDS < deadline)); do
  directory=$folder/run$run
  ranks=$((RANDOM % 8 + 1))
  log=$folder/log
  setsid mpirun -n "$ranks" "${train[@]}" --run-directory "$directory" --resume >"$log" 2>&1 &
  launcher=$!
  # From before the first step to the end of a short run.
  sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
  ((RANDOM % 3 > 0)) || sleep "1.$((RANDOM % 10))"
  victim=$launcher
  if ((RANDOM % 4 > 0)); then
    mapfile -t workers < <(pgrep -P "$launcher" || true)
    if ((${#workers[@]} > 0)); then victim=${workers[RANDOM % ${#workers[@]}]}; fi
  fi
  if kill -KILL "$victim" 2>/dev/null; then killed=$((killed + 1)); fi
  # A launcher that lost a child in the wrong moment may wait for ever: it gets half a minute.
  for ((tick = 0; tick < 300; tick++)); do
    kill -0 "$launcher" 2>/dev/null || break
    # A run that nobody hit goes on to its end.
    if [[ -n $(pgrep -P "$launcher" --runstates RSD || true) ]]; then tick=0; fi
    sleep 0.1
  done
  if kill -KILL "$launcher" 2>/dev/null; then hung=$((hung + 1)); fi
  wait "$launcher" 2>/dev/null || true
  [[ ! -e $directory/.lock ]] || flock -w 60 "$directory/.lock" true
  rm -rf "${memory:?}"/*
  found=$(sed -n 's/^fingerprint //p' "$log")
  # Every few kills the run is brought to its end.
  if [[ -z $found ]] && ((RANDOM % 4 == 0)); then finish; fi
  judge
done
if [[ -e $folder/run$run ]]; then
  finish
  judge
fi
echo "soak: $killed kills, $runs runs brought to their end, $wrong of them wrong;" \
  "$hung launchers hung without a living child"
((wrong == 0 && runs > 0))
