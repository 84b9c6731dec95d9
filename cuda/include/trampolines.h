/* What became of the driver library at start: libcuda.a (trampolines/trampolines.sh) tells. */
#ifndef LONGTAIL_TRAMPOLINES_H
#define LONGTAIL_TRAMPOLINES_H

typedef struct {
	const char *library; /* what was opened: LONGTAIL_CUDA_DRIVER, or libcuda.so.1 */
	const char *problem; /* why it could not be opened; NULL if it was */
	int init;            /* CUresult of the driver's cuInit; -1 before it is called, or where the library has none */
} trampolineStatus_t;

trampolineStatus_t trampolineStatus(void);

#endif
