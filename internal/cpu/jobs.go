package cpu

import (
	"slices"

	"longtail/internal/device"
	"longtail/internal/plan"
)

// jobsOfStep are what a step does: levels, between which one thread merges the sums of the first and prepares the second, some microseconds
// of work, and the upkeep of parameters.
func (s *session) jobsOfStep() []job {
	var jobs []job
	for i := range s.levels {
		jobs = append(jobs, s.levels[i].jobs(s)...)
		jobs[len(jobs)-1].then = func() { s.between(i + 1) }
	}
	s.kept = s.upkeep()
	return append(jobs, job{count: len(s.kept), run: func(_ *worker, i int) { s.kept[i].run() }, ready: &s.ready})
}

// jobs are the tasks of a level, by chunks of images, and its passes over the batch.
func (l *level) jobs(s *session) []job {
	images := job{run: func(w *worker, chunk int) { l.chunk(s, w, chunk) }}
	if len(l.tasks) > 0 {
		images.count = s.chunks()
	}
	jobs := []job{images}
	for i := range l.passes {
		p := &l.passes[i]
		jobs = append(jobs, job{count: p.parts, run: func(w *worker, part int) {
			w.room(p.scratch)
			w.clock.part(partKey{l.number, i, part}, func() { p.run(w, part) })
		}})
	}
	return jobs
}

// keeping is the upkeep of a parameter: its gradient is brought into its layout, and in training, it is updated and packed for the next step.
type keeping struct {
	after int // level that is the last to need the parameter, or to add to its gradient
	run   func()
}

// upkeep is that of all parameters that have a gradient, in the order in which it may be done.
func (s *session) upkeep() []keeping {
	p := s.program
	last := make([]int, len(p.Values))
	for i := range p.Steps {
		st := &p.Steps[i]
		for _, values := range [][]plan.ValueID{st.Reads(), st.Writes()} {
			for _, v := range values {
				base, _ := p.Locate(v)
				last[base] = max(last[base], st.Level)
			}
		}
	}
	packs := map[plan.ValueID][]func(){}
	for _, pack := range s.packs {
		packs[pack.weights] = append(packs[pack.weights], pack.run)
	}
	var all []keeping
	for _, u := range p.Params {
		if u.Gradient == plan.None {
			continue
		}
		gradient, _ := p.Locate(u.Gradient)
		unpack, repack := s.late[gradient], packs[u.Value]
		all = append(all, keeping{after: max(last[u.Value], last[gradient]), run: func() {
			if unpack != nil {
				s.profile.measure("unpack gradients", unpack)
			}
			if !p.Train || !s.sound {
				return
			}
			s.profile.measure("update", func() { s.update(u) })
			for _, pack := range repack {
				s.profile.measure("pack weights", pack)
			}
		}})
	}
	slices.SortStableFunc(all, func(a, b keeping) int { return a.after - b.after })
	return all
}

// update is a step of SGD with momentum and weight decay.
func (s *session) update(u plan.ParamUse) {
	p := s.program
	step := s.kernels.sgd
	if p.Nesterov {
		step = s.kernels.nesterov
	}
	decay := float32(0)
	if u.Decay {
		decay = p.WeightDecay
	}
	name := p.Values[u.Value].Name
	step(s.store.values[name], s.store.values[device.MomentumPrefix+name], s.gradient(u), s.rate, p.Momentum, decay)
}

// packing brings weights into the layout of a kernel.
type packing struct {
	weights plan.ValueID
	run     func()
}

// pack brings all weights into the layouts of the kernels, unless they are as the last step left them.
func (s *session) pack() {
	if s.packed != s.store.changes {
		s.pool.each(len(s.packs), func(_ *worker, i int) { s.profile.measure("pack weights", s.packs[i].run) })
		s.packed = s.store.changes
	}
}

// between does what has to be done between level i-1 and level i.
func (s *session) between(i int) {
	if i > 0 {
		s.profile.measure("merge sums", func() {
			for _, sum := range s.levels[i-1].sums {
				if sum.finish != nil {
					sum.finish()
				}
			}
		})
	}
	if i < len(s.levels) {
		s.profile.measure("prepare", func() {
			for _, f := range s.levels[i].prepare {
				f()
			}
		})
	}
	ready := int(s.ready.Load())
	for ready < len(s.kept) && s.kept[ready].after < i {
		if ready == 0 { // no gradient is complete before the loss is
			s.sound = s.unread.Load() == nil && finite(s.loss())
		}
		ready++
	}
	s.ready.Store(int64(ready))
}

// unlessLate is finish, the end of a sum of the gradient of a parameter, or nil where no step reads the sum: then it is part of the upkeep of the parameter.
func (c *compiler) unlessLate(v plan.ValueID, finish func()) func() {
	for i := range c.s.program.Steps {
		for _, read := range c.s.program.Steps[i].Reads() {
			if base, _ := c.s.program.Locate(read); base == v {
				return finish
			}
		}
	}
	c.s.late[v] = finish
	return nil
}
