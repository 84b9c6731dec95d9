package sweep

import (
	"cmp"
	"fmt"
	"strings"
	"sync"

	"longtail/internal/device"
	"longtail/train"
)

// Devices opens each device of a machine once, for all runs of a sweep, and spreads the runs over those of a kind: with four GPUs and eight
// runs at once there are two on each.
type Devices struct {
	Jobs   int                                                             // runs at once
	Runs   int                                                             // that are to be done
	Count  func(name string) int                                           // how many devices of a kind there are, as device.Count
	Open   func(name, precision string, index int) (*device.Device, error) // the device of that number, as device.Open
	Remark func(text string)                                               // is told which devices are used, in a line each

	mu     sync.Mutex
	opened map[[2]string][]*device.Device // at least one each, by name and precision
}

// For opens devices for the worker of that number, counted from 0: as train.OpenDevice.
func (d *Devices) For(worker int) train.OpenDevice {
	return func(name, precision string) (*device.Device, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		all, err := d.all(name, precision)
		if err != nil {
			return nil, err
		}
		return all[worker%len(all)], nil
	}
}

// all are the devices of that name, as many as there are runs at once. The first one must open; of the others, those that do not, or that
// are of another kind, are left out.
func (d *Devices) all(name, precision string) ([]*device.Device, error) {
	key := [2]string{name, precision}
	if all := d.opened[key]; len(all) > 0 {
		return all, nil
	}
	first, err := d.Open(name, precision, 0)
	if err != nil {
		return nil, err
	}
	all, info := []*device.Device{first}, first.Info()
	count := d.Count(cmp.Or(info.Name, name))
	for i := 1; i < min(count, d.Jobs, d.Runs); i++ {
		next, err := d.Open(cmp.Or(info.Name, name), string(first.Precision), i)
		switch {
		case err != nil:
			text, _, _ := strings.Cut(err.Error(), "\n")
			d.Remark(fmt.Sprintf("device %d of %d is not used: %s", i, count, text))
			continue
		case next.Info().Arithmetic != info.Arithmetic:
			d.Remark(fmt.Sprintf("device %d of %d is not used: it computes %s, the first one %s", i, count, next.Info().Arithmetic, info.Arithmetic))
			_ = next.Close() // nothing was computed
			continue
		}
		all = append(all, next)
	}
	for i, opened := range all {
		text := "device: " + opened.String()
		if len(all) > 1 {
			text = fmt.Sprintf("device %d: %s", i, opened)
		}
		d.Remark(text)
	}
	if want := min(count, d.Runs); want > d.Jobs {
		d.Remark(fmt.Sprintf("%d of %d devices are used; --jobs %d uses %[3]d", len(all), count, want))
	}
	if d.opened == nil {
		d.opened = map[[2]string][]*device.Device{}
	}
	d.opened[key] = all
	d.opened[[2]string{name, string(first.Precision)}] = all // which a run that resumes asks for
	return all, nil
}
