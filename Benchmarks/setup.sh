#!/usr/bin/env bash
# Makes a Python environment with the programs that Lockstep is compared with.
#
#   Benchmarks/setup.sh [DIRECTORY]     default: Benchmarks/.venv
set -euo pipefail
directory=${1:-$(cd "$(dirname "$0")" && pwd)/.venv}
if [ ! -x "$directory/bin/python" ]; then
  echo "making $directory"
  python3 -m venv "$directory"
fi
"$directory/bin/pip" install --quiet --disable-pip-version-check torch numpy pandas pyarrow
"$directory/bin/python" -c 'import torch; print("PyTorch", torch.__version__)'
