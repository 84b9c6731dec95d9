//go:build gpu

package cuda

import (
	"longtail/cuda/driver"
	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/rng"
)

// table is something that is uploaded once, when the memory has been placed.
type table struct {
	to      ref
	content func() any // a slice of plain structs
}

// maxTickets is how many launches may count arriving blocks.
const maxTickets = 4096

// compile makes the launches of a step of the session's program, and places its memory.
func (s *session) compile(images data.Images, mixed bool) (*compiler, error) {
	p := s.program
	c := &compiler{
		p: p, mixed: mixed, store: s.store, layout: &s.layout, lossScale: 1, values: make([]*value, len(p.Values)), uses: readers(p),
		gradients: map[plan.ValueID]*gradient{},
	}
	if mixed {
		c.lossScale = lossScale(p.Batch)
	}
	c.tickets = s.layout.keep(4 * maxTickets)
	c.control = s.layout.keep(controlBytes + 8*int64(p.Classes*p.Classes))
	c.confusion = c.control.add(controlBytes)
	c.labels, c.losses = s.layout.keep(4*int64(p.Batch)), s.layout.keep(4*int64(p.Batch))
	if err := c.leaves(); err != nil {
		return nil, err
	}
	c.draw(s, images)
	for i := range p.Steps {
		if err := c.step(&p.Steps[i]); err != nil {
			return nil, err
		}
	}
	if err := c.results(); err != nil {
		return nil, err
	}
	c.finish()
	return c, nil
}

// readers counts the reads of each value.
func readers(p *plan.Program) []int {
	n := make([]int, len(p.Values))
	for i := range p.Steps {
		for _, v := range p.Steps[i].Reads() {
			n[v]++
		}
	}
	for _, v := range p.Results() {
		n[v]++
	}
	return n
}

// lossScale is what the gradients of a mixed step are stored times: they are those of a mean over the batch, so that the scale grows
// with the batch. A power of two changes no bits but the exponent.
func lossScale(batch int) float32 {
	scale := float32(8)
	for n := 1; n < batch; n *= 2 {
		scale *= 2
	}
	return scale
}

// leaves gives inputs, parameters and running moments their places.
func (c *compiler) leaves() error {
	p := c.p
	for id := range p.Values {
		v := &p.Values[id]
		c.values[id] = &value{by: plan.None}
		switch v.Role {
		case plan.Param, plan.Running:
			name := v.Name
			if v.Role == plan.Running {
				name = device.RunningPrefix + name
			}
			t, err := c.store.need(name, v.Shape)
			if err != nil {
				return err
			}
			if c.mixed && v.Role == plan.Param && v.Shape.Dims() == 4 {
				if err := c.store.needHalf(t); err != nil {
					return err
				}
			}
			c.values[id].mem = ref{at: &t.at}
		case plan.Target, plan.FromInput:
			c.values[id].mem = c.layout.keep(4 * int64(v.Shape.TotalSize()))
		}
	}
	for _, u := range p.Params {
		if u.Gradient != plan.None {
			if _, err := c.store.need(device.MomentumPrefix+p.Values[u.Value].Name, p.Values[u.Value].Shape); err != nil {
				return err
			}
		}
	}
	for _, st := range p.Stats {
		if _, err := c.store.need(device.RunningPrefix+st.Name, p.Values[st.Batch].Shape); err != nil {
			return err
		}
	}
	return nil
}

// draw makes the images, targets and labels of the batch.
func (c *compiler) draw(s *session, images data.Images) {
	p := c.p
	to := c.activation(c.extent(p.Image))
	c.values[p.Image].mem = to
	target, set := c.values[p.Target].mem, s.images
	c.launch(launch{
		kernel: "images" + c.suffix(), module: "images", why: "images", grid: driver.D1(p.Batch), threads: 256,
		arguments: func() []any {
			return []any{drawArgument{
				Pixels: set.pixels, Labels: set.labels, Control: c.control.ptr(), Images: to.ptr(), Target: target.ptr(), BatchLabels: c.labels.ptr(),
				Seed: p.Seed, Batch: int32(p.Batch), Samples: int32(max(1, p.Samples)), Classes: int32(p.Classes),
				Channels: int32(images.Channels), Height: int32(images.Height), Width: int32(images.Width), Augment: flag(p.Augment), Purpose: uint32(rng.Crop),
			}}
		},
	}, to)
}

// results stores what the host may read, until the end of the step.
func (c *compiler) results() error {
	p := c.p
	for _, v := range p.Results() {
		if c.gradients[v] != nil || len(p.Values[v].Shape) == 0 {
			continue
		}
		at, err := c.small(v)
		if err != nil {
			return err
		}
		at.use(always)
	}
	return nil
}

// finish ends a step: the update in training, the step counter otherwise.
func (c *compiler) finish() {
	p := c.p
	control := c.control
	if !p.Train {
		c.launch(launch{kernel: "advance", module: "rows", why: "count", grid: driver.D1(1), threads: 1, arguments: func() []any { return []any{control.ptr()} }})
		return
	}
	var segments []func() segmentArgument
	var portions []int32
	portion := func(n int) {
		for begin := 0; begin < n; begin += portionSize {
			portions = append(portions, int32(len(segments)), int32(begin))
		}
	}
	var refs []ref
	for _, u := range p.Params {
		if u.Gradient == plan.None {
			continue
		}
		n := p.Values[u.Value].Shape.TotalSize()
		portion(n)
		segment, reads := c.segment(u, n)
		segments, refs = append(segments, segment), append(refs, reads)
	}
	for _, st := range p.Stats {
		n := p.Values[st.Batch].Shape.TotalSize()
		portion(n)
		running, batch := c.store.values[device.RunningPrefix+st.Name], c.values[st.Batch].mem
		unbiased := float32(float64(st.Count) / float64(max(st.Count-1, 1)))
		segments = append(segments, func() segmentArgument {
			return segmentArgument{W: running.at, Parts: batch.ptr(), N: int32(n), Slices: 1, Factor: 1, Decay: unbiased}
		})
		refs = append(refs, batch)
	}
	c.update(segments, portions, refs)
}

// portionSize is how many numbers a block of update.cu takes.
const portionSize = 1024

// segment is a parameter's part in the update, and what it reads.
func (c *compiler) segment(u plan.ParamUse, n int) (func() segmentArgument, ref) {
	p := c.p
	name := p.Values[u.Value].Name
	w, v := c.store.values[name], c.store.values[device.MomentumPrefix+name]
	a := segmentArgument{N: int32(n), Slices: 1, Factor: 1}
	if u.Decay {
		a.Decay = p.WeightDecay
	}
	var parts, sum ref
	if g := c.gradients[u.Gradient]; g != nil {
		parts, sum = g.parts, g.sum
		a.Slices, a.Factor = int32(g.slices), g.factor
	} else {
		base, offset := p.Locate(u.Gradient)
		parts = c.values[base].mem.add(4 * int64(offset))
	}
	return func() segmentArgument {
		a.W, a.V, a.Parts, a.G, a.Copy = w.at, v.at, parts.ptr(), sum.ptr(), w.half
		return a
	}, parts
}

func (c *compiler) update(segments []func() segmentArgument, portions []int32, refs []ref) {
	p, control, ticket := c.p, c.control, c.ticket()
	segmentTable := c.layout.keep(56 * int64(len(segments)))
	portionTable := c.layout.keep(4 * int64(len(portions)))
	c.tables = append(c.tables, table{segmentTable, func() any {
		var all []segmentArgument
		for _, s := range segments {
			all = append(all, s())
		}
		return all
	}}, table{portionTable, func() any { return portions }})
	c.launch(launch{
		kernel: "update", module: "update", why: "update", grid: driver.D1(len(portions) / 2), threads: 256,
		arguments: func() []any {
			return []any{segmentTable.ptr(), portionTable.ptr(), control.ptr(), ticket.ptr(), p.Momentum, p.RunningKeep}
		},
	}, refs...)
}
