#!/usr/bin/env bash
# ci_real_data.sh --data-dir FOLDER: a short training on CIFAR-10 with imbalance factor 100, its evaluation, and the check that
# it learned: fewer errors than guessing (90 %) by ten points at least. FOLDER holds cifar-10-batches-bin.
set -euo pipefail
[ $# = 2 ] && [ "$1" = --data-dir ] || { echo "usage: $0 --data-dir FOLDER" >&2; exit 2; }
data=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
make -s
bin/longtail train --data-dir "$data" --device cpu --out "$out/run" data.dataset=cifar10 data.imbalance=100 model.name=resnet8 \
  loss.name=softmax loss.beta=0 train.epochs=4 train.warmup_epochs=0.5 train.milestones='[3,3.5]'
[ -s "$out/run/summary.json" ] || { echo "the run left no summary.json" >&2; exit 1; }
bin/longtail eval --data-dir "$data" "$out/run"
error=$(sed -n '/"last"/,/"error"/s/.*"error": *\([0-9.]*\).*/\1/p' "$out/run/summary.json" | head -n 1)
awk -v e="$error" 'BEGIN { exit !(e > 0 && e < 0.8) }' || { echo "the test error is $error: want less than 0.8" >&2; exit 1; }
echo "test error $error, less than 0.8 (guessing: 0.9): it learns"
