//go:build gpu

package random_test

import (
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// A run that continues has done fewer steps in this call than it has in all.
func TestAdvance(t *testing.T) {
	m := newMaker(t, 1, 17, false)
	control := m.table(lower.Control{Step: 9, Done: 4})
	m.launch(lower.Launch{Kernel: "advance", Module: "rows", Grid: lower.Dim{X: 1, Y: 1, Z: 1}, Threads: 1}, lower.AdvanceParameters{Control: control})
	words := cudatest.Download[uint32](t, m.s, driver.Ptr(control.Offset), 12)
	if step, done := words[8], words[9]; step != 10 || done != 5 {
		t.Errorf("step %d, %d done, want 10 and 5", step, done)
	}
}
