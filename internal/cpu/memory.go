package cpu

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"longtail/internal/device"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// Memory is how many bytes the activations and gradients of a program take, nearly all that a session holds, and how many the system
// has left; 0 where it does not tell.
func (b *Backend) Memory(p *plan.Program, _ device.Precision) (need, available int64) {
	size := (&compiler{s: &session{program: p}}).placeValues()
	return 4 * int64(size), memoryLeft("/")
}

// checkMemory returns an error where a program needs more memory than there is.
func (b *Backend) checkMemory(p *plan.Program) error {
	need, available := b.Memory(p, device.FP32)
	if available == 0 || need <= available {
		return nil
	}
	const gb = 1e9
	return fail.Device("a batch of %d images needs %.1f GB of memory, and %.1f GB are available\nlower train.batch or choose a smaller model.name",
		p.Batch, float64(need)/gb, float64(available)/gb)
}

// memoryLeft is how many bytes the process can take without swapping, by the system and by the limits of its control groups, versions 1 and 2;
// 0 where neither tells. root is the folder that holds proc and sys.
func memoryLeft(root string) int64 {
	free := memAvailable(filepath.Join(root, "proc/meminfo"))
	for _, g := range controlGroups(filepath.Join(root, "proc/self/cgroup")) {
		base, limit, usage := filepath.Join(root, "sys/fs/cgroup"), "memory.max", "memory.current"
		if g.first {
			base, limit, usage = filepath.Join(base, "memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"
		}
		for dir := filepath.Join(base, g.path); len(dir) >= len(base); dir = filepath.Dir(dir) { // a group is bound by those above it
			most, ok := number(filepath.Join(dir, limit))
			if !ok {
				continue // "max", or no such file
			}
			used, _ := number(filepath.Join(dir, usage)) // 0 where it does not tell
			if left := max(most-used, 1); free == 0 || left < free {
				free = left
			}
		}
	}
	return free
}

// controlGroup is a group of the process that may bound its memory.
type controlGroup struct {
	path  string
	first bool // of version 1
}

// controlGroups reads /proc/self/cgroup: lines "0::PATH" of version 2, "N:CONTROLLERS:PATH" of version 1.
func controlGroups(list string) (groups []controlGroup) {
	text, err := disk.Read(list, 1<<20)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && (fields[1] == "" || slices.Contains(strings.Split(fields[1], ","), "memory")) {
			groups = append(groups, controlGroup{fields[2], fields[1] != ""})
		}
	}
	return groups
}

// number reads a file that holds one number.
func number(path string) (int64, bool) {
	text, err := disk.Read(path, 1<<10)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}

// memAvailable reads how many bytes can be taken without swapping from Linux's /proc/meminfo; 0 elsewhere.
func memAvailable(list string) int64 {
	f, err := os.Open(list)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemAvailable:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}
