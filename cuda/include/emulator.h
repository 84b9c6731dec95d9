/* Entry points that the driver emulator has beyond those of a CUDA driver. A real driver lacks them: the trampolines then answer
 * CUDA_ERROR_NOT_FOUND.
 */
#ifndef LONGTAIL_EMULATOR_H
#define LONGTAIL_EMULATOR_H

#include <cuda.h>

/* Totals since the start of the process. A 32-byte sector of device memory that a launch reads counts once for that launch, one
 * that it writes once more; copies and fills count what they move in device memory. The fast build knows no sectors of launches.
 */
typedef struct {
	uint64_t launches, copies, fills;
	uint64_t bytes_read, bytes_written;
	uint64_t multiplications; /* mma.m16n8k16 */
	uint64_t dependent_loads; /* the longest chain of dependent loads of each launch, added up; 0 where the kernels are no PTX */
	uint64_t longest_chain;   /* of all launches */
	int checked;              /* 1: the build that sees every access */
} emulatorCounters_t;

CUresult emulatorCounters(emulatorCounters_t *out);

/* What the last error was about, in words; an empty string if there was none. Valid until the next call of the driver. */
CUresult emulatorLastError(const char **text);

#endif
