#!/usr/bin/env bash
# The main job in small: one network trained with softmax and with class-balanced focal loss on a long-tailed set of synthetic
# images, then both side by side. It leaves two run folders and a comparison in $OUT (runs/demo unless set).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-runs/demo}
make -s
bin/longtail train configs/demo.yaml loss.name=softmax out="$out/softmax"
bin/longtail train configs/demo.yaml loss.name=focal loss.gamma=1 loss.beta=0.99 out="$out/cb-focal"
bin/longtail compare "$out"
