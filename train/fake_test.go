package train

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"testing"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/metrics"
	"longtail/internal/plan"

	"gorgonia.org/tensor"
)

// fakeBackend "trains" by hashing: a step mixes the samples it was given, its rate and the weights into the state, so that any
// slip of order, rate, step or state shows in the final bits. Its losses are fractions whose sum depends on the order of adding.
type fakeBackend struct {
	stepsPerCall int
	diverge      int // the step whose loss is NaN, counted from 1; 0: none
	spoil        int // the step after which a parameter is infinite
	opened       []device.Precision
	arithmetic   string // in place of "fake"

	available int64                 // memory; 0: not known
	need      func(batch int) int64 // of a program that keeps its activations; one with checkpoints needs half of it
	lacks     bool                  // it runs no program with checkpoints
}

func (b *fakeBackend) Info() device.Info {
	return device.Info{Name: "fake", Description: "fake, 1 thread", GPU: "Fake 9000", GPUDriver: "CUDA 99", Arithmetic: cmp.Or(b.arithmetic, "fake")}
}

func (b *fakeBackend) Check(p *plan.Program, _ device.Precision) error {
	if b.lacks && p.Repeated() > 0 {
		return errors.New("fake repeats nothing")
	}
	return nil
}

func (b *fakeBackend) Memory(p *plan.Program, _ device.Precision) (need, available int64) {
	switch {
	case b.need == nil || !p.Train:
		return 1 << 20, b.available
	case p.Repeated() > 0:
		return b.need(p.Batch) / 2, b.available
	}
	return b.need(p.Batch), b.available
}

func (b *fakeBackend) Close() error { return nil }

func (b *fakeBackend) Open(p *plan.Program, precision device.Precision, images data.Images, share device.Session) (device.Session, error) {
	b.opened = append(b.opened, precision)
	s := &fakeSession{fakeBackend: b, batch: p.Batch, train: p.Train, labels: images.Labels, classes: images.Classes}
	s.values = &map[string]*tensor.Dense{}
	if share != nil {
		s.values = share.(*fakeSession).values
	}
	return s, nil
}

type fakeSession struct {
	*fakeBackend
	batch, classes int
	train          bool
	labels         []int32
	rates, weight  []float32
	values         *map[string]*tensor.Dense
	last           []int32 // images of the last step
	closed         bool
}

func (s *fakeSession) StepsPerCall() int { return max(1, s.stepsPerCall) }

func (s *fakeSession) Counters() device.Counters { return device.Counters{} }

func (s *fakeSession) Set(name string, v []float32) error {
	if name == plan.LearningRates {
		s.rates = v
	} else {
		s.weight = v
	}
	return nil
}

func (s *fakeSession) Run(order []int32, first, n int) (device.Sums, error) {
	sums := device.Sums{Confusion: metrics.Counts{}}
	if len(order) != n*s.batch || s.closed || s.weight == nil {
		return sums, errors.New("the session is not used as it should be")
	}
	for step := first; step < first+n; step++ {
		batch := order[(step-first)*s.batch:][:s.batch]
		s.last = batch
		mix := s.hash(uint64(step))
		for _, sample := range batch {
			if sample < 0 && !s.train {
				continue
			}
			h := s.hash(uint64(sample))
			sums.Confusion[metrics.Pair{Label: s.labels[sample], Predicted: int32(s.predict(sample))}]++
			sums.Loss += 1 / (1 + float64(h%1000))
			mix = mix*31 + h
		}
		if s.train {
			s.update(mix, s.rates[step])
			if step+1 == s.diverge {
				sums.Loss = math.NaN()
			}
			if step+1 == s.spoil {
				(*s.values)["w"].Data().([]float32)[0] = float32(math.Inf(1))
			}
		}
	}
	return sums, nil
}

// hash mixes a number with a few values of the state.
func (s *fakeSession) hash(v uint64) uint64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, v))
	for _, name := range slices.Sorted(maps.Keys(*s.values)) {
		bits := math.Float32bits((*s.values)[name].Data().([]float32)[0])
		h.Write(binary.LittleEndian.AppendUint32(nil, bits))
	}
	return h.Sum64()
}

func (s *fakeSession) update(mix uint64, rate float32) {
	for i, name := range slices.Sorted(maps.Keys(*s.values)) {
		v := (*s.values)[name].Data().([]float32)
		v[0] = v[0]*0.9 + (rate+s.weight[0])*float32(mix>>(i%32)&0xffff)/65536
	}
}

// predict is the class that the state gives to an image: its own for two in three.
func (s *fakeSession) predict(image int32) int {
	return (int(s.labels[image]) + int(s.hash(uint64(image))%3)/2) % s.classes
}

// Read gives logits, or features of which they are the first numbers: 1 at the predicted class, or 1 + the label where the state's hash
// is odd.
func (s *fakeSession) Read(name string) ([]float32, error) {
	width := map[string]int{device.Logits: s.classes, device.Features: s.classes + 1}[name]
	if width == 0 || s.train {
		return nil, errors.New("nothing to read")
	}
	rows := make([]float32, s.batch*width)
	for i, image := range s.last {
		if image >= 0 {
			rows[i*width+s.predict(image)] = 1 + float32(s.hash(uint64(image))%2)*float32(s.labels[image])
		}
	}
	return rows, nil
}

func (s *fakeSession) Load(state device.State) error {
	for name, t := range state {
		(*s.values)[name] = t.Clone().(*tensor.Dense)
	}
	return nil
}

func (s *fakeSession) Save() (device.State, error) {
	state := device.State{}
	for name, t := range *s.values {
		state[name] = t.Clone().(*tensor.Dense)
	}
	return state, nil
}

func (s *fakeSession) Close() error {
	s.closed = true
	return nil
}

// images are n labels in turn.
func images(n, classes int) data.Images {
	m := data.Images{Labels: make([]int32, n), Classes: classes}
	for i := range m.Labels {
		m.Labels[i] = int32(i % classes)
	}
	return m
}

const fakeClasses = 3

// fakeTask is a run of 37 images on a fake backend, with a test set of 25 and a held-out part of 7 images.
func fakeTask(c *config.Config, b *fakeBackend) Task {
	const trained, tested, heldOut, evalBatch = 37, 25, 7, 4
	open := func(n, batch int, train bool, share device.Session) device.Session {
		s, _ := b.Open(&plan.Program{Options: plan.Options{Train: train}, Batch: batch}, device.FP32, images(n, fakeClasses), share)
		return s
	}
	t := Task{Config: c, Labels: images(trained, fakeClasses).Labels, Classes: fakeClasses, Train: open(trained, c.Train.Batch, true, nil)}
	t.Weights = Weights{Before: []float32{1, 1, 1}, Final: []float32{0.5, 1, 1.5}, From: firstStep(c.Loss.ReweightFrom, c.Train.Batch, trained)}
	t.Test = &Evaluator{Session: open(tested, evalBatch, false, t.Train), Labels: images(tested, fakeClasses).Labels, Batch: evalBatch}
	t.Validation = &Evaluator{Session: open(heldOut, evalBatch, false, t.Train), Labels: images(heldOut, fakeClasses).Labels, Batch: evalBatch}
	one := func() *tensor.Dense { return tensor.New(tensor.WithShape(1), tensor.WithBacking([]float32{1})) }
	t.From = start(fakeClasses, device.State{"w": one(), "momentum/w": one(), "running/bn": one()})
	return t
}

// trace keeps what a run did, as a folder would.
type trace struct {
	records []string
	saved   []*Checkpoint
	events  []Event
	best    []int // steps at which the state was the best so far
	done    bool
	stop    func(Event) error
}

func (r *trace) observe(e Event) error {
	r.events = append(r.events, e)
	switch e := e.(type) {
	case EpochDone:
		line, err := json.Marshal(e.Record)
		if err != nil {
			return err
		}
		r.records = append(r.records, string(line))
	case Saving:
		r.saved = append(r.saved, e.Checkpoint)
		if e.Best {
			r.best = append(r.best, e.Checkpoint.Step)
		}
	case Finished:
		r.done = true
	}
	if r.stop != nil {
		return r.stop(e)
	}
	return nil
}

func (r *trace) last() *Checkpoint { return r.saved[len(r.saved)-1] }

// runFake runs a config to its end or error.
func runFake(ctx context.Context, c *config.Config, b *fakeBackend, from *Checkpoint, stop func(Event) error) (*trace, error) {
	r, task := &trace{stop: stop}, fakeTask(c, b)
	if from != nil {
		task.From = from
	}
	return r, Loop(ctx, task, r.observe)
}

// load is a config with overrides.
func load(t testing.TB, overrides ...string) *config.Config {
	t.Helper()
	c, err := config.Load("", overrides)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
