#!/bin/bash
# A job of Lockstep under Slurm 22.05 or newer. Submit it with: sbatch deploy/slurm.sh CONFIG.json RUN-DIRECTORY
#SBATCH --job-name=lockstep
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=16
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
# A minute before the limit every rank gets SIGUSR1: it writes a checkpoint and ends with code 75.
#SBATCH --signal=USR1@60
# A job that was preempted, or whose node failed, starts again, and its output goes on in the same file.
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
config=$1
run=$2

# srun has had no number of processors of its own since 22.05: it is said again.
status=0
srun --mpi=pmix --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" --cpu-bind=cores \
  lockstep train "$config" --run-directory "$run" --resume || status=$?

# Interrupted, and resumable: the job goes back to the queue.
if ((status == 75)); then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$status"
