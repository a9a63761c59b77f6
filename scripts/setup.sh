#!/usr/bin/env bash
# Installs what Lockstep builds and runs with: Open MPI, oneDNN, zlib, Zstandard, xxHash, libpng,
# libjpeg-turbo and protobuf-c, from Debian's packages, and further ones that are named as arguments.
# Says what it does. Without root it prints the command instead.
set -euo pipefail

packages=(
  libopenmpi-dev openmpi-bin libdnnl-dev zlib1g-dev libzstd-dev libxxhash-dev libpng-dev
  libjpeg-dev libprotobuf-c-dev pkg-config
  "$@"
)

if ! command -v swift >/dev/null; then
  cat >&2 <<'TEXT'
setup: Swift is missing. Lockstep needs Swift 6.2 or newer with its package manager; it is not in
Debian's packages. Get a toolchain from https://www.swift.org/install/linux/, unpack it, put its
usr/bin on your PATH, and run this script again.
TEXT
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  [[ $state == ii* ]] || missing+=("$package")
done

if ((${#missing[@]} == 0)); then
  exit 0
fi

if ((EUID != 0)); then
  echo "setup: these packages are missing: ${missing[*]}" >&2
  echo "setup: install them with: sudo apt-get install --yes ${missing[*]}" >&2
  exit 1
fi

echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
apt-get install -q --yes --no-install-recommends "${missing[@]}" >/dev/null
