package cpu_test

import (
	"testing"

	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/program/programtest"
)

func TestFrozenParametersKeepTheirBits(t *testing.T) {
	programtest.Frozen(t, cpu.New(2), device.FP32, 1e-5)
}
