#!/usr/bin/env bash
# Holds what Lockstep writes against the programs it is written for, from PyPI: each scripts/peers/NAME.py has
# the packages it needs on a line `# needs: PACKAGE…`. They go into .build/peers, and stay there for the next
# time. Where they cannot be had (offline, say), it says so and passes. Arguments name checks; all by default.
# PEERS_TORCH is what to install in the place of PyTorch's wheel for processors alone.
#   scripts/peers.sh [--program PROGRAM] [NAME…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh

program=.build/release/lockstep
if [[ ${1:-} == --program ]]; then
  program=$2
  shift 2
fi

names=("$@")
if ((${#names[@]} == 0)); then
  for file in scripts/peers/*.py; do names+=("$(basename "$file" .py)"); done
fi

venv=.build/peers
for name in "${names[@]}"; do
  file=scripts/peers/$name.py
  read -ra packages < <(sed -n 's/^# needs: //p' "$file")
  if [[ -n ${PEERS_TORCH:-} ]]; then packages=("${packages[@]/#torch==*/$PEERS_TORCH}"); fi
  if [[ ! -x $venv/bin/python ]] && ! python3 -m venv "$venv"; then
    echo "peers: $name is skipped, python3-venv is not installed"
    continue
  fi
  if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --retries 1 --timeout 20 "${packages[@]}"; then
    echo "peers: $name is skipped, ${packages[*]} cannot be installed here"
    sed -n 's/^# without: /peers: /p' "$file"
    continue
  fi
  echo "peers: $name"
  PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" "$file" "$program"
done
