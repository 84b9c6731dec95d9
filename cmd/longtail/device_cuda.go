package main

import (
	"longtail/cuda"
	"longtail/cuda/driver"
	"longtail/internal/plan"
)

// describeGPU is the GPU and its driver, or why there is none.
func describeGPU() string {
	info, err := driver.Available()
	if err != nil {
		return "none: " + err.Error()
	}
	return info.String()
}

// openCUDA is the backend of the first GPU, in mixed precision unless the config says otherwise.
func openCUDA(precision string) (*device, error) {
	b, err := cuda.New(cuda.Options{})
	if err != nil {
		return nil, err
	}
	d := &device{backend: b, name: "cuda", describe: b.Describe(), precision: plan.Mixed}
	if precision != "auto" && precision != "" {
		d.precision = plan.Precision(precision)
	}
	return d, nil
}
