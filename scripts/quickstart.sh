#!/usr/bin/env bash
# Installs what is missing, builds Lockstep, and trains a convolutional network on handwritten
# digits with two MPI ranks. Options are passed on to `lockstep train`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
source scripts/environment.sh

echo "quickstart: building (some minutes the first time)"
program=$(scripts/build.sh)

echo "quickstart: training on 2 ranks"
# Two ranks on a machine with one core share it.
oversubscribe=()
if (($(nproc) < 2)); then oversubscribe=(--oversubscribe); fi
# Ctrl-C leaves the ranks so many seconds to write a checkpoint.
export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout:-5}
exec mpirun -n 2 "${oversubscribe[@]}" "$program" train Examples/digits-cnn.json \
  --run-directory "runs/quickstart-$(date +%Y%m%d-%H%M%S)" "$@"
