#!/usr/bin/env bash
# Compares what two commits train: the same configs must give the same parameters, momenta and running moments, bit for bit.
#
#   scripts/same_bits.sh OLD [NEW]     NEW is the working tree unless given
#
# Both programs are built from clean checkouts in a temporary folder and train small networks of each shortcut and loss on the
# CPU, with AVX2, with AVX-512 and in mixed precision where the processor has them, and in plain Go; with the driver emulator (make emulator), CUDA=1 adds two on the CUDA backend. Prints a line for
# each training; the exit code is 1 where one differs. Metadata of checkpoints may differ, tensors may not.
set -euo pipefail
cd "$(dirname "$0")/.."
old=${1:?usage: scripts/same_bits.sh OLD [NEW]}
work=$(mktemp -d)
trap 'git worktree remove --force "$work/old" 2>/dev/null || true; git worktree remove --force "$work/new" 2>/dev/null || true; rm -rf "$work"' EXIT
build() { # COMMIT FOLDER
  git worktree add --quiet --detach "$2" "$1"
  (cd "$2" && make bin/longtail >/dev/null)
}
build "$old" "$work/old"
new=$PWD
if [ $# -gt 1 ]; then
  new=$work/new
  build "$2" "$new"
else
  make bin/longtail >/dev/null
fi

# tensors FILE: a hash of all tensors of a safetensors file, which lie behind 8 bytes of length and the header of that length.
tensors() {
  local header
  header=$(od -An -tu8 -N8 "$1" | tr -d ' ')
  tail -c "+$((9 + header))" "$1" | sha256sum | cut -d' ' -f1
}

differ=0
compare() { # NAME KEY=VALUE...
  local name=$1 a b
  shift
  for side in old new; do
    local program=$work/old/bin/longtail
    [ $side = old ] || program=$new/bin/longtail
    "$program" train --quiet "$@" data.dataset=synthetic10 data.max_per_class=30 data.imbalance=10 train.epochs=2 \
      train.batch=10 train.checkpoint_every=7 out="$work/runs/$side/$name" >/dev/null
  done
  a=$(tensors "$work/runs/old/$name/checkpoints/last.safetensors")
  b=$(tensors "$work/runs/new/$name/checkpoints/last.safetensors")
  if [ "$a" = "$b" ]; then echo "same    $name  ${a:0:16}"; else echo "DIFFER  $name  ${a:0:16} ${b:0:16}"; differ=1; fi
}
# A program of before AVX-512 takes AVX2 there, whose bits it has.
sets="avx2 generic"
if grep -qw avx512dq /proc/cpuinfo 2>/dev/null; then sets="avx2 avx512 generic"; fi
for set in $sets; do
  export LONGTAIL_CPU=$set
  compare "$set-softmax" device=cpu model.name=resnet8 loss.name=softmax
  compare "$set-cb-focal" device=cpu model.name=resnet14 loss.name=focal loss.gamma=0.5 loss.beta=0.99 seed=1
  compare "$set-sigmoid-projection" device=cpu model.name=resnet8 model.shortcut=projection loss.name=sigmoid data.validation=0.1 seed=2
  compare "$set-subsample-he" device=cpu model.name=resnet8 model.shortcut=subsample model.init=he loss.name=softmax loss.beta=0.9
done
unset LONGTAIL_CPU
if grep -qw avx512_bf16 /proc/cpuinfo 2>/dev/null; then
  compare cpu-mixed device=cpu precision=mixed model.name=resnet14 loss.name=focal loss.gamma=0.5 loss.beta=0.99
  compare cpu-mixed-projection device=cpu precision=mixed model.name=resnet8 model.shortcut=projection loss.name=softmax seed=1
fi
if [ "${CUDA:-}" = 1 ]; then
  make emulator >/dev/null
  export LONGTAIL_CUDA_DRIVER=$PWD/bin/libcuda_emulator_fast.so
  compare cuda-fp32 device=cuda precision=fp32 model.name=resnet8 loss.name=focal loss.gamma=1 loss.beta=0.99
  compare cuda-mixed device=cuda precision=mixed model.name=resnet8 model.shortcut=projection loss.name=softmax
fi
exit $differ
