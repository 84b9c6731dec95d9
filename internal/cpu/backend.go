// Package cpu is the backend that runs programs on the processor: Go with AVX2 and AVX-512 assembly, and the same in plain Go.
//
// Between two sums over the batch everything concerns one image, so a level of a program runs image by image: one goroutine
// takes a fixed chunk of images through all steps of the level, and what lives only there stays in a scratch block the size
// of one image, in the cache. Sums are kept a chunk and merged in the order of the chunks: the same bits for any number of
// threads. Activations are NHWC inside, which no caller sees.
package cpu

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

func init() {
	device.Register(device.Driver{
		Name: name, Precisions: []device.Precision{device.FP32, device.Mixed},
		Open: func(o device.Options) (device.Backend, error) {
			b, err := newBackend(o.Threads)
			if err != nil {
				return nil, err
			}
			return b, nil
		},
		Describe: func(o device.Options) string {
			b, err := newBackend(o.Threads)
			if err != nil {
				return err.Error()
			}
			return b.Info().Description
		},
	})
}

// name of the driver.
const name = "cpu"

// Backend runs programs on a number of threads.
type Backend struct {
	threads int
	kernels kernels
}

// New makes a backend of that many threads; 0 takes all processors. LONGTAIL_CPU in the environment chooses the kernels: avx512, avx2 or
// generic, those in plain Go; by default, and where the processor lacks the chosen ones, the fastest are taken.
func New(threads int) *Backend {
	b, err := newBackend(threads)
	if err != nil {
		b.kernels = kernelSets()[0]
	}
	return b
}

// newBackend makes a backend; the error is for kernels that this processor lacks.
func newBackend(threads int) (*Backend, error) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	k, err := kernelSet(os.Getenv("LONGTAIL_CPU"))
	return &Backend{threads: threads, kernels: k}, err
}

// Info is the backend's name, threads and instruction set; bits depend on the instruction set alone.
func (b *Backend) Info() device.Info {
	info := device.Info{
		Name: name, Description: fmt.Sprintf("cpu, %d threads, %s", b.threads, b.kernels.name), Arithmetic: b.kernels.arithmetic(),
	}
	if !b.kernels.mixes() {
		info.Precisions, info.Lacks = []device.Precision{device.FP32}, "mixed precision takes AVX512_BF16, or LONGTAIL_CPU=generic to try it slowly"
	}
	return info
}

// Close has nothing to free: threads belong to sessions.
func (b *Backend) Close() error { return nil }

// Check returns an error that names an operation of the program, or the precision, that the backend lacks.
func (b *Backend) Check(p *plan.Program, precision device.Precision) error {
	if info := b.Info(); info.Precisions != nil && !slices.Contains(info.Precisions, precision) {
		return fail.Device("precision=%s is not for %s: %s\nuse precision=fp32", precision, info.Description, info.Lacks)
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Again && precision == device.Mixed {
			return fail.Usage("train.checkpoint: in precision %s the cpu keeps other bits than it computes, so that nothing is computed again\nuse train.checkpoint=never or precision=%s", precision, device.FP32)
		}
		if s.Rows == nil && !supported(s.Kind) {
			return fmt.Errorf("the cpu backend has no operation %v", s.Kind)
		}
		if s.Rows == nil {
			continue
		}
		for k := range s.Rows.Code {
			if !knowsRow(&s.Rows.Code[k]) {
				return fmt.Errorf("the cpu backend has no row operation %v", s.Rows.Code[k].Kind)
			}
		}
	}
	return nil
}

func supported(k ops.Kind) bool {
	_, compiled := compilers[k]
	return compiled
}

// kernelsFor are the backend's kernels in a precision.
func (b *Backend) kernelsFor(precision device.Precision) kernels {
	k := b.kernels
	k.mixed = precision == device.Mixed
	return k
}

// Open checks and allocates a program.
func (b *Backend) Open(p *plan.Program, precision device.Precision, images data.Images, share device.Session) (device.Session, error) {
	if err := errors.Join(b.Check(p, precision), device.CheckImages(p, images)); err != nil {
		return nil, err
	}
	s := &session{program: p, images: images, pool: newPool(b.threads), store: newStore(), kernels: b.kernelsFor(precision), threads: b.threads}
	if share != nil {
		other, ok := share.(*session)
		if !ok {
			return nil, fmt.Errorf("a cpu session cannot share a %T", share)
		}
		s.store = other.store
	}
	err := s.bind()
	if err == nil {
		err = b.checkMemory(s, share == nil)
	}
	if err != nil {
		s.pool.close()
		return nil, err
	}
	s.arena = make([]float32, s.need.arena)
	hugePages(s.arena)
	return s, nil
}
