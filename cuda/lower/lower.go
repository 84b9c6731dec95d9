package lower

import (
	"cmp"
	"fmt"
	"math"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/internal/rng"
)

// Options choose how a program is lowered.
type Options struct {
	Precision    device.Precision
	SharedMemory int // bytes that a block may have on the GPU; 0: what every GPU has that runs the precision
	Ring         int // the space InPixels holds the images of so many steps of a call, one step after the other; 0: all images of the set
}

// Lower makes the schedule of a program. The error names the first step that no kernel does, the first kernel that does not fit the GPU, or an
// unknown precision.
func Lower(p *plan.Program, o Options) (*Schedule, error) {
	if o.Precision != device.FP32 && o.Precision != device.Mixed {
		return nil, fail.Usage("precision %q is neither %s nor %s", o.Precision, device.FP32, device.Mixed)
	}
	if err := check(p, o.Precision); err != nil {
		return nil, err
	}
	l := &lowering{
		p: p, mixed: o.Precision == device.Mixed, large: isLarge(p), lossScale: 1, groups: findGroups(p), readers: readers(p),
		schedule: &Schedule{Inputs: map[string]Ref{}, Results: map[string]Result{}},
		values:   make([]value, len(p.Values)), tensors: map[string]Ref{}, gradients: map[plan.ValueID]*slicedGradient{},
	}
	if l.mixed {
		l.lossScale = lossScale(p.Batch)
	}
	l.leaves()
	l.images(o.Ring)
	l.findRows()
	for i := range p.Steps {
		if err := l.step(&p.Steps[i]); err != nil {
			return nil, unable(i, fmt.Errorf("%s: %w", p.Steps[i].Name(), err))
		}
	}
	if err := l.waitingRows(nil); err != nil {
		return nil, err
	}
	if err := l.results(); err != nil {
		return nil, err
	}
	if err := l.finish(); err != nil {
		return nil, err
	}
	if err := checkShared(l.schedule.Launches, cmp.Or(o.SharedMemory, leastShared[o.Precision])); err != nil {
		return nil, fmt.Errorf("the cuda backend cannot run the program: %w\nuse --device cpu, which runs every program", err)
	}
	l.place()
	return l.schedule, nil
}

// unable is the error for a step that no kernel does.
func unable(step int, err error) error {
	return fmt.Errorf("the cuda backend cannot run step %d: %w\nuse --device cpu, which runs every program", step, err)
}

// lowering is the state of Lower while it walks the steps.
type lowering struct {
	p         *plan.Program
	mixed     bool
	large     bool // has convolutions that the fused kernels do not take
	lossScale float32
	groups    groups
	readers   []int // of each value, results included
	schedule  *Schedule

	values    []value
	tensors   map[string]Ref                   // of the store, by name
	gradients map[plan.ValueID]*slicedGradient // of convolutions' weights
	waiting   rowQueue

	tickets, labels, losses Ref
}

// lowerings has a function for each kind of operation.
var lowerings = map[ops.Kind]func(*lowering, *plan.Step) error{
	ops.KindConv:                  (*lowering).conv,
	ops.KindConvGradInput:         (*lowering).convGradInput,
	ops.KindConvGradWeights:       (*lowering).convGradWeights,
	ops.KindMoments:               (*lowering).moments,
	ops.KindNormalize:             (*lowering).normalize,
	ops.KindNormalizeSums:         (*lowering).normalizeSums,
	ops.KindNormalizeGradInput:    (*lowering).normalizeGradInput,
	ops.KindReLU:                  (*lowering).relu,
	ops.KindReLUGrad:              (*lowering).reluGrad,
	ops.KindAdd:                   (*lowering).add,
	ops.KindShortcutPool:          (*lowering).shortcut,
	ops.KindShortcutSubsample:     (*lowering).shortcut,
	ops.KindShortcutPoolGrad:      (*lowering).shortcut,
	ops.KindShortcutSubsampleGrad: (*lowering).shortcut,
	ops.KindMaxPool:               (*lowering).maxPool,
	ops.KindMaxPoolGrad:           (*lowering).maxPoolGrad,
	ops.KindGlobalAverage:         (*lowering).globalAverage,
	ops.KindGlobalAverageGrad:     (*lowering).globalAverageGrad,
	ops.KindDense:                 (*lowering).dense,
	ops.KindDenseGradInput:        (*lowering).denseGradient,
	ops.KindDenseGradWeights:      (*lowering).denseGradient,
	ops.KindDenseGradBias:         (*lowering).denseGradient,
	ops.KindBatchSum:              (*lowering).batchSum,
}

func (l *lowering) step(st *plan.Step) error {
	if st.Rows != nil && len(st.Rows.Means) == 0 {
		return nil // it waits until a step reads its results
	}
	if err := l.rowsBefore(st); err != nil {
		return err
	}
	if st.Rows != nil {
		return l.rows(st.Rows)
	}
	return lowerings[st.Kind](l, st)
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

// leaves gives inputs, parameters and running moments their places, and names what else the store must hold.
func (l *lowering) leaves() {
	p := l.p
	l.tickets = l.kept("tickets", 0)
	l.schedule.Control = l.kept("control block", ControlBytes)
	l.labels, l.losses = l.buffer("labels", 4*p.Batch), l.buffer("losses", 4*p.Batch)
	for id := range p.Values {
		v, at := &p.Values[id], &l.values[id]
		at.storedBy = plan.None
		switch v.Role {
		case plan.Param:
			at.at = l.tensor(v.Name, v.Shape, l.mixed && v.Shape.Dims() == 4)
		case plan.Running:
			at.at = l.tensor(device.RunningPrefix+v.Name, v.Shape, false)
		case plan.Target, plan.SecondTarget, plan.FirstShare:
			at.at = l.buffer(v.Name, 4*v.Shape.TotalSize())
		case plan.FromInput:
			at.at = l.kept(v.Name, 4*v.Shape.TotalSize())
		}
	}
	for _, in := range p.Inputs {
		if in.Value != plan.None {
			l.schedule.Inputs[in.Name] = l.values[in.Value].at
			l.upload(l.values[in.Value].at, in.Initial)
		}
	}
	for _, u := range p.Params {
		if u.Gradient != plan.None {
			l.tensor(device.MomentumPrefix+p.Values[u.Value].Name, p.Values[u.Value].Shape, false)
		}
	}
	for _, st := range p.Stats {
		l.tensor(device.RunningPrefix+st.Name, p.Values[st.Batch].Shape, false)
	}
}

// images draws the images, targets and labels of the batch.
func (l *lowering) images(ring int) {
	p := l.p
	shape := l.shape(p.Image)
	to := l.activation("images", l.extent(p.Image))
	l.values[p.Image].at = to
	var second, first Ref
	if p.Mix != nil {
		second, first = l.values[p.Second].at, l.values[p.First].at
	}
	l.launch(Launch{
		Kernel: "images" + l.suffix(), Module: "images", Why: "images", Grid: Dim{p.Batch, 1, 1}, Threads: 256,
		Arguments: ImagesParameters{Draw{
			Pixels: Ref{Space: InPixels}, Labels: Ref{Space: InLabels}, Control: l.schedule.Control,
			Images: to, Target: l.values[p.Target].at, BatchLabels: l.labels,
			Seed: p.Seed, Batch: int32(p.Batch), Samples: int32(max(1, p.Samples)), Classes: int32(p.Classes),
			Channels: int32(shape[1]), Height: int32(shape[2]), Width: int32(shape[3]), Augment: toInt(p.Augment), Purpose: uint32(rng.Crop),
			RepeatsFrom: RepeatsFrom(&p.Options), Hole: int32(p.Cutout), Scale: p.Pixels.Scale, Shift: p.Pixels.Shift, Outside: p.Pixels.Border,
			Second: second, First: first, Stride: int32(OrderStride(p)), Resized: p.Resized, Ring: int32(ring),
		}},
	})
}

// RepeatsFrom is Draw.RepeatsFrom: the first epoch whose draws are numbered, one that no run reaches where none are.
func RepeatsFrom(o *plan.Options) int32 {
	if !o.Repeats {
		return math.MaxInt32
	}
	return int32(o.RepeatsFrom)
}

// results stores what the host may read after a step. Gradients of convolutions' weights are added up by the update.
func (l *lowering) results() error {
	p, results := l.p, l.schedule.Results
	for _, v := range p.Results() {
		if l.gradients[v] != nil || len(l.shape(v)) == 0 {
			continue
		}
		if _, err := l.smallRef(v); err != nil {
			return err
		}
	}
	results[device.Loss] = Result{l.losses, []int{p.Batch}}
	results[device.Logits] = Result{l.values[p.Logits].at, l.shape(p.Logits)}
	if p.Features != plan.None {
		results[device.Features] = Result{l.values[p.Features].at, l.shape(p.Features)}
	}
	for _, u := range p.Params {
		if u.Gradient == plan.None {
			continue
		}
		at, err := Ref{}, error(nil)
		if g := l.gradients[u.Gradient]; g != nil {
			at = g.sum
		} else if at, err = l.smallRef(u.Gradient); err != nil {
			return err
		}
		results[device.GradientPrefix+p.Values[u.Value].Name] = Result{at, l.shape(u.Value)}
	}
	return nil
}
