#!/usr/bin/env bash
# docs/your-images.md from a folder of images to a report, on images that the program draws: pack, look at the tail, train with
# softmax and with balanced softmax, compare, report, and classify images that were not there. It leaves all that in $OUT (runs/demo_folder
# unless set); EPOCHS shortens it.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-runs/demo_folder}
epochs=${EPOCHS:-20}
make -s
mkdir -p "$out"
test -e "$out/shapes" || bin/longtail data draw --out "$out/shapes" --classes 10 --size 64 --images 400 --imbalance 20
test -e "$out/shapes.pack" || bin/longtail data pack "$out/shapes" --size 48 --test 0.2 --out "$out/shapes.pack"
bin/longtail data stats data.dataset="$out/shapes.pack"
for loss in softmax balanced_softmax; do
	bin/longtail train data.dataset="$out/shapes.pack" model.name=resnet8 train.epochs="$epochs" train.batch=32 train.lr=0.2 loss.name="$loss" out="$out/runs/$loss"
done
bin/longtail compare "$out/runs" --metric balanced
bin/longtail report "$out/runs" --mistakes --out "$out/report.html"
test -e "$out/new" || bin/longtail data draw --out "$out/new" --classes 10 --size 100 --images 2 --imbalance 1 --seed 1
bin/longtail predict "$out/runs/balanced_softmax" "$out/new" --top 2 --threshold 0.5
