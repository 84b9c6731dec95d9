package sweep

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/train"
)

// numbered is a CPU that passes for the GPU of that number.
type numbered struct {
	device.Backend
	index      int
	arithmetic string
}

func (n numbered) Info() device.Info {
	i := n.Backend.Info()
	i.Name, i.Description, i.Arithmetic = "gpu", fmt.Sprint("GPU ", n.index), n.arithmetic
	return i
}

// machine has so many of them.
func machine(count, jobs int, remarks *[]string) *Devices {
	return &Devices{
		Jobs: jobs, Runs: 9, Count: func(name string) int { return map[string]int{"gpu": count}[name] },
		Remark: func(text string) { *remarks = append(*remarks, text) },
		Open: func(name, precision string, index int) (*device.Device, error) {
			if index == 2 {
				return nil, errors.New("GPU 2 is broken\nmend it")
			}
			arithmetic := "sm_90"
			if index == 3 {
				arithmetic = "sm_70"
			}
			return &device.Device{Backend: numbered{cpu.New(1), index, arithmetic}, Precision: device.FP32}, nil
		},
	}
}

func TestRunsAreSpreadOverTheDevicesOfAMachine(t *testing.T) {
	for _, c := range []struct {
		count, jobs int
		want        []string // devices of the workers
		remarks     string
	}{
		{1, 3, []string{"GPU 0", "GPU 0", "GPU 0"}, "device: GPU 0, fp32"},
		{2, 3, []string{"GPU 0", "GPU 1", "GPU 0"}, "device 0: GPU 0, fp32|device 1: GPU 1, fp32"},
		{2, 1, []string{"GPU 0"}, "device: GPU 0, fp32|1 of 2 devices are used; --jobs 2 uses 2"},
		{3, 3, []string{"GPU 0", "GPU 1", "GPU 0"}, "device 2 of 3 is not used: GPU 2 is broken|device 0: GPU 0, fp32|device 1: GPU 1, fp32"},
		{5, 5, []string{"GPU 0", "GPU 1", "GPU 4", "GPU 0", "GPU 1"}, "device 2 of 5 is not used: GPU 2 is broken|device 3 of 5 is not used: it computes sm_70, the first one sm_90|device 0: GPU 0, fp32|device 1: GPU 1, fp32|device 2: GPU 4, fp32"},
	} {
		var remarks []string
		d := machine(c.count, c.jobs, &remarks)
		var got []string
		for worker := range c.jobs {
			for _, precision := range []string{device.Auto, "fp32"} { // a run that resumes knows its precision
				opened, err := d.For(worker)("auto", precision)
				if err != nil {
					t.Fatal(err)
				}
				if precision == "fp32" {
					got = append(got, opened.Info().Description)
				}
			}
		}
		if !slices.Equal(got, c.want) || strings.Join(remarks, "|") != c.remarks {
			t.Errorf("%d devices, %d jobs: %v, want %v; remarks %q", c.count, c.jobs, got, c.want, remarks)
		}
	}
}

// A sweep on two devices has the bits of runs alone.
func TestSweepUsesAllDevices(t *testing.T) {
	var remarks []string
	devices := machine(2, 2, &remarks)
	var mu sync.Mutex
	used := map[string]bool{}
	o := options(2)
	o.Open = devices.For(0)
	o.OpenFor = func(worker int) train.OpenDevice {
		open := devices.For(worker)
		return func(name, precision string) (*device.Device, error) {
			d, err := open(name, precision)
			if err == nil {
				mu.Lock()
				used[d.Info().Description] = true
				mu.Unlock()
			}
			return d, err
		}
	}
	plans := mustPlan(t, t.TempDir())
	wantStates(t, mustExecute(t, plans, o), Done, Done, Done, Done)
	if !used["GPU 0"] || !used["GPU 1"] {
		t.Errorf("used: %v", used)
	}
	compareWithAlone(t, plans[:1])
}
