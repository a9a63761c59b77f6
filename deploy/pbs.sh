#!/bin/bash
# A job of Lockstep under PBS Professional or OpenPBS. Submit it with:
#   qsub -v CONFIG=config.json,RUN=runs/mine deploy/pbs.sh
#PBS -N lockstep
#PBS -l select=2:ncpus=16:mpiprocs=16
#PBS -l walltime=04:00:00
#PBS -r y
#PBS -j oe
set -euo pipefail
cd "$PBS_O_WORKDIR"

# PBS sends SIGTERM before SIGKILL. mpirun is told to give its ranks a minute, and gets SIGUSR1, which it passes on.
mpirun --bind-to core --map-by core lockstep train "$CONFIG" --run-directory "$RUN" --resume &
job=$!
trap 'kill -USR1 "$job"' TERM USR1
status=0
wait "$job" || status=$?
# A wait that a signal ends returns before the job has: wait for its end.
while kill -0 "$job" 2>/dev/null; do
  status=0
  wait "$job" || status=$?
done
exit "$status"
