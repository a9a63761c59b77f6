#!/bin/bash
# A job of Lockstep under Flux. Submit it with: flux batch deploy/flux.sh CONFIG.json RUN-DIRECTORY
#flux: --job-name=lockstep
#flux: --nodes=2
#flux: --nslots=32
#flux: --cores-per-slot=1
#flux: --time-limit=4h
# SIGUSR1 a minute before the limit.
#flux: --signal=SIGUSR1@60s
set -euo pipefail
flux run --nodes=2 --ntasks=32 --cores-per-task=1 -o cpu-affinity=per-task -o pmi=pmix \
  lockstep train "$1" --run-directory "$2" --resume
