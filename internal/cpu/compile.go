package cpu

import (
	"time"

	"longtail/internal/ops"
	"longtail/internal/plan"
)

// task does one step for image n of the batch.
type task func(w *worker, n int)

// sum is a step that adds over the images of the batch: partial results by chunk, merged in the order of the chunks.
type sum struct {
	reset  func(chunk int)       // before them; nil likewise
	end    func(lane, chunk int) // after the images of the chunk, on the thread of a lane; nil where there is nothing to do
	finish func()                // merges the partial results; nil where nothing in the step reads the result
}

// level is everything between two sums over the batch.
type level struct {
	prepare []func() // per-channel coefficients from finished sums
	tasks   []task
	costs   []cost      // of the tasks
	passes  []batchPass // after the tasks, each on all images
	sums    []sum
	scratch int // floats a worker needs for the tasks
	number  int
	bind    []func(pairs []float32) // gives its passes the panels of pairs of the session
}

// chunk takes the images of a chunk through the level.
func (l *level) chunk(s *session, w *worker, chunk int) {
	w.room(l.scratch)
	l.eachSum(w, func(s *sum) {
		if s.reset != nil {
			s.reset(chunk)
		}
	})
	for n := chunk * imagesPerChunk; n < min(s.program.Batch, (chunk+1)*imagesPerChunk); n++ {
		l.image(w, n)
	}
	l.eachSum(w, func(s *sum) {
		if s.end != nil {
			s.end(w.lane, chunk)
		}
	})
}

// eachSum begins or ends the sums of a chunk.
func (l *level) eachSum(w *worker, f func(*sum)) {
	if w.clock != nil {
		defer w.clock.chunk(l.number, time.Now())
	}
	for i := range l.sums {
		f(&l.sums[i])
	}
}

// image takes image n through the level.
func (l *level) image(w *worker, n int) {
	for i, t := range l.tasks {
		if w.clock != nil {
			w.clock.measure(taskKey{l.number, i}, t, w, n)
			continue
		}
		t(w, n)
	}
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
	kept   format // of numbers of two bytes, two in a float's place, in the arena only
	shape  area
	buffer *plan.Buffer // of a local one: its room in the scratch block, in units of steps
}

// bytes is how much memory an image takes without a border.
func (p *place) bytes() float64 {
	return float64(p.kept.size() * p.shape.size())
}

// halves are the numbers of image n in a place of such.
func (s *session) halves(p *place, n int) []uint16 {
	return halves(s.arena[p.off+n*p.stride:][:p.stride])
}

func (p *place) padded() int { return (p.shape.h + 2*p.pad) * (p.shape.w + 2*p.pad) * p.shape.c }

// at is the value of image n.
func (s *session) at(p *place, w *worker, n int) view {
	pitch := (p.shape.w + 2*p.pad) * p.shape.c
	if p.local {
		return view{data: w.scratch, off: p.off + p.pad*(pitch+p.shape.c), pitch: pitch}
	}
	return view{data: s.arena, off: p.off + n*p.stride, pitch: pitch * p.kept.size() / 4, kept: p.kept, far: true}
}

// compiler turns the steps of one session's program into tasks.
type compiler struct {
	s         *session
	level     *level
	index     int      // of the level
	step      int      // number of the current step
	cost      cost     // of its next task
	reads     []int    // steps that read a value
	gradients []bool   // values that are gradients by images
	after     func()   // compiles what the next task leaves to do
	local     []*place // in the scratch block of the level
	// pads is the border that the convolutions of a level want around a value
	pads    map[use]int
	done    map[int]bool                   // steps that another one does along
	packers map[plan.ValueID]*weightPacker // of weights
	// copies are the padded copies that a level makes of values from the arena
	copies map[use]*place
}

// use is a value in a level.
type use struct {
	value plan.ValueID
	level int
}

// newCompiler splits the levels of a session's program.
func newCompiler(s *session) *compiler {
	program, k := s.program, s.kernels
	s.program = splitLevels(program, func(st *plan.Step) bool { return k.overBatch(program, st) })
	return &compiler{s: s, pads: map[use]int{}, copies: map[use]*place{}, done: map[int]bool{}, packers: map[plan.ValueID]*weightPacker{}}
}

func compile(s *session) {
	c := newCompiler(s)
	p := s.program
	c.findPads()
	c.countReads()
	s.need.arena = c.placeValues()
	s.levels = make([]level, p.Levels)
	for i := 0; i < len(p.Steps); i++ {
		st := &p.Steps[i]
		if i > 0 && st.Level != c.index {
			c.closeLevel()
		}
		c.index, c.level, c.step = st.Level, &s.levels[st.Level], i
		c.level.number, c.cost = st.Level, c.costOf(st)
		switch {
		case st.Rows != nil:
			c.rows(st)
			continue
		case c.done[i]:
			continue
		case s.kernels.overBatch(p, st):
			c.large(i)
			continue
		}
		if n := c.fusable(i); n > 0 {
			c.fuse(p.Steps[i : i+n])
			i += n - 1
			continue
		}
		c.provideFor(st)
		compilers[st.Kind](c, st)
	}
	c.closeLevel()
	pairs := s.floats(s.pairs)
	hugePages(pairs)
	for i := range s.levels {
		for _, bind := range s.levels[i].bind {
			bind(pairs)
		}
	}
}

// closeLevel places what lives within the level in its scratch block.
func (c *compiler) closeLevel() {
	var buffers []*plan.Buffer
	for _, p := range c.local {
		buffers = append(buffers, p.buffer)
	}
	c.level.scratch = plan.Arena(buffers, 16)
	c.s.need.scratch = max(c.s.need.scratch, c.level.scratch)
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
		if c.s.kernels.overBatch(c.s.program, st) {
			continue
		}
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
	c.findGradients()
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
		at := &place{shape: a, stride: a.size(), kept: c.formatOf(v)}
		at.stride = a.size() * at.kept.size() / 4 // stored channels are an even number
		c.s.places[v] = at
		buffers = append(buffers, &plan.Buffer{Size: at.stride * p.Batch, First: first[v], Last: last[v]})
		owners = append(owners, v)
	}
	size = plan.Arena(buffers, 16)
	for i, v := range owners {
		c.s.places[v].off = buffers[i].Offset
	}
	return size
}

// formatOf is how a value that crosses levels is kept.
func (c *compiler) formatOf(v plan.ValueID) format {
	switch {
	case !c.s.kernels.mixed || c.s.program.Values[v].Shape.Dims() != 4:
		return single
	case c.gradients[v]:
		return bfloat16
	}
	return float16
}

// findGradients notes which values are gradients by images: what an operation on gradients makes, and sums of such.
func (c *compiler) findGradients() {
	c.gradients = make([]bool, len(c.s.program.Values))
	for i := range c.s.program.Steps {
		st := &c.s.program.Steps[i]
		switch plan.KindOf(st) {
		case ops.KindConvGradInput, ops.KindNormalizeGradInput, ops.KindReLUGrad, ops.KindGlobalAverageGrad,
			ops.KindShortcutPoolGrad, ops.KindShortcutSubsampleGrad:
			c.gradients[st.Out] = true
		case ops.KindAdd:
			c.gradients[st.Out] = c.gradients[st.In[0]]
		}
	}
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
	for i := range p.Steps { // what all images have at once lies in the arena
		if c.s.kernels.overBatch(p, &p.Steps[i]) {
			for _, v := range append(p.Steps[i].Reads(), p.Steps[i].Out) {
				last[v] = max(last[v], first[v]+1)
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
// from the arena that a convolution reads are copied into a border of zeros, those of two bytes always.
func (c *compiler) provide(v plan.ValueID) {
	u := use{v, c.index}
	pad := c.pads[u]
	isImage := c.s.program.Values[v].Role == plan.Image
	at := c.s.places[v]
	if _, done := c.copies[u]; done || !isImage && (at == nil || at.local || pad == 0 && at.kept == single) {
		return
	}
	to := c.room(&place{shape: c.areaOf(v), pad: pad})
	c.copies[u] = to
	s, k := c.s, c.s.kernels
	this := c.cost
	c.cost = cost{name: "copy with a border", kind: "copy"}
	defer func() { c.cost = this }()
	switch {
	case isImage:
		c.cost.name = "crop and flip"
		c.do(func(w *worker, n int) { s.drawImage(w, s.at(to, w, n), to, n) })
	case at.kept != single:
		c.cost.name, c.cost.bytes = "widen", at.bytes()
		c.do(func(w *worker, n int) {
			k.expand(at.kept, s.at(to, w, n), s.halves(at, n), to.shape.h, to.shape.w*to.shape.c)
		})
	default:
		c.cost.bytes = at.bytes()
		c.do(func(w *worker, n int) { k.copyView(s.at(to, w, n), s.at(at, w, n), to.shape.h, to.shape.w*to.shape.c) })
	}
	c.border(to)
}

func (c *compiler) do(t task) {
	c.level.tasks, c.level.costs = append(c.level.tasks, t), append(c.level.costs, c.cost)
	c.s.perImage.bytes, c.s.perImage.flops, c.s.perImage.direct = c.s.perImage.bytes+c.cost.bytes, c.s.perImage.flops+c.cost.flops, c.s.perImage.direct+c.cost.direct
	c.cost.bytes, c.cost.flops, c.cost.direct = 0, 0, 0
	if after := c.after; after != nil {
		c.after = nil
		after()
	}
}

// round keeps what the next task writes to a place of its own in the place of a value of two bytes.
func (c *compiler) round(v plan.ValueID, to *place) *place {
	from := c.room(&place{shape: to.shape, pad: c.pads[use{v, c.index}]})
	c.copies[use{v, c.index}] = from
	c.border(from)
	s, k := c.s, c.s.kernels
	c.after = func() {
		this := c.cost
		c.cost = cost{name: "round", kind: "copy", bytes: to.bytes()}
		c.do(func(w *worker, n int) {
			k.compress(to.kept, s.halves(to, n), s.at(from, w, n), to.shape.h, to.shape.w*to.shape.c)
		})
		c.cost = this
	}
	return from
}

// border writes the zeros around a padded place.
func (c *compiler) border(to *place) {
	if to.pad == 0 {
		return
	}
	s, k, this := c.s, c.s.kernels, c.cost
	defer func() { c.cost = this }()
	c.cost = cost{name: "border", kind: "copy"}
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
	} else {
		c.cost.bytes += p.bytes()
	}
	return p
}

// write is where a step puts its value; a local one gets its room here.
func (c *compiler) write(v plan.ValueID) *place {
	p := c.s.places[v]
	switch {
	case p.local:
		c.border(c.room(p))
	case p.kept != single:
		return c.round(v, p)
	default:
		c.cost.bytes += p.bytes()
	}
	return p
}

// result makes room for the logical result of a sum.
func (c *compiler) result(v plan.ValueID) []float32 {
	c.s.small[v] = c.s.floats(c.s.program.Values[v].Shape.TotalSize())
	return c.s.small[v]
}

// imagesIn is the number of images of a chunk.
func (c *compiler) imagesIn(chunk int) int {
	return min(imagesPerChunk, c.s.program.Batch-chunk*imagesPerChunk)
}
