package cpu

import (
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// task does one step for image n of the batch.
type task func(w *worker, n int)

// sum is a step that adds over the images of the batch: partial results by chunk, merged in the order of the chunks.
type sum struct {
	reset  func(chunk int)
	finish func() // merges the partial results
}

// level is everything between two sums over the batch.
type level struct {
	prepare []func() // per-channel coefficients from finished sums
	tasks   []task
	sums    []sum
	scratch int // floats a worker needs
}

func (l *level) run(s *session) {
	for _, f := range l.prepare {
		f()
	}
	batch := s.program.Batch
	chunks := (batch + imagesPerChunk - 1) / imagesPerChunk
	s.pool.each(chunks, func(w *worker, chunk int) {
		if len(w.scratch) < l.scratch {
			w.scratch = make([]float32, l.scratch)
		}
		for i := range l.sums {
			l.sums[i].reset(chunk)
		}
		for n := chunk * imagesPerChunk; n < min(batch, (chunk+1)*imagesPerChunk); n++ {
			for _, t := range l.tasks {
				t(w, n)
			}
		}
	})
	s.pool.each(len(l.sums), func(_ *worker, i int) { l.sums[i].finish() })
}

// area is the shape of a value for one image, channels as stored.
type area struct{ h, w, c int }

func (a area) size() int { return a.h * a.w * a.c }

// place locates one image's value: in the arena, stride floats from image to image, or in a worker's scratch block, optionally
// padded with zeros.
type place struct {
	local  bool
	off    int
	stride int
	pad    int
	shape  area
	buffer *plan.Buffer // of a local one: its room in the scratch block, in units of steps
}

func (p *place) padded() int { return (p.shape.h + 2*p.pad) * (p.shape.w + 2*p.pad) * p.shape.c }

// at is the value of image n.
func (s *session) at(p *place, w *worker, n int) view {
	pitch := (p.shape.w + 2*p.pad) * p.shape.c
	if p.local {
		return view{data: w.scratch, off: p.off + p.pad*(pitch+p.shape.c), pitch: pitch}
	}
	return view{data: s.arena, off: p.off + n*p.stride, pitch: pitch}
}

// compiler turns the steps of one session's program into tasks.
type compiler struct {
	s     *session
	level *level
	index int      // of the level
	step  int      // number of the current step
	local []*place // in the scratch block of the level
	// pads is the border that the convolutions of a level want around a value
	pads map[use]int
	// copies are the padded copies that a level makes of values from the arena
	copies map[use]*place
}

// use is a value in a level.
type use struct {
	value plan.ValueID
	level int
}

func compile(s *session) error {
	p := s.program
	c := &compiler{s: s, pads: map[use]int{}, copies: map[use]*place{}}
	c.findPads()
	s.arena = make([]float32, c.placeValues())
	s.levels = make([]level, p.Levels)
	for i := range p.Steps {
		st := &p.Steps[i]
		if i > 0 && st.Level != c.index {
			c.closeLevel()
		}
		c.index, c.level, c.step = st.Level, &s.levels[st.Level], i
		if st.Rows != nil {
			c.rows(st)
			continue
		}
		for _, v := range st.In {
			c.provide(v)
		}
		compilers[st.Kind](c, st)
	}
	c.closeLevel()
	return nil
}

// closeLevel places what lives within the level in its scratch block.
func (c *compiler) closeLevel() {
	var buffers []*plan.Buffer
	for _, p := range c.local {
		buffers = append(buffers, p.buffer)
	}
	c.level.scratch = plan.Arena(buffers, 16)
	for _, p := range c.local {
		p.off = p.buffer.Offset
	}
	c.local = nil
}

// compilers has a function for each kind of operation.
var compilers map[ops.Kind]func(*compiler, *plan.Step)

func init() {
	compilers = map[ops.Kind]func(*compiler, *plan.Step){
		ops.KindConv:                  (*compiler).conv,
		ops.KindConvGradInput:         (*compiler).convGradInput,
		ops.KindConvGradWeights:       (*compiler).convGradWeights,
		ops.KindMoments:               (*compiler).moments,
		ops.KindNormalize:             (*compiler).normalize,
		ops.KindNormalizeSums:         (*compiler).normalizeSums,
		ops.KindNormalizeGradInput:    (*compiler).normalizeGradInput,
		ops.KindReLU:                  (*compiler).relu,
		ops.KindReLUGrad:              (*compiler).reluGrad,
		ops.KindAdd:                   (*compiler).add,
		ops.KindShortcutPool:          (*compiler).shortcut,
		ops.KindShortcutSubsample:     (*compiler).shortcut,
		ops.KindShortcutPoolGrad:      (*compiler).shortcut,
		ops.KindShortcutSubsampleGrad: (*compiler).shortcut,
		ops.KindMaxPool:               (*compiler).maxPool,
		ops.KindMaxPoolGrad:           (*compiler).maxPoolGrad,
		ops.KindGlobalAverage:         (*compiler).globalAverage,
		ops.KindGlobalAverageGrad:     (*compiler).globalAverage,
		ops.KindDense:                 (*compiler).dense,
		ops.KindDenseGradInput:        (*compiler).denseGradInput,
		ops.KindDenseGradWeights:      (*compiler).denseGradWeights,
		ops.KindDenseGradBias:         (*compiler).denseGradBias,
		ops.KindBatchSum:              (*compiler).batchSum,
	}
}

// findPads notes which values a convolution reads with a border.
func (c *compiler) findPads() {
	want := func(st *plan.Step, v plan.ValueID, pad int) {
		u := use{v, st.Level}
		c.pads[u] = max(c.pads[u], pad)
	}
	for i := range c.s.program.Steps {
		st := &c.s.program.Steps[i]
		switch plan.KindOf(st) {
		case ops.KindConv, ops.KindConvGradWeights:
			want(st, st.In[0], st.Attrs.Pad)
		case ops.KindConvGradInput:
			want(st, st.In[1], gradientPad(st, c.s.program))
		}
	}
}

// areaOf is the shape of one image's part of a value.
func (c *compiler) areaOf(v plan.ValueID) area {
	s := c.s.program.Values[v].Shape
	if s.Dims() == 4 {
		return area{s[2], s[3], stored(s[1])}
	}
	return area{1, 1, s[s.Dims()-1]}
}

// placeValues gives every value of an image a place: in the scratch block of its level, or, where a later level reads it or it
// is a result, in the arena, whose size in floats it returns.
func (c *compiler) placeValues() (size int) {
	p := c.s.program
	c.s.places = make([]*place, len(p.Values))
	first, last := c.lifetimes()
	var buffers []*plan.Buffer
	var owners []plan.ValueID
	for id := range p.Values {
		v := plan.ValueID(id)
		if first[v] < 0 {
			continue
		}
		a := c.areaOf(v)
		if first[v] == last[v] {
			c.s.places[v] = &place{local: true, shape: a, pad: c.pads[use{v, first[v]}]}
			continue
		}
		c.s.places[v] = &place{shape: a, stride: a.size()}
		buffers = append(buffers, &plan.Buffer{Size: a.size() * p.Batch, First: first[v], Last: last[v]})
		owners = append(owners, v)
	}
	size = plan.Arena(buffers, 16)
	for i, v := range owners {
		c.s.places[v].off = buffers[i].Offset
	}
	return size
}

// lifetimes are the first and last level of every value that belongs to an image; -1 for the others, and for the images
// themselves, which each level makes anew.
func (c *compiler) lifetimes() (first, last []int) {
	p := c.s.program
	first, last = make([]int, len(p.Values)), make([]int, len(p.Values))
	for v := range first {
		first[v], last[v] = -1, -1
	}
	for i := range p.Steps {
		st := &p.Steps[i]
		if !plan.IsImageLocal(st) {
			continue
		}
		for _, v := range st.Writes() {
			if p.Values[v].Shape.Dims() > 0 {
				first[v], last[v] = st.Level, st.Level
			}
		}
	}
	for i := range p.Steps {
		for _, v := range p.Steps[i].Reads() {
			if first[v] >= 0 {
				last[v] = max(last[v], p.Steps[i].Level)
			}
		}
	}
	for _, v := range p.Results() {
		if first[v] >= 0 {
			last[v] = p.Levels
		}
	}
	return first, last
}

// room takes room for a local place in the level's scratch block.
func (c *compiler) room(p *place) *place {
	p.local = true
	p.buffer = &plan.Buffer{Size: p.padded(), First: c.step, Last: c.step}
	c.local = append(c.local, p)
	return p
}

// provide makes sure that a level has a value in the form that its steps want: the images are made from bytes, and values
// from the arena that a convolution reads are copied into a border of zeros.
func (c *compiler) provide(v plan.ValueID) {
	u := use{v, c.index}
	pad := c.pads[u]
	isImage := c.s.program.Values[v].Role == plan.Image
	at := c.s.places[v]
	if _, done := c.copies[u]; done || !isImage && (at == nil || at.local || pad == 0) {
		return
	}
	to := c.room(&place{shape: c.areaOf(v), pad: pad})
	c.copies[u] = to
	s, k := c.s, c.s.kernels
	if isImage {
		c.do(func(w *worker, n int) { s.drawImage(w, s.at(to, w, n), to, n) })
	} else {
		c.do(func(w *worker, n int) { k.copyView(s.at(to, w, n), s.at(at, w, n), to.shape.h, to.shape.w*to.shape.c) })
	}
	c.border(to)
}

func (c *compiler) do(t task) { c.level.tasks = append(c.level.tasks, t) }

// border writes the zeros around a padded place.
func (c *compiler) border(to *place) {
	if to.pad == 0 {
		return
	}
	s, k := c.s, c.s.kernels
	c.do(func(w *worker, n int) { k.fillBorder(s.at(to, w, n), to.shape.h, to.shape.w, to.shape.c, to.pad) })
}

// read is where a step finds a value in its level.
func (c *compiler) read(v plan.ValueID) *place {
	p, copied := c.copies[use{v, c.index}]
	if !copied {
		p = c.s.places[v]
	}
	if p.local {
		p.buffer.Last = c.step
	}
	return p
}

// write is where a step puts its value; a local one gets its room here.
func (c *compiler) write(v plan.ValueID) *place {
	p := c.s.places[v]
	if p.local {
		c.border(c.room(p))
	}
	return p
}

// result makes room for the logical result of a sum.
func (c *compiler) result(v plan.ValueID) []float32 {
	c.s.small[v] = make([]float32, c.s.program.Values[v].Shape.TotalSize())
	return c.s.small[v]
}

func (c *compiler) chunks() int {
	return (c.s.program.Batch + imagesPerChunk - 1) / imagesPerChunk
}

// imagesIn is the number of images of a chunk.
func (c *compiler) imagesIn(chunk int) int {
	return min(imagesPerChunk, c.s.program.Batch-chunk*imagesPerChunk)
}
