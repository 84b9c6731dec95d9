#!/bin/bash
# selftest.sh: links a C program with libcuda.a and runs it without a driver and with a pretended one, which
# checks that arguments in registers, on the stack and in float registers get through. $CC and $RUN choose the
# machine, for example CC=aarch64-linux-gnu-gcc RUN='qemu-aarch64-static -L /usr/aarch64-linux-gnu'.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-gcc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/trampolines.sh" "$work"
cat >"$work/driver.c" <<'C'
#include <cuda.h>
#define HANDLE(type, n) ((type)(uintptr_t)(n))
CUresult cuInit(unsigned flags) { return flags; }
CUresult cuDeviceGetCount(int *count) { *count = 3; return 0; }
CUresult cuMemAlloc(CUdeviceptr *out, size_t bytes) { *out = 0xfeedfacecafe0000 + bytes; return 0; }
CUresult cuTexRefSetMipmapLevelClamp(CUtexref tex, float low, float high) { return tex == HANDLE(CUtexref, 5) && low == 0.5f && high == 7.25f ? 0 : 1; }
CUresult cuLaunchKernel(CUfunction fn, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream, void **params, void **extra) {
	return fn == HANDLE(CUfunction, 1) && gx == 2 && gy == 3 && gz == 4 && bx == 5 && by == 6 && bz == 7 && shared == 8 && stream == HANDLE(CUstream, 9) && params == HANDLE(void **, 10) && extra == HANDLE(void **, 11) ? 0 : 1;
}
C
cat >"$work/user.c" <<'C'
#include <cuda.h>
#include <stdio.h>
#define HANDLE(type, n) ((type)(uintptr_t)(n))
int main(int argc, char **argv) {
	int count = -1, bad = 0, real = argc > 1;
	CUdeviceptr p = 0;
	CUresult want = real ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
	bad += cuInit(0) != CUDA_SUCCESS;
	bad += cuDeviceGetCount(&count) != CUDA_SUCCESS || count != (real ? 3 : 0);
	bad += cuMemAlloc(&p, 0x1234) != want || p != (real ? 0xfeedfacecafe1234 : 0);
	bad += cuTexRefSetMipmapLevelClamp(HANDLE(CUtexref, 5), 0.5f, 7.25f) != want;
	bad += cuLaunchKernel(HANDLE(CUfunction, 1), 2, 3, 4, 5, 6, 7, 8, HANDLE(CUstream, 9), HANDLE(void **, 10), HANDLE(void **, 11)) != want;
	bad += cuCtxSynchronize() != CUDA_ERROR_NOT_FOUND; /* the pretended driver lacks it, as an old one would */
	printf("%s driver: %d wrong\n", real ? argv[1] : "no", bad);
	return bad;
}
C
"$cc" -I"$here/../include" -shared -fPIC "$work/driver.c" -o "$work/driver.so"
for pie in -pie -no-pie; do
  "$cc" -Wall -fPIE $pie -I"$here/../include" "$work/user.c" -L"$work" -lcuda -o "$work/user"
  ! readelf -d "$work/user" | grep -q 'NEEDED.*cuda'
  LONGTAIL_CUDA_DRIVER=/nonexistent ${RUN:-} "$work/user"
  LONGTAIL_CUDA_DRIVER=$work/driver.so ${RUN:-} "$work/user" pretended
done
