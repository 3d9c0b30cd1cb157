#!/bin/sh
# Installs the Node packages of the end-to-end tests into FOLDER, exactly as package-lock.json says; nothing is written
# beside the sources. Does nothing when they are there already. Exit status 77, with the reason, where it cannot.
# Usage: install_node_packages.sh FOLDER
set -eu
source=$(cd "$(dirname "$0")" && pwd)
folder=$1

command -v node >/dev/null || { echo "skipped: no node here (package nodejs)"; exit 77; }
command -v npm >/dev/null || { echo "skipped: no npm here (package npm)"; exit 77; }

mkdir -p "$folder"
if [ -e "$folder/complete" ] && cmp -s "$source/package-lock.json" "$folder/package-lock.json"; then
  echo "there already: $folder/node_modules"
  exit 0
fi
rm -f "$folder/complete"
cp "$source/package.json" "$source/package-lock.json" "$folder"
cd "$folder"
if ! npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 >npm.log 2>&1; then
  cat npm.log
  # A lock file that does not fit its package.json is a fault of ours, not of the network.
  if grep -q 'EUSAGE\|EINTEGRITY' npm.log; then exit 1; fi
  echo "skipped: npm could not install the packages (offline?)"
  exit 77
fi
touch complete
