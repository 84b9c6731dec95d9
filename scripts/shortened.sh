# shellcheck shell=bash
# shortened.sh is sourced by scripts that train a sweep of configs/shortened on real images: shortened NAME [--data-dir FOLDER] [key=value ...] builds
# the program, trains configs/shortened/NAME.yaml on the CPU, as many runs at once as processors, and leaves the keys in the array `keys`. FOLDER
# holds cifar-10-batches-bin; without it $LONGTAIL_DATA counts. The same command again resumes.
shortened() {
  local name=$1 data=()
  shift
  if [ "${1:-}" = --data-dir ]; then
    data=(--data-dir "$(cd "$2" && pwd)")
    shift 2
  fi
  keys=("$@")
  cd "$(dirname "${BASH_SOURCE[0]}")/.." || return
  make -s
  bin/longtail sweep "configs/shortened/$name.yaml" "${data[@]}" --device cpu --jobs "$(nproc)" "${keys[@]}"
}
