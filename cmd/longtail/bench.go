package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"syscall"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/train/bench"

	"github.com/spf13/cobra"
)

// benchOptions are the flags of the bench command.
type benchOptions struct {
	*options
	device, precision string
	measure           bench.Options
}

// largestBench bounds --size.
const largestBench = 1024

func newBenchCommand(o *options) *cobra.Command {
	b := &benchOptions{options: o}
	cmd := &cobra.Command{
		Use:   "bench [CONFIG] [key=value ...]",
		Short: "Measure images per second of whole training steps",
		Long: `Measures whole training steps - crop and flip, forward, loss, backward, update - on images of its own making. The
number is the median over the timed windows; steps before the first window are not counted. On a busy machine, compare with
something measured in the same run (see scripts/bench_cpu.sh). LONGTAIL_CPU=avx512, avx2 or generic chooses the CPU's kernels;
--profile shows what the passes of a step take (docs/cpu.md). The number is kept in the user's cache folder, for longtail sweep to say what
runs cost.

Exit codes: 0 done, 1 failed, 2 a bad key or value, 3 no such device, 130 interrupted.`,
		Example: "  longtail bench --device cpu model.name=resnet32 train.batch=128 --threads 2 --json\n  longtail bench --device cuda --precision mixed --runs 4",
		RunE:    func(cmd *cobra.Command, args []string) error { return b.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVar(&b.device, "device", "", "auto, cpu or cuda (the config's key device)")
	f.StringVar(&b.precision, "precision", "", "auto, fp32 or mixed (the config's key precision)")
	f.IntVar(&b.measure.Size, "size", 0, "rows and columns of the images (default: those of data.dataset)")
	f.IntVar(&b.measure.Steps, "steps", 0, "steps in a timed window (default: 3 on a CPU, 200 on a GPU)")
	f.IntVar(&b.measure.Windows, "windows", 5, "timed windows")
	f.IntVar(&b.measure.Profile, "profile", 0, "steps whose passes are measured one by one after the windows (CPU only)")
	f.IntVar(&b.measure.Runs, "runs", 1, "trainings at once on the device")
	return cmd
}

func (b *benchOptions) run(cmd *cobra.Command, args []string) error {
	path, overrides := splitArgs(args)
	for key, value := range map[string]string{"device": b.device, "precision": b.precision} {
		if value != "" {
			overrides = append(overrides, key+"="+value)
		}
	}
	cfg, err := config.Load(path, overrides)
	if err != nil {
		return err
	}
	set, err := data.Lookup(cfg.Data.Dataset)
	if err != nil {
		return err
	}
	if b.measure.Size < 0 || b.measure.Size > largestBench {
		return fail.Usage("--size %d: use a number from 1 to %d, or leave it out", b.measure.Size, largestBench)
	}
	if b.measure.Windows < 1 || b.measure.Runs < 1 || b.measure.Steps < 0 || b.measure.Profile < 0 {
		return fail.Usage("--windows and --runs are at least 1, and --steps too where it is given; --profile is not negative")
	}
	d, err := device.Open(cfg.Device, cfg.Precision, b.deviceOptions(b.messages(cmd)))
	if err != nil {
		return err
	}
	o := b.measure
	o.Classes, o.Size, o.Warmup = len(set.Classes), cmp.Or(o.Size, set.Height), 1
	if o.Steps == 0 {
		o.Steps = 3
		if d.Info().GPU != "" {
			o.Steps, o.Warmup = 200, 20
		}
	}
	if d, err = bench.On(cfg, d, o); err != nil {
		return err
	}
	if !b.quiet && !b.json {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s, batch %d on %s: %d windows of %d steps\n", cfg.Network(), cfg.Train.Batch, d, o.Windows, o.Steps)
	}
	if b.dryRun {
		memory, err := bench.Memory(cfg, d, o)
		if err != nil {
			return err
		}
		b.printMemory(cmd, memory)
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing was measured")
		return nil
	}
	defer secondSignalKills(cmd.Context())()
	m, err := bench.Run(cmd.Context(), cfg, d, o)
	if err != nil {
		return err
	}
	_ = bench.Keep(m, d.Info().Description) // it is only for estimates
	if b.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			Device  string `json:"device"`
			Name    string `json:"device_name"`
			Threads int    `json:"threads,omitempty"`
			Peak    int64  `json:"peak_memory_mb"` // of the process, resident, in 10^6 bytes
			bench.Measurement
		}{d.Info().Name, d.Info().Description, b.threads, peakMemory() / 1e6, m})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%.1f images/s (%.1f to %.1f over %d windows), at most %d MB of memory\n", m.ImagesPS, m.Low, m.High, len(m.Windows), peakMemory()/1e6)
	b.printArithmetic(cmd.OutOrStdout(), d, m)
	if m.LaunchesPerStep > 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "%.1f launches a step", m.LaunchesPerStep)
		if m.BytesPerImage > 0 {
			fmt.Fprintf(cmd.OutOrStdout(), ", %.2f MB of device memory and %.0f mma an image", m.BytesPerImage/1e6, m.MMAPerImage)
		}
		fmt.Fprintln(cmd.OutOrStdout())
	}
	return nil
}

// peakMemory is the most memory that the process has had resident, in bytes; 0 where the system does not say.
func peakMemory() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" { // bytes there, units of 1024 bytes elsewhere
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) * 1024
}
