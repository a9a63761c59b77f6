#!/usr/bin/env bash
# Runs the fold against MPI_Allreduce under each algorithm of Open MPI's tuned component, and under
# its own choice (0): the best one is what the fold is to be compared with.
#
#   Benchmarks/fold.sh [RANKS] [BYTES]
set -euo pipefail
ranks=${1:-2}
bytes=${2:-4194304}
lockstep=${LOCKSTEP:-$(cd "$(dirname "$0")/.." && pwd)/.build/release/lockstep}
for algorithm in 0 1 2 3 4 5 6; do
  printf '{"algorithm":%s,"result":%s}\n' "$algorithm" "$(mpirun -n "$ranks" \
    --mca coll_tuned_use_dynamic_rules 1 --mca coll_tuned_allreduce_algorithm "$algorithm" \
    "$lockstep" benchmark fold --bytes "$bytes" --json)"
done
