package device

import (
	"longtail/data"
	"longtail/internal/metrics"
	"longtail/internal/plan"

	"gorgonia.org/tensor"
)

// Precision is how a backend stores activations and multiplies.
type Precision string

// FP32 is the reference; Mixed stores activations in 16 bits and keeps sums, statistics, losses and parameters in fp32.
const (
	FP32  Precision = "fp32"
	Mixed Precision = "mixed"
)

// Info describes a backend.
type Info struct {
	Name        string // of the driver, such as "cpu"
	Description string // for people, in a line
	GPU         string // model name; empty without one
	GPUDriver   string // version of the GPU's driver; empty without one
	Arithmetic  string // what the bits depend on besides the config, such as "cpu avx2" or "cuda sm_90"

	Precisions []Precision // that it has, the preferred one first; nil: all of its driver
	Lacks      string      // why it has fewer than its driver, for people; empty where it does not
}

// Backend runs programs. Its methods may be called by several goroutines.
type Backend interface {
	Info() Info
	// Check returns an error that names the first operation of the program, or the precision, that the backend lacks.
	Check(p *plan.Program, precision Precision) error
	// Memory is how many bytes a session of a program takes, its parameters and momenta among them and images left out, and how many the
	// device has left; 0 for what is not known.
	Memory(p *plan.Program, precision Precision) (need, available int64)
	// Open checks a program and allocates it on the device; images are what orders index. A program opened with a share uses
	// the parameters, momenta and running moments of that session.
	Open(p *plan.Program, precision Precision, images data.Images, share Session) (Session, error)
	// Close frees the device; all sessions must be closed before.
	Close() error
}

// Session is a program with its memory on a device. It is used by one goroutine at a time.
type Session interface {
	// Set fills one of the program's inputs (plan.Program.Inputs) by name; the values hold until they are set again.
	Set(name string, values []float32) error
	// StepsPerCall is how many steps the session does in one call of Run without work of the host in between. Callers that
	// split a run at its multiples do no needless transfers.
	StepsPerCall() int
	// Run does n steps. order holds n*batch indices into the images, -1 for padding (evaluation only); first is the number of
	// the first step, which places the samples in their epochs, picks the learning rate and says how images are mixed (Mixtures).
	Run(order []int32, first, n int) (Sums, error)
	// Read copies a value of the last step to the host, in its logical layout: Logits [N, C], Features [N, F] of an evaluation
	// program, Loss [1], or GradientPrefix and the name of a parameter.
	Read(name string) ([]float32, error)
	// Load replaces parameters, momenta and running moments; every tensor of the program must be in the state.
	Load(State) error
	// Save copies parameters, momenta and running moments to the host.
	Save() (State, error)
	// Counters are the work done since the session was opened.
	Counters() Counters
	// Close frees the session's memory.
	Close() error
}

// State is a set of named float32 tensors in their logical layout (OIHW, [C], [classes, features]): see StateShapes.
type State map[string]*tensor.Dense

// Sums are totals over the samples of a call of Run.
type Sums struct {
	Samples   int64          // samples seen, padding not counted
	Loss      float64        // sum over samples of the loss of a sample
	Confusion metrics.Counts // by true class, the first label of a mixed image, and predicted class
	NonFinite bool           // a loss was NaN or infinite
}

// Counters are what a device's time is made of; fields that a backend does not count are 0.
type Counters struct {
	Launches  float64 // kernels
	Bytes     float64 // of device memory, read and written
	MMA       float64 // tensor-core operations (mma.m16n8k16)
	Flops     float64 // of the products of convolutions and dense layers, as executed
	Direct    float64 // of the same products without a transform that saves some
	Uploads   float64 // copies from the host to the device
	Downloads float64 // copies from the device to the host
}
