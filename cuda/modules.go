//go:build gpu

package cuda

import (
	"fmt"
	"sync"

	"longtail/cuda/driver"
	"longtail/cuda/kernels"
)

// modules are the files of kernels that were loaded so far, for all sessions of a backend.
type modules struct {
	context *driver.Context
	mutex   sync.Mutex
	loaded  map[string]*driver.Module
}

// function finds a kernel and loads its file when it is the first one of it.
func (m *modules) function(file, kernel string) (*driver.Function, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
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
