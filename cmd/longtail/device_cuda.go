package main

import (
	"longtail/cuda/driver"
	"longtail/internal/fail"
)

// describeGPU is the GPU and its driver, or why there is none.
func describeGPU() string {
	info, err := driver.Available()
	if err != nil {
		return "none: " + err.Error()
	}
	return info.String()
}

// openCUDA is the backend of the first GPU.
func openCUDA(precision string) (*device, error) {
	if _, err := driver.Available(); err != nil {
		return nil, err
	}
	return nil, fail.Device("the CUDA backend is not part of this program yet\nuse --device cpu")
}
