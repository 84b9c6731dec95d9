//go:build gpu

package cudatest

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"longtail/cuda/driver"
)

// Main runs a package's tests on the emulator, or on the GPU that LONGTAIL_TEST_DEVICE=gpu asks for.
func Main(m *testing.M) {
	if os.Getenv("LONGTAIL_TEST_DEVICE") == "gpu" {
		if _, err := driver.Available(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		exit(m)
	}
	if os.Getenv("LONGTAIL_CUDA_DRIVER") != "" {
		if _, ok := driver.ReadCounters(); !ok {
			fmt.Fprintln(os.Stderr, "LONGTAIL_CUDA_DRIVER names no emulator\nunset it, or set LONGTAIL_TEST_DEVICE=gpu to test on a GPU")
			os.Exit(1)
		}
		exit(m)
	}
	path, missing, err := emulator()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if missing {
		leaveOut(path + " is not there; `make emulator` makes it and needs g++")
	}
	restart(path)
}

// restart runs this test binary again: the driver library is opened before any of our code runs.
func restart(library string) {
	program, err := os.Executable()
	if err == nil {
		err = syscall.Exec(program, os.Args, append(os.Environ(), "LONGTAIL_CUDA_DRIVER="+library))
	}
	fmt.Fprintln(os.Stderr, "starting the tests on the emulator:", err)
	os.Exit(1)
}

// Open gives a context and a stream that end with the test.
func Open(t testing.TB) (*driver.Context, *driver.Stream) {
	t.Helper()
	c, err := driver.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, s
}

// Kernel loads a kernel of some PTX until the test ends.
func Kernel(t testing.TB, c *driver.Context, ptx, name string) *driver.Function {
	t.Helper()
	m, err := c.Load(name, ptx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Unload(); err != nil {
			t.Error(err)
		}
	})
	f, err := m.Function(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Upload copies values to device memory of their size that is freed when the test ends.
func Upload[T driver.Plain](t testing.TB, s *driver.Stream, values []T) driver.Ptr {
	t.Helper()
	p := Alloc[T](t, s, len(values))
	if err := driver.Upload(s, p, values); err != nil {
		t.Fatal(err)
	}
	return p
}

// Alloc allocates room for n values, unwritten, that is freed when the test ends.
func Alloc[T driver.Plain](t testing.TB, s *driver.Stream, n int) driver.Ptr {
	t.Helper()
	var one [1]T
	p, err := s.Context().Alloc(int64(n)*int64(len(driver.Bytes(one[:]))), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Context().Free(p); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Download copies n values from the device.
func Download[T driver.Plain](t testing.TB, s *driver.Stream, p driver.Ptr, n int) []T {
	t.Helper()
	values := make([]T, n)
	if err := driver.Download(s, values, p); err != nil {
		t.Fatal(err)
	}
	return values
}
