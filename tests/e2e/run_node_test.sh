#!/bin/sh
# Runs one end-to-end test with Node; exit status 77 where there is none that is new enough.
# Usage: run_node_test.sh FILE
set -eu
command -v node >/dev/null || { echo "skipped: no node here (package nodejs)"; exit 77; }
major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
[ "$major" -ge 18 ] || { echo "skipped: node $(node --version) is too old, 18 or newer is needed"; exit 77; }
exec node "$1"
