package device

// Pass is what one kind of work costs a training step, for one image of the batch.
type Pass struct {
	Name   string  `json:"name"`             // operation and shape, such as "conv 32x32x16"
	Kind   string  `json:"kind"`             // of pass, such as "product" or "statistics"
	Count  float64 `json:"count"`            // passes of that name in a step
	Nanos  float64 `json:"nanoseconds"`      // of one core
	Bytes  float64 `json:"bytes,omitempty"`  // of values that outlive a pass over the batch, read and written
	Flops  float64 `json:"flops,omitempty"`  // of products, as executed
	Direct float64 `json:"direct,omitempty"` // of the same products without a transform
}

// Waiting is the kind of a pass in which threads have no work: Nanos is the sum over the threads.
const Waiting = "waiting"

// Profiler is a session that can tell what its steps are made of.
type Profiler interface {
	// Profile does n steps as Session.Run and measures their passes.
	Profile(order []int32, first, n int) ([]Pass, error)
	// Peak is how many floating-point operations a core does in a second at most, in fused multiply-adds of float32, measured now.
	Peak() float64
}
