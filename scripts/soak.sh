#!/usr/bin/env bash
# Kills runs at random moments and resumes them on other numbers of ranks, again and again: every
# final fingerprint must be that of the undisturbed run.
#
#   scripts/soak.sh [KILLS] [SECONDS] [SIGNAL]
#
# Ends after KILLS kills (100), or after SECONDS (1800) with what it has. Each kill is a SIGKILL to a
# rank or to mpirun, chosen by chance. SOAK_SEED repeats a sequence. Prints a summary; code 1 where a
# fingerprint differs.
#
# With SIGNAL, STOP or KILL, a rank of three gets it, and what becomes of the run is looked at too: it
# must end by itself within SOAK_LIMIT seconds (60), name the rank, and leave another outcome than
# "running"; code 1 where it does not.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/environment.sh"
kills=${1:-100} seconds=${2:-1800} signal=${3:-}
limit=${SOAK_LIMIT:-60}
program=${LOCKSTEP:-$("$here/build.sh")}
RANDOM=${SOAK_SEED:-$(date +%s)}
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_hwloc_base_binding_policy=none

folder=$(mktemp -d)
memory=$(mktemp -d /dev/shm/lockstep-XXXXXXXX)
trap 'rm -rf "$folder" "$memory"' EXIT
export OMPI_MCA_osc_sm_backing_directory=$memory OMPI_MCA_btl_vader_backing_directory=$memory

train=("$program" train "$here/../Examples/digits-mlp.json" --set shards=8 --set steps=150
  --set checkpoint.everySteps=7 --set watchdog.seconds=3 --quiet)
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

# Sends the signal to a rank of the job that has just been started, and looks at what becomes of it.
hit() {
  local workers victim rank state outcome
  mapfile -t workers < <(pgrep -P "$launcher" || true)
  ((${#workers[@]} > 0)) || return 0
  victim=${workers[RANDOM % ${#workers[@]}]}
  rank=$(tr '\0' '\n' <"/proc/$victim/environ" 2>/dev/null | sed -n 's/^OMPI_COMM_WORLD_RANK=//p' || true)
  [[ -n $rank ]] && kill "-$signal" "$victim" 2>/dev/null || return 0
  killed=$((killed + 1))
  for ((tick = 0; tick < limit * 10; tick++)); do
    kill -0 "$launcher" 2>/dev/null || break
    sleep 0.1
  done
  outcome=$(sed -nE 's/.*"outcome": "([a-z]+)".*/\1/p' "$directory/outcome.json" 2>/dev/null || true)
  if kill -0 "$launcher" 2>/dev/null; then
    state=$(pgrep -P "$launcher" --runstates RSDT || true)
    if [[ -z $state ]]; then
      hung=$((hung + 1))
    else
      echo "soak: $signal to rank $rank (process $victim) of run $run: not ended after $limit s"
      cat "$log"
      stuck=$((stuck + 1))
    fi
    pkill -KILL -P "$launcher" || true
  elif ! grep -q '^fingerprint ' "$log" && ! grep -qE "rank ${rank}[ :]|rank ${rank}\$" "$log"; then
    echo "soak: $signal to rank $rank (process $victim) of run $run: it is not named:"
    cat "$log"
    unnamed=$((unnamed + 1))
  fi
  if [[ $outcome == running ]]; then
    echo "soak: $signal to rank $rank (process $victim) of run $run: the outcome is 'running'"
    cat "$log"
    running=$((running + 1))
  fi
}

deadline=$((SECONDS + seconds))
killed=0 runs=0 wrong=0 hung=0 stuck=0 unnamed=0 running=0
run=1
while ((killed < kills && SECONDS < deadline)); do
  directory=$folder/run$run
  ranks=$((RANDOM % 8 + 1))
  [[ -z $signal ]] || ranks=3
  log=$folder/log
  setsid mpirun -n "$ranks" "${train[@]}" --run-directory "$directory" --resume >"$log" 2>&1 &
  launcher=$!
  # From before the first step to the end of a short run.
  sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
  ((RANDOM % 3 > 0)) || sleep "1.$((RANDOM % 10))"
  victim=$launcher
  if [[ -n $signal ]]; then
    hit
    victim=
  elif ((RANDOM % 4 > 0)); then
    mapfile -t workers < <(pgrep -P "$launcher" || true)
    if ((${#workers[@]} > 0)); then victim=${workers[RANDOM % ${#workers[@]}]}; fi
  fi
  if [[ -n $victim ]] && kill -KILL "$victim" 2>/dev/null; then killed=$((killed + 1)); fi
  # A launcher that lost a child in the wrong moment may wait for ever: it gets half a minute.
  for ((tick = 0; tick < 300; tick++)); do
    kill -0 "$launcher" 2>/dev/null || break
    # A run that nobody hit goes on to its end.
    if [[ -n $(pgrep -P "$launcher" --runstates RSD || true) ]]; then tick=0; fi
    sleep 0.1
  done
  if kill -KILL "$launcher" 2>/dev/null; then hung=$((hung + 1)); fi
  wait "$launcher" 2>/dev/null || true
  # Ranks whose launcher was killed may be at their start, and take the lock later.
  for ((tick = 0; tick < 600; tick++)); do
    pgrep -f -- "--run-directory $directory --resume" >/dev/null || break
    sleep 0.1
  done
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
if [[ -n $signal ]]; then
  echo "soak: of $killed ${signal}s $stuck did not end, $unnamed were not named, $running left 'running'"
fi
((wrong == 0 && runs > 0 && stuck == 0 && unnamed == 0 && running == 0))
