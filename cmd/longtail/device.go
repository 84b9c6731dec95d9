package main

import (
	"fmt"
	"io"

	"longtail/internal/device"
	"longtail/train"
)

// opener opens devices and prints which.
func (o *options) opener(messages io.Writer) train.OpenDevice {
	return func(name, precision string) (*device.Device, error) {
		d, err := device.Open(name, precision, device.Options{Threads: o.threads})
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(messages, "device:", d)
		return d, nil
	}
}
