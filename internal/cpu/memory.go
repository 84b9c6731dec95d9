package cpu

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// Memory is how many bytes the activations and gradients of a program take, nearly all that a session holds, and how many the system
// has left; 0 where it does not tell.
func (b *Backend) Memory(p *plan.Program, _ device.Precision) (need, available int64) {
	size := (&compiler{s: &session{program: p}}).placeValues()
	return 4 * int64(size), memAvailable("/proc/meminfo")
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
