#!/usr/bin/env bash
# methods.sh [--data-dir FOLDER] [key=value ...]: eight methods on CIFAR-10 at imbalance factor 100 with the shortened schedule of
# configs/shortened/methods.yaml, and their table. FOLDER holds cifar-10-batches-bin; without it $LONGTAIL_DATA counts. Run folders are left in
# runs/methods; the same command again resumes.
set -euo pipefail
. "$(dirname "$0")/shortened.sh"
shortened methods "$@"
bin/longtail table configs/shortened/methods.yaml "${keys[@]}"
bin/longtail compare --runs runs/methods --metric balanced
