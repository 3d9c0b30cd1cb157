#!/bin/sh
# Formats the C++ sources, or names those that are not formatted. Versions of clang-format differ in detail and the
# tree is formatted with that of Debian 12, so another version is of no use: status 77 then.
# Usage: format.sh check|write ROOT
set -eu
reference=14

format=
for candidate in "clang-format-$reference" clang-format; do
  if command -v "$candidate" >/dev/null && "$candidate" --version | grep -q "version $reference\."; then
    format=$candidate
    break
  fi
done
if [ -z "$format" ]; then
  echo "skipped: no clang-format $reference here (package clang-format of Debian 12, clang-format-$reference elsewhere)"
  exit 77
fi
cd "$2"

own_files() {
  find conf wire upstream health gateway examples tests cmake \
    \( -name node_modules -o -name corpus \) -prune -o \( -name '*.cpp' -o -name '*.hpp' \) -print0
}

case "$1" in
  write) own_files | xargs -0 -r "$format" -i ;;
  check)
    if ! complaints=$(own_files | xargs -0 -r "$format" --dry-run 2>&1); then
      echo "$complaints"
      exit 1
    fi
    faults=$(echo "$complaints" | sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: .*/\1/p' | sort | uniq -c)
    [ -z "$faults" ] && exit 0
    echo "not formatted (places, file); ./dev format mends it:"
    echo "$faults"
    exit 1
    ;;
  *) echo "format.sh: check or write, not '$1'" >&2; exit 2 ;;
esac
