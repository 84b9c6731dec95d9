package lower

import (
	"encoding/binary"
	"fmt"
	"math"

	"longtail/internal/device"
)

// Control is struct Control of kernels/control.h: what the host says to the steps of a call, and their sums.
type Control struct {
	Order    Ref     // int32 [steps * batch], the images of the steps of the call, -1 for padding, replaced by what is predicted; with mixing more, see Order
	Rates    Ref     // fp32 [steps of the run]
	Loss     float64 // sum over the samples seen
	Samples  uint64
	Step     uint32 // number of the next step in the run
	Done     uint32 // steps of this call
	Bad      uint32 // a loss was not finite: nothing changes any more
	Reserved uint32
}

// ControlBytes is the size of a Control.
const ControlBytes = 48

// ReadControl takes the sums of a call out of the bytes of a Control; the confusion matrix is that of Predictions.
func ReadControl(b []byte) (device.Sums, error) {
	if len(b) != ControlBytes {
		return device.Sums{}, fmt.Errorf("a control block has %d bytes, not %d", ControlBytes, len(b))
	}
	return device.Sums{
		Loss:      math.Float64frombits(binary.NativeEndian.Uint64(b[16:])),
		Samples:   int64(binary.NativeEndian.Uint64(b[24:])),
		NonFinite: binary.NativeEndian.Uint32(b[40:]) != 0,
	}, nil
}
