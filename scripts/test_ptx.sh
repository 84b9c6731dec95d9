#!/usr/bin/env bash
# Runs the tests of the CUDA backend on the committed PTX (make test-ptx): all on the checked build; the same launches on the kernels of the .cu
# files and on the PTX, compared bit by bit; whole steps under variants of what a GPU may do. PTX_STAGES names stages, all by default.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/ptx/test
mkdir -p "$out"
packages="cuda/kernels/ptx/families cuda/kernels/random cuda/driver cuda/mmaconv cuda"
# shellcheck disable=SC2086
for p in $packages; do
  go test -c -tags gpu -o "$out/${p//\//_}.test" "./$p"
done

# run LIBRARY PACKAGE FLAGS...: the tests of a package in its folder.
run() {
  local library=$PWD/bin/$1 binary=$PWD/$out/${2//\//_}.test folder=$2
  shift 2
  (cd "$folder" && LONGTAIL_CUDA_DRIVER=$library "$binary" -test.timeout 20m "$@")
}

# The planted mistakes that cannot show in PTX are skipped, nothing else.
tests() {
  : >"$out/skipped"
  for p in $packages; do
    run libcuda_ptx.so "$p" -test.v 2>"$out/messages" | tee "$out/log"
    grep -o '^ *--- SKIP: [^ ]*' "$out/log" >>"$out/skipped" || true
  done
  sort "$out/skipped" | sed 's/.*SKIP: //' | diff - <(printf 'TestPlantedMistakesAreCaught/%s\n' \
    barriers_at_different_places index_outside_an_array_of_registers signed_overflow) || { echo "other tests were skipped than those that cannot show in PTX" >&2; return 1; }
}

bits() {
  go run ./cuda/kernels/ptx/comparebits
}

variants() {
  EMULATOR_LAYOUT=adversarial run libcuda_ptx.so cuda/kernels/random
  EMULATOR_LAYOUT=adversarial run libcuda_ptx.so cuda/mmaconv -test.run 'Forward|Backward|Weights'
  EMULATOR_LAYOUT=adversarial run libcuda_ptx.so cuda -test.skip 'Golden|TestTwoEpochs|TestResNet32'
  EMULATOR_MMA=truncate run libcuda_ptx_fast.so cuda -test.run 'TestMixedStepsAreNearFP32|TestGoldenCurvesMixed'
  EMULATOR_APPROXIMATE=2 run libcuda_ptx_fast.so cuda -test.run 'TestStepsEqualTheCPU|TestMixedStepsAreNearFP32|TestGoldenCurves'
}

# Chains of dependent loads, which take a batch of 128 to show.
chains() {
  run libcuda_ptx_fast.so cuda -test.v -test.run TestDependentLoadsOfAStep
}

# A few of what make mutants does: each must make a test fail.
mutants() {
  go run ./cuda/kernels/ptx/mutants -seed 7 -most 12 -classes 'without .trans|rows of a|bfly to down|bar.sync|fence|cp.async of 8|rounds|smaller .align'
}

for stage in ${PTX_STAGES:-tests bits variants chains mutants}; do
  start=$SECONDS
  "$stage"
  echo "---- PTX, $stage: $((SECONDS - start)) s"
done
