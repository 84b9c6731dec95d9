//go:build gpu

package driver_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"longtail/cuda/driver"
	"longtail/internal/fail"
)

// pretend compiles a driver library with a device count, an answer of cuInit, a version and a compute capability.
func pretend(t *testing.T, flags ...string) string {
	t.Helper()
	folder := t.TempDir()
	source, library := filepath.Join(folder, "driver.c"), filepath.Join(folder, "driver.so")
	check(t, os.WriteFile(source, []byte(`
#include <stddef.h>
#include <string.h>
int cuInit(unsigned f) { return INIT; }
int cuDeviceGetCount(int *n) { *n = COUNT; return 0; }
int cuDeviceGet(int *d, int n) { *d = n; return 0; }
int cuDriverGetVersion(int *v) { *v = VERSION; return 0; }
int cuDeviceGetName(char *s, int n, int d) { strcpy(s, "Pretended GPU"); return 0; }
int cuDeviceTotalMem_v2(size_t *n, int d) { *n = 1u << 30; return 0; }
int cuDeviceGetAttribute(int *v, int what, int d) { *v = what == 75 ? COMPUTE : 0; return 0; }
int cuGetErrorName(int e, const char **s) { *s = "CUDA_ERROR_NO_DEVICE"; return 0; }
`), 0o644))
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	if out, err := exec.Command(compiler, append(flags, "-shared", "-fPIC", source, "-o", library)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return library
}

func TestAvailableSaysWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		name, library string
		code          int
		want          []string
	}{
		{"no driver", "/nonexistent/libcuda.so.1", fail.CodeDevice, []string{"no CUDA driver", "/nonexistent/libcuda.so.1", "install the NVIDIA driver"}},
		{"a library that is no driver", "libm.so.6", fail.CodeDevice, []string{"libm.so.6 is no CUDA driver"}},
		{"the driver does not start", pretend(t, "-DINIT=100", "-DCOUNT=0", "-DVERSION=12040", "-DCOMPUTE=9"), fail.CodeDevice, []string{"does not start: CUDA_ERROR_NO_DEVICE (100)", "CUDA_VISIBLE_DEVICES"}},
		{"no device", pretend(t, "-DINIT=0", "-DCOUNT=0", "-DVERSION=12040", "-DCOMPUTE=9"), fail.CodeDevice, []string{"finds no GPU", "nvidia-smi"}},
		{"an old driver", pretend(t, "-DINIT=0", "-DCOUNT=1", "-DVERSION=11040", "-DCOMPUTE=9"), fail.CodeDevice, []string{"for CUDA 11.4, our kernels need 11.8"}},
		{"an old GPU", pretend(t, "-DINIT=0", "-DCOUNT=1", "-DVERSION=12040", "-DCOMPUTE=6"), fail.CodeDevice, []string{"Pretended GPU is too old", "6.0", "7.0"}},
		{"a GPU", pretend(t, "-DINIT=0", "-DCOUNT=1", "-DVERSION=12040", "-DCOMPUTE=9"), 0, []string{"Pretended GPU, compute capability 9.0, 1.0 GiB, driver for CUDA 12.4"}},
	} {
		t.Run(test.name, func(t *testing.T) { expectAvailable(t, test.code, test.want, "LONGTAIL_CUDA_DRIVER="+test.library) })
	}
}

func TestCountOfTheEmulator(t *testing.T) {
	if _, emulated := driver.ReadCounters(); !emulated {
		t.Skip("a GPU is no emulator")
	}
	for gpus, want := range map[string]int{"": 1, "3": 3} {
		t.Setenv("EMULATOR_GPUS", gpus)
		if n := driver.Count(); n != want {
			t.Errorf("EMULATOR_GPUS=%q: %d GPUs, want %d", gpus, n, want)
		}
	}
}

// expectAvailable compares what Available says in a process with more environment variables.
func expectAvailable(t *testing.T, code int, want []string, environment ...string) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(append(os.Environ(), tellAvailable+"=1"), environment...)
	out, err := command.Output()
	got := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
	for _, part := range want {
		if !strings.Contains(string(out), part) {
			t.Errorf("%q does not say %q", out, part)
		}
	}
}

// The emulator is the GPU that EMULATOR_GPU asks for, with its compute capability and the shared memory of a block.
func TestEmulatedGPUs(t *testing.T) {
	if _, emulated := driver.ReadCounters(); !emulated {
		t.Log("the driver is no emulator")
		return
	}
	for gpu, want := range map[string][]string{
		"": {"as sm_90", "capability 9.0", " 232448 "}, "sm_70": {"capability 7.0", " 98304 "}, "sm_75": {"capability 7.5", " 65536 "}, "sm_80": {"capability 8.0", " 166912 "},
		"sm_86": {"as sm_86", "capability 8.6", " 101376 "}, "sm_89": {"capability 8.9", " 101376 "}, "sm_100": {"capability 10.0", " 232448 "}, "sm_120": {"capability 12.0", " 101376 "},
	} {
		t.Run(gpu, func(t *testing.T) { expectAvailable(t, 0, want, "EMULATOR_GPU="+gpu) })
	}
	for _, gpu := range []string{"sm_87", "86", "sm_9"} {
		t.Run(gpu, func(t *testing.T) {
			expectAvailable(t, fail.CodeDevice, []string{"EMULATOR_GPU=" + gpu + " is no GPU that the emulator knows", "sm_86"}, "EMULATOR_GPU="+gpu)
		})
	}
}

func TestInfoOfTheDevice(t *testing.T) {
	info, err := driver.Available()
	check(t, err)
	_, emulated := driver.ReadCounters()
	if info.Emulated != emulated || emulated != strings.Contains(info.Name, "emulator") {
		t.Errorf("%+v does not tell whether it is the emulator", info)
	}
	if info.Compute < driver.NeededCompute || info.DriverVersion < driver.NeededDriver || info.Memory <= 0 || info.SharedMemory < 48<<10 || info.Multiprocessors < 1 {
		t.Errorf("%+v", info)
	}
	t.Log(info)
}

// Opening a GPU judges that one, not the first.
func TestOpenOfAMissingGPU(t *testing.T) {
	for _, ordinal := range []int{-1, 99} {
		_, err := driver.Open(ordinal)
		if fail.Code(err) != fail.CodeDevice || !strings.Contains(err.Error(), fmt.Sprintf("there is no GPU %d", ordinal)) {
			t.Errorf("GPU %d: %v", ordinal, err)
		}
	}
}
