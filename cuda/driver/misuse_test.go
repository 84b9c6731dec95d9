//go:build gpu

package driver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels/testkernels"
)

// checkedEmulator skips nothing quietly: on a GPU planted mistakes would end the context, in the fast build most are unseen.
func checkedEmulator(t *testing.T) {
	t.Helper()
	if n, ok := driver.ReadCounters(); !ok || !n.Checked {
		t.Skip("only the checked build of the emulator sees this")
	}
}

// onlyInSources are mistakes that PTX does not show: overflow is defined there, compilers fold the array away, and warps may wait at
// different barriers. make test-ptx accepts these skips and no other.
var onlyInSources = []string{"barriers at different places", "signed overflow", "index outside an array of registers"}

func TestPlantedMistakesAreCaught(t *testing.T) {
	checkedEmulator(t)
	t.Setenv("EMULATOR_QUIET", "1")
	c, s := cudatest.Open(t)
	fresh := func() driver.Ptr { return cudatest.Upload(t, s, make([]float32, 64)) }
	freed := func() driver.Ptr {
		p, err := c.Alloc(256, "a test")
		check(t, err)
		check(t, driver.Upload(s, p, make([]float32, 64)))
		check(t, c.Free(p))
		return p
	}
	run := func(name string, arguments ...any) error {
		return cudatest.Kernel(t, c, testkernels.Misuse, name).Launch(s, driver.D1(1), driver.D1(64), 0, arguments...)
	}
	blocks := func(name string, arguments ...any) error {
		return cudatest.Kernel(t, c, testkernels.Misuse, name).Launch(s, driver.D1(2), driver.D1(64), 0, arguments...)
	}
	saxpy := cudatest.Kernel(t, c, testkernels.Basic, "saxpy")
	conv := cudatest.Kernel(t, c, testkernels.Conv3x3, "conv3x3")
	one, block := driver.D1(1), driver.D1(64)
	host := make([]float32, 64)
	pinned, err := c.AllocPinned(512)
	check(t, err)
	defer pinned.Free()

	info, err := driver.Available()
	check(t, err)
	for _, test := range []struct {
		name string
		do   func() error
		want string
	}{
		{"56 KB of shared memory without the attribute", func() error {
			return conv.Launch(s, one, driver.D1(256), convShared, fresh(), fresh(), fresh())
		}, "bytes of dynamic shared memory, allowed are 49152"},
		{"static and dynamic shared memory together over 48 KB", func() error {
			return cudatest.Kernel(t, c, testkernels.Misuse, "static_and_dynamic").Launch(s, one, block, 16<<10, fresh())
		}, "16384 bytes of dynamic and 40960 of static"},
		{"more shared memory than a block has", func() error { return conv.AllowShared(info.SharedMemory + 16) }, fmt.Sprintf("a block has %d", info.SharedMemory)},
		{"more threads than launch bounds", func() error {
			return conv.Launch(s, one, driver.D1(512), 0, fresh(), fresh(), fresh())
		}, "launch bounds of 256"},
		{"more threads than a block can have", func() error {
			return saxpy.Launch(s, one, driver.D1(1056), 0, int32(1), float32(1), fresh(), fresh())
		}, "a block of 1056"},
		{"a grid that is too high", func() error {
			return saxpy.Launch(s, driver.D2(1, 65536), block, 0, int32(1), float32(1), fresh(), fresh())
		}, "a grid of 1 x 65536"},
		{"a grid of no blocks", func() error {
			return saxpy.Launch(s, driver.D1(0), block, 0, int32(1), float32(1), fresh(), fresh())
		}, "a grid of 0x1x1"},
		{"a parameter too few", func() error {
			return saxpy.Launch(s, one, block, 0, int32(64), float32(1), fresh())
		}, "the parameter buffer has 16 bytes, the kernel takes 24"},
		{"a parameter of Go's int", func() error { return saxpy.Launch(s, one, block, 0, 64) }, "argument 0 is of type int"},
		{"kernel reads freed memory", func() error {
			return saxpy.Launch(s, one, block, 0, int32(64), float32(1), freed(), fresh())
		}, "byte 0 of a freed allocation of 256 bytes"},
		{"kernel writes freed memory", func() error {
			return saxpy.Launch(s, one, block, 0, int32(64), float32(1), fresh(), freed())
		}, "of a freed allocation"},
		{"kernel takes a null pointer", func() error {
			return saxpy.Launch(s, one, block, 0, int32(64), float32(1), fresh(), driver.Ptr(0))
		}, ""},
		{"memory freed twice", func() error { return c.Free(freed()) }, "cuMemFree of byte 0 of a freed allocation"},
		{"kernel writes host memory", func() error {
			return saxpy.Launch(s, one, block, 0, int32(64), float32(1), fresh(), driver.Ptr(uintptr(unsafe.Pointer(&host[0]))))
		}, "which is not device memory"},
		{"copy past the end of an allocation", func() error { return s.UploadPinned(fresh(), pinned, 0, 257) }, "a copy of 257 bytes"},
		{"copy past the end of pinned memory", func() error { return s.UploadPinned(fresh(), pinned, 400, 200) }, "of 512 bytes of pinned memory"},
		{"pinned memory overwritten while a copy reads it", func() error {
			check(t, s.UploadPinned(fresh(), pinned, 0, 256))
			pinned.Bytes()[7]++
			return s.Synchronize()
		}, "pinned memory was overwritten"},
		{"pinned memory freed while a copy reads it", func() error {
			p, err := c.AllocPinned(64)
			check(t, err)
			check(t, s.UploadPinned(fresh(), p, 0, 64))
			at := *p
			err = p.Free()
			check(t, s.Synchronize())
			check(t, at.Free())
			return err
		}, "pinned memory is freed before"},
		{"a stream closed while its copy reads pinned memory", func() error { return closedEarly(t, c, fresh(), pinned) }, "closing a stream"},
		{"fill past the end of an allocation", func() error { return s.Fill32(fresh(), 0, 65) }, "a fill of 260 bytes"},
		{"kernel writes past the end, into a guard page", func() error { return run("past_end", fresh(), int32(64)) }, "allocation of 256 bytes"},
		{"kernel writes just past the end", func() error {
			return run("past_end", cudatest.Upload(t, s, make([]float32, 65)), int32(2))
		}, "byte 260 of an allocation of 260 bytes"},
		{"kernel reads just past the end", func() error {
			return run("reads_global", cudatest.Upload(t, s, make([]float32, 63)), fresh())
		}, "reads"},
		{"missing __syncthreads", func() error { return run("missing_barrier", fresh()) }, "shared memory that the block has not written"},
		{"missing __syncthreads between read and overwrite", func() error { return run("overwritten_early", fresh()) }, "race in shared memory"},
		{"shared memory read before it is written", func() error { return run("unwritten_shared", fresh()) }, "shared memory that the block has not written"},
		{"device memory read before it is written", func() error {
			return run("reads_global", cudatest.Alloc[float32](t, s, 64), fresh())
		}, "which nothing has written"},
		{"cp.async read before the wait", func() error {
			return run("missing_wait", cudatest.Upload(t, s, make([]float32, 256)), fresh())
		}, "has not written"},
		{"shuffle by half of the lanes", func() error { return run("divergent_shuffle", fresh()) }, "deadlock"},
		{"barriers at different places", func() error { return run("divergent_barrier", fresh()) }, "is at the barrier of line"},
		{"write past dynamic shared memory", func() error { return run("dynamic_overflow", int32(100)) }, "byte 100 of dynamic shared memory, 0 were launched"},
		{"misaligned vector access", func() error { return run("misaligned", cudatest.Upload(t, s, make([]float32, 8))) }, "misaligned"},
		{"signed overflow", func() error { return run("overflows", int32(1<<31-1), int32(1), fresh()) }, "misuse.cu:"},
		{"index outside an array of registers", func() error { return run("past_array", int32(4), fresh()) }, "an index outside its array"},
		{"two blocks write the same bytes", func() error { return blocks("blocks_write_same", fresh()) }, "race in global memory"},
		{"a block reads what another writes", func() error {
			return blocks("blocks_exchange", cudatest.Upload(t, s, make([]float32, 128)))
		}, "race in global memory"},
		{"threads of a block race in device memory", func() error { return run("race_within_block", fresh()) }, "race in global memory"},
		{"a counter without atomics", func() error { return blocks("plain_counter", cudatest.Upload(t, s, []uint32{0})) }, "race in global memory"},
		{"missing __threadfence before the ticket", func() error {
			return blocks("missing_fence", fresh(), cudatest.Upload(t, s, []uint32{0}), fresh())
		}, "race in global memory"},
		{"missing __syncthreads before the ticket", func() error {
			return blocks("missing_barrier_before_ticket", cudatest.Upload(t, s, make([]float32, 128)), cudatest.Upload(t, s, []uint32{0}), fresh())
		}, "race in global memory"},
		{"waiting for a stream during its capture", func() error {
			_, err := s.Capture(s.Synchronize)
			return err
		}, "a captured stream is synchronised"},
		{"a copy that waits during a capture", func() error {
			p := fresh()
			_, err := s.Capture(func() error { return driver.Upload(s, p, host) })
			return err
		}, "a captured stream is synchronised"},
		{"a stream that a capture does not get back", func() error { return forgottenBranch(t, c, s, fresh()) }, "was not brought back"},
		{"a kernel that is not there", func() error {
			m, err := c.Load("misuse", testkernels.Misuse)
			check(t, err)
			defer m.Unload()
			_, err = m.Function("nothing")
			return err
		}, "the PTX has no kernel nothing"},
		{"a module that is no PTX", func() error {
			_, err := c.Load("text", "hello")
			return err
		}, "the module is no PTX"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if slices.Contains(onlyInSources, test.name) && strings.Contains(info.Name, "PTX") {
				t.Skip("cannot show in PTX")
			}
			err := test.do()
			if err == nil {
				t.Fatal("not caught")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error does not say %q: %v", test.want, err)
			}
			t.Log(err)
		})
	}
	check(t, saxpy.Launch(s, one, block, 0, int32(64), float32(1), fresh(), fresh())) // a correct launch still works
}

// closedEarly ends a stream that nothing waited for.
func closedEarly(t *testing.T, c *driver.Context, to driver.Ptr, from *driver.Pinned) error {
	s, err := c.NewStream()
	check(t, err)
	check(t, s.UploadPinned(to, from, 0, 64))
	return s.Close()
}

// forgottenBranch draws a second stream into a capture and leaves it there.
func forgottenBranch(t *testing.T, c *driver.Context, s *driver.Stream, p driver.Ptr) error {
	branch, err := c.NewStream()
	check(t, err)
	defer branch.Close()
	fork, err := c.NewEvent()
	check(t, err)
	defer fork.Close()
	_, err = s.Capture(func() error {
		check(t, fork.Record(s))
		check(t, branch.Wait(fork))
		return branch.Fill32(p, 1, 64)
	})
	return err
}
