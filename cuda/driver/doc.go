// Package driver is the binding to the CUDA driver: contexts, streams, events, memory, modules, launches and graphs. It is built on
// gorgonia.org/cu, plus the calls that cu lacks (package file extra.go), and knows nothing of kernels or training.
//
// # Building
//
// With the build tag gpu and the flags of GPU_ENV (cuda/cuda.mk) the package is complete and still needs neither a CUDA toolkit to
// build nor a driver to start. Without the tag only what reports whether there is a GPU is here: Available, Info, Counters. So every
// program can ask Available, and only code under the tag gpu can use a device.
//
// # Which driver
//
// The trampolines open libcuda.so.1, or the library that LONGTAIL_CUDA_DRIVER names, when the process starts. The test equipment
// bin/libcuda_emulator.so is such a library: it runs the kernels on the CPU and checks what they do (package cudatest uses it).
//
// # Use
//
//	c, err := driver.Open(0)                          // a GPU
//	s, err := c.NewStream()
//	m, err := c.Load("conv", kernels.Conv)            // PTX
//	f, err := m.Function("conv3x3")
//	err = f.AllowShared(55_000)                       // more than 48 KB of dynamic shared memory
//	x, err := c.Alloc(n*4, "activations")             // n float32
//	err = driver.Upload(s, x, values)                 // waits
//	err = f.Launch(s, driver.D1(blocks), driver.D1(256), 55_000, x, y, int32(n), float32(0.5))
//	g, err := s.Capture(func() error { ... launches ... })
//	err = g.Launch(s)
//	err = s.Synchronize()
//
// # Threads
//
// A Context may be used from several goroutines at once. CUDA's current context belongs to an operating-system thread, so every call
// binds its goroutine to its thread, makes the context current there, calls, and lets go; Capture holds the thread until it ends. The
// driver itself is safe for concurrent use of one context. A Stream, an Event, a Function or a Graph belongs to one goroutine at a time.
// Nothing uses CUDA's null stream: streams are non-blocking, runs on streams of their own do not wait for each other.
//
// # Errors
//
// An error of the driver is an *Error: what was being done, the driver's name for what went wrong, and a hint. errors.Is(err,
// ErrOutOfMemory) finds a full device. A kernel that faults shows at the next call that waits, and the context is then unusable. Errors
// of Available and Open are of the kind fail.Device.
package driver
