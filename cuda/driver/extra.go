//go:build gpu

package driver

/*
#include <stdlib.h>
#include <cuda.h>

static CUresult launch(CUfunction f, unsigned *grid, unsigned *block, unsigned shared, CUstream s, void *packed, size_t bytes) {
	void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, packed, CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
	return cuLaunchKernel(f, grid[0], grid[1], grid[2], block[0], block[1], block[2], shared, s, NULL, extra);
}

// Bytes beyond `room` of the compiler's log are dropped.
static CUresult load(CUmodule *m, const char *ptx, char *log, size_t room) {
	CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
	void *values[] = {log, (void *)room};
	return cuModuleLoadDataEx(m, ptx, 2, options, values);
}
*/
import "C"

import (
	"strings"
	"unsafe"

	"gorgonia.org/cu"
)

// The driver calls that gorgonia.org/cu lacks. Its handles are structs of one pointer; the arrays below do not compile if that changes.
var (
	_ [unsafe.Sizeof(C.CUfunction(nil)) - unsafe.Sizeof(cu.Function{})]struct{}
	_ [unsafe.Sizeof(cu.Function{}) - unsafe.Sizeof(C.CUfunction(nil))]struct{}
	_ [unsafe.Sizeof(C.CUmodule(nil)) - unsafe.Sizeof(cu.Module{})]struct{}
	_ [unsafe.Sizeof(cu.Module{}) - unsafe.Sizeof(C.CUmodule(nil))]struct{}
	_ [unsafe.Sizeof(C.CUstream(nil)) - unsafe.Sizeof(cu.Stream{})]struct{}
	_ [unsafe.Sizeof(cu.Stream{}) - unsafe.Sizeof(C.CUstream(nil))]struct{}
)

func function(f cu.Function) C.CUfunction { return *(*C.CUfunction)(unsafe.Pointer(&f)) }
func stream(s cu.Stream) C.CUstream       { return *(*C.CUstream)(unsafe.Pointer(&s)) }

// answer is a CUresult that is no success; wrap makes an Error of it, as of cu's own.
type answer int

func (a answer) Error() string { return errorName(int(a)) }

func result(code C.CUresult) error {
	if code == C.CUDA_SUCCESS {
		return nil
	}
	return answer(code)
}

func loadPTX(ptx string) (m cu.Module, log string, err error) {
	const room = 8 << 10
	text, buffer := C.CString(ptx), (*C.char)(C.calloc(1, room))
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(buffer))
	err = result(C.load((*C.CUmodule)(unsafe.Pointer(&m)), text, buffer, room))
	return m, strings.TrimSpace(C.GoString(buffer)), err
}

func allowShared(f cu.Function, bytes int) error {
	return result(C.cuFuncSetAttribute(function(f), C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)))
}

func launch(f cu.Function, grid, block Dim, shared int, s cu.Stream, packed []byte) error {
	g := [3]C.uint{C.uint(grid.X), C.uint(grid.Y), C.uint(grid.Z)}
	b := [3]C.uint{C.uint(block.X), C.uint(block.Y), C.uint(block.Z)}
	return result(C.launch(function(f), &g[0], &b[0], C.uint(shared), stream(s), unsafe.Pointer(unsafe.SliceData(packed)), C.size_t(len(packed))))
}

func hostAlloc(bytes int64) (p unsafe.Pointer, err error) {
	return p, result(C.cuMemHostAlloc(&p, C.size_t(bytes), C.CU_MEMHOSTALLOC_PORTABLE))
}

type (
	graph      = C.CUgraph
	executable = C.CUgraphExec
)

func beginCapture(s cu.Stream) error {
	return result(C.cuStreamBeginCapture(stream(s), C.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL))
}

func endCapture(s cu.Stream) (g graph, err error) {
	return g, result(C.cuStreamEndCapture(stream(s), &g))
}

func nodes(g graph) (n int, err error) {
	var count C.size_t
	err = result(C.cuGraphGetNodes(g, nil, &count))
	return int(count), err
}

func instantiate(g graph) (e executable, err error) {
	return e, result(C.cuGraphInstantiateWithFlags(&e, g, 0))
}

func launchGraph(e executable, s cu.Stream) error { return result(C.cuGraphLaunch(e, stream(s))) }
func destroyGraph(g graph) error                  { return result(C.cuGraphDestroy(g)) }
func destroyExecutable(e executable) error        { return result(C.cuGraphExecDestroy(e)) }
