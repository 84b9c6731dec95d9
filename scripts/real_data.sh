#!/usr/bin/env bash
# real_data.sh --data-dir FOLDER [--epochs N] [key=value ...]: ResNet-32 on CIFAR-10 at imbalance factor 100, once with softmax
# and once with class-balanced focal loss (beta 0.9999, gamma 1), the paper's protocol with its schedule shortened in proportion
# to N epochs (12 unless given); then both error rates, the tail classes apart. FOLDER holds cifar-10-batches-bin; without it
# $LONGTAIL_DATA counts. Run folders are left in $OUT (runs/real unless set); the same command again resumes.
set -euo pipefail
data=() epochs=12
while [ $# -gt 0 ]; do
  case $1 in
    --data-dir) data=(--data-dir "$(cd "$2" && pwd)"); shift 2 ;;
    --epochs) epochs=$2; shift 2 ;;
    *) break ;;
  esac
done
cd "$(dirname "$0")/.."
out=${OUT:-runs/real}
make -s
common=(data.dataset=cifar10 data.imbalance=100 "train.epochs=$epochs" train.eval_every=3 "$@")
bin/longtail train "${data[@]}" configs/cifar10_if100_softmax.yaml "${common[@]}" out="$out/softmax"
bin/longtail train "${data[@]}" configs/cifar10_if100_cb_focal.yaml "${common[@]}" out="$out/cb-focal"
bin/longtail compare "$out"
