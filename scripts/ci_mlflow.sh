#!/usr/bin/env bash
# Exports runs to an MLflow file store and opens it with the real MLflow (mlflow-skinny, into build/), which compares every value with the
# table of --to jsonl.
set -euo pipefail
cd "$(dirname "$0")/.."
version=3.17.2
venv=build/mlflow-$version
if [ ! -e "$venv/done" ]; then
  rm -rf "$venv"
  if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q "mlflow-skinny==$version" && touch "$venv/done"; } >&2; then
    echo "LEFT OUT: opening the export with the real MLflow: mlflow-skinny $version cannot be had"
    exit
  fi
fi
make -s
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
runs=(docs/results cmd/longtail/testdata/before)
for _ in once again; do # the second time replaces
  bin/longtail export "${runs[@]}" --to mlflow --experiment "long tails" --out "$out/ml runs" --quiet
done
bin/longtail export "${runs[@]}" --to jsonl --quiet > "$out/table.jsonl"
"$venv/bin/python" scripts/check_mlflow.py "$out/ml runs" "long tails" "$out/table.jsonl"
