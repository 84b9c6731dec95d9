package main

import (
	"fmt"

	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
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
	p, err := train.NewPreview(cfg, d.dataDir)
	if err != nil {
		return err
	}
	precision, text, err := d.scheduleIn(driver, p.Train)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s, %s: %s\n%s", driver.Name, precision, p.Train.Summary(), text)
	return err
}

// scheduleIn is a program's schedule in the precision that --precision names, or in the first one that the driver has for the program.
func (d *doctorOptions) scheduleIn(driver device.Driver, p *plan.Program) (precision device.Precision, text string, err error) {
	wanted := []device.Precision{device.Precision(d.precision)}
	if d.precision == "" || d.precision == device.Auto {
		wanted = driver.Precisions
	}
	var errs []error
	for _, precision = range wanted {
		if text, err = driver.Schedule(p, precision); err == nil {
			return precision, text, nil
		}
		errs = append(errs, err)
	}
	return precision, "", errs[len(errs)-1]
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
