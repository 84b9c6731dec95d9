package plan

import (
	"longtail/data"

	"gorgonia.org/tensor"
)

// Precision is how a backend stores activations and multiplies.
type Precision string

// FP32 is the reference; Mixed stores activations in 16 bits and keeps sums, statistics, losses and parameters in fp32.
const (
	FP32  Precision = "fp32"
	Mixed Precision = "mixed"
)

// State is a set of named float32 tensors in their logical layout (OIHW, [C], [classes, features]):
// parameters under their own name, "momentum/NAME", and running statistics "running/NAME" [2, C] (mean, variance).
type State map[string]*tensor.Dense

// Sums are totals over the samples that were run since the last call.
type Sums struct {
	Samples   int64   // samples seen, padding not counted
	Loss      float64 // sum over samples of the loss a sample
	Confusion []int64 // [classes * classes] counts, row = true class, column = predicted class
	NonFinite bool    // a loss was NaN or infinite
}

// Backend is a device that runs programs.
type Backend interface {
	// Lower turns ordered steps into the backend's own; an operation that it lacks is an error here, by name.
	Lower(p *Program, precision Precision) error
	// Open allocates a lowered program on the device. images are what orders index. A program opened with a share uses the
	// parameters and running statistics of that session.
	Open(p *Program, images data.Images, share Session) (Session, error)
}

// Session is a program with its memory on a device. It is used from one goroutine at a time.
type Session interface {
	// Set writes an input: "lr" [steps] the learning rate of every step, "weight" [C] the class weights.
	Set(name string, v []float32) error
	// Run does n steps. order holds n*batch indices into the images, -1 for padding (evaluation only); first is the number of
	// the first step, which places the samples in their epochs and picks the learning rate.
	Run(order []int32, first, n int) (Sums, error)
	// Read gives a value of the last step in its logical layout: "logits" [N, C], "loss" [1], or "gradient/NAME".
	Read(name string) ([]float32, error)
	// Load replaces parameters, momenta and running statistics; every tensor of the program must be there.
	Load(State) error
	// Save copies parameters, momenta and running statistics to the host.
	Save() (State, error)
	// Close frees the session's memory.
	Close() error
}
