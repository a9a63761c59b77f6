#!/usr/bin/env bash
# Trains to the end through crashes: starts a job again from its newest checkpoint when it dies.
#
#   scripts/supervise.sh [--retries N] [--fewer] [--program LOCKSTEP] RANKS RUN-DIRECTORY CONFIG.json
#                        [OPTIONS of lockstep train]
#
# After a crash the job is started again, at most N times (3), with --fewer on one rank less each time.
# Wrong input (code 2) and interruptions (75) are not tried again; they and success (0) are its codes,
# and 1 where the retries are used up. Shared memory that a killed job left behind lies in a folder of
# the supervisor's own, and goes with it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/environment.sh"

retries=3 fewer=false program=
while (($# > 0)); do
  case $1 in
    --retries) retries=$2; shift 2 ;;
    --fewer) fewer=true; shift ;;
    --program) program=$2; shift 2 ;;
    *) break ;;
  esac
done
if (($# < 3)) || ! [[ $1 =~ ^[1-9][0-9]*$ ]]; then
  sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
ranks=$1 directory=$2 config=$3
shift 3
[[ -n $program ]] || program=$("$here/build.sh")

memory=$(mktemp -d /dev/shm/lockstep-XXXXXXXX)
trap 'rm -rf "$memory"' EXIT
export OMPI_MCA_osc_sm_backing_directory=$memory OMPI_MCA_btl_vader_backing_directory=$memory

# A launcher that lost its ranks in the wrong moment may wait for ever: without a living child for half
# a minute it is ended.
end_without_children() {
  local alone=0
  while kill -0 "$1" 2>/dev/null; do
    sleep 1
    alone=$((alone + 1))
    if [[ -n $(pgrep -P "$1" --runstates RSDT || true) ]]; then alone=0; fi
    if ((alone >= 30)); then kill -KILL "$1" 2>/dev/null || true; fi
  done
}

# A signal for the supervisor is one for the job, which then writes a checkpoint. SIGUSR1 reaches the
# ranks through mpirun; SIGTERM would make it kill them after a second.
child=
trap '[[ -z $child ]] || kill -USR1 "$child" 2>/dev/null || true' TERM USR1 INT HUP

for ((attempt = 0; attempt <= retries; attempt++)); do
  mpirun -n "$ranks" "$program" train "$config" --run-directory "$directory" --resume "$@" &
  child=$!
  end_without_children "$child" &
  guard=$!
  code=0
  wait "$child" || code=$?
  # A signal interrupts the wait, not the job.
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  kill "$guard" 2>/dev/null || true
  child=
  outcome=$(sed -nE 's/.*"outcome": "([a-z]+)".*/\1/p' "$directory/outcome.json" 2>/dev/null || true)
  case $outcome in
    done) ((code != 0)) || exit 0 ;;
    interrupted) ((code != 0)) && exit 75 ;;
  esac
  ((code != 2)) || exit 2
  echo "supervise: the job ended with code $code after step $(sed -nE 's/.*"step": ([0-9]+).*/\1/p' \
    "$directory/outcome.json" 2>/dev/null || echo '?'), attempt $((attempt + 1)) of $((retries + 1))" >&2
  # Ranks of a killed launcher may live a moment longer, and hold the directory's lock.
  if [[ -e $directory/.lock ]] && ! flock -w 60 "$directory/.lock" true; then
    echo "supervise: $directory is still in use: $(cat "$directory/.lock")" >&2
    exit 1
  fi
  rm -rf "${memory:?}"/*
  if $fewer && ((ranks > 1)); then ranks=$((ranks - 1)); fi
done
exit 1
