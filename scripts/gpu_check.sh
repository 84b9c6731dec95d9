#!/usr/bin/env bash
# gpu_check.sh FOLDER: everything to be run on a machine with an NVIDIA GPU, in one go; results go to FOLDER/results.
#
# FOLDER is what `gpu_check.sh --pack FOLDER` made on a machine with the sources: the program, the test binaries of the CUDA backend, this
# script and the PyTorch programs. The GPU's machine needs the driver; python3 with torch and compute-sanitizer are used where they are.
#
# 1 parity    every test of the CUDA backend on the GPU, and the golden curves in fp32 and mixed, known losses
# 2 sanitizer compute-sanitizer's memcheck and racecheck over a short run
# 3 speed     longtail bench, fp32 and mixed, 1, 2, 4 and 8 runs at once, PyTorch before and after
# 4 training  CIFAR-10 at IF 100, 200 epochs, softmax and class-balanced focal, both precisions, seeds 0 to 2: with LONGTAIL_DATA set
#
# STEPS="parity speed" runs some of them. The exit code is 1 if a step failed; the others are still run.
set -uo pipefail

if [ "${1:-}" = --pack ]; then
  set -e
  folder=$(mkdir -p "$2" && cd "$2" && pwd)
  cd "$(dirname "$0")/.."
  make bin/longtail
  cp bin/longtail scripts/gpu_check.sh scripts/torch_gpu.py scripts/torch_resnet32.py "$folder/"
  cp -r configs "$folder/"
  mkdir -p "$folder/train/known"
  cp -r train/known/testdata "$folder/train/known/"
  mkdir -p "$folder/train/curves/testdata"
  cp train/curves/testdata/models.json "$folder/train/curves/testdata/"
  # the tests look for files beside their sources
  for package in ./cuda ./cuda/driver ./cuda/mmaconv; do
    name=$(basename "$package")
    make -s test-binary PACKAGE="$package" OUT="$folder/$name.test"
    mkdir -p "$folder/$package"
    if [ -d "$package/testdata" ]; then cp -r "$package/testdata" "$folder/$package/"; fi
  done
  echo "packed into $folder; on the GPU's machine: $folder/gpu_check.sh $folder"
  exit 0
fi

folder=$(cd "${1:?usage: gpu_check.sh FOLDER, or gpu_check.sh --pack FOLDER}" && pwd) || exit 2
results="$folder/results"
mkdir -p "$results"
steps=${STEPS:-parity sanitizer speed training}
failed=0

# record NAME COMMAND...: runs a command, its output goes to the screen and to results/NAME.txt.
record() {
  local name=$1
  shift
  echo "== $name: $*"
  if ! "$@" 2>&1 | tee "$results/$name.txt"; then
    echo "== $name FAILED"
    failed=1
  fi
}

parity() {
  for package in cuda/driver cuda/mmaconv cuda; do
    name=$(basename "$package")
    (cd "$folder/$package" && LONGTAIL_TEST_DEVICE=gpu record "test_$name" "$folder/$name.test" -test.v -test.timeout 20m; exit $failed) || failed=1
  done
  record losses_fp32 "$folder/longtail" doctor --device cuda --losses "$folder/train/known/testdata/losses.json"
  record curves_fp32 "$folder/longtail" doctor --device cuda --precision fp32 --curves
  record curves_mixed "$folder/longtail" doctor --device cuda --precision mixed --curves
  record curves_models "$folder/longtail" doctor --device cuda --precision fp32 --curves="$folder/train/curves/testdata/models.json"
  # in mixed the test knows which step of which case is out of bounds
  (cd "$folder/cuda" && LONGTAIL_TEST_DEVICE=gpu LONGTAIL_GOLDEN=1 record curves_all_mixed "$folder/cuda.test" -test.v -test.run TestGoldenCurvesMixed; exit $failed) || failed=1
}

sanitizer() {
  command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is not there: left out" | tee "$results/sanitizer.txt"; return; }
  for tool in memcheck racecheck; do
    for precision in fp32 mixed; do
      record "$tool-$precision" compute-sanitizer --tool "$tool" --error-exitcode 1 \
        "$folder/longtail" bench --device cuda --precision "$precision" --steps 1 --windows 1 model.name=resnet8 train.batch=7
      record "$tool-resnet50-$precision" compute-sanitizer --tool "$tool" --error-exitcode 1 \
        "$folder/longtail" bench --device cuda --precision "$precision" --steps 1 --windows 1 model.name=resnet50 train.batch=3
    done
  done
}

torch() {
  if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    record "torch_$1" python3 "$folder/torch_gpu.py" --batch 128
  else
    echo "python3 has no torch with CUDA: left out" | tee "$results/torch_$1.txt"
  fi
}

speed() {
  record gpu nvidia-smi
  torch before
  for precision in fp32 mixed; do
    for runs in 1 2 4 8; do
      record "bench-$precision-$runs" "$folder/longtail" bench --device cuda --precision "$precision" --runs "$runs" --json model.name=resnet32 train.batch=128
    done
    for model in resnet18 resnet50; do
      record "bench-$model-$precision" "$folder/longtail" bench --device cuda --precision "$precision" --json model.name=$model train.batch=128
    done
  done
  torch after
}

training() {
  [ -n "${LONGTAIL_DATA:-}" ] || { echo "LONGTAIL_DATA names no data: left out" | tee "$results/training.txt"; return; }
  for precision in fp32 mixed; do
    for seed in 0 1 2; do
      for config in cifar10_if100_softmax cifar10_if100_cb_focal; do
        name="$config-$precision-s$seed"
        record "train-$name" "$folder/longtail" train "$folder/configs/$config.yaml" --device cuda --precision "$precision" --seed "$seed" --out "$results/runs/$name"
      done
    done
  done
  record table "$folder/longtail" compare "$results"/runs/*
}

for step in $steps; do "$step"; done
exit $failed
