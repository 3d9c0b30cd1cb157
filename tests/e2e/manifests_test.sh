#!/bin/sh
# The manifests in examples/kubernetes, against the schemas of Kubernetes: with the Python packages of requirements.txt,
# installed in the build folder. In: TIDEGATE_SOURCE, TIDEGATE_BUILD, TIDEGATE_PROGRAM. Status 77: skipped.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
folder=$TIDEGATE_BUILD/tests/e2e/python

command -v python3 >/dev/null || { echo "skipped: no python3 here (package python3)"; exit 77; }
if ! cmp -s "$source/requirements.txt" "$folder/requirements.txt"; then
  rm -rf "$folder"
  mkdir -p "${folder%/*}"
  if ! python3 -m venv "$folder" >"$folder.log" 2>&1; then
    cat "$folder.log"
    echo "skipped: python3 cannot make an environment (package python3-venv)"
    exit 77
  fi
  if ! "$folder/bin/pip" install --disable-pip-version-check --retries 1 --timeout 30 -r "$source/requirements.txt" \
    >"$folder.log" 2>&1; then
    cat "$folder.log"
    echo "skipped: pip could not install the packages (offline?)"
    exit 77
  fi
  cp "$source/requirements.txt" "$folder"
fi
exec "$folder/bin/python" -B "$source/manifests_test.py"
