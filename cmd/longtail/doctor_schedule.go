package main

import (
	"fmt"

	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/train"

	"github.com/spf13/cobra"
)

// printSchedule prints what a device would do in a training step of a config. It needs no such device.
func (d *doctorOptions) printSchedule(cmd *cobra.Command, args []string) error {
	path, overrides := splitArgs(args)
	cfg, err := config.Load(path, overrides)
	if err != nil {
		return err
	}
	driver, err := d.scheduled()
	if err != nil {
		return err
	}
	precision := device.Precision(d.precision)
	if precision == "" || precision == device.Auto {
		precision = driver.Precisions[0]
	}
	p, err := train.NewPreview(cfg, d.dataDir)
	if err != nil {
		return err
	}
	text, err := driver.Schedule(p.Train, precision)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s, %s: %s\n%s", driver.Name, precision, p.Train.Summary(), text)
	return err
}

// scheduled is the driver that --device names, or with auto the first one that has schedules.
func (d *doctorOptions) scheduled() (device.Driver, error) {
	for _, driver := range device.Drivers() {
		if driver.Schedule != nil && (d.device == device.Auto || d.device == driver.Name) {
			return driver, nil
		}
	}
	return device.Driver{}, fail.Usage("doctor: --device %s has no schedule of launches\nleave --device out", d.device)
}
