// Package trace reads what the driver emulator writes where EMULATOR_TRACE names a file: for every launch the kernel and a hash of the
// allocations that it changed. The kernels of the .cu files and those of the PTX must leave the same bits.
package trace

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Launch is one line of a trace.
type Launch struct{ Kernel, Hash string }

// Read reads a trace. It returns an error if the file has lines that are no launches.
func Read(file string) ([]Launch, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var launches []Launch
	for n, line := range slices.Collect(strings.Lines(string(text))) {
		kernel, hash, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			return nil, fmt.Errorf("%s:%d: no launch: %q", file, n+1, line)
		}
		launches = append(launches, Launch{kernel, hash})
	}
	return launches, nil
}

// Compare returns an error that names the first launch whose bits the other program's launches of that kernel did not leave. The order of launches
// does not count: tests may run in the random order of a map.
func Compare(want, got []Launch) error {
	left := map[Launch]int{}
	for _, l := range want {
		left[l]++
	}
	for n, l := range got {
		if left[l]--; left[l] < 0 {
			return fmt.Errorf("launch %d, of %s, leaves other bits in device memory", n+1, l.Kernel)
		}
	}
	if len(want) != len(got) {
		return fmt.Errorf("%d launches, want %d", len(got), len(want))
	}
	return nil
}
