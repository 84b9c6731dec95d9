package cpu

import "longtail/internal/plan"

// jobsOfStep are what a step does before the update: weights packed, levels, gradients unpacked. Between two levels, one thread merges the
// sums of the first and prepares the second, some microseconds of work.
func (s *session) jobsOfStep() []job {
	jobs := []job{s.chores("pack weights", s.packs)}
	jobs[0].then = func() { s.between(0) }
	for i := range s.levels {
		jobs = append(jobs, s.levels[i].jobs(s)...)
		jobs[len(jobs)-1].then = func() { s.between(i + 1) }
	}
	return append(jobs, s.chores("unpack gradients", s.late))
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

// chores is a job of some work each.
func (s *session) chores(name string, work []func()) job {
	return job{count: len(work), run: func(_ *worker, i int) { s.profile.measure(name, work[i]) }}
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
}

// unlessLate is finish, the end of a sum, or nil where no step reads the sum: then it is enough to finish it after all levels, beside others
// like it.
func (c *compiler) unlessLate(v plan.ValueID, finish func()) func() {
	for i := range c.s.program.Steps {
		for _, read := range c.s.program.Steps[i].Reads() {
			if base, _ := c.s.program.Locate(read); base == v {
				return finish
			}
		}
	}
	c.s.late = append(c.s.late, finish)
	return nil
}
