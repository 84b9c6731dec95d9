package main

import (
	"fmt"
	"io"

	"longtail/internal/device"
	"longtail/train"
)

// deviceOptions are what the flags say of a device; what takes long there is said in a line of messages.
func (o *options) deviceOptions(messages io.Writer) device.Options {
	return device.Options{Threads: o.threads, Remark: func(text string) { fmt.Fprintln(messages, text) }}
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
