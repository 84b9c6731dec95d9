#!/usr/bin/env bash
# ci_processors.sh: the CPU backend as other processors run it: the golden curves and the backend's tests with the kernels of AVX2 and with those in
# plain Go, and for arm64 the build and vet of everything (tests under qemu take minutes: docs/cpu.md).
set -euo pipefail
cd "$(dirname "$0")/.."
curves='^(TestGoldenCurvesOnCPU|TestCurvesOfLargeNetworksOnCPU)$'

arm64() {
  GOARCH=arm64 CGO_ENABLED=0 go vet ./...
}

generic() {
  LONGTAIL_CPU=generic go test -short ./internal/cpu
  LONGTAIL_CPU=generic go test ./train/curves -run "$curves/^(fp32|resnet18)"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
(set -e; arm64) >"$log" 2>&1 &
if grep -q avx2 /proc/cpuinfo 2>/dev/null; then
  LONGTAIL_CPU=avx2 go test -short ./internal/cpu
  LONGTAIL_CPU=avx2 go test ./train/curves -run "$curves"
fi
generic
result=0
wait $! || result=$?
cat "$log"
exit $result
