package train

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"longtail/data"
	"longtail/internal/plan"
	"longtail/internal/rng"
	"longtail/models"
)

// BenchOptions say how long to measure.
type BenchOptions struct {
	Classes int // of the images made for the measurement
	Steps   int // in a timed window
	Windows int
	Warmup  int // steps before the first window
	Runs    int // trainings at once, each with its own session
}

// Measurement is the speed of whole training steps: augmentation, forward, backward, update.
type Measurement struct {
	Model     string    `json:"model"`
	Batch     int       `json:"batch"`
	Precision string    `json:"precision"`
	Runs      int       `json:"runs"`
	Steps     int       `json:"steps"`        // in each window and run
	ImagesPS  float64   `json:"images_per_s"` // of all runs together, median over the windows
	Low       float64   `json:"low"`
	High      float64   `json:"high"`
	Windows   []float64 `json:"windows"`

	LaunchesPerStep float64 `json:"launches_per_step,omitempty"` // of a device that launches kernels
	BytesPerImage   float64 `json:"bytes_per_image,omitempty"`   // of device memory, where they are counted
	MMAPerImage     float64 `json:"mma_per_image,omitempty"`     // tensor-core operations, where they are counted
}

// Counted is a session that counts what a device's time is made of, since it was opened.
type Counted interface {
	Counters() (launches, bytes, mma float64, ok bool)
}

// benchImages is the size of CIFAR-10 at IF 100.
const benchImages = 12406

// Bench measures the training steps of a configuration on images of its own making.
func Bench(cfg *Config, b plan.Backend, precision plan.Precision, o BenchOptions) (Measurement, error) {
	m := Measurement{Model: cfg.Model.Name, Batch: cfg.Train.Batch, Precision: string(precision), Runs: o.Runs, Steps: o.Steps}
	images := randomImages(cfg.Seed, o.Classes)
	sessions := make([]plan.Session, o.Runs)
	for i := range sessions {
		s, err := benchSession(cfg, b, precision, images, o)
		if err != nil {
			return m, fmt.Errorf("run %d of %d: %w", i+1, o.Runs, err)
		}
		defer s.Close()
		sessions[i] = s
	}
	at := 0
	if err := stepAll(sessions, cfg, images, &at, o.Warmup); err != nil {
		return m, err
	}
	before := counters(sessions)
	for range o.Windows {
		start := time.Now()
		if err := stepAll(sessions, cfg, images, &at, o.Steps); err != nil {
			return m, err
		}
		m.Windows = append(m.Windows, float64(o.Runs*o.Steps*cfg.Train.Batch)/time.Since(start).Seconds())
	}
	steps := float64(o.Windows * o.Steps * o.Runs)
	after := counters(sessions)
	m.LaunchesPerStep = (after[0] - before[0]) / steps
	m.BytesPerImage = (after[1] - before[1]) / steps / float64(cfg.Train.Batch)
	m.MMAPerImage = (after[2] - before[2]) / steps / float64(cfg.Train.Batch)
	sorted := slices.Sorted(slices.Values(m.Windows))
	m.Low, m.ImagesPS, m.High = sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1]
	return m, nil
}

func benchSession(cfg *Config, b plan.Backend, precision plan.Precision, images data.Images, o BenchOptions) (plan.Session, error) {
	n := Network{
		Model: models.Config{Name: cfg.Model.Name, Classes: o.Classes, Shortcut: cfg.Model.Shortcut, Init: cfg.Model.Init},
		Loss:  cfg.Loss.Name, Gamma: cfg.Loss.Gamma,
	}
	program, net, err := n.Program(cfg.Train.Batch, plan.Options{
		Train: true, Augment: true, Seed: cfg.Seed, Samples: images.Len(),
		Momentum: float32(cfg.Train.Momentum), WeightDecay: float32(cfg.Train.WeightDecay), RunningKeep: runningKeep,
	})
	if err != nil {
		return nil, err
	}
	if err := b.Lower(program, precision); err != nil {
		return nil, err
	}
	s, err := b.Open(program, images, nil)
	if err != nil {
		return nil, err
	}
	rates := make([]float32, o.Warmup+o.Windows*o.Steps)
	for i := range rates {
		rates[i] = 0.01
	}
	if err := s.Set("lr", rates); err != nil {
		return nil, err
	}
	return s, s.Load(InitialState(net, cfg.Seed))
}

// stepAll takes every session n steps on, all at once.
func stepAll(sessions []plan.Session, cfg *Config, images data.Images, at *int, n int) error {
	order := data.Order(cfg.Seed, images.Len(), *at*cfg.Train.Batch, n*cfg.Train.Batch)
	errs := make([]error, len(sessions))
	var wait sync.WaitGroup
	for i, s := range sessions {
		wait.Go(func() {
			var sums plan.Sums
			if sums, errs[i] = s.Run(order, *at, n); errs[i] == nil && sums.NonFinite {
				errs[i] = fmt.Errorf("the loss stopped being finite")
			}
		})
	}
	wait.Wait()
	*at += n
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func counters(sessions []plan.Session) (total [3]float64) {
	for _, s := range sessions {
		c, ok := s.(Counted)
		if !ok {
			continue
		}
		if launches, bytes, mma, ok := c.Counters(); ok {
			total[0], total[1], total[2] = total[0]+launches, total[1]+bytes, total[2]+mma
		}
	}
	return total
}

// randomImages are noise: the speed of a step does not depend on what it sees.
func randomImages(seed uint64, classes int) data.Images {
	images := data.Images{
		Pixels: make([]byte, benchImages*3*32*32), Labels: make([]int32, benchImages),
		Classes: classes, Channels: 3, Height: 32, Width: 32,
	}
	stream := rng.New(seed, rng.Synthetic, 0, 0)
	for i := range images.Pixels {
		images.Pixels[i] = byte(stream.Uint32())
	}
	for i := range images.Labels {
		images.Labels[i] = int32(stream.Intn(classes))
	}
	return images
}
