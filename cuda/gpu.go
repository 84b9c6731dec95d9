package cuda

import (
	"fmt"

	"longtail/cuda/driver"
	"longtail/internal/device"
)

// precisions are those that a GPU has, the preferred one first.
func precisions(gpu driver.Info) []device.Precision {
	if gpu.Compute < driver.NeededTensorCores {
		return []device.Precision{device.FP32}
	}
	return []device.Precision{device.Mixed, device.FP32}
}

// lacks says why a GPU has no mixed precision; empty where it has.
func lacks(gpu driver.Info) string {
	if gpu.Compute >= driver.NeededTensorCores {
		return ""
	}
	return fmt.Sprintf("the tensor-core kernels of %s need compute capability %d.%d or later (A100, RTX 30)", device.Mixed, driver.NeededTensorCores/10, driver.NeededTensorCores%10)
}

// describe is a GPU and its precisions for people.
func describe(gpu driver.Info) string {
	if why := lacks(gpu); why != "" {
		return fmt.Sprintf("%v\nprecision %s alone: %s", gpu, device.FP32, why)
	}
	return fmt.Sprintf("%v\nprecisions %s and %s", gpu, device.Mixed, device.FP32)
}
