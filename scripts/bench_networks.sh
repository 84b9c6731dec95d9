#!/usr/bin/env bash
# bench_networks.sh [ROUNDS]: whole training steps of ResNet-18 at 64 pixels and ResNet-50 at 128 pixels, batch 32, longtail against PyTorch
# (torchvision's networks), with 1 and 2 threads.
#
# In every round (default 3) PyTorch's modes (channels_last with and without autocast to bfloat16) and longtail's precisions take turns, as
# in bench_cpu.sh, which says what the figures mean and which torch is taken; it must have torchvision:
#   python3 -m venv build/torch && build/torch/bin/pip install torch torchvision
# THREADS="1" measures one number of threads only, MODES="channels_last-bf16" some of the modes, NETWORKS="resnet18:64" some of the networks.
# 3 rounds take about 10 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/beside_torch.sh
for _ in $(seq "${1:-3}"); do
  for what in ${NETWORKS:-resnet18:64 resnet50:128}; do
    network=${what%:*} side=${what#*:}
    for n in ${THREADS:-1 2}; do
      for mode in ${MODES:-channels_last channels_last-bf16}; do
        torch "$n" "$mode" scripts/torch_networks.py --network "$network" --side "$side" --batch 32 --steps 2 --windows 3 --warmup 2
      done
      for precision in $precisions; do
        ours "$n" "$precision" model.name="$network" --size "$side" train.batch=32 --steps 2 --windows 3
      done
    done
  done
done
ratios
