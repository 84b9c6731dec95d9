//go:build gpu

package cuda

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"longtail/cuda/driver"
	"longtail/cuda/kernels"
	"longtail/cuda/lower"
)

// modules are the files of kernels that were loaded so far, for all sessions of a backend. The driver compiles a file when it is loaded
// for the first time on a machine and takes it from its cache afterwards.
type modules struct {
	compile func(name, text string) (*driver.Module, error)
	slow    func()        // is called, by each session that waits, when loading takes longer than patience
	wait    time.Duration // patience
	mutex   sync.Mutex
	loaded  map[string]*module
}

// module is one file, loaded or being loaded.
type module struct {
	done   chan struct{} // closed when the rest is set
	loaded *driver.Module
	err    error
}

// patience is how long loading takes without a word: a driver that has the kernels in its cache needs less.
const patience = time.Second

func newModules(context *driver.Context, remark func(string)) *modules {
	return &modules{
		compile: context.Load, wait: patience, loaded: map[string]*module{},
		slow: sync.OnceFunc(func() { remark(fmt.Sprintf("compiling kernels for %s (once)", context.Info().Name)) }),
	}
}

// need loads the files that launches take their kernels from, those that are missing side by side, and waits for them. Of several errors
// it gives that of the first launch.
func (m *modules) need(launches []lower.Launch) error {
	var wanted []*module
	for i := range launches {
		wanted = append(wanted, m.begin(launches[i].Module))
	}
	late := time.AfterFunc(m.wait, m.slow)
	defer late.Stop()
	var first error
	for _, w := range wanted {
		<-w.done
		first = cmp.Or(first, w.err)
	}
	return first
}

// begin finds a file, or begins to load it. One that failed is tried again.
func (m *modules) begin(name string) *module {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if there := m.loaded[name]; there != nil {
		return there
	}
	begun := &module{done: make(chan struct{})}
	m.loaded[name] = begun
	go func() {
		defer close(begun.done)
		if begun.loaded, begun.err = m.load(name); begun.err != nil {
			m.mutex.Lock()
			delete(m.loaded, name)
			m.mutex.Unlock()
		}
	}()
	return begun
}

func (m *modules) load(name string) (*driver.Module, error) {
	text, ok := kernels.PTX(name)
	if !ok {
		return nil, fmt.Errorf("the PTX of %s.cu is missing\nrun `make ptx`", name)
	}
	return m.compile(name, text)
}

// freeShared is the dynamic shared memory in bytes that a kernel may have without leave.
const freeShared = 48 << 10

// function finds the kernel of a launch and allows it its shared memory.
func (m *modules) function(l *lower.Launch) (*driver.Function, error) {
	file := m.begin(l.Module)
	if <-file.done; file.err != nil {
		return nil, file.err
	}
	f, err := file.loaded.Function(l.Kernel)
	if err == nil && l.Shared > freeShared {
		err = f.AllowShared(l.Shared)
	}
	return f, err
}

// close unloads all files. No session is open, so that none is being loaded.
func (m *modules) close() error {
	for _, module := range m.loaded {
		if err := module.loaded.Unload(); err != nil {
			return err
		}
	}
	return nil
}
