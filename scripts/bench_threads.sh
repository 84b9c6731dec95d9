#!/usr/bin/env bash
# bench_threads.sh [ROUNDS]: how training steps of ResNet-32 at batch 128 on the CPU scale with threads and with runs at once.
#
# In every round (default 5), for each precision: 1 thread, 2 threads, 2 threads beside a program that does nothing but compute on one of
# the two processors, and 2 processes of 1 thread each at once. Then a sweep of as many short runs as processors, with --jobs 1 and one
# thread, and with --jobs as many as processors. Prints images a second of each, their medians, and the ratios:
#
#   2 threads                   at least 1.9 times 1 thread
#   2 threads and a neighbour   at least 1.4 times: the free processor and half of the other one are 1.5, less what 2 threads lose at 1.9
#   2 processes                 at least 1.9 times, 5 % below the ideal; a sweep likewise by its time
#
# On a machine with other work, figures mean nothing. ONLY="threads neighbour processes sweep" chooses some, PRECISIONS="fp32" one.
# 5 rounds take about 5 minutes. Needs bin/longtail (make), taskset and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
only=${ONLY:-threads neighbour processes sweep}
[ -x bin/longtail ] || { echo "bin/longtail is missing: run make" >&2; exit 1; }
mapfile -t processors < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
[ "${#processors[@]}" -ge 2 ] || { echo "this takes two processors" >&2; exit 1; }
two=${processors[0]},${processors[1]}
figures=$(mktemp)
runs=$(mktemp -d)
neighbour=
cleanup() {
  [ -z "$neighbour" ] || kill "$neighbour" 2>/dev/null || true
  rm -rf "$figures" "$runs"
}
trap cleanup EXIT

wants() { [[ " $only " == *" $1 "* ]]; }

# rate PRECISION THREADS: images a second, on two processors.
rate() {
  taskset -c "$two" bin/longtail bench --quiet --device cpu --precision "$1" model.name=resnet32 train.batch=128 --threads "$2" \
    --steps 6 --windows 3 --json | python3 -c 'import json, sys; print(round(json.load(sys.stdin)["images_per_s"], 1))'
}

# note PRECISION NAME RATE...: adds up the rates of processes at once.
note() { echo "$1 $2 $(python3 -c 'import sys; print(round(sum(map(float, sys.argv[1:])), 1))' "${@:3}")" | tee -a "$figures"; }

precisions=${PRECISIONS:-}
if [ -z "$precisions" ]; then
  precisions=fp32
  if bin/longtail bench --device cpu --precision mixed model.name=resnet8 train.batch=8 --steps 1 --windows 1 --json >/dev/null 2>&1; then
    precisions="fp32 mixed"
  fi
fi
for _ in $(seq "$rounds"); do
  for p in $precisions; do
    note "$p" one "$(rate "$p" 1)"
    if wants threads; then note "$p" threads "$(rate "$p" 2)"; fi
    if wants neighbour; then
      taskset -c "${processors[0]}" python3 -c 'while True: pass' &
      neighbour=$!
      note "$p" neighbour "$(rate "$p" 2)"
      kill "$neighbour"
      wait "$neighbour" 2>/dev/null || true
      neighbour=
    fi
    if wants processes; then
      rate "$p" 1 >"$runs/rate" &
      other=$!
      mine=$(rate "$p" 1)
      wait "$other"
      note "$p" processes "$mine" "$(cat "$runs/rate")"
    fi
  done
done
if wants sweep; then
  n=${#processors[@]}
  # sweep JOBS THREADS: seconds.
  sweep() {
    local start=$EPOCHREALTIME
    bin/longtail sweep configs/sweep_demo.yaml "grid.seed=[$(seq -s, "$n")]" 'grid.loss=[{name: softmax}]' 'grid.data.imbalance=[5]' \
      model.name=resnet20 train.epochs=4 train.batch=128 data.max_per_class=600 --quiet --device cpu --jobs "$1" --threads "$2" out="$runs/$1" >/dev/null
    python3 -c 'import sys; print(round(float(sys.argv[2]) - float(sys.argv[1]), 2))' "$start" "$EPOCHREALTIME"
  }
  for _ in $(seq "$rounds"); do
    rm -rf "$runs/1" "$runs/$n"
    echo "sweep one $(sweep 1 1)"
    echo "sweep jobs $(sweep "$n" "$n")"
  done | tee -a "$figures"
fi

python3 - "$figures" "${#processors[@]}" <<'END'
import statistics, sys
by = {}
for line in open(sys.argv[1]):
    precision, name, figure = line.split()
    by.setdefault(precision, {}).setdefault(name, []).append(float(figure))
print("\nmedians")
for precision, figures in by.items():
    median = {name: statistics.median(all) for name, all in figures.items()}
    if precision == "sweep":
        n = int(sys.argv[2])
        print(f"sweep of {n} runs: {median['one']:.2f} s one after another, {median['jobs']:.2f} s at once: "
              f"{median['one'] / median['jobs']:.2f} times, wanted {0.95 * n:.2f}")
        continue
    for name, wanted, what in (("threads", 1.9, "2 threads"), ("neighbour", 1.4, "2 threads and a busy neighbour"), ("processes", 1.9, "2 processes")):
        if name in median:
            print(f"{precision}: 1 thread {median['one']:.1f} images/s, {what} {median[name]:.1f}: {median[name] / median['one']:.2f} times, wanted {wanted}")
END
