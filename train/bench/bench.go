// Package bench measures the speed of training steps on images of its own making.
//
// A measured step is a step of a run: the same program, opened by the same backend, split into the same calls.
package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/rng"
	"longtail/models"
	"longtail/train"
)

// Options say how long to measure.
type Options struct {
	Classes int // of the images made for the measurement
	Size    int // their rows and columns
	Steps   int // in a timed window
	Windows int
	Warmup  int // steps before the first window
	Profile int // steps whose passes are measured after the windows; 0: none
	Runs    int // trainings at once, each with its own session
}

// Measurement is the speed of whole training steps: augmentation, forward, backward, update.
type Measurement struct {
	Model        string    `json:"model"`
	Batch        int       `json:"batch"`
	Precision    string    `json:"precision"`
	Runs         int       `json:"runs"`
	Steps        int       `json:"steps"`          // in each window and run
	StepsPerCall int       `json:"steps_per_call"` // of the backend, as in a run
	ImagesPS     float64   `json:"images_per_s"`   // of all runs together, median over the windows
	Low          float64   `json:"low"`
	High         float64   `json:"high"`
	Windows      []float64 `json:"windows"`
	CPUImagesPS  float64   `json:"cpu_images_per_s"` // a second of processor time, median over the windows: other programs matter less

	LaunchesPerStep float64       `json:"launches_per_step,omitempty"`      // of a device that launches kernels
	CopiesPerStep   float64       `json:"copies_per_step,omitempty"`        // between host and device, both ways
	BytesPerImage   float64       `json:"bytes_per_image,omitempty"`        // of device memory, where they are counted
	FlopsPerImage   float64       `json:"flops_per_image,omitempty"`        // of products, as executed
	DirectPerImage  float64       `json:"direct_flops_per_image,omitempty"` // of the same products without a transform
	PeakGFLOPS      float64       `json:"peak_gflops,omitempty"`            // of a core, measured after the windows
	Passes          []device.Pass `json:"passes,omitempty"`                 // of a profile
	MMAPerImage     float64       `json:"mma_per_image,omitempty"`          // tensor-core operations, where they are counted
}

// imageCount is how many images are drawn from, that of the paper's subset at imbalance factor 100; of large ones so many as poolBytes hold, two
// batches at least.
const (
	imageCount = 12406
	poolBytes  = 256 << 20
)

// Run measures the training steps of a configuration. A cancelled context ends it between two calls (fail.Interrupted).
func Run(ctx context.Context, cfg *config.Config, d *device.Device, o Options) (Measurement, error) {
	m := Measurement{Model: cfg.Network(), Batch: cfg.Train.Batch, Precision: string(d.Precision), Runs: o.Runs, Steps: o.Steps}
	b := measured{cfg: cfg, images: randomImages(cfg, o)}
	var err error
	if b.order, err = train.NewStream(cfg, b.images.Labels, o.Classes, data.Files{}); err != nil {
		return m, err
	}
	if err := b.plan(); err != nil {
		return m, err
	}
	if err := b.checkMemory(d, o.Runs); err != nil {
		return m, err
	}
	for i := range o.Runs {
		if err := b.open(d, o); err != nil {
			b.close()
			return m, fmt.Errorf("run %d of %d: %w", i+1, o.Runs, err)
		}
	}
	defer b.close()
	m.StepsPerCall = b.sessions[0].StepsPerCall()
	if err := b.step(ctx, o.Warmup); err != nil {
		return m, err
	}
	before := b.counters()
	var used []float64
	for range o.Windows {
		start, before := time.Now(), processorTime()
		if err := b.step(ctx, o.Steps); err != nil {
			return m, err
		}
		m.Windows = append(m.Windows, float64(o.Runs*o.Steps*cfg.Train.Batch)/time.Since(start).Seconds())
		used = append(used, float64(o.Runs*o.Steps*cfg.Train.Batch)/(processorTime()-before).Seconds())
	}
	slices.Sort(used)
	m.CPUImagesPS = used[len(used)/2]
	m.count(before, b.counters(), float64(o.Windows*o.Steps*o.Runs))
	if err := b.profile(o, &m); err != nil {
		return m, err
	}
	sorted := slices.Sorted(slices.Values(m.Windows))
	m.Low, m.ImagesPS, m.High = sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1]
	return m, nil
}

// count divides what was done between two readings by steps and images.
func (m *Measurement) count(before, after device.Counters, steps float64) {
	images := steps * float64(m.Batch)
	m.LaunchesPerStep = (after.Launches - before.Launches) / steps
	m.CopiesPerStep = (after.Uploads + after.Downloads - before.Uploads - before.Downloads) / steps
	m.BytesPerImage = (after.Bytes - before.Bytes) / images
	m.FlopsPerImage = (after.Flops - before.Flops) / images
	m.DirectPerImage = (after.Direct - before.Direct) / images
	m.MMAPerImage = (after.MMA - before.MMA) / images
}

// measured are the trainings that are measured.
type measured struct {
	cfg      *config.Config
	images   data.Images
	order    *data.Stream
	network  program.Network
	options  plan.Options
	program  *plan.Program
	net      models.Net
	sessions []device.Session
	at       int // steps done
}

// On is a device in a precision that it has for the trainings of a measurement.
func On(cfg *config.Config, d *device.Device, o Options) (*device.Device, error) {
	b := measured{cfg: cfg, images: randomImages(cfg, o)}
	if err := b.plan(); err != nil {
		return nil, err
	}
	return d.For(b.program), nil
}

// Memory is what the trainings of a measurement need together on a device. What is more than it has is no error here.
func Memory(cfg *config.Config, d *device.Device, o Options) (*train.Memory, error) {
	b := measured{cfg: cfg, images: randomImages(cfg, o)}
	if err := b.plan(); err != nil {
		return nil, err
	}
	m, err := b.fit(d)
	if m == nil {
		return nil, err
	}
	m.Train *= int64(o.Runs)
	return m, nil
}

// fit takes checkpoints as a training would.
func (b *measured) fit(d *device.Device) (*train.Memory, error) {
	m, err := train.FitMemory(b.cfg, d, b.program, 0, func(batch int) (*plan.Program, error) {
		p, _, err := b.network.Plan(batch, b.options)
		return p, err
	})
	if m != nil {
		b.program = m.Program
	}
	return m, err
}

// checkMemory returns an error where the trainings need more memory than there is.
func (b *measured) checkMemory(d *device.Device, runs int) error {
	m, err := b.fit(d)
	if err != nil {
		return err
	}
	need, available := m.Train*int64(runs), m.Available
	if available == 0 || need <= available {
		return nil
	}
	return fail.Device("%d trainings at once with batches of %d images need %.1f GB of memory, and %.1f GB are available\nlower --runs or train.batch, or choose a smaller model.name",
		runs, b.cfg.Train.Batch, float64(need)/1e9, float64(available)/1e9)
}

// plan plans a training; all trainings have the same program.
func (b *measured) plan() error {
	var err error
	if b.network, err = train.Network(b.cfg, b.images, nil); err != nil {
		return err
	}
	if b.options, err = train.Options(b.cfg, b.images); err != nil {
		return err
	}
	b.program, b.net, err = b.network.Plan(b.cfg.Train.Batch, b.options)
	return err
}

// open opens one more training.
func (b *measured) open(d *device.Device, o Options) error {
	s, err := d.Open(b.program, d.Precision, b.images, nil)
	if err != nil {
		return err
	}
	b.sessions = append(b.sessions, s)
	rates := slices.Repeat([]float32{0.01}, o.Warmup+o.Windows*o.Steps+o.Profile)
	if err := s.Set(plan.LearningRates, rates); err != nil {
		return err
	}
	return s.Load(program.InitialState(b.net, b.cfg.Seed))
}

func (b *measured) close() {
	for _, s := range b.sessions {
		s.Close() // what was measured is known
	}
}

// step does n more steps of every training, all at once, in the calls of a run.
func (b *measured) step(ctx context.Context, n int) error {
	batch, end := b.cfg.Train.Batch, b.at+n
	for b.at < end {
		if ctx.Err() != nil {
			return fail.Interrupted("interrupted after %d steps: nothing is to be kept", b.at)
		}
		call := train.CallEnd(b.at, b.sessions[0].StepsPerCall(), end) - b.at
		order, err := b.order.Take(b.at*batch, call*batch)
		if err != nil {
			return err
		}
		if err := b.call(order, call); err != nil {
			return err
		}
		b.at += call
	}
	return nil
}

// call does one call of every session, all at once.
func (b *measured) call(order []int32, n int) error {
	errs := make([]error, len(b.sessions))
	var wait sync.WaitGroup
	for i, s := range b.sessions {
		wait.Go(func() {
			var sums device.Sums
			if sums, errs[i] = s.Run(order, b.at, n); errs[i] == nil && sums.NonFinite {
				errs[i] = fmt.Errorf("the loss stopped being finite")
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// processorTime is how long the threads of this process have run, all together.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (b *measured) counters() (total device.Counters) {
	for _, s := range b.sessions {
		c := s.Counters()
		total.Flops, total.Direct = total.Flops+c.Flops, total.Direct+c.Direct
		total.Launches, total.Bytes, total.MMA = total.Launches+c.Launches, total.Bytes+c.Bytes, total.MMA+c.MMA
		total.Uploads, total.Downloads = total.Uploads+c.Uploads, total.Downloads+c.Downloads
	}
	return total
}

// randomImages are noise: the speed of a step does not depend on what it sees.
func randomImages(cfg *config.Config, o Options) data.Images {
	size := 3 * o.Size * o.Size
	n := max(min(imageCount, poolBytes/size), 2*cfg.Train.Batch)
	images := data.Images{Pixels: make([]byte, n*size), Labels: make([]int32, n), Classes: o.Classes, Channels: 3, Height: o.Size, Width: o.Size}
	stream := rng.New(cfg.Seed, rng.Synthetic, 0, 0)
	for i := range images.Pixels {
		images.Pixels[i] = byte(stream.Uint32())
	}
	for i := range images.Labels {
		images.Labels[i] = int32(stream.Intn(o.Classes))
	}
	return images
}
