//go:build !gpu

package cuda

import (
	"longtail/cuda/driver"
	"longtail/internal/device"
)

// New returns an error of the kind fail.Device: this build has no CUDA.
func New(Options) (device.Backend, error) {
	_, err := driver.Available()
	return nil, err
}
