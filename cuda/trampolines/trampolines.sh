#!/bin/bash
# trampolines.sh FOLDER: makes FOLDER/libcuda.a from ../include/cuda.h and emulator.h, for the machine that $CC compiles for (x86-64
# or arm64). Each entry point jumps through a table that load.c fills at start from the driver library; all are hidden, so that a
# program never lends its own to a library that it loads.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../include
cc=${CC:-gcc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the headers' prototypes are called at link time: the undefined symbols of an object that names them all.
{
  echo '#include <cuda.h>'
  echo '#include <emulator.h>'
  echo 'void *all[] = {'
  sed -n -E 's/^CUresult ((cu|emulator)[A-Za-z0-9]*)\(.*/(void *)\1,/p' "$include/cuda.h" "$include/emulator.h"
  echo '};'
} >"$work/all.c"
$cc -I"$include" -c "$work/all.c" -o "$work/all.o"
nm -u "$work/all.o" | awk '{print $2}' | LC_ALL=C sort >"$work/entries"
grep -v -x -e cuInit -e cuDeviceGetCount "$work/entries" >"$work/names"
sed 's/.*/"&",/' "$work/names" >"$work/names.inc"

case $($cc -dumpmachine) in
x86_64*) jump='\tjmp *trampoline_table+%d(%%rip)\n' ;;
aarch64*) jump='\tadrp x16, trampoline_table+%d\n\tldr x16, [x16, #:lo12:trampoline_table+%d]\n\tbr x16\n' ;;
*) echo "no trampolines for $($cc -dumpmachine)" >&2; exit 1 ;;
esac
{
  echo '.text'
  at=0
  while read -r name; do
    printf '.balign 16\n.globl %s\n.hidden %s\n.type %s, %%function\n%s:\n' "$name" "$name" "$name" "$name"
    printf "${jump//%d/$at}"
    printf '.size %s, .-%s\n' "$name" "$name"
    at=$((at + 8))
  done <"$work/names"
  echo '.section .note.GNU-stack,"",%progbits'
} >"$work/trampolines.S"

$cc -O2 -Wall -Wno-cast-function-type -I"$include" -I"$work" -ffile-prefix-map="$here=cuda/trampolines" -c "$here/load.c" -o "$work/load.o"
$cc -c "$work/trampolines.S" -o "$work/trampolines.o"
mkdir -p "$1"
rm -f "$1/libcuda.a.new"
"${AR:-ar}" rcsD "$1/libcuda.a.new" "$work/load.o" "$work/trampolines.o"
mv "$1/libcuda.a.new" "$1/libcuda.a"
echo "$(wc -l <"$work/entries") entry points in $1/libcuda.a"
