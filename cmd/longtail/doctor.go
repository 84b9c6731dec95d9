package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"

	"longtail/data"
	"longtail/internal/build"
	"longtail/internal/device"
	"longtail/internal/fail"

	"github.com/spf13/cobra"
)

// builtIn is the value of --curves without a file.
const builtIn = "built-in"

// doctorOptions are the flags of the doctor command.
type doctorOptions struct {
	*options
	device, precision string
	curves            string
	losses, rules     string
	schedule          bool
}

func newDoctorCommand(o *options) *cobra.Command {
	d := &doctorOptions{options: o}
	cmd := &cobra.Command{
		Use:   "doctor [CONFIG] [key=value ...]",
		Short: "Say what this machine can do, and why not more; re-run known training curves",
		Long: `Shows the processor, the GPU and its driver, the data folder, and what is missing. A machine without a GPU is in order.

With --curves it repeats short trainings whose losses, gradient norms and logits an independent float64 implementation has
computed, on the chosen device, and prints the largest deviation of each. --curves alone takes the built-in cases,
--curves=FILE those of a file of the same format (train/curves/golden.json).

With --losses and --rules it computes the cases of a file, losses with their gradients on the chosen device and rules such as
the probabilities of samplers, and prints for each the largest part of its tolerance that was used.

With --schedule it prints what a GPU launches in a training step of a config: kernels, grids, shared memory, bytes, and what for.
This needs no GPU.

Exit codes: 0 in order, 1 a curve or case is out of bounds, 2 a bad flag, 3 no such device, 4 a damaged file.`,
		Example: "  longtail doctor\n  longtail doctor --curves --device cpu\n  longtail doctor --curves=more.json --device cuda --precision fp32\n  longtail doctor --schedule model.name=resnet32 --precision mixed",
		RunE: func(cmd *cobra.Command, args []string) error {
			if d.schedule {
				return d.printSchedule(cmd, args)
			}
			if len(args) > 0 { // --curves FILE, as well as --curves=FILE
				if d.curves != builtIn {
					return fail.Usage("doctor: unknown argument %q\na file of curves is given as: longtail doctor --curves=%[1]s", args[0])
				}
				d.curves = args[0]
			}
			return d.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.curves, "curves", "", "re-run the training curves of a file, or the built-in ones")
	f.Lookup("curves").NoOptDefVal = builtIn
	f.StringVar(&d.losses, "losses", "", "compare losses and gradients with the known values of a file")
	f.StringVar(&d.rules, "rules", "", "compare rules, such as those of samplers, with the known values of a file")
	f.BoolVar(&d.schedule, "schedule", false, "print what a training step of a config launches")
	f.StringVar(&d.device, "device", "auto", "auto, cpu or cuda")
	f.StringVar(&d.precision, "precision", "", "fp32 or mixed (default: fp32)")
	return cmd
}

func (d *doctorOptions) run(cmd *cobra.Command) error {
	if d.curves == "" && d.losses == "" && d.rules == "" && (cmd.Flags().Changed("device") || cmd.Flags().Changed("precision")) {
		return fail.Usage("doctor: --device and --precision choose where curves and losses are computed, or what is scheduled\nadd --curves, --losses or --schedule")
	}
	if d.curves != "" || d.losses != "" || d.rules != "" {
		return d.compare(cmd)
	}
	out := cmd.OutOrStdout()
	folder, err := data.Folder(d.dataDir)
	if err != nil {
		folder = err.Error()
	}
	options := device.Options{Threads: d.threads}
	if d.json {
		return json.NewEncoder(out).Encode(map[string]any{
			"version": build.Version, "commit": build.Commit(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
			"devices": deviceStates(options), "data": folder, "datasets": datasetStates(folder),
		})
	}
	fmt.Fprintf(out, "longtail  %s\n", build.String())
	for _, d := range device.Drivers() {
		fmt.Fprintf(out, "%-9s %s\n", d.Name, strings.ReplaceAll(d.Describe(options), "\n", "\n          "))
	}
	fmt.Fprintf(out, "data      %s\n", folder)
	states := datasetStates(folder)
	for _, name := range downloads() {
		fmt.Fprintf(out, "          %s: %s\n", name, states[name])
	}
	var drawn []string
	for _, name := range data.Names() {
		if set, err := data.Lookup(name); err == nil && set.Drawn {
			drawn = append(drawn, name)
		}
	}
	_, err = fmt.Fprintf(out, "          %s: drawn, always there\n", strings.Join(drawn, ", "))
	return err
}

// deviceStates is what the machine has of each kind of device, or why it has none.
func deviceStates(o device.Options) map[string]string {
	states := map[string]string{}
	for _, d := range device.Drivers() {
		states[d.Name] = d.Describe(o)
	}
	return states
}

// datasetStates says of each archive whether its files are there and right.
func datasetStates(folder string) map[string]string {
	states := map[string]string{}
	for _, name := range downloads() {
		states[name] = "there, checksums right"
		if err := verifyFiles(name, folder); err != nil {
			states[name] = err.Error()
		}
	}
	return states
}

// verifyFiles returns an error about the first file of a set that is missing or damaged.
func verifyFiles(name, folder string) error {
	set, err := data.Lookup(name)
	if err != nil {
		return err
	}
	reports, err := set.Verify(folder)
	if err != nil {
		return err
	}
	for _, r := range reports {
		if r.State != data.FileOK {
			return fmt.Errorf("%s is %s; get it with: longtail data fetch %s", r.Path, r.State, name)
		}
	}
	return nil
}
