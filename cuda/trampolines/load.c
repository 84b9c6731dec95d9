/* Opens the driver library at start and fills the table that the trampolines jump through. names.inc, made by trampolines.sh,
 * lists the entry points, one "name", a line. Without a driver cuInit succeeds and the device count is 0, because gorgonia.org/cu
 * ends the process in its init when cuInit fails.
 */
#include <cuda.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <trampolines.h>

static const char *const names[] = {
#include "names.inc"
};
#define HIDDEN __attribute__((visibility("hidden")))
enum { COUNT = sizeof names / sizeof *names };
HIDDEN void *trampoline_table[COUNT];

static CUresult (*driver_init)(unsigned);
static CUresult (*driver_count)(int *);
static trampolineStatus_t status = {"libcuda.so.1", NULL, -1};

static CUresult missing(void) { return CUDA_ERROR_NOT_FOUND; }

__attribute__((constructor)) static void load(void) {
	const char *path = getenv("LONGTAIL_CUDA_DRIVER");
	if (path && *path) status.library = path;
	void *driver = dlopen(status.library, RTLD_NOW);
	if (!driver) status.problem = dlerror();
	for (int i = 0; i < COUNT; i++) {
		void *entry = driver ? dlsym(driver, names[i]) : NULL;
		trampoline_table[i] = entry ? entry : (void *)missing;
	}
	if (driver) {
		driver_init = (CUresult (*)(unsigned))dlsym(driver, "cuInit");
		driver_count = (CUresult (*)(int *))dlsym(driver, "cuDeviceGetCount");
	}
}

HIDDEN CUresult cuInit(unsigned flags) {
	if (driver_init && driver_count) status.init = driver_init(flags);
	return CUDA_SUCCESS;
}

HIDDEN CUresult cuDeviceGetCount(int *count) {
	*count = 0;
	return status.init == CUDA_SUCCESS ? driver_count(count) : CUDA_SUCCESS;
}

HIDDEN trampolineStatus_t trampolineStatus(void) { return status; }
