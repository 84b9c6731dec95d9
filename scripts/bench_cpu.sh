#!/usr/bin/env bash
# bench_cpu.sh [ROUNDS]: whole training steps of ResNet-32 at batch 128, longtail against PyTorch, with 1 and 2 threads.
#
# In every round (default 5) PyTorch's modes (two layouts, both with and without autocast to bfloat16, and compiled) and longtail's
# precisions take turns, so that a busy machine slows all of them down. Prints every figure in images a second, of time and of processor
# time, and at the end the ratios of the medians: longtail to the best of PyTorch's modes. On a machine with other work, only the ratios
# of processor time mean something, and only with 1 thread.
# Needs bin/longtail (make) and a python with the torch to compare with: $PYTHON, else build/torch/bin/python, which
#   python3 -m venv build/torch && build/torch/bin/pip install torch
# makes, else /usr/bin/python3 (Debian: python3-torch). THREADS="1" measures one number of threads only, MODES="eager" some of the modes.
# 5 rounds take about half an hour, most of it for compiling.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/beside_torch.sh
what=resnet32
for _ in $(seq "${1:-5}"); do
  for n in ${THREADS:-1 2}; do
    for mode in ${MODES:-eager channels_last eager-bf16 channels_last-bf16 channels_last-compile channels_last-bf16-compile}; do
      torch "$n" "$mode" scripts/torch_resnet32.py --batch 128 --steps 3 --warmup 2
    done
    for precision in $precisions; do
      ours "$n" "$precision" model.name=resnet32 train.batch=128 --steps 3 --windows 3
    done
  done
done
ratios
