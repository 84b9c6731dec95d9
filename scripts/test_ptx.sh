#!/usr/bin/env bash
# Runs the tests of the CUDA backend on the committed PTX (make test-ptx): all on the checked build; the same launches on the kernels of the .cu
# files and on the PTX, compared; whole steps under variants of what a GPU may do; planted faults. PTX_STAGES names stages, all by default. Two
# programs run at once.
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

# run_all: each line of the input is a name for the log, a variable or -, and arguments of run; two at once.
run_all() {
  local name variable arguments
  : >"$out/failures"
  while read -r name variable arguments; do
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
    # shellcheck disable=SC2086
    (
      [ "$variable" = - ] || export "${variable?}"
      run $arguments -test.v >"$out/$name.log" 2>&1 || { cat "$out/$name.log" && echo "FAIL: $arguments" >>"$out/failures"; }
    ) &
  done
  wait
  cat "$out/failures"
  [ ! -s "$out/failures" ]
}

# Tests of package cuda that take about half of its time.
half='TestSameBits|TestGolden|TestTwoEpochs|TestSeveralSessions|TestResume|TestLaunches'

# The arrays of kernels that tests launch alone lie as badly as they may. The planted mistakes that cannot show in PTX are skipped, nothing else.
tests() {
  run_all <<END
steps - libcuda_ptx.so cuda -test.run $half
cuda - libcuda_ptx.so cuda -test.skip $half
families - libcuda_ptx.so cuda/kernels/ptx/families
driver - libcuda_ptx.so cuda/driver
random EMULATOR_LAYOUT=adversarial libcuda_ptx.so cuda/kernels/random
mmaconv EMULATOR_LAYOUT=adversarial libcuda_ptx.so cuda/mmaconv
END
  (cd "$out" && cat steps.log cuda.log families.log driver.log random.log mmaconv.log) | grep -o '^ *--- SKIP: [^ ]*' | sort | sed 's/.*SKIP: //' |
    diff - <(printf 'TestPlantedMistakesAreCaught/%s\n' barriers_at_different_places index_outside_an_array_of_registers signed_overflow) || {
    echo "other tests were skipped than those that cannot show in PTX" >&2
    return 1
  }
}

bits() {
  go run ./cuda/kernels/ptx/comparebits
}

variants() {
  run_all <<'END'
layout EMULATOR_LAYOUT=adversarial libcuda_ptx.so cuda -test.run TestMixedStepsAreNearFP32|TestEvaluation|TestCosine|TestClassifier|TestRow|TestImages|TestUpdate
approximate EMULATOR_APPROXIMATE=2 libcuda_ptx_fast.so cuda -test.run TestStepsEqualTheCPU|TestMixedStepsAreNearFP32|TestGoldenCurves
truncate EMULATOR_MMA=truncate libcuda_ptx_fast.so cuda -test.run TestMixedStepsAreNearFP32|TestGoldenCurvesMixed
END
}

# Chains of dependent loads, which take a batch of 128 to show.
chains() {
  run libcuda_ptx_fast.so cuda -test.v -test.run TestDependentLoadsOfAStep
}

# A few of what make mutants does, one of each of 14 classes: each must be caught. Of another seed a survivor may change nothing: docs/gpu.md.
mutants() {
  go run ./cuda/kernels/ptx/mutants -quick -seed 1 -most 14 -classes 'without .trans|rows of a|bfly to down|bar.sync|atom without|cp.async of 8|rounds|smaller .align'
}

for stage in ${PTX_STAGES:-tests bits variants chains mutants}; do
  start=$SECONDS
  "$stage"
  echo "---- PTX, $stage: $((SECONDS - start)) s"
done
