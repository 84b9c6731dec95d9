package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"text/tabwriter"

	"longtail/internal/device"
	"longtail/train/bench"
)

// printArithmetic prints what the products of a CPU's steps amount to, and the passes of a profile.
func (b *benchOptions) printArithmetic(out io.Writer, d *device.Device, m bench.Measurement) {
	if m.DirectPerImage == 0 || d.Info().GPU != "" {
		return
	}
	threads := cmp.Or(b.threads, runtime.GOMAXPROCS(0))
	direct, executed := m.DirectPerImage*m.ImagesPS/1e9, m.FlopsPerImage*m.ImagesPS/1e9
	fmt.Fprintf(out, "%.1f GFLOP/s of direct products, %.1f executed", direct, executed)
	if peak := m.PeakGFLOPS * float64(threads); peak > 0 {
		fmt.Fprintf(out, " (%.0f%% of %d x %.1f)", 100*executed/peak, threads, m.PeakGFLOPS)
	}
	fmt.Fprintf(out, ", %.2f MB an image between levels\n", m.BytesPerImage/1e6)
	if len(m.Passes) > 0 {
		printPasses(out, m)
	}
}

// printPasses prints a profile: every pass, then the sum of each kind.
func printPasses(out io.Writer, m bench.Measurement) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, p device.Pass, total float64) {
		gflops, share, rate := "", "", ""
		if p.Flops > 0 {
			gflops = fmt.Sprintf("%.1f", p.Flops/p.Nanos)
			if m.PeakGFLOPS > 0 {
				share = fmt.Sprintf("%.0f%%", 100*p.Flops/p.Nanos/m.PeakGFLOPS)
			}
		}
		if p.Bytes > 0 {
			rate = fmt.Sprintf("%.0f", p.Bytes/1e3)
		}
		fmt.Fprintf(w, "%s\t%s\t%.0f\t%.1f\t%.1f%%\t%s\t%s\t%s\t\n", name, p.Kind, p.Count, p.Nanos/1e3, 100*p.Nanos/total, gflops, share, rate)
	}
	total, kinds := device.Pass{Kind: "total"}, map[string]device.Pass{}
	for _, p := range m.Passes {
		if p.Kind == device.Waiting {
			continue // it is printed beside the work, as a share of it
		}
		total, kinds[p.Kind] = sum(total, p), sum(kinds[p.Kind], p)
	}
	fmt.Fprintln(w, "pass\tkind\tcount\tus an image\tshare\tGFLOP/s\tof peak\tkB\t")
	for _, p := range m.Passes {
		line(p.Name, p, total.Nanos)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		p := kinds[kind]
		p.Kind = kind
		line("all", p, total.Nanos)
	}
	line("all", total, total.Nanos)
	w.Flush()
}

func sum(a, b device.Pass) device.Pass {
	a.Count, a.Nanos, a.Bytes, a.Flops, a.Direct = a.Count+b.Count, a.Nanos+b.Nanos, a.Bytes+b.Bytes, a.Flops+b.Flops, a.Direct+b.Direct
	return a
}
