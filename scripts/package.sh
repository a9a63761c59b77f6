#!/usr/bin/env bash
# Makes an archive of the program that runs on machines without a toolchain: lockstep with Swift's libraries in it,
# completions, the manual page, examples, job scripts. MPI and the other libraries are the machine's own. The
# archive has an install.sh: ./install.sh --prefix DIR.
#   scripts/package.sh [FOLDER]     (default: .build)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-.build}

program=$(scripts/build.sh)
version=$("$program" --version | cut -d ' ' -f 2)
name=lockstep-$version-linux-$(uname -m)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
tree=$root/$name
mkdir -p "$tree/bin" "$tree/share/man/man1" "$tree/share/bash-completion/completions" \
  "$tree/share/zsh/site-functions" "$tree/share/fish/vendor_completions.d" "$tree/share/lockstep"
install -m 755 "$program" "$tree/bin/lockstep"
strip "$tree/bin/lockstep"
"$program" manual >"$tree/share/man/man1/lockstep.1"
"$program" completion bash >"$tree/share/bash-completion/completions/lockstep"
"$program" completion zsh >"$tree/share/zsh/site-functions/_lockstep"
"$program" completion fish >"$tree/share/fish/vendor_completions.d/lockstep.fish"
"$program" schema --output "$tree/share/lockstep/lockstep.schema.json"
cp -r Examples/*.json Examples/tables Examples/series Examples/texts deploy "$tree/share/lockstep/"
cp LICENSE README.md "$tree/"
cat >"$tree/install.sh" <<'INSTALL'
#!/bin/sh
# Copies Lockstep to a folder: ./install.sh --prefix DIR (default: /usr/local)
set -eu
prefix=/usr/local
case ${1:-} in
  --prefix) prefix=${2:?--prefix needs a folder} ;;
  '') ;;
  *) echo "usage: ./install.sh [--prefix DIR]" >&2 && exit 2 ;;
esac
cd "$(dirname "$0")"
mkdir -p "$prefix"
prefix=$(cd "$prefix" && pwd)
cp -r bin share "$prefix/"
sed "s|PREFIX|$prefix|" share/lockstep/deploy/modulefile >"$prefix/share/lockstep/modulefile"
missing=$(ldd "$prefix/bin/lockstep" | sed -n 's/^[[:space:]]*\(.*\) => not found/\1/p')
if [ -n "$missing" ]; then
  echo "install: lockstep is in $prefix/bin; these libraries are missing on this machine:" >&2
  echo "$missing" >&2
  exit 1
fi
echo "lockstep is in $prefix/bin; a modulefile is $prefix/share/lockstep/modulefile"
INSTALL
chmod 755 "$tree/install.sh"
tar --create --gzip --file "$folder/$name.tar.gz" --directory "$root" --owner 0 --group 0 "$name"
echo "$folder/$name.tar.gz"
