//go:build gpu

package cuda

import (
	"fmt"

	"longtail/cuda/driver"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// compiler turns the steps of a program into launches. A step that concerns each pixel by itself only notes a source for its value; it
// is stored when somebody wants it in memory, and otherwise evaluated where it is read. A convolution waits until it is known what its
// epilogue can do.
type compiler struct {
	p          *plan.Program
	mixed      bool
	plainCores bool // mixed without tensor cores, to test one against the other
	store      *store
	layout     *layout
	lossScale  float32

	values   []*value
	uses     []int // readers of each value, results included
	launches []launch
	tickets  ref
	ticketAt int64

	tables   []table
	averages []*average

	control, labels, losses, confusion ref
	gradients                          map[plan.ValueID]*gradient // of weights: slices to be added
}

// value is what is known of a program's value: where it lies, or how to make it.
type value struct {
	mem    ref // zero while it is not stored
	source *source
	by     plan.ValueID // the convolution that stores it on its way, which has to be launched before somebody reads it, or None
}

// gradient of a convolution's weights, in slices.
type gradient struct {
	parts  ref
	sum    ref
	slices int
	factor float32
}

// compilers has a function for each kind of operation.
var compilers map[ops.Kind]func(*compiler, *plan.Step) error

func init() {
	compilers = map[ops.Kind]func(*compiler, *plan.Step) error{
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
		ops.KindGlobalAverage:         (*compiler).globalAverage,
		ops.KindGlobalAverageGrad:     (*compiler).globalAverageGrad,
		ops.KindDense:                 (*compiler).dense,
		ops.KindDenseGradInput:        (*compiler).denseGradient,
		ops.KindDenseGradWeights:      (*compiler).denseGradient,
		ops.KindDenseGradBias:         (*compiler).denseGradient,
	}
}

// step compiles one step.
func (c *compiler) step(s *plan.Step) error {
	if s.Rows != nil {
		return c.rows(s.Rows)
	}
	if err := compilers[s.Kind](c, s); err != nil {
		return fmt.Errorf("%s: %w", s.Name(), err)
	}
	return nil
}

// storedChannels is how many channels an activation of c channels has on the device.
func storedChannels(c int) int { return (c + 3) / 4 * 4 }

func (c *compiler) element() int64 {
	if c.mixed {
		return 2
	}
	return 4
}

// suffix of kernels by the storage type of activations.
func (c *compiler) suffix() string {
	if c.mixed {
		return "_f16"
	}
	return "_f32"
}

func (c *compiler) shape(v plan.ValueID) []int { return c.p.Values[v].Shape }

// extent of an activation.
func (c *compiler) extent(v plan.ValueID) extent {
	s := c.shape(v)
	return extent{s[2], s[3], storedChannels(s[1])}
}

// now is the number of the launch that comes next.
func (c *compiler) now() int { return len(c.launches) }

// launch adds a kernel that reads and writes the refs.
func (c *compiler) launch(l launch, refs ...ref) {
	for _, r := range refs {
		r.use(c.now())
	}
	c.launches = append(c.launches, l)
}

// ticket is a counter of arriving blocks, 0 between launches.
func (c *compiler) ticket() ref {
	r := c.tickets.add(c.ticketAt)
	c.ticketAt += 4
	return r
}

// activation makes room for a stored activation.
func (c *compiler) activation(e extent) ref {
	return c.layout.take(int64(c.p.Batch*e.size())*c.element(), c.now())
}

// floats makes room for fp32 numbers.
func (c *compiler) floats(n int) ref { return c.layout.take(int64(n)*4, c.now()) }

// plain is a stored tensor as a source.
func plain(e extent, at ref) source {
	return source{extent: e, first: operand{kind: termPlain, x: at}}
}

// note remembers how to make a value.
func (c *compiler) note(v plan.ValueID, s source) { c.values[v].source = &s }

// small is where a value that is no activation lies: parameters, moments, sums, rows.
func (c *compiler) small(v plan.ValueID) (ref, error) {
	base, offset := c.p.Locate(v)
	if c.values[base].mem.isNull() {
		return ref{}, fmt.Errorf("value %d (%s) is not ready", v, c.p.Values[v].Name)
	}
	return c.values[base].mem.add(int64(offset) * 4), nil
}

// memory stores an activation if it is not stored yet.
func (c *compiler) memory(v plan.ValueID) (ref, error) {
	at := c.values[v]
	if !at.mem.isNull() {
		if at.by != plan.None {
			if _, err := c.memory(at.by); err != nil {
				return ref{}, err
			}
		}
		return at.mem, nil
	}
	if at.source == nil {
		return ref{}, fmt.Errorf("value %d (%s) is not ready", v, c.p.Values[v].Name)
	}
	s := at.source
	if s.conv != nil {
		return c.convolve(v, s, nil), nil
	}
	to := c.activation(s.extent)
	c.stored(v, to)
	c.launchPointwise(s, to, c.p.Values[v].Name)
	return to, nil
}

// launchPointwise launches the kernel that stores a source and does nothing else.
func (c *compiler) launchPointwise(s *source, to ref, why string) {
	batch := int32(c.p.Batch)
	quads := c.p.Batch * s.size() / 4
	c.launch(launch{
		kernel: "pointwise" + c.suffix(), module: "pointwise", why: why, grid: driver.D1(min(1024, (quads+255)/256)), threads: 256,
		arguments: func() []any { return []any{s.argument(), batch, to.ptr()} },
	}, append(s.refs(), to)...)
}

// stored remembers where a value lies; from now on it is read there.
func (c *compiler) stored(v plan.ValueID, at ref) { c.values[v].mem = at }

// read is how a kernel reads an activation: from memory if it is there, otherwise by its source, unless that is a convolution or costs
// reading two tensors, which only the kernel that stores it should do.
func (c *compiler) read(v plan.ValueID) (source, error) {
	at := c.values[v]
	if at.mem.isNull() && at.source != nil && at.source.isTerm() {
		return *at.source, nil
	}
	m, err := c.memory(v)
	return plain(c.extent(v), m), err
}

// term is an activation as one term of a source.
func (c *compiler) term(v plan.ValueID) (operand, error) {
	at := c.values[v]
	if s := at.source; at.mem.isNull() && s != nil && s.isTerm() && s.first.kind != termNormGradient {
		return s.first, nil
	}
	m, err := c.memory(v)
	return operand{kind: termPlain, x: m}, err
}

// open is an activation as a source that can be extended: with a second term if second is set, else with a mask. A convolution is given
// away only to its one reader.
func (c *compiler) open(v plan.ValueID, second bool) (source, error) {
	at := c.values[v]
	s := at.source
	if !at.mem.isNull() || s == nil || s.relu || s.mask.kind != termNone || second && s.second.kind != termNone || s.conv != nil && c.uses[v] > 1 {
		m, err := c.memory(v)
		return plain(c.extent(v), m), err
	}
	return *s, nil
}
