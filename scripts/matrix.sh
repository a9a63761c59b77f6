#!/usr/bin/env bash
# The matrix of fingerprints: every row is one configuration, which must have one fingerprint on every
# number of ranks (1 to 8), with 1 and 2 threads a rank, with a replicated and a sharded update.
#
#   scripts/matrix.sh [ROWS]
#
# Runs the rows whose name contains ROWS (all by default). Prints a line a row; code 1 where a
# fingerprint differs. Takes about a quarter of an hour on two cores that do nothing else.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/environment.sh"
program=${LOCKSTEP:-$("$here/build.sh")}
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_hwloc_base_binding_policy=none

log=$(mktemp)
trap 'rm -f "$log"' EXIT
rows=0 runs=0 wrong=0

# row NAME MODEL [OVERRIDES]…
row() {
  local name=$1 model=$2
  shift 2
  [[ $name == *"${filter:-}"* ]] || return 0
  local options=(--set shards=8 --set steps=6 --run-directory none --quiet)
  for override in "$@"; do options+=(--set "$override"); done
  local expected='' found differing=()
  for update in replicated sharded; do
    for threads in 1 2; do
      for ranks in 1 2 3 4 5 6 7 8; do
        # Threads beyond eight lanes have nothing to do.
        ((ranks * threads <= 8)) || continue
        if ! mpirun -n "$ranks" "$program" train "$here/../Examples/$model.json" "${options[@]}" \
          --set "update=$update" --set "threads=$threads" >"$log" 2>&1; then
          echo "$name: failed on $ranks ranks, $update, $threads threads:"
          cat "$log"
          wrong=$((wrong + 1))
          return 0
        fi
        found=$(sed -n 's/^fingerprint //p' "$log")
        runs=$((runs + 1))
        : "${expected:=$found}"
        [[ $found == "$expected" ]] || differing+=("$ranks ranks, $update, $threads threads")
      done
    done
  done
  rows=$((rows + 1))
  if ((${#differing[@]} > 0)); then
    wrong=$((wrong + 1))
    echo "$name: DIFFERS on ${differing[*]}"
  else
    echo "$name: $expected"
  fi
}

filter=${1:-}
clip='clip={"type":"globalNorm","limit":0.5}'
for model in digits-mlp digits-cnn; do
  row "$model" $model
  # 4,000 examples in batches of 600: the seventh step has 400.
  row "$model tail" $model batchSize=600 steps=8
  row "$model tiny tail" $model batchSize=3999 steps=2
  row "$model micro-batches" $model batchSize=256 microBatches=3
done
for optimizer in sgd rmsprop adagrad adadelta adam adamW nadam radam lion lars lamb \
  sgdKeras rmspropKeras adagradKeras adadeltaKeras adamKeras adamWKeras nadamKeras lionKeras; do
  row "optimizer $optimizer" digits-mlp "optimizer={\"type\":\"$optimizer\"}" "$clip"
done
for optimizer in '"scion"' '"muon"' '"muon","scaling":"matchRMSAdamW","adamParameters":["*.bias"]'; do
  for model in digits-mlp digits-cnn; do
    row "$model optimizer $optimizer" $model "optimizer={\"type\":$optimizer}" clip=[]
  done
done
for optimizer in '"adafactor"' '"shampoo","preconditionFrequency":2' \
  '"soap","preconditionFrequency":2,"maxPreconditionDim":128'; do
  for model in digits-mlp digits-cnn; do
    row "$model optimizer $optimizer" $model "optimizer={\"type\":$optimizer}" "$clip"
  done
done
for optimizer in scheduleFreeSGD scheduleFreeAdamW adan prodigy spam stableSPAM; do
  row "optimizer $optimizer" digits-mlp "optimizer={\"type\":\"$optimizer\"}" "$clip"
done
for options in '"globalNorm","limit":0.5' '"globalNorm","limit":0.5,"norm":"1"' \
  '"globalNorm","limit":0.01,"norm":"infinity"' '"globalNorm","limit":0.5,"norm":"3"' \
  '"norm","limit":0.1' '"value","limit":0.001' '"valueBox","lower":-0.001,"upper":0.002' \
  '"adaptive"' '"blockRMS","limit":0.001' '"autoClip"' '"zClip","warmup":2,"threshold":0.1' '"adaGC","warmup":2,"relative":0.9' '"spike","decay":0.5' '"spectral","limit":0.2' '"centralize"' \
  '"noise","variance":0.01'; do
  row "clip $options" digits-mlp "clip={\"type\":$options}"
done
for options in '"maxNorm","limit":0.5' '"unitNorm"' '"nonNegative"' \
  '"minMaxNorm","minimum":0.7,"maximum":0.9,"rate":0.5' '"valueBox","lower":-0.01,"upper":0.01' \
  '"ball","limit":1' '"initialNorm"' '"initialBox","factor":0.9' '"orthogonal"' '"spectralNorm","limit":0.5' '"spectralSphere","radius":0.7' '"spectralCap","limit":0.5' '"maxNorm","limit":0.5,"every":2' \
  '"maxNorm","limit":0.5,"axes":[0],"axesLayout":"keras","mode":"keras"'; do
  row "constraint $options" digits-mlp "constraints=[{\"kind\":\"Linear\",\"type\":$options}]"
  row "convolution constraint $options" digits-cnn \
    "constraints=[{\"kind\":\"Conv2d\",\"type\":$options}]"
done
statistics='model={"type":"digits-cnn","statistics":"synchronized"}'
row "synchronized statistics" digits-cnn "$statistics"
row "synchronized statistics tail" digits-cnn "$statistics" batchSize=600 steps=8
row "synchronized statistics tiny tail" digits-cnn "$statistics" batchSize=3999 steps=2
row "synchronized statistics micro-batches" digits-cnn "$statistics" batchSize=256 microBatches=3
row "average" digits-mlp 'average={"decay":0.9,"warmup":true}'
row "sam" digits-cnn 'sam={"rho":0.05}'
row "sam adaptive" digits-cnn 'sam={"rho":0.5,"adaptive":true}' "$statistics"
row "regularizer" digits-mlp 'regularizers=[{"kind":"Linear","type":"l1l2","l1":1e-4,"l2":1e-3}]'
echo "matrix: $runs runs in $rows rows, $wrong rows wrong"
((wrong == 0 && rows > 0))
