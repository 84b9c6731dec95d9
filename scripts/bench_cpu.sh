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
rounds=${1:-5}
python=${PYTHON:-}
[ -n "$python" ] || python=build/torch/bin/python
[ -n "${PYTHON:-}" ] || [ -x "$python" ] || python=/usr/bin/python3
threads=${THREADS:-1 2}
modes=${MODES:-eager channels_last eager-bf16 channels_last-bf16 channels_last-compile channels_last-bf16-compile}
[ -x bin/longtail ] || { echo "bin/longtail is missing: run make" >&2; exit 1; }
"$python" -c 'import torch' 2>/dev/null || { echo "$python has no torch: see the head of $0, or set PYTHON" >&2; exit 1; }

figures=$(mktemp)
trap 'rm -f "$figures"' EXIT

# note THREADS NAME: reads a JSON line, adds "THREADS NAME IMAGES_PER_S IMAGES_PER_CPU_S PEAK_MB".
note() {
  "$python" -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(*sys.argv[1:], round(r["images_per_s"], 1), round(r["cpu_images_per_s"], 1), r.get("peak_memory_mb", 0))' "$1" "$2" | tee -a "$figures"
}

precisions=fp32
if bin/longtail bench --device cpu --precision mixed model.name=resnet8 train.batch=8 --steps 1 --windows 1 --json >/dev/null 2>&1; then
  precisions="fp32 mixed"
fi
"$python" -c 'import torch; print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability())'
for _ in $(seq "$rounds"); do
  for n in $threads; do
    for mode in $modes; do
      OMP_NUM_THREADS=$n OMP_WAIT_POLICY=passive "$python" scripts/torch_resnet32.py --batch 128 --steps 3 --warmup 2 --modes "$mode" |
        note "$n" "pytorch-$mode"
    done
    for precision in $precisions; do
      bin/longtail bench --device cpu --precision "$precision" model.name=resnet32 train.batch=128 --threads "$n" --steps 3 --windows 3 --json |
        note "$n" "longtail-$precision"
    done
  done
done

"$python" - "$figures" <<'END'
import statistics, sys
by, peak = {}, {}
for line in open(sys.argv[1]):
    threads, name, *rates, mb = line.split()
    by.setdefault(int(threads), {}).setdefault(name, []).append([float(r) for r in rates])
    peak[name] = max(peak.get(name, 0), int(mb))
for column, what in enumerate(("time", "processor time")):
    print(f"\nmedians, images per second of {what}")
    for threads, rates in sorted(by.items()):
        median = {name: statistics.median(r[column] for r in all) for name, all in rates.items()}
        peers = {name: rate for name, rate in median.items() if name.startswith("pytorch")}
        best = max(peers, key=peers.get)
        print(f"{threads} threads:", "  ".join(f"{name} {rate:.1f}" for name, rate in median.items()))
        for name in median.keys() - peers.keys():
            print(f"  {name}: {median[name] / peers[best]:.2f} times {best}")
for name, mb in sorted(peak.items()):
    if mb:
        print(f"peak memory of {name} at batch 128: {mb} MB")
END
