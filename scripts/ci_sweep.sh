#!/usr/bin/env bash
# A sweep of 12 runs (configs/sweep_demo.yaml) is killed with -9 in the middle and finished by the same command; then two of
# its runs, and those that the kill cut off, are trained alone and compared with the sweep's, byte for byte. Leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."
make -s
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
sweep=(bin/longtail sweep configs/sweep_demo.yaml --device cpu --jobs 2 out="$out/sweep")

done_runs() { find "$out/sweep" -name summary.json 2>/dev/null | wc -l; }

"${sweep[@]}" >/dev/null 2>"$out/first.log" &
pid=$!
# The middle: some runs are done, others have a checkpoint and are not.
for _ in $(seq 1200); do
  [ "$(done_runs)" -lt 5 ] || break
  kill -0 "$pid" 2>/dev/null || { cat "$out/first.log" >&2; echo "the sweep ended by itself" >&2; exit 1; }
  sleep 0.1
done
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
killed=$(done_runs)
[ "$killed" -ge 5 ] && [ "$killed" -lt 12 ] || { echo "killed with $killed of 12 runs done: not in the middle" >&2; exit 1; }
# Those that were cut off in the middle: a checkpoint and no summary.
cut_off=()
for run in "$out"/sweep/*; do
  [ -e "$run/summary.json" ] || [ ! -e "$run/checkpoints/last.safetensors" ] || cut_off+=("${run##*/}")
done
echo "killed with $killed of 12 runs done, ${#cut_off[@]} cut off: ${cut_off[*]}"

"${sweep[@]}"
[ "$(done_runs)" = 12 ] || { echo "finished, but $(done_runs) of 12 runs are done" >&2; exit 1; }

# alone NAME ARGUMENT...: trains the run alone and compares what must not differ.
alone() {
  local name=$1 file
  shift
  bin/longtail train "$@" --quiet --device cpu --out "$out/alone/$name" >/dev/null
  for file in checkpoints/last.safetensors checkpoints/best.safetensors split.json metrics.jsonl summary.json; do
    cmp "$out/sweep/$name/$file" "$out/alone/$name/$file"
  done
  echo "$name: the same bytes alone"
}
alone synthetic10-if5-resnet8-focal-g1-b0.99-s1 data.dataset=synthetic10 data.imbalance=5 data.max_per_class=150 \
  model.name=resnet8 loss.name=focal loss.gamma=1 loss.beta=0.99 seed=1 \
  train.epochs=6 train.batch=32 train.eval_every=2 train.checkpoint_every=10
alone synthetic10-if20-resnet8-softmax-s0 "$out/sweep/synthetic10-if20-resnet8-softmax-s0/config.yaml"
for name in "${cut_off[@]}"; do
  alone "$name" "$out/sweep/$name/config.yaml"
done
