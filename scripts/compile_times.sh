#!/usr/bin/env bash
# How long ptxas takes for each file of kernels (CPU seconds), and how large its result is, raw and compressed: what the driver does at the
# first start on a machine, and what committing its results would cost.
#
#   scripts/compile_times.sh [ARCHITECTURE]     sm_90 unless given
set -euo pipefail
cd "$(dirname "$0")/.."
ptxas=$(scripts/ptxas.sh)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
TIMEFORMAT=%U
printf '%-16s %8s %8s %11s\n' file seconds bytes compressed
for text in cuda/kernels/*.ptx; do
  name=$(basename "$text" .ptx)
  seconds=$({ time "$ptxas" -arch "${1:-sm_90}" -o "$out/$name" "$text" >&2; } 2>&1)
  printf '%-16s %8s %8d %11d\n' "$name" "$seconds" "$(stat -c %s "$out/$name")" "$(gzip -9c "$out/$name" | wc -c)"
done | tee "$out/all"
awk '{ s += $2; b += $3; c += $4; if ($2 > most) most = $2 } END { printf "%-16s %8.3f %8d %11d   the longest: %.3f s\n", "all", s, b, c, most }' "$out/all"
