#!/usr/bin/env bash
# Runs every fuzz test of the module for FUZZTIME (10s unless set), one after the other. Arguments are packages, all by default.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${FUZZTIME:-10s}
# CI=true makes left-out CUDA tests a failure; here none is run
listing=$(CI= go test -list '^Fuzz' "${@:-./...}") || { printf '%s\n' "$listing"; exit 1; }
count=0
names=()
# go test prints the names of a package's fuzz tests, then "ok" and the package.
while read -r first second _; do
  case $first in
  Fuzz*) names+=("$first") ;;
  ok)
    for name in "${names[@]}"; do
      echo "== $second $name"
      go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$second" </dev/null
      count=$((count + 1))
    done
    names=()
    ;;
  esac
done <<<"$listing"
echo "$count fuzz tests, $time each"
