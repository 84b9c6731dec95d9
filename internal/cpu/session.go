package cpu

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/metrics"
	"longtail/internal/plan"
)

// imagesPerChunk is how many images one task takes through a level. Sums are merged by chunk, so it is part of the
// arithmetic: small enough to feed many threads at batch 128, large enough that the merging is cheap.
const imagesPerChunk = 4

// session is a program with its memory.
type session struct {
	program *plan.Program
	images  data.Images
	pool    *pool
	store   *store
	kernels kernels
	threads int

	need   needs
	arena  []float32                  // values that cross levels, all images of a batch
	small  map[plan.ValueID][]float32 // values that concern the batch, and inputs; logical layout
	places []*place                   // of values that concern an image
	packs  []packing                  // of all weights
	levels []level
	pairs  int                     // floats of the panels of pairs that weight gradients share
	late   map[plan.ValueID]func() // gradients into the layout of their weights, once they are complete
	jobs   []job                   // of a step
	kept   []keeping               // of its last job

	profile  *profiler // nil while nothing is measured
	perImage cost      // of all tasks together
	done     float64   // images that went through a step

	table  *[4][256]float32      // the numbers that bytes become, by channel
	rates  []float32             // learning rate of each step
	rate   float32               // of the current step
	ready  atomic.Int64          // parameters that nothing in the current step needs any more, the first of kept
	sound  bool                  // the images of the current step could be read, and its loss is finite: parameters are updated
	packed int                   // changes of the store that the packed weights have seen
	batch  []int32               // the images of the current step, -1 for padding
	first  int                   // position of the batch in the stream of samples
	mix    *plan.Mixture         // of the current step; nil where images are not mixed
	losses []float64             // [N] of the current step
	unread atomic.Pointer[error] // of an image of the current step that could not be read
}

// chunks is the number of chunks of a batch.
func (s *session) chunks() int { return (s.program.Batch + imagesPerChunk - 1) / imagesPerChunk }

// bind gives everything in the program but the arena its memory and compiles the levels.
func (s *session) bind() error {
	p := s.program
	s.small = map[plan.ValueID][]float32{}
	s.losses = make([]float64, p.Batch)
	s.late = map[plan.ValueID]func(){}
	s.table = p.Pixels.Table()
	if err := s.store.need(device.StateShapes(p)); err != nil {
		return err
	}
	for id, v := range p.Values {
		switch v.Role {
		case plan.Param:
			s.small[plan.ValueID(id)] = s.store.values[v.Name]
		case plan.Running:
			s.small[plan.ValueID(id)] = s.store.values[device.RunningPrefix+v.Name]
		case plan.Target, plan.SecondTarget, plan.FirstShare:
			s.small[plan.ValueID(id)] = s.floats(v.Shape.TotalSize())
		}
	}
	for _, in := range p.Inputs {
		if in.Value != plan.None {
			s.small[in.Value] = slices.Clone(in.Initial)
		}
	}
	compile(s)
	s.jobs = s.jobsOfStep()
	return nil
}

// Set fills an input of the program.
func (s *session) Set(name string, v []float32) error {
	in, err := s.program.Input(name)
	if err != nil {
		return err
	}
	if err := in.Check(v); err != nil {
		return err
	}
	if in.Value == plan.None {
		s.rates = slices.Clone(v)
		return nil
	}
	copy(s.small[in.Value], v)
	return nil
}

// StepsPerCall is 1: a call costs nothing beside a step.
func (s *session) StepsPerCall() int { return 1 }

// Counters are the memory traffic of values that cross levels, and the products; a CPU launches nothing.
func (s *session) Counters() device.Counters {
	return device.Counters{Bytes: s.done * s.perImage.bytes, Flops: s.done * s.perImage.flops, Direct: s.done * s.perImage.direct}
}

// Run does n steps on order[0 : n*batch].
func (s *session) Run(order []int32, first, n int) (device.Sums, error) {
	p := s.program
	sums := device.Sums{Confusion: metrics.Counts{}}
	if err := device.CheckRun(p, order, first, n, s.images.Len(), len(s.rates)); err != nil {
		return sums, err
	}
	if err := s.images.Intact(order); err != nil {
		return sums, err
	}
	mixtures, err := device.Mixtures(p, s.images.Labels, order, first)
	if err != nil {
		return sums, err
	}
	for step := first; step < first+n; step++ {
		s.batch, order = order[:p.Batch], order[p.Batch:]
		if p.Mix != nil {
			s.mix, mixtures = &mixtures[0], mixtures[1:]
		}
		s.first = step * p.Batch
		if p.Train {
			s.rate = s.rates[step]
		}
		s.step()
		if err := s.unread.Swap(nil); err != nil {
			return sums, *err
		}
		goesOn := false
		s.profile.measure("count", func() { goesOn = s.count(&sums) })
		if !goesOn {
			return sums, nil
		}
		if p.Train {
			s.profile.measure("update", s.updateRunning)
		}
	}
	return sums, nil
}

// step computes all values of the program for the current batch.
func (s *session) step() {
	s.profile.begin()
	s.profile.measure("targets", func() {
		s.drawTarget(s.program.Target, s.batch)
		if s.mix != nil {
			s.drawSecond()
		}
	})
	s.pack()
	s.ready.Store(0)
	s.between(0)
	s.pool.chain(s.jobs...)
	if s.program.Train && s.sound {
		s.store.changes++
		s.packed++
	}
	s.done += float64(s.program.Batch)
}

// count adds the batch to the sums and reports whether its loss is finite.
func (s *session) count(sums *device.Sums) bool {
	p := s.program
	for i, image := range s.batch {
		if image < 0 {
			continue
		}
		row := s.view(p.Logits, i)
		best := 0
		for c, z := range row {
			if z > row[best] {
				best = c
			}
		}
		sums.Samples++
		sums.Confusion[metrics.Pair{Label: s.images.Labels[image], Predicted: int32(best)}]++
	}
	loss := s.loss()
	sums.Loss += loss
	sums.NonFinite = !finite(loss)
	return !sums.NonFinite
}

// loss is the sum over the images of the current batch.
func (s *session) loss() float64 {
	loss := 0.0
	for i, image := range s.batch {
		if image >= 0 {
			loss += s.losses[i]
		}
	}
	return loss
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// view is a value that is one row for sample n.
func (s *session) view(v plan.ValueID, n int) []float32 {
	if rows, ok := s.small[v]; ok {
		width := s.program.Values[v].Shape[s.program.Values[v].Shape.Dims()-1]
		if s.program.Values[v].Shape.Dims() == 1 {
			return rows
		}
		return rows[n*width : (n+1)*width]
	}
	at := s.places[v]
	return s.arena[at.off+n*at.stride:][:at.shape.c]
}

// updateRunning moves the running moments towards those of the batch; the variance is the unbiased one.
func (s *session) updateRunning() {
	keep := s.program.RunningKeep
	for _, st := range s.program.Stats {
		running, batch := s.store.values[device.RunningPrefix+st.Name], s.small[st.Batch]
		unbiased := float32(float64(st.Count) / float64(max(st.Count-1, 1)))
		for i := range running {
			x := batch[i]
			if i >= len(running)/2 {
				x *= unbiased
			}
			running[i] = keep*running[i] + (1-keep)*x
		}
	}
}

func (s *session) gradient(u plan.ParamUse) []float32 {
	base, offset := s.program.Locate(u.Gradient)
	return s.small[base][offset:][:s.program.Values[u.Value].Shape.TotalSize()]
}

// Read gives "logits" [N, C], "features" [N, F], "loss" [1] or "gradient/NAME" of the last step.
func (s *session) Read(name string) ([]float32, error) {
	p := s.program
	switch {
	case name == device.Logits:
		return s.rows(p.Logits), nil
	case name == device.Features && p.Features != plan.None:
		return s.rows(p.Features), nil
	case name == device.Loss:
		sum := 0.0
		for _, l := range s.losses {
			sum += l
		}
		return []float32{float32(sum / float64(p.Batch))}, nil
	}
	for _, u := range p.Params {
		if u.Gradient != plan.None && name == device.GradientPrefix+p.Values[u.Value].Name {
			return slices.Clone(s.gradient(u)), nil
		}
	}
	return nil, fmt.Errorf("the program has no result %q", name)
}

// rows copies a value that is one row for each sample.
func (s *session) rows(v plan.ValueID) []float32 {
	var all []float32
	for n := range s.program.Batch {
		all = append(all, s.view(v, n)...)
	}
	return all
}

// Load replaces parameters, momenta and running moments.
func (s *session) Load(state device.State) error { return s.store.load(state) }

// Save copies parameters, momenta and running moments.
func (s *session) Save() (device.State, error) { return s.store.save(), nil }

// Close stops the session's goroutines.
func (s *session) Close() error {
	s.pool.close()
	return nil
}
