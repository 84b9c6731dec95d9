#!/usr/bin/env bash
# Everything that is checked before a change lands (make ci): a tidy go.mod, tests, the PTX that ships, vet and staticcheck, race detector, other processors, a sweep that
# is killed, a folder of images, sweeps on a real Slurm, fuzz tests, and a short training on real images where UNPACK names a program that makes them (UNPACK DEST cifar10).
# Installs what is missing where it can. Prints the seconds of each stage; the first failure ends it.
set -euo pipefail
cd "$(dirname "$0")/.."

# install PROGRAM PACKAGE: gets a program that is missing, where that is possible. No stage needs all of them, so a machine without
# one continues.
install() {
  command -v "$1" >/dev/null && return
  local sudo=
  [ "$(id -u)" = 0 ] || sudo="sudo -n"
  if command -v apt-get >/dev/null && { $sudo apt-get install -y -q "$2" || { $sudo apt-get update -q && $sudo apt-get install -y -q "$2"; }; } >&2; then
    return
  fi
  echo "LEFT OUT: $1 is missing and cannot be installed" >&2
}

stage() {
  local name=$1 start=$SECONDS
  shift
  echo "---- $name"
  "$@" || { echo "---- $name FAILED after $((SECONDS - start)) s"; exit 1; }
  echo "---- $name: $((SECONDS - start)) s"
}

# aside NAME COMMAND...: begins a stage that mostly waits; join ends it.
aside() {
  aside_log=$(mktemp)
  stage "$@" >"$aside_log" 2>&1 &
  aside_pid=$!
}

join() {
  local result=0
  wait "$aside_pid" || result=$?
  cat "$aside_log"
  rm -f "$aside_log"
  return $result
}

tidy() {
  go mod tidy -diff || { echo "go.mod is not tidy: run go mod tidy" >&2; return 1; }
}

real_data() {
  local images
  images=$(mktemp -d)
  "$UNPACK" "$images" cifar10 && scripts/ci_real_data.sh --data-dir "$images"
  local result=$?
  rm -rf "$images"
  return $result
}

race() {
  if command -v gcc >/dev/null; then make race; else echo "LEFT OUT: the race detector needs gcc"; fi
}

ptx() {
  if command -v g++ >/dev/null; then make -j2 test-ptx; else echo "LEFT OUT: executing the PTX needs g++"; fi
}

sass() {
  local ptxas
  if ptxas=$(scripts/ptxas.sh); then PTXAS=$ptxas make sass; else echo "LEFT OUT: compiling the PTX needs the Python package with ptxas, which cannot be had"; fi
}

# The tutorial for images of one's own, with a training of two epochs.
own_images() {
  local folder
  folder=$(mktemp -d)
  OUT="$folder" EPOCHS=2 scripts/demo_folder.sh
  local result=$?
  rm -rf "$folder"
  return $result
}

install g++ g++
stage "build" make
stage "go.mod is tidy" tidy
stage "test" make test
stage "the PTX that ships" ptx
stage "the PTX by ptxas" sass
aside "sweeps on Slurm" scripts/ci_slurm.sh
stage "vet and staticcheck" make lint
stage "race detector" race
join
stage "other processors" scripts/ci_processors.sh
stage "sweep killed and finished" scripts/ci_sweep.sh
stage "a folder of images" own_images
stage "export opened by MLflow" scripts/ci_mlflow.sh
install chromium chromium
stage "the live page in a browser" scripts/ci_serve.sh
stage "exported networks" scripts/ci_models.sh
stage "fuzz tests" make fuzz FUZZTIME=5s
if [ -n "${UNPACK:-}" ]; then
  install dwebp webp
  stage "training on real data" real_data
else
  echo "LEFT OUT: training on real data, UNPACK names no program that makes them"
fi
echo "---- all: $SECONDS s"
