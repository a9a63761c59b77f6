#!/usr/bin/env bash
# Compares ONNX files with onnxruntime and PyTorch, where Python has them or can install them. Without a
# network it says so and passes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=${1:-.build/release/lockstep}

python=python3
if ! "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
  environment=.build/onnx-peers
  python=$environment/bin/python
  if ! "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
    if ! python3 -m venv "$environment" >/dev/null 2>&1 ||
      ! timeout 300 "$environment/bin/pip" install --quiet numpy onnx onnxruntime >/dev/null 2>&1; then
      echo "check-onnx: not checked, onnx and onnxruntime cannot be installed"
      exit 0
    fi
  fi
fi
"$python" scripts/onnx-peers.py "$program"
