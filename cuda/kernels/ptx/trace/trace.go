// Package trace reads what the driver emulator writes where EMULATOR_TRACE names a file: for every launch the kernel, a hash of the allocations that
// it changed, and one of what its threads did in view of others - barriers, fences, atomic and warp operations with their operands, asynchronous
// copies. The kernels of the .cu files and those of the PTX must write the same.
package trace

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Launch is one line of a trace.
type Launch struct{ Kernel, Memory, Events string }

// Read reads a trace. It returns an error if the file has lines that are no launches.
func Read(file string) ([]Launch, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var launches []Launch
	for n, line := range slices.Collect(strings.Lines(string(text))) {
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("%s:%d: no launch: %q", file, n+1, line)
		}
		launches = append(launches, Launch{words[0], words[1], words[2]})
	}
	return launches, nil
}

// Compare returns an error that names the first launch that is none of the other program's launches of that kernel. The order of launches does not
// count: tests may run in the random order of a map.
func Compare(want, got []Launch) error {
	if err := Within(want, got); err != nil {
		return err
	}
	if len(want) != len(got) {
		return fmt.Errorf("%d launches, want %d", len(got), len(want))
	}
	return nil
}

// Within is Compare for a program that may have ended early.
func Within(want, got []Launch) error {
	left := map[Launch]int{}
	for _, l := range want {
		left[l]++
	}
	for n, l := range got {
		if left[l]--; left[l] < 0 {
			if slices.ContainsFunc(want, func(w Launch) bool { return w.Kernel == l.Kernel && w.Memory == l.Memory }) {
				return fmt.Errorf("launch %d, of %s, has other barriers, fences, atomic or warp operations, or copies", n+1, l.Kernel)
			}
			return fmt.Errorf("launch %d, of %s, leaves other bits in device memory", n+1, l.Kernel)
		}
	}
	return nil
}
