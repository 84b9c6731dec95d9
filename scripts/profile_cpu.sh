#!/usr/bin/env bash
# profile_cpu.sh [STEPS]: the passes of a training step of ResNet-32 at batch 128 on the CPU, for every set of kernels and precision, with
# 1 and 2 threads.
#
# For each pass: what it is, microseconds of a core an image, share of the step, GFLOP/s and share of a core's peak for products, kilobytes
# read and written of values that outlive a pass over the batch. A pass counts with the median over chunks of images (default: of 6 steps),
# which other programs disturb little. THREADS="1" measures one number of threads only. Needs bin/longtail (make).
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${1:-6}
[ -x bin/longtail ] || { echo "bin/longtail is missing: run make" >&2; exit 1; }
for n in ${THREADS:-1 2}; do
  for set in avx2:fp32 avx512:fp32 avx512:mixed; do
    echo "== $n threads, ${set/:/, }"
    LONGTAIL_CPU=${set%:*} bin/longtail bench --device cpu --precision "${set#*:}" model.name=resnet32 train.batch=128 --threads "$n" \
      --steps 1 --windows 1 --profile "$steps" || echo "not on this processor"
  done
done
