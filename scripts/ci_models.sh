#!/usr/bin/env bash
# ci_models.sh: exports networks and compares their logits in ONNX Runtime, and in torchvision where it can be had, with longtail's. Installs
# what is missing where it can, into build/python; without ONNX Runtime the comparison is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
python=build/python/bin/python
if ! "$python" -c 'import onnxruntime' 2>/dev/null; then
  base=/usr/bin/python3
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q --no-install-recommends python3-venv python3-torch python3-torchvision >&2 || true
  fi
  if ! { "$base" -m venv --system-site-packages build/python && "$python" -m pip install -q onnxruntime numpy; } >&2; then
    echo "LEFT OUT: comparing exported networks needs Python and onnxruntime, which cannot be had"
    exit 0
  fi
fi
models=$(mktemp -d)
trap 'rm -rf "$models"' EXIT
LONGTAIL_MODELS=$models go test -count=1 ./cmd/longtail -run '^TestExportedNetworks$'
"$python" scripts/check_models.py "$models"
