//go:build gpu

package cuda

import (
	"math"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/data"
	"longtail/data/mix"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program/programtest"
	"longtail/internal/rng"
)

// mixing is that of a rule, with what its options have by default, for images.
func mixing(t testing.TB, rule string, images data.Images) *mix.Mixing {
	t.Helper()
	set := mix.Set{Seed: 4, Counts: make([]int, images.Classes), Height: images.Height, Width: images.Width}
	for _, label := range images.Labels {
		set.Counts[label]++
	}
	m, err := mix.New(rule, nil, set)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mixes is an experiment that mixes its images by a rule.
func (e experiment) mixes(t testing.TB, rule string) experiment {
	e.more = func(o *plan.Options) { o.Mix = mixing(t, rule, e.noise()) }
	return e
}

var mixed = experiment{model: "resnet8", shortcut: "avgpool", loss: "softmax", classes: 5, batch: 5, side: 16}

// The mixed images of every rule are the host's to the last bit, in both precisions, and so are second targets and label factors.
func TestMixedImagesAreTheHosts(t *testing.T) {
	const batch, classes, side = 5, 6, 24
	bytes := plan.Pixels(must[data.Input](t)(data.NewInput(data.StandardInput, 3)))
	for i, rule := range mix.Names() {
		b := newBench(t, 8)
		m := b.images(9, side, classes)
		o := plan.Options{Train: true, Augment: true, Cutout: 5, Seed: 77, Samples: m.Len(), Mix: mixing(t, rule, m)}
		if i%2 == 1 {
			o.Resized = resized(side)
		}
		shape := []int{batch, 3, side, side}
		p := &plan.Program{Options: o, Batch: batch, Values: []plan.Value{{Shape: shape}}}
		order, step := []int32{3, 8, 0, 7, 7, 1, 2, 3, 4, 5}, 6
		mixtures := must[[]plan.Mixture](t)(device.Mixtures(p, m.Labels, order, step))
		for _, half := range []bool{false, true} {
			kernel, out := "images_f32", b.room(batch*side*side*4)
			if half {
				kernel = "images_f16"
			}
			control := b.control(lower.Order(p, order, mixtures), []float32{0}, uint32(step))
			target, second, first := b.room(batch*classes), b.room(batch*classes), b.room(batch)
			for i := range mixtures {
				b.setStep(control, step, i)
				b.run("images", kernel, driver.D1(batch), 256, 0, lower.Draw{
					Pixels: uploaded(b, m.Pixels), Labels: uploaded(b, m.Labels), Control: control, Images: out, Target: target,
					BatchLabels: uploaded(b, make([]int32, batch)), Seed: o.Seed, Batch: batch, Samples: int32(m.Len()), Classes: classes,
					Channels: 3, Height: side, Width: side, Augment: 1, Purpose: uint32(rng.Crop), RepeatsFrom: lower.RepeatsFrom(&o), Hole: int32(o.Cutout),
					Scale: bytes.Scale, Shift: bytes.Shift, Outside: bytes.Border, Second: second, First: first, Stride: int32(lower.OrderStride(p)), Resized: o.Resized,
				})
				batchOf := order[i*batch:][:batch]
				pixel := func(n, k int) float32 {
					return programtest.Mixed(&o, bytes, m, &mixtures[i], batchOf, (step+i)*batch, n, k/4/side, k/4%side, k%4)
				}
				if half {
					for k, got := range downloaded[uint16](b, out, batch*side*side*4) {
						if want := halfBits(pixel(k/(side*side*4), k%(side*side*4))); got != want && got&0x7fff+want&0x7fff != 0 {
							t.Fatalf("%s, step %d: number %d is %#x, want %#x", rule, i, k, got, want)
						}
					}
				} else {
					for k, got := range b.read(out, batch*side*side*4) {
						if want := pixel(k/(side*side*4), k%(side*side*4)); math.Float32bits(got) != math.Float32bits(want) {
							t.Fatalf("%s, step %d: number %d is %v, want %v", rule, i, k, got, want)
						}
					}
				}
				for k, got := range b.read(second, batch*classes) {
					if want := m.Labels[batchOf[mixtures[i].Partners[k/classes]]] == int32(k%classes); (got == 1) != want || got != 0 && got != 1 {
						t.Errorf("%s, step %d: number %d of the second target is %v", rule, i, k, got)
					}
				}
				for n, got := range b.read(first, batch) {
					if got != mixtures[i].First[n] {
						t.Errorf("%s, step %d: label factor %d is %v, want %v", rule, i, n, got, mixtures[i].First[n])
					}
				}
			}
		}
	}
}

// setStep says that so many steps of a call that began with step first are done.
func (b *bench) setStep(control lower.Ref, first, done int) {
	b.t.Helper()
	if err := driver.Upload(b.stream, driver.Ptr(control.Offset+32), []uint32{uint32(first + done), uint32(done)}); err != nil {
		b.t.Fatal(err)
	}
}

// Steps with every rule: logits, losses, metrics and gradients are the CPU's, and the loss and the gradient of the classifier's bias those of
// the logits in float64.
func TestMixedStepsEqualTheCPUAndFloat64(t *testing.T) {
	for _, rule := range mix.Names() {
		e := mixed.mixes(t, rule)
		images := e.noise()
		got, want := e.open(t, newBackend(t), device.FP32, images), e.open(t, cpu.New(0), device.FP32, images)
		e.compareStep(t, got, want, 0, 1e-4)
		e.compareStep(t, got, want, 1, 2e-2)
		labels := make([]int32, e.batch)
		for i, sample := range e.order(1, 1) {
			labels[i] = images.Labels[sample]
		}
		mixture := mixing(t, rule, images).Draw(1, labels)
		read := must[[]float32](t)
		loss, gradient := programtest.MixedSoftmax(read(got.Read(device.Logits)), labels, e.weights(), &mixture)
		bias := make([]float32, e.classes)
		for i, g := range gradient {
			bias[i%e.classes] += float32(g)
		}
		compareClose(t, rule+": loss", read(got.Read(device.Loss)), []float32{float32(loss)}, 1e-5)
		compareClose(t, rule+": gradient of the bias", read(got.Read(device.GradientPrefix+"dense.bias")), bias, 1e-4)
	}
}

// Steps in pieces of any length, and after a resume, end with the same bits, in both precisions.
func TestMixedStepsInPiecesHaveTheSameBits(t *testing.T) {
	b := newBackend(t)
	for i, rule := range mix.Names() {
		precision := []device.Precision{device.FP32, device.Mixed}[i%2]
		e := mixed.mixes(t, rule)
		images := e.noise()
		one, two, three := e.open(t, b, precision, images), e.open(t, b, precision, images), e.open(t, b, precision, images)
		e.train(t, one, 0, 3)
		e.train(t, two, 0, 1)
		if err := three.Load(must[device.State](t)(two.Save())); err != nil {
			t.Fatal(err)
		}
		e.train(t, two, 1, 2)
		e.train(t, three, 1, 1)
		e.train(t, three, 2, 1)
		want := must[device.State](t)(one.Save())
		sameState(t, rule+" in pieces", must[device.State](t)(two.Save()), want)
		sameState(t, rule+" resumed", must[device.State](t)(three.Save()), want)
	}
}

// A call of mixed steps copies what a call of plain ones does, two tables to the device and one back, whatever its number of steps; a step
// launches at most three kernels more, and has no work of the host.
func TestCopiesAndLaunchesOfMixedSteps(t *testing.T) {
	b := newBackend(t)
	plain := mixed.open(t, b, device.Mixed, mixed.noise())
	for _, rule := range mix.Names() {
		e := mixed.mixes(t, rule)
		s := e.open(t, b, device.Mixed, e.noise())
		per := func(s device.Session, steps int) device.Counters {
			before := s.Counters()
			e.train(t, s, 0, steps)
			return since(before, s.Counters())
		}
		one, two, usual := per(s, 1), per(s, 2), per(plain, 1)
		if one.Uploads != usual.Uploads || one.Downloads != usual.Downloads || two.Uploads != one.Uploads || two.Downloads != one.Downloads {
			t.Errorf("%s: copies of a call: plain %+v, of one step %+v, of two %+v", rule, usual, one, two)
		}
		if one.Launches > usual.Launches+3 || two.Launches != 2*one.Launches {
			t.Errorf("%s: launches of a step %v, of two %v, of a plain step %v", rule, one.Launches, two.Launches, usual.Launches)
		}
	}
}

// A rule that breaks its contract reaches no kernel.
func TestWrongMixturesAreErrors(t *testing.T) {
	e := mixed
	e.more = func(o *plan.Options) { o.Mix = wrong{} }
	s := e.open(t, newBackend(t), device.FP32, e.noise())
	before := s.Counters()
	if _, err := s.Run(e.order(3, 2), 3, 2); err == nil || since(before, s.Counters()) != (device.Counters{}) {
		t.Errorf("%v, and counted %+v", err, since(before, s.Counters()))
	}
}

// wrong pairs images with places that are not there.
type wrong struct{}

func (wrong) Draw(_ int, labels []int32) plan.Mixture {
	m := plan.Mixture{Partners: make([]int32, len(labels)), First: make([]float32, len(labels))}
	m.Partners[0] = int32(len(labels))
	return m
}
