#!/usr/bin/env bash
# Runs every fuzz test of the module for FUZZTIME (10s unless set), one after the other. Arguments are packages, all by default.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${FUZZTIME:-10s}
# CI=true makes left-out CUDA tests a failure; here none is run
listing=$(CI= go test -list '^Fuzz' "${@:-./...}") || { printf '%s\n' "$listing"; exit 1; }
count=0
names=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz PACKAGE NAME: fails with the test. Go before 1.27 may end a test whose time is over with an error of its own (golang.org/issue/75804): no input is
# written then, and nothing but the error is said.
fuzz() {
  go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" "$1" </dev/null 2>&1 | tee "$log" && return
  grep -A1 "^--- FAIL: $2 " "$log" | grep -qx '    context deadline exceeded' && ! grep -q 'Failing input written' "$log" || return 1
  echo "   (its time was over, no input failed)"
}

# go test prints the names of a package's fuzz tests, then "ok" and the package.
while read -r first second _; do
  case $first in
  Fuzz*) names+=("$first") ;;
  ok)
    for name in "${names[@]}"; do
      echo "== $second $name"
      fuzz "$second" "$name"
      count=$((count + 1))
    done
    names=()
    ;;
  esac
done <<<"$listing"
echo "$count fuzz tests, $time each"
