//go:build gpu

package driver

import (
	"errors"
	"fmt"
	"runtime"

	"longtail/internal/fail"

	"gorgonia.org/cu"
)

// Context is a GPU's primary context, shared by all that opens the same GPU in this process.
type Context struct {
	device cu.Device
	handle cu.CUContext
	info   Info
}

// Open makes the context of a GPU, counted from 0. Close it when done.
func Open(ordinal int) (*Context, error) {
	device, info, err := find(ordinal)
	if err != nil {
		return nil, err
	}
	handle, err := device.RetainPrimaryCtx()
	if err != nil {
		return nil, fail.Device("%w", wrap("opening "+info.Name, err))
	}
	return &Context{device, handle, info}, nil
}

// Info describes the GPU.
func (c *Context) Info() Info { return c.info }

// Close gives the context back; what was allocated must be freed before.
func (c *Context) Close() error { return wrap("closing the context", c.device.ReleasePrimaryCtx()) }

// do runs f on an operating-system thread on which the context is current.
func (c *Context) do(doing string, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cu.SetCurrentContext(c.handle); err != nil {
		return wrap(doing, err)
	}
	return wrap(doing, f())
}

// Memory says how much device memory is free and how much there is, in bytes.
func (c *Context) Memory() (free, total int64, err error) {
	err = c.do("asking for free device memory", func() (err error) {
		free, total, err = cu.MemInfo()
		return err
	})
	return free, total, err
}

// Synchronize waits for all streams of the context.
func (c *Context) Synchronize() error { return c.do("waiting for the GPU", cu.Synchronize) }

// Alloc allocates device memory for what, which the error names. Its contents are undefined. The start is a multiple of 256.
func (c *Context) Alloc(bytes int64, what string) (Ptr, error) {
	var p cu.DevicePtr
	err := c.do(fmt.Sprintf("allocating %s for %s", size(bytes), what), func() (err error) {
		p, err = cu.MemAlloc(bytes)
		return err
	})
	var failed *Error
	if errors.As(err, &failed) && errors.Is(err, ErrOutOfMemory) {
		if free, total, e := c.Memory(); e == nil {
			failed.Detail = fmt.Sprintf("needed %s, free %s of %s", size(bytes), size(free), size(total))
		}
	}
	return Ptr(p), err
}

// Free frees what Alloc gave; 0 is allowed. It waits for work that is under way.
func (c *Context) Free(p Ptr) error {
	if p == 0 {
		return nil
	}
	return c.do("freeing device memory", func() error { return cu.MemFree(cu.DevicePtr(p)) })
}

func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", bytes)
}
