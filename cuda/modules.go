//go:build gpu

package cuda

import (
	"fmt"
	"sync"

	"longtail/cuda/driver"
	"longtail/cuda/kernels"
	"longtail/cuda/lower"
)

// modules are the files of kernels that were loaded so far, for all sessions of a backend.
type modules struct {
	context *driver.Context
	mutex   sync.Mutex
	loaded  map[string]*driver.Module
}

// freeShared is the dynamic shared memory in bytes that a kernel may have without leave.
const freeShared = 48 << 10

// function finds the kernel of a launch and allows it its shared memory; the first kernel of a file loads the file.
func (m *modules) function(l *lower.Launch) (*driver.Function, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.loaded[l.Module] == nil {
		text, ok := kernels.PTX(l.Module)
		if !ok {
			return nil, fmt.Errorf("the PTX of %s.cu is missing\nrun `make ptx`", l.Module)
		}
		module, err := m.context.Load(l.Module, text)
		if err != nil {
			return nil, err
		}
		m.loaded[l.Module] = module
	}
	f, err := m.loaded[l.Module].Function(l.Kernel)
	if err == nil && l.Shared > freeShared {
		err = f.AllowShared(l.Shared)
	}
	return f, err
}

func (m *modules) close() error {
	for _, module := range m.loaded {
		if err := module.Unload(); err != nil {
			return err
		}
	}
	return nil
}
