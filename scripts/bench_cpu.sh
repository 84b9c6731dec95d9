#!/usr/bin/env bash
# bench_cpu.sh [ROUNDS]: whole training steps of ResNet-32 at batch 128, longtail against PyTorch, with 1 and 2 threads.
#
# In every round (default 5) PyTorch's two layouts and longtail take turns, so that a busy machine slows all of them down.
# Prints every figure in images a second, and at the end the ratio of the medians: longtail to the better of PyTorch's two.
# Needs bin/longtail (make) and a python3 with torch: $PYTHON, default /usr/bin/python3 (Debian: python3-torch).
# THREADS="1" measures one number of threads only.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
python=${PYTHON:-/usr/bin/python3}
threads=${THREADS:-1 2}
[ -x bin/longtail ] || { echo "bin/longtail is missing: run make" >&2; exit 1; }
"$python" -c 'import torch' 2>/dev/null || { echo "$python has no torch: apt install python3-torch, or set PYTHON" >&2; exit 1; }

figures=$(mktemp)
trap 'rm -f "$figures"' EXIT

# note THREADS NAME: reads JSON lines, adds "THREADS NAME IMAGES_PER_S" of each; a line's mode completes the name.
note() {
  "$python" -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(sys.argv[1], sys.argv[2] + ("-" + r["mode"] if "mode" in r else ""), round(r["images_per_s"], 1))' "$1" "$2" | tee -a "$figures"
}

for _ in $(seq "$rounds"); do
  for n in $threads; do
    OMP_NUM_THREADS=$n OMP_WAIT_POLICY=passive "$python" scripts/torch_resnet32.py --batch 128 --steps 3 | note "$n" pytorch
    bin/longtail bench --device cpu model.name=resnet32 train.batch=128 --threads "$n" --steps 3 --windows 2 --json | note "$n" longtail
  done
done

"$python" - "$figures" <<'END'
import statistics, sys
by = {}
for line in open(sys.argv[1]):
    threads, name, rate = line.split()
    by.setdefault(int(threads), {}).setdefault(name, []).append(float(rate))
print("\nmedians, images/s")
for threads, rates in sorted(by.items()):
    median = {name: statistics.median(r) for name, r in rates.items()}
    ours = median.pop("longtail")
    best = max(median, key=median.get)
    peers = "  ".join(f"{name} {rate:.1f}" for name, rate in median.items())
    print(f"{threads} threads: longtail {ours:.1f}  {peers}  ratio to {best}: {ours / median[best]:.2f}")
END
bin/longtail bench --device cpu model.name=resnet32 train.batch=128 --steps 1 --windows 1 --json |
  "$python" -c 'import json, sys; print("peak memory of longtail at batch 128:", json.load(sys.stdin)["peak_memory_mb"], "MB")'
