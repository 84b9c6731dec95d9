// Package cuda is the backend that runs programs on an NVIDIA GPU, through the driver binding of package driver.
//
// Open has package cuda/lower turn a program into a schedule of launches over symbolic references, allocates the schedule's block of
// memory and tensors, uploads its tables, packs the kernels' parameters, and captures one step as a graph that Run replays: the order of
// the samples, the learning rates and the step counter are in device memory, and the sums come back once a Run. Images that do not fit
// beside that are uploaded while steps run, the same bits: two buffers on the device take turns.
//
// Activations are NHWC, convolution weights and their momenta [K, K, I, O]; callers see the logical layouts alone. Precision fp32 stores
// floats, mixed stores activations and their gradients in fp16, the gradients times a static power of two (docs/gpu.md).
//
// The package is complete with the build tag gpu; without it New says that this build has no CUDA.
package cuda

import (
	"os"
	"strconv"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

func init() {
	device.Register(device.Driver{
		Name: name, Rank: 1, Precisions: precisions(driver.Info{Compute: driver.NeededTensorCores}),
		Open: func(o device.Options) (device.Backend, error) {
			limit, err := imageLimit()
			if err != nil {
				return nil, err
			}
			return New(Options{Device: o.Index, Remark: o.Remark, ImageLimit: limit})
		},
		Count: driver.Count,
		Describe: func(device.Options) string {
			info, err := driver.Available()
			if err != nil {
				return "none: " + err.Error()
			}
			return describe(info)
		},
		Schedule: func(p *plan.Program, precision device.Precision) (string, error) {
			s, err := lower.Lower(p, lower.Options{Precision: precision})
			if err != nil {
				return "", err
			}
			return s.String(), nil
		},
	})
}

// name of the driver in the registry of devices.
const name = "cuda"

// Options choose a GPU.
type Options struct {
	Device int          // counted from 0
	Remark func(string) // is told what takes long, in words for people; it may be called from another goroutine; nil: nothing is said

	ImageLimit *int64 // bytes of images that may stay on the device; others are uploaded as steps need them; nil: what fits
}

// imageMemory is the environment variable that limits the device memory for images.
const imageMemory = "LONGTAIL_CUDA_IMAGES_MB"

// imageLimit is Options.ImageLimit as the environment has it.
func imageLimit() (*int64, error) {
	text := os.Getenv(imageMemory)
	if text == "" {
		return nil, nil
	}
	megabytes, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return nil, fail.Usage("%s=%q: the variable limits the device memory for images in MB\nset it to a whole number, such as 4096, or unset it", imageMemory, text)
	}
	limit := int64(megabytes) * 1e6
	return &limit, nil
}
