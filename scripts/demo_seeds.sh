#!/usr/bin/env bash
# demo_seeds.sh [SEEDS]: the demo's two trainings for seeds 0 to SEEDS-1 (5 unless given), each with a subset of its own, and
# their comparison with mean and deviation. It leaves the run folders in $OUT (runs/demo-seeds unless set).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-runs/demo-seeds}
make -s
for seed in $(seq 0 $((${1:-5} - 1))); do
  run() { bin/longtail train -q configs/demo.yaml seed="$seed" data.split_seed="$seed" "$@"; }
  run loss.name=softmax out="$out/softmax-s$seed"
  run loss.name=focal loss.gamma=1 loss.beta=0.99 out="$out/cb-focal-s$seed"
done
bin/longtail compare "$out"
