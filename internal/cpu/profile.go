package cpu

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"longtail/internal/device"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// cost is what a task does for one image: what it is called, what it computes, and what it moves.
type cost struct {
	name   string
	kind   string  // of pass
	moves  stage   // the one that reads and writes values; the only one of a task without a clock
	bytes  float64 // of values that cross levels, read and written: what a pass loads from beyond the second-level cache
	flops  float64 // of products, as executed
	direct float64 // the same for the direct way to compute them
}

// stage is a part of a task that a profile tells from the rest.
type stage int

const (
	stageRest stage = iota
	stageTransform
	stageProduct
	stages
)

var stageNames = [stages]string{stageTransform: "transform", stageProduct: "product"}

// clock measures the stages of a task; a nil clock measures nothing.
type clock struct {
	last  time.Time
	spent [stages]time.Duration
	tasks taskTimes
	parts map[partKey][]float64 // nanoseconds
	begun time.Time
	waits map[int][]float64 // nanoseconds, by the number of jobs to follow
}

type taskKey struct{ level, task int }

// taskTimes are nanoseconds by task and stage, an image each.
type taskTimes map[taskKey]*[stages][]float64

// at makes the times of a task that has none.
func (t taskTimes) at(key taskKey) *[stages][]float64 {
	if t[key] == nil {
		t[key] = &[stages][]float64{}
	}
	return t[key]
}

// lap adds the time since the last call to a stage.
func (c *clock) lap(p stage) {
	if c == nil {
		return
	}
	now := time.Now()
	c.spent[p] += now.Sub(c.last)
	c.last = now
}

// measure runs one task on one image.
func (c *clock) measure(key taskKey, t task, w *worker, n int) {
	c.spent, c.last = [stages]time.Duration{}, time.Now()
	t(w, n)
	c.lap(stageRest)
	at := c.tasks.at(key)
	for p, d := range c.spent {
		at[p] = append(at[p], float64(d))
	}
}

// chunk adds the time since start to what a level does once a chunk.
func (c *clock) chunk(level int, start time.Time) {
	at := c.tasks.at(taskKey{level, onceAChunk})
	share := float64(time.Since(start)) / imagesPerChunk
	at[stageRest] = append(at[stageRest], share)
}

const onceAChunk = -1 // the task of beginning and ending the sums of a chunk

// waited adds the time since start to what the thread waited for a job that so many jobs follow.
func (c *clock) waited(jobs int, start time.Time) {
	if c == nil || start.Before(c.begun) {
		return
	}
	c.waits[jobs] = append(c.waits[jobs], float64(time.Since(start)))
}

// chore is the work of a step that does not belong to one image: sums merged, coefficients prepared, weights packed and updated.
type chore struct {
	name  string
	calls int
	took  []time.Duration // a step each
}

// profiler collects what the chores of a session cost.
type profiler struct {
	mu     sync.Mutex
	steps  int // begun
	chores []*chore
}

// begin begins a step.
func (p *profiler) begin() {
	if p != nil {
		p.steps++
	}
}

// measure adds the time of f to a chore of the step.
func (p *profiler) measure(name string, f func()) {
	if p == nil {
		f()
		return
	}
	start := time.Now()
	f()
	d := time.Since(start)
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.chores, func(s *chore) bool { return s.name == name })
	if i < 0 {
		i = len(p.chores)
		p.chores = append(p.chores, &chore{name: name})
	}
	at := p.chores[i]
	at.calls++
	at.took = append(at.took, make([]time.Duration, p.steps-len(at.took))...)
	at.took[p.steps-1] += d
}

// Profile runs n steps as Run does and measures their passes. A pass over an image is timed for every image and counted with the median
// over the chunks, which other programs on the machine disturb little, and so is a thread's wait for a job; what is done once a step is
// counted with the least of the steps.
func (s *session) Profile(order []int32, first, n int) ([]device.Pass, error) {
	s.profile = &profiler{}
	defer func() { s.profile = nil }()
	for _, w := range s.pool.workers {
		w.clock = &clock{begun: time.Now(), tasks: taskTimes{}, waits: map[int][]float64{}}
	}
	var t totals
	_, err := s.Run(order, first, n)
	if err == nil {
		t.addBatchPasses(s)
	}
	times, waits := taskTimes{}, map[int][]float64{}
	for _, w := range s.pool.workers {
		for job, took := range w.clock.waits {
			waits[job] = append(waits[job], took...)
		}
		for key, at := range w.clock.tasks {
			all := times.at(key)
			for p := range at {
				all[p] = append(all[p], at[p]...)
			}
		}
		w.clock = nil
	}
	if err != nil {
		return nil, err
	}
	for i := range s.levels {
		for k, c := range s.levels[i].costs {
			t.add(c, times[taskKey{i, k}])
		}
		t.addChunks(times[taskKey{i, onceAChunk}])
	}
	for _, c := range s.profile.chores {
		t.passes = append(t.passes, device.Pass{
			Name: c.name, Kind: "once a step", Count: float64(c.calls) / float64(n), Nanos: float64(slices.Min(c.took)) / float64(s.program.Batch),
		})
	}
	waiting := device.Pass{Name: "for other threads", Kind: device.Waiting}
	for _, took := range waits {
		slices.Sort(took)
		count := float64(len(took)) / float64(n) // threads that wait for this job
		waiting.Count, waiting.Nanos = waiting.Count+count, waiting.Nanos+count*took[len(took)/2]/float64(s.program.Batch)
	}
	if waiting.Count > 0 {
		t.passes = append(t.passes, waiting)
	}
	return t.passes, nil
}

// totals adds the passes of one name.
type totals struct{ passes []device.Pass }

func (t *totals) add(c cost, times *[stages][]float64) {
	if times == nil {
		return
	}
	for p, took := range times {
		pass := device.Pass{Name: c.name, Kind: c.kind, Count: 1, Nanos: typical(took)}
		if stage(p) != stageRest {
			pass.Kind = stageNames[p]
		}
		if stage(p) == stageProduct {
			pass.Flops, pass.Direct = c.flops, c.direct
		}
		if stage(p) == c.moves {
			pass.Bytes = c.bytes
		}
		if pass.Nanos > 0 && (stage(p) != stageRest || c.moves == stageRest) {
			t.merge(pass)
		}
	}
}

// addChunks adds what a level does at the beginning and at the end of a chunk.
func (t *totals) addChunks(times *[stages][]float64) {
	if times == nil {
		return
	}
	var both []float64
	for pair := range slices.Chunk(times[stageRest], 2) {
		both = append(both, pair[0]+pair[len(pair)-1])
	}
	slices.Sort(both)
	t.merge(device.Pass{Name: "begin and end sums", Kind: "once a chunk", Count: 1, Nanos: both[len(both)/2]})
}

// typical is the median over chunks of the mean of a chunk: the last image of one may do work for all of them.
func typical(took []float64) float64 {
	var means []float64
	for chunk := range slices.Chunk(took, imagesPerChunk) {
		total := 0.0
		for _, t := range chunk {
			total += t
		}
		means = append(means, total/float64(len(chunk)))
	}
	slices.Sort(means)
	return means[len(means)/2]
}

func (t *totals) merge(p device.Pass) {
	for i := range t.passes {
		if q := &t.passes[i]; q.Name == p.Name && q.Kind == p.Kind {
			q.Count, q.Nanos, q.Bytes, q.Flops, q.Direct = q.Count+1, q.Nanos+p.Nanos, q.Bytes+p.Bytes, q.Flops+p.Flops, q.Direct+p.Direct
			return
		}
	}
	t.passes = append(t.passes, p)
}

// costOf describes the tasks of a step; what they read and write is added as they are compiled.
func (c *compiler) costOf(st *plan.Step) cost {
	p := c.s.program
	if st.Rows != nil {
		return cost{name: "loss", kind: "head"}
	}
	image := st.Out // or what else has the shape of the image that it works on
	switch st.Kind {
	case ops.KindConvGradWeights:
		image = st.In[1]
	case ops.KindMoments, ops.KindNormalizeSums, ops.KindGlobalAverage:
		image = st.In[0]
	}
	result := cost{name: st.Name(), kind: kindOfPass(st.Kind)}
	if shape := p.Values[image].Shape; shape.Dims() == 4 {
		result.name = fmt.Sprintf("%s %dx%dx%d", result.name, shape[2], shape[3], shape[1])
	}
	return result
}

func kindOfPass(k ops.Kind) string {
	switch k {
	case ops.KindConv, ops.KindConvGradInput, ops.KindConvGradWeights:
		return "product"
	case ops.KindMoments, ops.KindNormalizeSums:
		return "statistics"
	case ops.KindNormalize, ops.KindNormalizeGradInput:
		return "normalise"
	case ops.KindReLU, ops.KindReLUGrad, ops.KindAdd:
		return "elementwise"
	case ops.KindShortcutPool, ops.KindShortcutSubsample, ops.KindShortcutPoolGrad, ops.KindShortcutSubsampleGrad:
		return "shortcut"
	}
	return "head"
}
