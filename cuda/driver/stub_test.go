//go:build !gpu

package driver_test

import (
	"strings"
	"testing"

	"longtail/cuda/driver"
	"longtail/internal/fail"
)

func TestBuildWithoutCUDASaysSo(t *testing.T) {
	_, err := driver.Available()
	if fail.Code(err) != fail.CodeDevice || !strings.Contains(err.Error(), "without the tag gpu") {
		t.Errorf("%v, exit code %d", err, fail.Code(err))
	}
	if n := driver.Count(); n != 0 {
		t.Errorf("%d GPUs", n)
	}
	if _, ok := driver.ReadCounters(); ok {
		t.Error("counters without an emulator")
	}
}
