package main

import (
	"fmt"
	"io"

	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/train"
)

// deviceOptions are what the flags say of a device; what takes long there is said in a line of messages.
func (o *options) deviceOptions(messages io.Writer) device.Options {
	return device.Options{Threads: o.threads, Remark: func(text string) { fmt.Fprintln(messages, text) }}
}

// sayMemory prints how much memory runs of a program need on a device, and how much there is.
func sayMemory(messages io.Writer, d *device.Device, p *plan.Program, runs int) {
	need, available := d.Backend.Memory(p, d.Precision)
	fmt.Fprintf(messages, "memory: a step needs %.3g GB", float64(need)*float64(runs)/1e9)
	if available > 0 {
		fmt.Fprintf(messages, ", and %.3g GB are available", float64(available)/1e9)
	}
	fmt.Fprintln(messages)
}

// opener opens devices and prints which.
func (o *options) opener(messages io.Writer) train.OpenDevice {
	return func(name, precision string) (*device.Device, error) {
		d, err := device.Open(name, precision, o.deviceOptions(messages))
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(messages, "device:", d)
		return d, nil
	}
}
