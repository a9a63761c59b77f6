#!/usr/bin/env bash
# Compiles all C code for AArch64, and compares what the kernels give there, under emulation, with what they give
# here, bit by bit. Swift code is not compiled for AArch64: the toolchain has no standard library for it.
#   scripts/check-aarch64.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user || true
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
for tool in "$clang" aarch64-linux-gnu-gcc qemu-aarch64; do
  if ! command -v "$tool" >/dev/null; then
    echo "check-aarch64: skipped, there is no $tool"
    exit
  fi
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

kernels=(-O2 -Werror -ISources/CLockstepKernels/include Sources/CLockstepKernels/*.c
  Tests/Programs/kernel-hashes/main.c -lm)
there=(--target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include)
"$clang" "${kernels[@]}" -o "$scratch/here"
"$clang" "${there[@]}" -fuse-ld=lld "${kernels[@]}" -o "$scratch/there"

# The headers between Swift and the libraries. What those declare is the same for all processors of 64 bits.
mpi=$(pkg-config --cflags-only-I ompi-c)
png=$(pkg-config --cflags-only-I libpng)
for map in Sources/C*/module.modulemap; do
  folder=$(dirname "$map")
  while read -r header; do
    # shellcheck disable=SC2086
    "$clang" "${there[@]}" $mpi $png -idirafter /usr/include -idirafter "/usr/include/$(uname -m)-linux-gnu" \
      -Werror -fsyntax-only -x c "$folder/$header"
  done < <(sed -n 's/.*header "\(.*\)".*/\1/p' "$map")
done

"$scratch/here" >"$scratch/best"
"$scratch/here" 0 >"$scratch/baseline"
qemu-aarch64 -L /usr/aarch64-linux-gnu "$scratch/there" >"$scratch/aarch64"
# Processors of this kind without fused multiply-adds have no kernels of products: lines may be missing here.
for others in best baseline; do
  if ! diff <(grep -F -f <(cut -d ' ' -f 1 "$scratch/$others") "$scratch/aarch64") "$scratch/$others" >&2; then
    echo "check-aarch64: AArch64 gives other bits than the $others instruction set of this processor" >&2
    exit 1
  fi
done
echo "check-aarch64: $(wc -l <"$scratch/best") results of kernels have the same bits on AArch64"
