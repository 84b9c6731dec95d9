package trace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Test is a test of a package whose launches are the same every time.
type Test struct {
	Package, Name string
	Seconds       float64  // on the library of .cu files
	Kernels       []string // that it launches, in alphabetical order
}

// Suite runs tests of test binaries. All paths are from the repository's root, which is the working directory.
type Suite struct {
	Binaries string   // folder of the binaries that scripts/test_ptx.sh builds
	Packages []string // folders of the packages
	Work     string   // folder for traces
}

// leftOut are tests that launch in no fixed order or leave memory of no fixed contents, and long ones that only repeat the steps of others.
var leftOut = regexp.MustCompile(`^(TestSeveralSessionsAtOnce|TestMistakesOfCallersAreCaught|TestPlantedMistakesAreCaught|TestOutOfMemory.*|TestFaultsUnderGoRuntime|` +
	`TestSameBitsTwiceAndAfterAResume|TestCopiesAndLaunchesOfAnEpoch|TestTwoEpochsEqualTheCPU|TestGoldenCurves.*)$`)

func (s Suite) binary(folder string) string {
	return filepath.Join(s.Binaries, strings.ReplaceAll(folder, "/", "_")+".test")
}

// Names lists the tests of a package.
func (s Suite) Names(folder string) ([]string, error) {
	command, err := s.command(context.Background(), folder, "libcuda_ptx_fast.so", "-test.list", "^Test")
	if err != nil {
		return nil, err
	}
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the tests of %s: %w", folder, err)
	}
	names := strings.Fields(string(out))
	return slices.DeleteFunc(names, leftOut.MatchString), nil
}

// command runs the package's binary in its folder on bin/LIBRARY, or on a library with a path.
func (s Suite) command(ctx context.Context, folder, library string, arguments ...string) (*exec.Cmd, error) {
	if !strings.Contains(library, "/") {
		library = filepath.Join("bin", library)
	}
	path, err := filepath.Abs(library)
	if err != nil {
		return nil, err
	}
	binary, err := filepath.Abs(s.binary(folder))
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, binary, arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(), "LONGTAIL_CUDA_DRIVER="+path, "EMULATOR_QUIET=1")
	return command, nil
}

// modes make what rounding hides visible (cuda/emulator/modes.cpp).
var modes = []string{"EMULATOR_HALF=marked", "EMULATOR_APPROXIMATE=2"}

// run runs one test and gives its trace and what it printed. A test that fails is no error: its bounds are those of ordinary rounding, and a launch
// that the emulator refuses is missing in the trace. It returns an error if the test crashes or takes longer than the limit.
func (s Suite) run(folder, test, library, traceFile string, limit time.Duration, environment []string) ([]Launch, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	command, err := s.command(ctx, folder, library, "-test.run", "^"+test+"$", "-test.count", "1")
	if err != nil {
		return nil, nil, err
	}
	file, err := filepath.Abs(traceFile)
	if err != nil {
		return nil, nil, err
	}
	command.Env = append(command.Env, "EMULATOR_TRACE="+file)
	command.Env = append(append(command.Env, modes...), environment...)
	os.Remove(file)
	out, err := command.CombinedOutput()
	if failed := (*exec.ExitError)(nil); ctx.Err() != nil || err != nil && (!errors.As(err, &failed) || failed.ExitCode() != testFailed) {
		return nil, nil, fmt.Errorf("%s of %s: %w\n%s", test, folder, err, out[max(0, len(out)-1500):])
	}
	if _, err := os.Stat(file); err != nil {
		return nil, out, nil // it launched nothing
	}
	launches, err := Read(file)
	return launches, out, err
}

// testFailed is the exit code of a test program with a failed test; a crash has another.
const testFailed = 1

// Source is where the trace of a test on the kernels of the .cu files lies.
func (s Suite) Source(t Test) string {
	return filepath.Join(s.Work, strings.ReplaceAll(t.Package, "/", "_")+"."+t.Name+".trace")
}

// Measure runs all tests on the kernels of the .cu files, two at once, keeps their traces and writes the list of tests to tests.json.
func (s Suite) Measure() ([]Test, error) {
	if err := os.MkdirAll(s.Work, 0o755); err != nil {
		return nil, err
	}
	var tests []Test
	for _, folder := range s.Packages {
		names, err := s.Names(folder)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			tests = append(tests, Test{Package: folder, Name: name})
		}
	}
	var group errgroup.Group
	group.SetLimit(AtOnce)
	for n := range tests {
		group.Go(func() error { return s.measure(&tests[n]) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	tests = slices.DeleteFunc(tests, func(t Test) bool { return len(t.Kernels) == 0 })
	text, err := json.MarshalIndent(tests, "", "\t")
	if err != nil {
		return nil, err
	}
	return tests, os.WriteFile(filepath.Join(s.Work, "tests.json"), text, 0o644)
}

// AtOnce is how many test programs run at once: each keeps little more than one core busy.
const AtOnce = 2

func (s Suite) measure(t *Test) error {
	start := time.Now()
	launches, _, err := s.run(t.Package, t.Name, "libcuda_emulator_fast.so", s.Source(*t), 10*time.Minute, nil)
	if err != nil {
		return err
	}
	t.Seconds = time.Since(start).Seconds()
	for _, l := range launches {
		t.Kernels = append(t.Kernels, l.Kernel)
	}
	slices.Sort(t.Kernels)
	t.Kernels = slices.Compact(t.Kernels)
	return nil
}

// CheckAll is Check of all tests, two at once.
func (s Suite) CheckAll(tests []Test, library string) error {
	var group errgroup.Group
	group.SetLimit(AtOnce)
	for _, t := range tests {
		group.Go(func() error { return s.Check(t, library, 10*time.Minute) })
	}
	return group.Wait()
}

// Measured reads the tests.json that Measure wrote.
func (s Suite) Measured() ([]Test, error) {
	text, err := os.ReadFile(filepath.Join(s.Work, "tests.json"))
	if err != nil {
		return nil, err
	}
	var tests []Test
	return tests, json.Unmarshal(text, &tests)
}

// Check runs a test on a library and compares its trace with that of the .cu files.
func (s Suite) Check(t Test, library string, limit time.Duration) error {
	want, got, out, err := s.Observe(t, library, limit)
	if err != nil {
		return err
	}
	if err := Compare(want, got); err != nil {
		return fmt.Errorf("%s of %s: %w\n%s", t.Name, t.Package, err, refused(out))
	}
	return nil
}

// Observe runs a test on a library, with further variables of the environment. It returns the traces on the .cu files and on the library, and what
// the test printed.
func (s Suite) Observe(t Test, library string, limit time.Duration, environment ...string) (want, got []Launch, out []byte, err error) {
	if want, err = Read(s.Source(t)); err != nil {
		return nil, nil, nil, err
	}
	file, err := os.CreateTemp(s.Work, "*.now") // several tests may run at once
	if err != nil {
		return nil, nil, nil, err
	}
	file.Close()
	defer os.Remove(file.Name())
	got, out, err = s.run(t.Package, t.Name, library, file.Name(), limit, environment)
	return want, got, out, err
}

// refused finds what the emulator said of the launch that it refused, "" if it refused none.
func refused(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "CUDA_ERROR") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// Committed is the suite that scripts/test_ptx.sh prepares.
var Committed = Suite{
	Binaries: "build/ptx/test", Work: "build/ptx/bits",
	Packages: []string{"cuda/kernels/random", "cuda/driver", "cuda/mmaconv", "cuda"},
}
