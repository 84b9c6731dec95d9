//go:build !gpu

package driver

import "longtail/internal/fail"

// Built reports whether this program has CUDA.
const Built = false

// Available says which GPU there is; here it is always an error of the kind fail.Device, because this build has no CUDA.
func Available() (Info, error) {
	return Info{}, fail.Device("this build has no CUDA: it was built without the tag gpu\nrun `make` where a C compiler is installed, or use --device cpu")
}

// Count is the number of GPUs; here it is 0.
func Count() int { return 0 }

// ReadCounters is for the emulator, which this build does not know.
func ReadCounters() (Counters, bool) { return Counters{}, false }
