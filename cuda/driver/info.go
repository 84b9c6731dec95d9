package driver

import "fmt"

// What our PTX needs: the driver of CUDA 11.8 reads PTX 7.8, and its code is for compute capability 7.0, with tensor cores for 8.0.
const (
	NeededDriver      = 11080
	NeededCompute     = 70
	NeededTensorCores = 80
)

// Info describes a GPU and its driver.
type Info struct {
	Name            string // of the GPU
	Library         string // the driver library that was opened
	DriverVersion   int    // CUDA version of the driver, 1000 * major + 10 * minor
	Compute         int    // compute capability, 10 * major + minor
	Memory          int64  // bytes of device memory
	Multiprocessors int
	SharedMemory    int  // bytes of shared memory that a block may have, at most
	Emulated        bool // the driver is our emulator: test equipment, not a GPU
}

// Driver is the driver's CUDA version, for example "12.4".
func (i Info) Driver() string {
	return fmt.Sprintf("%d.%d", i.DriverVersion/1000, i.DriverVersion%1000/10)
}

// String is one line for people.
func (i Info) String() string {
	return fmt.Sprintf("%s, compute capability %d.%d, %.1f GiB, driver for CUDA %s", i.Name, i.Compute/10, i.Compute%10, float64(i.Memory)/(1<<30), i.Driver())
}

// Counters are what the emulator has counted since the process started. A 32-byte sector of device memory that a launch reads counts
// once for that launch, one that it writes once more. Copies and fills count too, by the sectors that they move.
type Counters struct {
	Launches     uint64 // kernels run, replays of graphs included
	Copies       uint64 // copies run
	Fills        uint64 // fills run
	BytesRead    uint64 // of device memory; known to the checked build only
	BytesWritten uint64 // of device memory; known to the checked build only
	MMA          uint64 // mma.m16n8k16 run: 2048 multiply-adds each
	// DependentLoads is the longest chain of dependent loads of each launch, added up; 0 where the kernels are not the PTX.
	DependentLoads uint64
	LongestChain   uint64 // of all launches
	Checked        bool   // the emulator sees every access, so that the bytes are known
}

// Sub is what was counted between then and now; LongestChain, a maximum, is left out.
func (now Counters) Sub(then Counters) Counters {
	return Counters{
		Launches: now.Launches - then.Launches, Copies: now.Copies - then.Copies, Fills: now.Fills - then.Fills,
		BytesRead: now.BytesRead - then.BytesRead, BytesWritten: now.BytesWritten - then.BytesWritten,
		MMA: now.MMA - then.MMA, DependentLoads: now.DependentLoads - then.DependentLoads, Checked: now.Checked,
	}
}
