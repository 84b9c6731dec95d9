package device

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"longtail/internal/fail"
	"longtail/internal/plan"
)

// Auto as a device takes the highest-ranked driver that opens; as a precision, the one that the device prefers.
const Auto = "auto"

// Options choose among the devices of a driver.
type Options struct {
	Threads int // of a CPU; 0: all cores
	Index   int // of a GPU, counted from 0

	Remark func(string) // is told what takes long, in a line for people; it may be called from another goroutine; nil: nothing is said
}

// Driver makes backends of one kind.
type Driver struct {
	Name       string
	Rank       int         // auto tries the highest first
	Precisions []Precision // that it has, the preferred one first
	Open       func(Options) (Backend, error)
	Count      func() int           // devices that the machine has; nil: one
	Describe   func(Options) string // what the machine has of it, or why it has none; lines for people
	// Schedule is a table of what a step of a program launches, for people; nil where a step is no list of launches. It needs no device.
	Schedule func(*plan.Program, Precision) (string, error)
}

var drivers = map[string]Driver{}

// Register makes a driver known; a package of a backend calls it in its init. A taken name is a panic.
func Register(d Driver) {
	if _, taken := drivers[d.Name]; taken || d.Name == Auto || d.Name == "" {
		panic("device: driver " + d.Name + " is registered twice")
	}
	drivers[d.Name] = d
}

// Drivers are all drivers, the highest rank first.
func Drivers() []Driver {
	var all []Driver
	for _, d := range drivers {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Driver) int {
		return cmp.Or(cmp.Compare(b.Rank, a.Rank), strings.Compare(a.Name, b.Name))
	})
	return all
}

// Names are the values of the config's key device: auto, and the drivers by name.
func Names() []string {
	names := []string{Auto}
	for _, d := range drivers {
		names = append(names, d.Name)
	}
	slices.Sort(names[1:])
	return names
}

// Precisions are the values of the config's key precision.
func Precisions() []string { return []string{Auto, string(FP32), string(Mixed)} }

// Count is how many devices of a driver's kind the machine has, at least 1; of auto and unknown names it is 1.
func Count(name string) int {
	d, known := drivers[name]
	if !known || d.Count == nil {
		return 1
	}
	return max(1, d.Count())
}

// Device is an open backend with the precision that programs run in.
type Device struct {
	Backend
	Precision Precision
	Note      string // why auto did not take a higher-ranked device; empty where there is nothing to say

	rest []Precision // what auto takes where a program has no kernels in Precision, in order
}

// For is the device in a precision that it has for a program: its own unless that was left open and is not for the program. Where none is, it
// is the device as it was, whose Open says why.
func (d *Device) For(p *plan.Program) *Device {
	if len(d.rest) == 0 || d.Check(p, d.Precision) == nil {
		return d
	}
	for i, precision := range d.rest {
		if d.Check(p, precision) == nil {
			return &Device{d.Backend, precision, d.Note, d.rest[i+1:]}
		}
	}
	return d
}

// String describes the device for people, in a line.
func (d *Device) String() string {
	if d.Note == "" {
		return fmt.Sprintf("%s, %s", d.Info().Description, d.Precision)
	}
	return fmt.Sprintf("%s (%s), %s", d.Info().Description, d.Note, d.Precision)
}

// Open opens the device that the config's keys device and precision ask for; empty values mean auto. Unknown names, and a
// precision that the driver lacks, are usage errors; a device that is not there, or that lacks the precision, is a device error.
func Open(name, precision string, o Options) (*Device, error) {
	name, precision = cmp.Or(name, Auto), cmp.Or(precision, Auto)
	if !slices.Contains(Names(), name) {
		return nil, fail.Usage("device=%s: there is no such device\nchoose one of %s", name, strings.Join(Names(), ", "))
	}
	if !slices.Contains(Precisions(), precision) {
		return nil, fail.Usage("precision=%s: there is no such precision\nchoose one of %s", precision, strings.Join(Precisions(), ", "))
	}
	if name != Auto {
		return drivers[name].open(precision, "", o)
	}
	all := Drivers()
	if len(all) == 0 {
		return nil, fail.Device("this program was built without any backend")
	}
	note := ""
	for _, d := range all[:len(all)-1] {
		opened, err := d.open(precision, note, o)
		if err == nil {
			return opened, nil
		}
		if fail.Code(err) == fail.CodeUsage {
			continue // it lacks the precision, which is no news about the machine
		}
		note, _, _ = strings.Cut(err.Error(), "\n")
	}
	return all[len(all)-1].open(precision, note, o)
}

// open opens a backend of the driver; note says why a better device was not taken.
func (d Driver) open(precision, note string, o Options) (*Device, error) {
	if precision != Auto && !slices.Contains(d.Precisions, Precision(precision)) {
		if note != "" {
			note = " (" + note + ")"
		}
		return nil, fail.Usage("precision=%s is not for the device %s%s\nuse precision=%s, precision=auto or another device", precision, d.Name, note, d.Precisions[0])
	}
	b, err := d.Open(o)
	if err != nil {
		return nil, err
	}
	info, have := b.Info(), d.Precisions
	if info.Precisions != nil {
		have = info.Precisions
	}
	var rest []Precision
	if precision == Auto {
		precision, rest = string(have[0]), have[1:]
	}
	if !slices.Contains(have, Precision(precision)) {
		return nil, errors.Join(fail.Device("precision=%s is not for %s: %s\nuse precision=%s or precision=auto", precision, info.Description, info.Lacks, have[0]), b.Close())
	}
	return &Device{Backend: b, Precision: Precision(precision), Note: note, rest: rest}, nil
}
