package lower

import (
	"encoding/binary"
	"fmt"
	"math"

	"longtail/internal/device"
	"longtail/internal/metrics"
)

// Control is struct Control of kernels/control.h: what the host says to the steps of a call, and their sums.
type Control struct {
	Order    Ref     // int32 [steps * batch], the images of the steps of the call, -1 for padding; with mixing more, see Order
	Rates    Ref     // fp32 [steps of the run]
	Loss     float64 // sum over the samples seen
	Samples  uint64
	Step     uint32 // number of the next step in the run
	Done     uint32 // steps of this call
	Bad      uint32 // a loss was not finite: nothing changes any more
	Reserved uint32
}

// controlBytes is the size of a Control; the confusion matrix [C, C] of uint64 lies behind it.
const controlBytes = 48

// ControlBytes is the size of a Control and the confusion matrix.
func ControlBytes(classes int) int { return controlBytes + 8*classes*classes }

// ReadControl takes the sums of a call out of the bytes of a Control and its confusion matrix.
func ReadControl(b []byte, classes int) (device.Sums, error) {
	if len(b) != ControlBytes(classes) {
		return device.Sums{}, fmt.Errorf("a control block of %d classes has %d bytes, not %d", classes, ControlBytes(classes), len(b))
	}
	sums := device.Sums{
		Loss:      math.Float64frombits(binary.NativeEndian.Uint64(b[16:])),
		Samples:   int64(binary.NativeEndian.Uint64(b[24:])),
		NonFinite: binary.NativeEndian.Uint32(b[40:]) != 0,
		Confusion: metrics.Counts{},
	}
	for i := range classes * classes {
		if n := binary.NativeEndian.Uint64(b[controlBytes+8*i:]); n > 0 {
			sums.Confusion[metrics.Pair{Label: int32(i / classes), Predicted: int32(i % classes)}] = int64(n)
		}
	}
	return sums, nil
}
