#!/usr/bin/env bash
# precisions.sh [--data-dir FOLDER] [key=value ...]: five seeds in float32 and five in mixed precision on a CPU with AVX512_BF16, with the
# shortened schedule of configs/shortened/precisions.yaml, and their table. FOLDER holds cifar-10-batches-bin; without it $LONGTAIL_DATA counts.
# Run folders are left in runs/precisions; the same command again resumes.
set -euo pipefail
. "$(dirname "$0")/shortened.sh"
shortened precisions "$@"
bin/longtail compare --runs runs/precisions
