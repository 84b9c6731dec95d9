//go:build gpu

package cuda

import (
	"fmt"
	"strings"
	"sync"

	"longtail/cuda/driver"
	"longtail/cuda/kernels"
)

// kernelFiles says in which file each kernel is; the suffix _f32 or _f16 names the storage type of activations.
var kernelFiles = map[string]string{
	"images":         "images",
	"pointwise":      "pointwise",
	"statistics":     "statistics",
	"conv16":         "conv",
	"conv32":         "conv",
	"conv_weights31": "conv_weights",
	"conv_weights32": "conv_weights",
	"conv_weights11": "conv_weights",
	"conv_weights12": "conv_weights",
	"average":        "head",
	"dense":          "head",
	"dense_input":    "head",
	"dense_weights":  "head",
	"rows":           "rows",
	"advance":        "rows",
	"update":         "update",
}

// modules are the files of kernels that were loaded so far, for all sessions of a backend.
type modules struct {
	context *driver.Context
	mutex   sync.Mutex
	loaded  map[string]*driver.Module
}

// function finds a kernel and loads its file when it is the first one of it.
func (m *modules) function(kernel string) (*driver.Function, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	file, known := kernelFiles[strings.TrimSuffix(strings.TrimSuffix(kernel, "_f32"), "_f16")]
	if !known {
		return nil, fmt.Errorf("there is no kernel %s", kernel)
	}
	if m.loaded[file] == nil {
		text, ok := kernels.PTX(file)
		if !ok {
			return nil, fmt.Errorf("the PTX of %s.cu is missing\nrun `make ptx`", file)
		}
		module, err := m.context.Load(file, text)
		if err != nil {
			return nil, err
		}
		m.loaded[file] = module
	}
	return m.loaded[file].Function(kernel)
}

func (m *modules) close() error {
	for _, module := range m.loaded {
		if err := module.Unload(); err != nil {
			return err
		}
	}
	return nil
}
