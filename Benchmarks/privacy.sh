#!/usr/bin/env bash
# The cost of clipping examples and of private training, over that of the ordinary step: an MLP and a CNN of
# 128 examples a step, on one core. Benchmarks/privacy.py has Opacus's.
#
#     Benchmarks/privacy.sh [PROGRAM]
set -euo pipefail
program=${1:-.build/release/lockstep}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
declare -A models=(
  [mlp]='{"type":"mlp","sizes":[1024,1024,10]}'
  [cnn]='{"layers":[
  {"type":"Conv2d","outChannels":32,"kernel":3,"padding":"same"},{"type":"ReLU"},
  {"type":"MaxPool2d","kernel":2},
  {"type":"Conv2d","outChannels":64,"kernel":3,"padding":"same"},{"type":"ReLU"},
  {"type":"MaxPool2d","kernel":2},{"type":"Flatten"},{"type":"Linear","outFeatures":10}]}'
)
clip='clip={"type":"perExample","norm":1}'
privacy='privacy={"noise":1.1,"delta":1e-5}'

# Examples a second of a configuration with some keys set.
rate() {
  "$program" train "$1" --run-directory none "${@:2}" | sed -n 's/.* \([0-9]*\) examples\/s in steps/\1/p'
}

for model in mlp cnn; do
  file=$directory/$model.json
  cat >"$file" <<END
{"data": {"type": "mnist-5k"}, "model": ${models[$model]}, "batchSize": 128, "epochs": 100, "steps": 150,
 "evaluate": {"everyEpochs": 1000}, "optimizer": {"type": "sgd", "learningRate": 0.05}}
END
  for round in 1 2 3; do
    plain=$(rate "$file")
    clipped=$(rate "$file" --set "$clip")
    private=$(rate "$file" --set "$clip" --set "$privacy")
    echo "$model round $round: $plain, $clipped, $private examples/s;" \
      "$(awk "BEGIN { printf \"%.2f with the clip, %.2f private\", $plain / $clipped, $plain / $private }")"
  done
done
