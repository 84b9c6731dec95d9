//go:build !gpu

package cuda

import (
	"longtail/cuda/driver"
	"longtail/data"
	"longtail/internal/plan"
)

// Backend cannot be made in this build.
type Backend struct{}

// New says that this build has no CUDA; the error is of the kind fail.Device.
func New(Options) (*Backend, error) {
	_, err := driver.Available()
	return nil, err
}

// Describe is empty in this build.
func (*Backend) Describe() string { return "" }

// Lower fails in this build.
func (*Backend) Lower(*plan.Program, plan.Precision) error {
	_, err := driver.Available()
	return err
}

// Open fails in this build.
func (*Backend) Open(*plan.Program, data.Images, plan.Session) (plan.Session, error) {
	_, err := driver.Available()
	return nil, err
}

// Close has nothing to do in this build.
func (*Backend) Close() error { return nil }
