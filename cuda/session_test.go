//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"sync"
	"testing"

	"longtail/cuda/driver"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
	"longtail/internal/program"
)

var small = experiment{model: "resnet8", shortcut: "avgpool", loss: "focal", classes: 10, batch: 3, gamma: 1}

// sameState fails where two states differ in a bit.
func sameState(t *testing.T, name string, got, want device.State) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d tensors, want %d", name, len(got), len(want))
	}
	for k := range want {
		a, b := got[k].Data().([]float32), want[k].Data().([]float32)
		for i := range b {
			if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
				t.Errorf("%s: %s[%d] is %v, want %v to the last bit", name, k, i, a[i], b[i])
				break
			}
		}
	}
}

func (e experiment) train(t *testing.T, s device.Session, first, n int) device.Sums {
	t.Helper()
	return must[device.Sums](t)(s.Run(e.order(first, n), first, n))
}

// The same bits twice, whatever the number of steps in a Run, and after Save and Load into a new session.
func TestSameBitsTwiceAndAfterAResume(t *testing.T) {
	for _, c := range []struct {
		experiment
		precision device.Precision
	}{{small, device.FP32}, {small, device.Mixed}, {bottlenecks, device.FP32}, {bottlenecks, device.Mixed}, {manyClasses, device.FP32}} {
		b, images := newBackend(t), c.noise()
		one, two, three := c.open(t, b, c.precision, images), c.open(t, b, c.precision, images), c.open(t, b, c.precision, images)
		sums := c.train(t, one, 0, 4)
		c.train(t, two, 0, 1)
		c.train(t, two, 1, 1)
		saved := must[device.State](t)(two.Save())
		if err := three.Load(saved); err != nil {
			t.Fatal(err)
		}
		last := c.train(t, three, 2, 2)
		c.train(t, two, 2, 2)
		want := must[device.State](t)(one.Save())
		sameState(t, "in pieces", must[device.State](t)(two.Save()), want)
		sameState(t, "resumed", must[device.State](t)(three.Save()), want)
		if sums.Samples != int64(4*c.batch) || last.Samples != int64(2*c.batch) || sums.Confusion.Samples() != sums.Samples {
			t.Errorf("sums are %+v and %+v", sums, last)
		}
	}
}

// Runs that share the device at the same time give the bits that each gives alone.
func TestSeveralSessionsAtOnce(t *testing.T) {
	b, images := newBackend(t), small.noise()
	alone := small.open(t, b, device.FP32, images)
	small.train(t, alone, 0, 3)
	want := must[device.State](t)(alone.Save())
	sessions := make([]device.Session, 3)
	for i := range sessions {
		sessions[i] = small.open(t, b, device.FP32, images)
	}
	if len(b.images) != 1 {
		t.Errorf("%d copies of the data set are on the device", len(b.images))
	}
	errs := make([]error, len(sessions))
	var wait sync.WaitGroup
	for i, s := range sessions {
		wait.Go(func() { _, errs[i] = s.Run(small.order(0, 3), 0, 3) })
	}
	wait.Wait()
	for i, s := range sessions {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		sameState(t, "a session among others", must[device.State](t)(s.Save()), want)
	}
}

// A run may start on one backend and resume on the other.
func TestResumeAcrossBackends(t *testing.T) {
	gpu, images := newBackend(t), small.noise()
	straight := small.open(t, cpu.New(0), device.FP32, images)
	small.train(t, straight, 0, 3)
	want := must[device.State](t)(straight.Save())
	for name, backends := range map[string][2]device.Backend{"cpu to cuda": {cpu.New(0), gpu}, "cuda to cpu": {gpu, cpu.New(0)}} {
		first, second := small.open(t, backends[0], device.FP32, images), small.open(t, backends[1], device.FP32, images)
		small.train(t, first, 0, 2)
		if err := second.Load(must[device.State](t)(first.Save())); err != nil {
			t.Fatal(err)
		}
		small.train(t, second, 2, 1)
		got := must[device.State](t)(second.Save())
		for k := range want {
			compareClose(t, name+": "+k, got[k].Data().([]float32), want[k].Data().([]float32), 2e-2)
		}
	}
}

// A step whose loss is not finite changes nothing, and is reported.
func TestNonFiniteLossStopsUpdates(t *testing.T) {
	b, images := newBackend(t), small.noise()
	s := small.open(t, b, device.FP32, images)
	before := must[device.State](t)(s.Save())
	before["dense.bias"].Data().([]float32)[3] = float32(math.NaN())
	if err := s.Load(before); err != nil {
		t.Fatal(err)
	}
	sums := small.train(t, s, 0, 3)
	if !sums.NonFinite || sums.Samples != int64(small.batch) {
		t.Errorf("sums are %+v", sums)
	}
	sameState(t, "after a loss of NaN", must[device.State](t)(s.Save()), before)
}

// Evaluation pads its last batch: the padding is not counted and changes nothing.
func TestEvaluationEqualsTheCPU(t *testing.T) {
	wide := bottlenecks
	wide.batch = small.batch
	for _, c := range []struct {
		experiment
		features  int
		precision device.Precision
		tolerance float64
	}{{small, 64, device.FP32, 1e-3}, {wide, 264, device.FP32, 1e-3}, {manyClasses, 8, device.FP32, 1e-3}, {small, 64, device.Mixed, 2e-2}, {wide, 264, device.Mixed, 5e-2}} {
		t.Run(fmt.Sprintf("%s %s", c.model, c.precision), func(t *testing.T) { c.compareEvaluation(t, c.features, c.precision, c.tolerance) })
	}
}

// compareEvaluation evaluates four images and two of padding, in batches of three, on the parameters of a training session; the CPU is in fp32.
func (e experiment) compareEvaluation(t *testing.T, featureCount int, precision device.Precision, tolerance float64) {
	images := e.noise()
	order := []int32{3, 1, 7, 20, -1, -1}
	var results []device.Sums
	var logits, features [][]float32
	for _, d := range []device.Device{{Backend: newBackend(t), Precision: precision}, {Backend: cpu.New(0), Precision: device.FP32}} {
		s := e.open(t, d.Backend, d.Precision, images)
		e.train(t, s, 0, 1)
		p, _, err := e.network().Plan(e.batch, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		evaluation := must[device.Session](t)(d.Open(p, d.Precision, images, s))
		results = append(results, must[device.Sums](t)(evaluation.Run(order, 0, 2)))
		logits = append(logits, must[[]float32](t)(evaluation.Read(device.Logits))[:e.classes])
		features = append(features, must[[]float32](t)(evaluation.Read(device.Features))[:featureCount])
		if _, err := s.Read(device.Features); err == nil {
			t.Error("a training session has features")
		}
		if err := evaluation.Close(); err != nil {
			t.Error(err)
		}
	}
	if results[0].Samples != 4 || math.Abs(results[0].Loss-results[1].Loss) > tolerance*results[1].Loss || !maps.Equal(results[0].Confusion, results[1].Confusion) {
		t.Errorf("sums are %+v, want %+v", results[0], results[1])
	}
	compareClose(t, "logits", logits[0], logits[1], tolerance)
	compareClose(t, "features", features[0], features[1], tolerance)
}

// What the kernels lack is named by Check and Open alike (the cases are tested in cuda/lower).
func TestCheckNamesWhatIsMissing(t *testing.T) {
	b := newBackend(t)
	p, _, err := small.network().Plan(small.batch, plan.Options{Train: true, Samples: samples})
	if err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]func(device.Precision) error{
		"Check": func(precision device.Precision) error { return b.Check(p, precision) },
		"Open":  func(precision device.Precision) error { _, err := b.Open(p, precision, small.noise(), nil); return err },
	} {
		if err := check("fp8"); fail.Code(err) != fail.CodeUsage {
			t.Errorf("%s: precision fp8: %v", name, err)
		}
		keep := p.Values[p.Steps[0].Out].Shape
		p.Values[p.Steps[0].Out].Shape = []int{small.batch, 18, 32, 32}
		if err := check(device.Mixed); err == nil || !strings.Contains(err.Error(), "conv of 18 channels") {
			t.Errorf("%s: 18 channels: %v", name, err)
		}
		p.Values[p.Steps[0].Out].Shape = keep
	}
	if err := b.Check(p, device.FP32); err != nil {
		t.Errorf("the program as it was: %v", err)
	}
}

// A session that shares the tensors of another precision finds them as a state that is loaded leaves them, fp16 copies too; momenta that
// only the later session has are zero.
func TestSharingAcrossPrecisions(t *testing.T) {
	b, images := newBackend(t), small.noise()
	alone := small.open(t, b, device.Mixed, images)
	state := must[device.State](t)(alone.Save())
	train, _, err := small.network().Plan(small.batch, small.options())
	if err != nil {
		t.Fatal(err)
	}
	eval, _, err := small.network().Plan(small.batch, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := must[device.Session](t)(b.Open(eval, device.FP32, images, nil))
	defer first.Close()
	if err := first.Load(state); err != nil {
		t.Fatal(err)
	}
	second := must[device.Session](t)(b.Open(train, device.Mixed, images, first))
	defer second.Close()
	small.set(t, second)
	small.train(t, alone, 0, 2)
	small.train(t, second, 0, 2)
	sameState(t, "shared", must[device.State](t)(second.Save()), must[device.State](t)(alone.Save()))
}

// A program for which the device has no room fails before the first step, and the session beside it still runs.
func TestOutOfMemory(t *testing.T) {
	b, images := newBackend(t), small.noise()
	s := small.open(t, b, device.FP32, images)
	_, total, err := b.context.Memory()
	if err != nil {
		t.Fatal(err)
	}
	large := small
	large.batch = int(total >> 17) // a sample takes more than 128 KiB
	p, _, err := large.network().Plan(large.batch, plan.Options{Train: true, Samples: samples})
	if err != nil {
		t.Fatal(err)
	}
	if need, available := b.Memory(p, device.FP32); need <= available || available > total {
		t.Errorf("it needs %d bytes, and %d of %d are available", need, available, total)
	}
	_, err = b.Open(p, device.FP32, images, nil)
	if !errors.Is(err, driver.ErrOutOfMemory) || fail.Code(err) != fail.CodeDevice || !strings.Contains(err.Error(), "free") {
		t.Errorf("the error is %v", err)
	}
	small.train(t, s, 0, 1)
}

func TestRunRefuses(t *testing.T) {
	s := small.open(t, newBackend(t), device.FP32, small.noise())
	for name, run := range map[string]func() error{
		"order too short":  func() error { _, err := s.Run([]int32{1}, 0, 1); return err },
		"padding":          func() error { _, err := s.Run([]int32{1, 2, -1}, 0, 1); return err },
		"no such image":    func() error { _, err := s.Run([]int32{1, 2, samples}, 0, 1); return err },
		"no learning rate": func() error { _, err := s.Run([]int32{1, 2, 3}, 100, 1); return err },
		"input":            func() error { return s.Set("momentum", nil) },
		"weights":          func() error { return s.Set(program.ClassWeights, []float32{1}) },
		"result":           func() error { _, err := s.Read("stem.conv"); return err },
		"state":            func() error { return s.Load(device.State{}) },
	} {
		if run() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
