# What the scripts that measure longtail beside PyTorch on the CPU share; bash reads it from a script whose folder is scripts.
#
# torch THREADS MODE ARGUMENTS... and ours THREADS PRECISION ARGUMENTS... note a measurement under the name that $what has; ratios prints the
# medians of all, and longtail's beside the best of PyTorch's modes.
python=${PYTHON:-}
[ -n "$python" ] || python=build/torch/bin/python
[ -n "${PYTHON:-}" ] || [ -x "$python" ] || python=/usr/bin/python3
[ -x bin/longtail ] || { echo "bin/longtail is missing: run make" >&2; exit 1; }
"$python" -c 'import torch' 2>/dev/null || { echo "$python has no torch: see the head of $0, or set PYTHON" >&2; exit 1; }

figures=$(mktemp)
trap 'rm -f "$figures"' EXIT

# note THREADS NAME: reads a JSON line, adds "WHAT THREADS NAME IMAGES_PER_S IMAGES_PER_CPU_S PEAK_MB".
note() {
  "$python" -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(*sys.argv[1:], round(r["images_per_s"], 1), round(r["cpu_images_per_s"], 1), r.get("peak_memory_mb", 0))' "$what" "$1" "$2" | tee -a "$figures"
}

torch() { # THREADS MODE SCRIPT ARGUMENTS...
  OMP_NUM_THREADS=$1 "$python" "${@:3}" --modes "$2" | note "$1" "pytorch-$2"
}

ours() { # THREADS PRECISION ARGUMENTS...
  bin/longtail bench --device cpu --precision "$2" --threads "$1" "${@:3}" --json | note "$1" "longtail-$2"
}

precisions=fp32
if bin/longtail bench --device cpu --precision mixed model.name=resnet8 train.batch=8 --steps 1 --windows 1 --json >/dev/null 2>&1; then
  precisions="fp32 mixed"
fi
"$python" -c 'import torch; print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability())'

ratios() {
  "$python" - "$figures" <<'END'
import statistics, sys
by, peak = {}, {}
for line in open(sys.argv[1]):
    what, threads, name, *rates, mb = line.split()
    by.setdefault((what, int(threads)), {}).setdefault(name, []).append([float(r) for r in rates])
    peak[what, name] = max(peak.get((what, name), 0), int(mb))
for column, unit in enumerate(("time", "processor time")):
    print(f"\nmedians, images per second of {unit}")
    for (what, threads), rates in sorted(by.items()):
        median = {name: statistics.median(r[column] for r in all) for name, all in rates.items()}
        peers = {name: rate for name, rate in median.items() if name.startswith("pytorch")}
        best = max(peers, key=peers.get)
        print(f"{what}, {threads} threads:", "  ".join(f"{name} {rate:.1f}" for name, rate in median.items()))
        for name in median:
            if name not in peers:
                print(f"  {name}: {median[name] / peers[best]:.2f} times {best}")
for (what, name), mb in sorted(peak.items()):
    if mb:
        print(f"peak memory of {what}, {name}: {mb} MB")
END
}
