#!/usr/bin/env bash
# Kills a rank at every named fault point, several times each, and resumes the run on another number of
# ranks: every final fingerprint must be that of the undisturbed run.
#
#   scripts/faults.sh [TIMES]
#
# TIMES is how often each point is hit (5). Prints a line a point; code 1 where a fingerprint differs,
# a run cannot be resumed, or a point was not reached.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/environment.sh"
times=${1:-5}
program=${LOCKSTEP:-$("$here/build.sh")}
RANDOM=${SOAK_SEED:-1}
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_hwloc_base_binding_policy=none

folder=$(mktemp -d)
memory=$(mktemp -d /dev/shm/lockstep-XXXXXXXX)
trap 'rm -rf "$folder" "$memory"' EXIT
export OMPI_MCA_osc_sm_backing_directory=$memory OMPI_MCA_btl_vader_backing_directory=$memory

# Shards that see each other, so that the ranks meet in the middle of a pass, too.
model='{"layers":[{"type":"Flatten"},{"type":"Linear","outFeatures":64},
  {"type":"BatchNorm1d","statistics":"synchronized"},{"type":"ReLU"},{"type":"Linear","outFeatures":10}]}'
train=("$program" train "$here/../Examples/digits-mlp.json" --set shards=8 --set steps=40
  --set "model=$model"
  --set checkpoint.everySteps=4 --set checkpoint.keep=2 --quiet)
expected=$("${train[@]}" --run-directory none | sed -n 's/^fingerprint //p')
echo "faults: undisturbed $expected"

wrong=0 hits=0
for point in exchange start meeting step fold update checkpointCreate checkpointWrite checkpointSynchronize \
  checkpointRename checkpointDirectory checkpointRemove end; do
  good=0
  for ((time = 1; time <= times; time++)); do
    directory=$folder/$point-$time
    ranks=$((RANDOM % 4 + 2))
    # Rank 0 writes checkpoints; elsewhere any rank may be the victim. Counts differ each time.
    victim=$((RANDOM % ranks)) count=$((time * 2 + RANDOM % 3))
    case $point in
      # There are ten checkpoints.
      checkpoint*) victim=0 count=$((time + RANDOM % 4)) ;;
    esac
    case $point in
      exchange | start | end) count=1 ;;
      checkpointRemove | checkpointDirectory) count=$time ;;
    esac
    if LOCKSTEP_FAULT=$point:$victim:$count:kill timeout -k 5 60 mpirun -n "$ranks" "${train[@]}" \
      --run-directory "$directory" --resume >"$folder/log" 2>&1; then
      echo "faults: $point was not reached the ${count}th time on rank $victim of $ranks"
      wrong=$((wrong + 1))
      continue
    fi
    hits=$((hits + 1))
    [[ ! -e $directory/.lock ]] || flock -w 60 "$directory/.lock" true
    rm -rf "${memory:?}"/*
    ranks=$((RANDOM % 8 + 1))
    found=$(timeout -k 5 60 mpirun -n "$ranks" "${train[@]}" --run-directory "$directory" --resume \
      2>"$folder/log" | sed -n 's/^fingerprint //p')
    if [[ $found == "$expected" ]]; then
      good=$((good + 1))
    else
      echo "faults: $point, hit $time, resumed on $ranks ranks: ${found:-failed: $(cat "$folder/log")}"
      wrong=$((wrong + 1))
    fi
    rm -rf "$directory"
  done
  echo "faults: $point: $good of $times"
done
echo "faults: $hits kills, $wrong wrong"
((wrong == 0))
