#!/usr/bin/env bash
# Prints the path of the ptxas that docs/sass.txt was made with: PTXAS if that is set, else of the Python package nvidia-cuda-nvcc, which it gets
# into build/ptxas. Another version allocates other registers.
set -euo pipefail
cd "$(dirname "$0")/.."
version=13.5.37
if [ -n "${PTXAS:-}" ]; then
  echo "$PTXAS"
  exit
fi
folder=$PWD/build/ptxas/$version
if [ ! -x "$folder/nvidia/cu13/bin/ptxas" ]; then
  mkdir -p "$folder"
  python3 -m pip download -q --no-deps -d "$folder" "nvidia-cuda-nvcc==$version" >&2
  python3 -m zipfile -e "$folder"/*.whl "$folder"
  chmod +x "$folder/nvidia/cu13/bin/ptxas"
  rm "$folder"/*.whl
fi
echo "$folder/nvidia/cu13/bin/ptxas"
