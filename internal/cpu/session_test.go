package cpu_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/program/programtest"
	"longtail/internal/rng"
)

// noise makes n random images with random labels.
func noise(seed uint64, n, classes int) data.Images {
	m := data.Images{Pixels: make([]byte, n*3*32*32), Labels: make([]int32, n), Classes: classes, Channels: 3, Height: 32, Width: 32}
	r := rng.New(seed, rng.Synthetic, 0, 0)
	for i := range m.Pixels {
		m.Pixels[i] = byte(r.Uint32())
	}
	for i := range m.Labels {
		m.Labels[i] = int32(r.Intn(classes))
	}
	return m
}

func network(model, shortcut, loss string, classes int) program.Network {
	return programtest.Network(model, shortcut, loss, classes, 1)
}

// open makes a training session of n steps' learning rates, loaded with the start values.
func open(t *testing.T, threads int, n program.Network, batch int, images data.Images) device.Session {
	t.Helper()
	return openIn(t, device.FP32, threads, n, batch, images)
}

func openIn(t *testing.T, precision device.Precision, threads int, n program.Network, batch int, images data.Images) device.Session {
	t.Helper()
	p, net, err := n.Plan(batch, plan.Options{Train: true, Augment: true, Seed: 5, Samples: images.Len(), Momentum: .9, WeightDecay: 2e-4, RunningKeep: .9})
	if err != nil {
		t.Fatal(err)
	}
	b := cpu.New(threads)
	s, err := b.Open(p, precision, images, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Set(plan.LearningRates, []float32{.05, .05, .05, .05, .05, .05}); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(program.InitialState(net, 3)); err != nil {
		t.Fatal(err)
	}
	return s
}

// bits is a state as bytes, for comparison to the last bit.
func bits(t *testing.T, s device.Session) []byte {
	t.Helper()
	state, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range state {
		names = append(names, name)
	}
	slices.Sort(names)
	var b bytes.Buffer
	for _, name := range names {
		fmt.Fprint(&b, name)
		for _, v := range state[name].Data().([]float32) {
			fmt.Fprintf(&b, " %08x", math.Float32bits(v))
		}
	}
	return b.Bytes()
}

func run(t *testing.T, s device.Session, images data.Images, batch, first, n int) device.Sums {
	t.Helper()
	sums, err := s.Run(programtest.Order(5, images.Len(), first*batch, n*batch), first, n)
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// The state after some steps must have the same bits for any number of threads, also where the last chunk of images is not
// full and where a batch straddles epochs.
func TestSameBitsForAnyNumberOfThreads(t *testing.T) {
	const batch = 10
	images := noise(1, 23, 10)
	for _, precision := range precisions() {
		var want []byte
		for _, threads := range []int{1, 2, 3, 7} {
			s := openIn(t, precision, threads, network("resnet8", "avgpool", "focal", 10), batch, images)
			run(t, s, images, batch, 0, 3)
			got := bits(t, s)
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %d threads give other bits than 1", precision, threads)
			}
		}
	}
}

// The passes over the whole batch, which the layers of this network take in mixed precision, add in an order that no thread changes.
func TestSameBitsOfLargeLayers(t *testing.T) {
	const batch = 5
	images := noise(1, 9, 10)
	precision := precisions()[len(precisions())-1]
	var want device.State
	for _, threads := range []int{1, 3} {
		s := openIn(t, precision, threads, network("resnet18", "avgpool", "focal", 10), batch, images)
		run(t, s, images, batch, 0, 2)
		got, err := s.Save()
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		for name, tensor := range got { // no NaN: the loss was finite
			if !slices.Equal(tensor.Data().([]float32), want[name].Data().([]float32)) {
				t.Errorf("%s: %d threads give other bits of %s than 1", precision, threads, name)
			}
		}
	}
}

// precisions are those of the fastest kernels of this processor.
func precisions() []device.Precision {
	if have := cpu.New(1).Info().Precisions; have != nil {
		return have
	}
	return []device.Precision{device.FP32, device.Mixed}
}

// Mixed precision ends near float32 and not at it.
func TestMixedPrecisionIsNearFloat32(t *testing.T) {
	const batch = 10
	if len(precisions()) == 1 {
		t.Setenv("LONGTAIL_CPU", "generic")
	}
	images := noise(1, 23, 10)
	n := network("resnet8", "avgpool", "focal", 10)
	var losses [2]float64
	var states [2][]byte
	for i, precision := range []device.Precision{device.FP32, device.Mixed} {
		s := openIn(t, precision, 2, n, batch, images)
		losses[i] = run(t, s, images, batch, 0, 3).Loss
		states[i] = bits(t, s)
	}
	if bytes.Equal(states[0], states[1]) {
		t.Error("mixed precision has the bits of float32")
	}
	if math.Abs(losses[0]-losses[1]) > 2e-3*losses[0] {
		t.Errorf("the loss is %g in float32, %g in mixed precision", losses[0], losses[1])
	}
}

// Steps run one by one, or saved and loaded in between, must end with the bits of steps run together.
func TestSavedAndLoadedGoesOnWithTheSameBits(t *testing.T) {
	const batch = 6
	images := noise(2, 40, 10)
	n := network("resnet8", "projection", "softmax", 10)
	whole := open(t, 2, n, batch, images)
	sums := run(t, whole, images, batch, 0, 4)

	first := open(t, 2, n, batch, images)
	a := run(t, first, images, batch, 0, 3)
	state, err := first.Save()
	if err != nil {
		t.Fatal(err)
	}
	second := open(t, 1, n, batch, images)
	if err := second.Load(state); err != nil {
		t.Fatal(err)
	}
	b := run(t, second, images, batch, 3, 1)
	if !bytes.Equal(bits(t, whole), bits(t, second)) {
		t.Error("a saved and loaded state ends with other bits")
	}
	if got := a.Loss + b.Loss; math.Abs(got-sums.Loss) > 1e-9*sums.Loss || a.Samples+b.Samples != sums.Samples {
		t.Errorf("sums: %g of %d and %g of %d are not %g of %d", a.Loss, a.Samples, b.Loss, b.Samples, sums.Loss, sums.Samples)
	}
}

// Evaluation with padding must give each image what it gets in a full batch, whatever stands beside it.
func TestPaddedEvaluationCountsEachImageOnce(t *testing.T) {
	images := noise(3, 11, 10)
	n := network("resnet8", "subsample", "sigmoid", 10)
	training := open(t, 2, n, 4, images)
	run(t, training, images, 4, 0, 2)
	evaluate := func(batch int, order []int32) device.Sums {
		p, _, err := n.Plan(batch, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b := cpu.New(2)
		s, err := b.Open(p, device.FP32, images, training)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		sums, err := s.Run(order, 0, len(order)/batch)
		if err != nil {
			t.Fatal(err)
		}
		return sums
	}
	one := evaluate(11, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	padded := evaluate(4, []int32{10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1})
	if one.Samples != 11 || padded.Samples != 11 {
		t.Errorf("%d and %d samples, want 11", one.Samples, padded.Samples)
	}
	if math.Abs(one.Loss-padded.Loss) > 1e-6*one.Loss || !maps.Equal(one.Confusion, padded.Confusion) {
		t.Errorf("padding changes the result: loss %g and %g", one.Loss, padded.Loss)
	}
}

// A session must see parameters that another one with the same store, which it shares, has updated or loaded since its last step.
func TestSharedParametersAreAlwaysCurrent(t *testing.T) {
	const batch = 8
	images := noise(5, 40, 10)
	n := network("resnet8", "projection", "softmax", 10)
	training := open(t, 2, n, batch, images)
	start, err := training.Save()
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := n.Plan(batch, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	evaluation := func(share device.Session) device.Session {
		s, err := cpu.New(2).Open(p, device.FP32, images, share)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	logits := func(s device.Session) []float32 {
		if _, err := s.Run([]int32{0, 1, 2, 3, 4, 5, 6, 7}, 0, 1); err != nil {
			t.Fatal(err)
		}
		z, err := s.Read(device.Logits)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	shared, alone := evaluation(training), evaluation(nil)
	logits(alone) // of parameters that nothing has loaded
	var last []float32
	check := func(what string) {
		t.Helper()
		state, err := training.Save()
		if err == nil {
			err = alone.Load(state)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := logits(shared)
		if !slices.Equal(got, logits(alone)) {
			t.Errorf("%s: the logits are not those of the parameters", what)
		}
		if slices.Equal(got, last) {
			t.Errorf("%s: the logits did not change", what)
		}
		last = got
	}
	check("at first")
	run(t, training, images, batch, 0, 2)
	check("after two steps")
	run(t, training, images, batch, 2, 1)
	check("after a third")
	trained := bits(t, training)
	if err := shared.Load(start); err != nil {
		t.Fatal(err)
	}
	check("after the other session loaded a state")
	run(t, training, images, batch, 0, 3)
	if !bytes.Equal(trained, bits(t, training)) {
		t.Error("three steps from a state that the other session loaded end elsewhere")
	}
}

// A loss that is no number must stop the run before the parameters change.
func TestNonFiniteLossStopsBeforeTheUpdate(t *testing.T) {
	for threads := 1; threads <= 2; threads++ {
		nonFiniteLossStopsBeforeTheUpdate(t, threads)
	}
}

func nonFiniteLossStopsBeforeTheUpdate(t *testing.T, threads int) {
	images := noise(4, 20, 10)
	s := open(t, threads, network("resnet8", "avgpool", "softmax", 10), 5, images)
	state, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	state["dense.bias"].Data().([]float32)[0] = float32(math.Inf(1))
	if err := s.Load(state); err != nil {
		t.Fatal(err)
	}
	before := bits(t, s)
	if sums := run(t, s, images, 5, 0, 3); !sums.NonFinite || sums.Samples != 5 {
		t.Errorf("got %+v, want to stop at the first step", sums)
	}
	if !bytes.Equal(before, bits(t, s)) {
		t.Error("the parameters changed")
	}
}

func TestWrongInputsAreErrors(t *testing.T) {
	images := noise(5, 20, 10)
	s := open(t, 1, network("resnet8", "avgpool", "softmax", 10), 5, images)
	state, _ := s.Save()
	delete(state, "dense.bias")
	for name, err := range map[string]error{
		"state without a tensor": s.Load(state),
		"unknown input":          s.Set("warp", nil),
		"too few weights":        s.Set(program.ClassWeights, []float32{1}),
		"order too short":        second(s.Run([]int32{1, 2}, 0, 1)),
		"image out of range":     second(s.Run([]int32{1, 2, 3, 4, 20}, 0, 1)),
		"padding in training":    second(s.Run([]int32{1, 2, 3, 4, -1}, 0, 1)),
		"step without a rate":    second(s.Run([]int32{1, 2, 3, 4, 5}, 6, 1)),
		"unknown result":         second(s.Read("gradient/none")),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Kernels that lack mixed precision say so and refuse it.
func TestMixedPrecisionIsForSomeKernels(t *testing.T) {
	p, _, err := network("resnet8", "avgpool", "softmax", 10).Plan(4, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LONGTAIL_CPU", "generic")
	if err := cpu.New(1).Check(p, device.Mixed); err != nil {
		t.Errorf("generic: %v", err)
	}
	t.Setenv("LONGTAIL_CPU", "avx2")
	if b := cpu.New(1); strings.HasSuffix(b.Info().Description, "avx2") {
		err := b.Check(p, device.Mixed)
		if fail.Code(err) != fail.CodeDevice || !strings.Contains(err.Error(), "AVX512_BF16") {
			t.Errorf("avx2: %v", err)
		}
		if _, err := b.Open(p, device.Mixed, noise(1, 8, 10), nil); err == nil {
			t.Error("avx2 opens a program in mixed precision")
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestABatchThatNoMemoryHoldsIsRefused(t *testing.T) {
	b := cpu.New(1)
	planned := func(batch int) *plan.Program {
		p, _, err := network("resnet8", "avgpool", "softmax", 10).Plan(batch, plan.Options{Train: true, Samples: 64})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	small, available := b.Memory(planned(64), device.FP32)
	if available == 0 {
		t.Skip("the system does not tell how much memory is available")
	}
	if small > 1<<30 {
		t.Errorf("a small batch needs %d bytes", small)
	}
	p := planned(64 * int(2*available/small+1))
	if need, _ := b.Memory(p, device.FP32); need < available {
		t.Errorf("a batch of %d needs %d bytes, one of 64 %d", p.Batch, need, small)
	}
	_, err := b.Open(p, device.FP32, noise(1, 64, 10), nil)
	if fail.Code(err) != fail.CodeDevice || !strings.Contains(err.Error(), "GB are available") || !strings.Contains(err.Error(), "train.batch") {
		t.Errorf("%v", err)
	}
}

// A network of 11 million parameters holds each at least as itself, its momentum, its gradient and packed twice.
func TestMemoryCountsParameters(t *testing.T) {
	p, _, err := network("resnet18", "avgpool", "softmax", 10).Plan(1, plan.Options{Train: true, Samples: 64})
	if err != nil {
		t.Fatal(err)
	}
	for _, precision := range precisions() {
		least := int64(4 * 4 * 11_000_000) // packed in two bytes where it is mixed
		if need, _ := cpu.New(1).Memory(p, precision); need < least || need > 4*least {
			t.Errorf("%s: %d bytes", precision, need)
		}
	}
}
