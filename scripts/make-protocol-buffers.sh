#!/usr/bin/env bash
# Writes the C code of the files in Sources/CProtocolBuffers/Protocols with protobuf-c's compiler, from
# Debian's protobuf-c-compiler. With --check nothing is written: it compares the committed code with what
# it would write, and passes with a message where there is no compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../Sources/CProtocolBuffers"

if ! command -v protoc-c >/dev/null; then
  if [[ ${1:-} == --check ]]; then
    echo "make-protocol-buffers: not checked, protobuf-c-compiler is not installed"
    exit 0
  fi
  echo "make-protocol-buffers: install protobuf-c-compiler" >&2
  exit 1
fi

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
protoc-c --proto_path=Protocols --c_out="$made" Protocols/*.proto

# The version of the compiler stands in a header, and does not matter.
code() { grep -v 'PROTOBUF_C_MIN_COMPILER_VERSION' "$1"; }

for file in "$made"/*; do
  name=$(basename "$file")
  place=$name
  [[ $name == *.h ]] && place=include/$name
  if [[ ${1:-} != --check ]]; then
    cp "$file" "$place"
  elif ! cmp --silent <(code "$file") <(code "$place"); then
    echo "make-protocol-buffers: Sources/CProtocolBuffers/$place is not what" \
      "scripts/make-protocol-buffers.sh writes; run it" >&2
    exit 1
  fi
done
