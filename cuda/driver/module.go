//go:build gpu

package driver

import (
	"errors"
	"fmt"

	"gorgonia.org/cu"
)

// Module is loaded PTX.
type Module struct {
	context *Context
	name    string
	handle  cu.Module
}

// Load compiles PTX for the GPU and loads it; name is for errors. The driver caches what it compiles.
func (c *Context) Load(name, ptx string) (*Module, error) {
	m := &Module{context: c, name: name}
	var log string
	err := c.do("loading the kernels of "+name, func() (err error) {
		m.handle, log, err = loadPTX(ptx)
		return err
	})
	var failed *Error
	if errors.As(err, &failed) && log != "" {
		failed.Detail = log
	}
	return m, err
}

// Unload ends the module; its functions must not be used afterwards.
func (m *Module) Unload() error {
	return m.context.do("unloading the kernels of "+m.name, m.handle.Unload)
}

// Function is a kernel.
type Function struct {
	context *Context
	name    string
	handle  cu.Function
}

// Function finds a kernel by name.
func (m *Module) Function(name string) (*Function, error) {
	f := &Function{context: m.context, name: name}
	return f, m.context.do(fmt.Sprintf("looking for kernel %s in %s", name, m.name), func() (err error) {
		f.handle, err = m.handle.Function(name)
		return err
	})
}

// Name is the kernel's.
func (f *Function) Name() string { return f.name }

// AllowShared lets the kernel be launched with up to bytes of dynamic shared memory; it is needed beyond 48 KB.
func (f *Function) AllowShared(bytes int) error {
	return f.context.do(fmt.Sprintf("allowing %d bytes of shared memory for kernel %s", bytes, f.name), func() error {
		return allowShared(f.handle, bytes)
	})
}

// Usage is what the compiled kernel takes.
type Usage struct {
	Registers int // a thread
	Local     int // bytes a thread: more than 0 are spills or arrays indexed at run time
	Shared    int // bytes of static shared memory a block
	Threads   int // a block may have, at most
}

// Usage asks what the kernel takes; the emulator knows only shared memory and threads.
func (f *Function) Usage() (Usage, error) {
	var u Usage
	err := f.context.do("asking for the registers of kernel "+f.name, func() (err error) {
		for _, a := range []struct {
			which cu.FunctionAttribute
			to    *int
		}{{cu.NumRegs, &u.Registers}, {cu.LocalSizeBytes, &u.Local}, {cu.SharedSizeBytes, &u.Shared}, {cu.FnMaxThreadsPerBlock, &u.Threads}} {
			if *a.to, err = f.handle.Attribute(a.which); err != nil {
				return err
			}
		}
		return nil
	})
	return u, err
}
