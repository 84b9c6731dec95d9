package main

import (
	"fmt"
	"slices"

	"longtail/internal/cpu"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// device is where a command computes.
type device struct {
	backend   plan.Backend
	name      string         // cpu or cuda
	describe  string         // for people, in a line
	precision plan.Precision // resolved
}

// openDevice finds the backend for the config's device and precision: auto takes a GPU where there is one that can be used.
// threads is for the CPU, 0 for all cores.
func openDevice(name, precision string, threads int) (*device, error) {
	if err := checkDevice(name, precision); err != nil {
		return nil, err
	}
	switch name {
	case "cpu":
		return openCPU(precision, threads, "")
	case "cuda":
		return openCUDA(precision)
	}
	d, err := openCUDA(precision)
	if err != nil {
		return openCPU(precision, threads, " ("+firstLine(err)+")")
	}
	return d, nil
}

// checkDevice finds names that are not known: not every command reads them from a config, which would have found them.
func checkDevice(name, precision string) error {
	if !slices.Contains([]string{"", "auto", "cpu", "cuda"}, name) {
		return fail.Usage("device=%s: there is no such device\nchoose one of auto, cpu, cuda", name)
	}
	if !slices.Contains([]string{"", "auto", string(plan.FP32), string(plan.Mixed)}, precision) {
		return fail.Usage("precision=%s: there is no such precision\nchoose one of auto, %s, %s", precision, plan.FP32, plan.Mixed)
	}
	return nil
}

// openCPU is the backend that is always there; why says what kept auto from taking a GPU.
func openCPU(precision string, threads int, why string) (*device, error) {
	if precision == string(plan.Mixed) {
		return nil, fail.Usage("precision=mixed is for GPUs and the device is the cpu%s\nuse precision=fp32 or precision=auto", why)
	}
	b := cpu.New(threads)
	return &device{backend: b, name: "cpu", describe: b.Describe() + why, precision: plan.FP32}, nil
}

func (d *device) String() string { return fmt.Sprintf("%s, %s", d.describe, d.precision) }
