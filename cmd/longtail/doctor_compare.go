package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/train/curves"
	"longtail/train/known"

	"github.com/spf13/cobra"
)

// compare computes what the flags name and compares it with known values; all of it is done where one part is out of bounds.
func (d *doctorOptions) compare(cmd *cobra.Command) error {
	defer secondSignalKills(cmd.Context())()
	var errs []error
	if d.rules != "" {
		errs = append(errs, d.runRules(cmd))
	}
	if d.losses != "" || d.curves != "" {
		dev, err := d.open()
		if err != nil {
			return err
		}
		if d.losses != "" {
			errs = append(errs, d.runLosses(cmd, dev))
		}
		if d.curves != "" {
			errs = append(errs, d.runCurves(cmd, dev))
		}
	}
	return errors.Join(errs...)
}

// open is the device to compute on: in fp32 unless something else is asked for.
func (d *doctorOptions) open() (*device.Device, error) {
	precision := d.precision
	if precision == "" || precision == "auto" {
		precision = string(device.FP32)
	}
	return device.Open(d.device, precision, device.Options{Threads: d.threads})
}

func (d *doctorOptions) runRules(cmd *cobra.Command) error {
	cases, err := known.ReadRules(d.rules)
	if err != nil {
		return err
	}
	bad := 0
	for i := range cases {
		if err := d.printOutcome(cmd, cases[i].Name, cases[i].Run(), &bad); err != nil {
			return err
		}
	}
	return outOfBounds(bad, len(cases), "rules", d.rules)
}

func (d *doctorOptions) runLosses(cmd *cobra.Command, dev *device.Device) error {
	cases, err := known.ReadLosses(d.losses)
	if err != nil {
		return err
	}
	bad := 0
	for i := range cases {
		if cmd.Context().Err() != nil {
			return fail.Interrupted("interrupted: the cases that are shown are complete")
		}
		if err := d.printOutcome(cmd, cases[i].Name, cases[i].Run(dev), &bad); err != nil {
			return err
		}
	}
	return outOfBounds(bad, len(cases), "losses", dev.String())
}

// printOutcome prints a case on a line, and counts it where it did not pass.
func (d *doctorOptions) printOutcome(cmd *cobra.Command, name string, o known.Outcome, bad *int) error {
	if !o.OK() {
		*bad++
	}
	out := cmd.OutOrStdout()
	if !d.json {
		_, err := fmt.Fprintf(out, "%-70s %s\n", name, o)
		return err
	}
	line := map[string]any{"case": name, "ok": o.OK()}
	switch {
	case o.Err != nil:
		line["error"] = o.Err.Error()
	case math.IsInf(o.Share, 0):
		line["error"] = o.Worst
	default:
		line["share"] = o.Share
	}
	return json.NewEncoder(out).Encode(line)
}

// outOfBounds is the error for cases that did not pass, or nil.
func outOfBounds(bad, of int, what, where string) error {
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d %s are out of bounds: %s\nplease report it with the output of longtail doctor", bad, of, what, where)
}

func (d *doctorOptions) runCurves(cmd *cobra.Command, dev *device.Device) error {
	cases := curves.Golden()
	if d.curves != builtIn {
		var err error
		if cases, err = curves.Read(d.curves); err != nil {
			return err
		}
	}
	bounds := curves.BoundsFor(dev.Precision)
	if !d.json && !d.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d curves on %s; bounds: loss %g, gradient norms %g, logits %g\n", len(cases), dev, bounds.Loss, bounds.Gradient, bounds.Logits)
	}
	bad := 0
	for _, c := range cases {
		if cmd.Context().Err() != nil {
			return fail.Interrupted("interrupted: the curves that are shown are complete")
		}
		deviation, err := c.Run(dev, bounds)
		if err != nil || !deviation.OK() {
			bad++
		}
		if err := printDeviation(cmd.OutOrStdout(), d.json, c, deviation, err); err != nil {
			return err
		}
	}
	return outOfBounds(bad, len(cases), "curves", dev.String())
}

// printDeviation prints a curve on a line; failure says why it could not be repeated.
func printDeviation(out io.Writer, asJSON bool, c curves.Case, d curves.Deviation, failure error) error {
	switch {
	case asJSON && failure != nil:
		return json.NewEncoder(out).Encode(map[string]any{"case": c.String(), "error": failure.Error(), "ok": false})
	case asJSON:
		line := map[string]any{"case": c.String(), "loss": d.Loss, "gradient_norms": d.Gradient, "ok": d.OK()}
		if !math.IsNaN(d.Logits) {
			line["logits"] = d.Logits
		}
		return json.NewEncoder(out).Encode(line)
	case failure != nil:
		_, err := fmt.Fprintf(out, "%-58s FAILED: %v\n", c, failure)
		return err
	}
	verdict, logits := "ok", fmt.Sprintf("%-8.2g", d.Logits)
	if !d.OK() {
		verdict = "OUT OF BOUNDS"
	}
	if math.IsNaN(d.Logits) {
		logits = "-       "
	}
	_, err := fmt.Fprintf(out, "%-58s loss %-8.2g gradient norms %-8.2g logits %s %s\n", c, d.Loss, d.Gradient, logits, verdict)
	return err
}
