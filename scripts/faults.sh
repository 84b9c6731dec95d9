#!/usr/bin/env bash
# Injects faults into runs and counts what comes of them: noticed, harmless, silent or lost (cmd/longtail/faults_test.go says what that is).
#
#   scripts/faults.sh [FAULTS [SEED [KILLS]]]     4000 faults, seed 1 and 200 kills unless given
#
# A fault flips a bit of a file of a finished or an interrupted run, cuts the file, removes it or puts another one in its place. A kill is
# a SIGKILL at a moment of a training, which must end with the bytes of an undisturbed one. The exit code is 1 where one is silent or lost.
set -euo pipefail
cd "$(dirname "$0")/.."
go test ./cmd/longtail -count 1 -timeout 3h -v -run '^(TestFaults|TestKilledRunsEndWithTheSameBytes)$' \
  -faults "${1:-4000}" -faultseed "${2:-1}" -kills "${3:-200}"
