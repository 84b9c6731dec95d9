#!/usr/bin/env bash
# Injects faults into runs and counts what comes of them: noticed, harmless, silent or lost (cmd/longtail/faults_test.go says what that is;
# faults_linux_test.go has the disks and the calls).
#
#   scripts/faults.sh [FAULTS [SEED [KILLS [DISKS [CALLS]]]]]     4000 faults, seed 1, 200 kills, 74 disks and 230 calls unless given
#
# A fault flips a bit of a file of a finished or an interrupted run, cuts the file, removes it or puts another one in its place. A kill is
# a SIGKILL at a moment of a training, which must end with the bytes of an undisturbed one. A disk is a small file system in memory, from
# full to large enough, on which a command writes; it needs the right to mount. A call is a system call of a command that fails with EIO,
# ENOSPC or EINTR; it needs strace. After both the same command is given again, and must end with the bytes of an undisturbed one. What the
# machine does not permit is left out, which the table says. The exit code is 1 where one is silent or lost.
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
go test ./cmd/longtail -count 1 -timeout 3h -v \
  -run '^(TestFaults|TestKilledRunsEndWithTheSameBytes|TestFullDisks|TestFailingSystemCalls)$' \
  -faults "${1:-4000}" -faultseed "${2:-1}" -kills "${3:-200}" -disks "${4:-74}" -calls "${5:-230}" | tee "$log" || code=$?
printf '\n%-6s %6s %8s %9s %7s %5s   seed %s\n' kind count noticed harmless silent lost "${2:-1}"
sed -n 's/.*: counts: //p' "$log"
grep -B 1 '^--- SKIP' "$log" || true # the line before has the reason
exit "$code"
