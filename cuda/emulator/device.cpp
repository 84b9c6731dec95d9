// The pretended device, its context, errors in words, and what the emulator has beyond a driver.
#include "driver.h"
#include <cstdio>
#include <cstdlib>
#include <map>

using namespace emulator;

static CUctx_st primary;
static CUcontext current = nullptr; // of the whole process: thread-local storage is kept for shared memory
static std::string last_error;

CUresult emulator::complain(CUresult code, const std::string &text) {
	last_error = text;
	if (const char *quiet = getenv("EMULATOR_QUIET"); !quiet || !*quiet) fprintf(stderr, "emulator: error %d: %s\n", code, text.c_str());
	return code;
}
CUresult emulatorLastError(const char **text) {
	GUARD;
	static std::string told;
	told.swap(last_error);
	last_error.clear();
	*text = told.c_str();
	return CUDA_SUCCESS;
}
CUresult emulatorCounters(emulatorCounters_t *out) {
	GUARD;
	*out = counters;
	out->checked = is_checked();
	return CUDA_SUCCESS;
}

// V100, T4, A100, RTX 3090, RTX 4090, H100, B200, RTX 5090. A block has 1 KB less than a multiprocessor since 8.0.
static const Gpu gpus[] = {
	{70, 96 << 10, 96 << 10, 2048, 80}, {75, 64 << 10, 64 << 10, 1024, 40}, {80, 163 << 10, 164 << 10, 2048, 108}, {86, 99 << 10, 100 << 10, 1536, 82},
	{89, 99 << 10, 100 << 10, 1536, 128}, {90, 227 << 10, 228 << 10, 2048, 132}, {100, 227 << 10, 228 << 10, 2048, 148}, {120, 99 << 10, 100 << 10, 1536, 170}};
const Gpu *emulator::gpu = nullptr;

// EMULATOR_GPU=sm_86 and the like; sm_90 where it is not set.
static CUresult choose_gpu() {
	const char *asked = getenv("EMULATOR_GPU");
	std::string name = asked && *asked ? asked : "sm_90", known;
	for (const Gpu &g : gpus) {
		if (name == "sm_" + std::to_string(g.compute)) gpu = &g;
		known += " sm_" + std::to_string(g.compute);
	}
	return gpu ? CUDA_SUCCESS : complain(CUDA_ERROR_INVALID_VALUE, "EMULATOR_GPU=" + name + " is no GPU that the emulator knows: set it to one of" + known);
}

CUresult cuInit(unsigned) {
	GUARD;
	static std::once_flag once;
	if (!gpu)
		if (CUresult code = choose_gpu()) return code;
	std::call_once(once, start);
	return CUDA_SUCCESS;
}
CUresult cuDriverGetVersion(int *v) {
	*v = 11080; // the interface that our cuda.h declares
	return CUDA_SUCCESS;
}
// EMULATOR_GPUS=2 pretends that there are two: both are this one.
CUresult cuDeviceGetCount(int *n) {
	const char *asked = getenv("EMULATOR_GPUS");
	*n = asked && *asked ? atoi(asked) : 1;
	return CUDA_SUCCESS;
}
CUresult cuDeviceGet(CUdevice *d, int ordinal) {
	int n = 0;
	cuDeviceGetCount(&n);
	*d = 0;
	return ordinal < 0 || ordinal >= n ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *name, int n, CUdevice) {
	snprintf(name, (size_t)n, "CUDA driver emulator (%s%s build as sm_%d; for tests, not a GPU)", is_checked() ? "checked" : "fast", kernels_are_of, gpu->compute);
	return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute which, CUdevice) {
	const std::map<int, int> values = {
		{CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, gpu->compute / 10}, {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, gpu->compute % 10},
		{CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32}, {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, gpu->multiprocessors},
		{CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, max_threads}, {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, gpu->multiprocessor_threads},
		{CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, default_shared}, {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, gpu->shared},
		{CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, gpu->multiprocessor_shared},
		{CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, 65536}, {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 65536},
		{CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1}, {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024}, {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 0x7fffffff}};
	auto found = values.find(which);
	*v = found == values.end() ? 0 : found->second;
	return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice) {
	*c = &primary;
	return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRelease(CUdevice) { return CUDA_SUCCESS; }
CUresult cuCtxSetCurrent(CUcontext c) {
	current = c;
	return CUDA_SUCCESS;
}
CUresult cuCtxGetCurrent(CUcontext *c) {
	*c = current;
	return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult code, const char **name) {
	static const std::map<int, const char *> names = {
#define NAME(n) {n, #n}
		NAME(CUDA_SUCCESS), NAME(CUDA_ERROR_INVALID_VALUE), NAME(CUDA_ERROR_OUT_OF_MEMORY), NAME(CUDA_ERROR_NOT_INITIALIZED),
		NAME(CUDA_ERROR_INVALID_DEVICE), NAME(CUDA_ERROR_INVALID_IMAGE), NAME(CUDA_ERROR_INVALID_PTX), NAME(CUDA_ERROR_INVALID_HANDLE),
		NAME(CUDA_ERROR_ILLEGAL_STATE), NAME(CUDA_ERROR_NOT_FOUND), NAME(CUDA_ERROR_ILLEGAL_ADDRESS), NAME(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES),
		NAME(CUDA_ERROR_MISALIGNED_ADDRESS), NAME(CUDA_ERROR_LAUNCH_FAILED), NAME(CUDA_ERROR_NOT_SUPPORTED),
		NAME(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED), NAME(CUDA_ERROR_STREAM_CAPTURE_MERGE), NAME(CUDA_ERROR_STREAM_CAPTURE_UNJOINED),
		NAME(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT), NAME(CUDA_ERROR_CAPTURED_EVENT)};
#undef NAME
	auto found = names.find(code);
	*name = found == names.end() ? nullptr : found->second;
	return found == names.end() ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
