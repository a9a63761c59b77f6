#!/bin/bash
# A job of Lockstep under LSF. Submit it with: CONFIG=config.json RUN=runs/mine bsub < deploy/lsf.sh
#BSUB -J lockstep
#BSUB -n 32
#BSUB -R "span[ptile=16]"
#BSUB -W 4:00
#BSUB -o lockstep.%J.log
# SIGUSR1 ten minutes before the limit; exit code 75 puts the job back into the queue.
#BSUB -wa USR1 -wt 10
#BSUB -r
#BSUB -Q "75"
set -euo pipefail

mpirun --bind-to core --map-by core lockstep train "$CONFIG" --run-directory "$RUN" --resume &
job=$!
trap 'kill -USR1 "$job"' TERM USR1
status=0
wait "$job" || status=$?
while kill -0 "$job" 2>/dev/null; do
  status=0
  wait "$job" || status=$?
done
exit "$status"
