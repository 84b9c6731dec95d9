package lower

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/internal/program/programtest"
	"longtail/loss"
	"longtail/models"

	"gorgonia.org/tensor"
)

var update = flag.Bool("update", false, "write the golden schedules")

// network is a program to lower.
func network(t testing.TB, model, shortcut, objective string, batch int, train bool) *plan.Program {
	t.Helper()
	p, _, err := programtest.Network(model, shortcut, objective, 10, 1).Plan(batch, plan.Options{Train: train, Samples: 100, Momentum: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// large is a program with the layers of the networks for large images.
func large(t testing.TB, batch int, train bool) *plan.Program {
	t.Helper()
	p, _, err := programtest.Bottlenecks("focal", 10, 1).Plan(batch, plan.Options{Train: train, Samples: 100, Momentum: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// manyClasses is a program with more classes than shared memory has room for.
func manyClasses(t testing.TB, objective string) *plan.Program {
	t.Helper()
	n := programtest.Stem(objective, 16384, 1)
	n.Divisor = loss.ByWeights
	p, _, err := n.Plan(4, plan.Options{Train: true, Samples: 100, Momentum: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lowered(t testing.TB, p *plan.Program, precision device.Precision) *Schedule {
	t.Helper()
	s, err := Lower(p, Options{Precision: precision})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eachSchedule lowers networks of every shortcut and loss, training and evaluation, in both precisions, one with a cosine classifier and one with
// many classes.
func eachSchedule(t *testing.T, f func(t *testing.T, s *Schedule)) {
	programs := map[string]*plan.Program{}
	for _, shortcut := range models.Shortcuts() {
		for _, train := range []bool{true, false} {
			programs[fmt.Sprintf("%s train=%v", shortcut, train)] = network(t, "resnet14", shortcut, "focal", 6, train)
		}
	}
	for _, objective := range loss.Names() {
		programs[objective] = network(t, "resnet8", "avgpool", objective, 3, true)
		n := programtest.Network("resnet8", "avgpool", objective, 10, 1)
		n.Divisor = loss.ByWeights
		p, _, err := n.Plan(3, plan.Options{Train: true, Samples: 100, Momentum: 0.9})
		if err != nil {
			t.Fatal(err)
		}
		programs[objective+" by weights"] = p
		n.Model.ClassScale = true
		for _, frozen := range []bool{false, true} {
			n.Model.Frozen, n.Model.FrozenClassifier = frozen, frozen
			if programs[fmt.Sprintf("%s by weights, scaled, frozen=%v", objective, frozen)], _, err = n.Plan(3, plan.Options{Train: true, Samples: 100, Momentum: 0.9}); err != nil {
				t.Fatal(err)
			}
		}
	}
	graph, _, err := programtest.CosineHead(4, 11)
	if err != nil {
		t.Fatal(err)
	}
	if programs["cosine"], err = plan.Compile(graph, plan.Options{Train: true, Samples: 4}); err != nil {
		t.Fatal(err)
	}
	for _, train := range []bool{true, false} {
		programs[fmt.Sprintf("bottlenecks train=%v", train)] = large(t, 6, train)
	}
	programs["many classes"] = manyClasses(t, "ldam")
	for name, p := range programs {
		for _, precision := range []device.Precision{device.FP32, device.Mixed} {
			t.Run(fmt.Sprintf("%s %s", name, precision), func(t *testing.T) { f(t, lowered(t, p, precision)) })
		}
	}
}

// The schedules of small networks, kernel by kernel; -update writes them.
func TestGoldenSchedules(t *testing.T) {
	for name, s := range map[string]*Schedule{
		"resnet8_fp32":     lowered(t, network(t, "resnet8", "projection", "softmax", 4, true), device.FP32),
		"resnet8_mixed":    lowered(t, network(t, "resnet8", "projection", "softmax", 4, true), device.Mixed),
		"bottlenecks_fp32": lowered(t, large(t, 4, true), device.FP32), "bottlenecks_mixed": lowered(t, large(t, 4, true), device.Mixed),
	} {
		file, got := filepath.Join("testdata", name+".txt"), s.String()
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s has changed; go test ./cuda/lower -update writes it again. Now it is\n%s", file, got)
		}
	}
}

// A training step of ResNet-32 in mixed precision takes 69 launches, whatever the batch: the images, 31 convolutions forward, 30 backward
// with both gradients and the first with one, the average, the loss, the dense gradients, the sums behind them, the update, and one
// pointwise kernel.
func TestLaunchesOfResNet32(t *testing.T) {
	for _, batch := range []int{2, 128} {
		s := lowered(t, network(t, "resnet32", "avgpool", "softmax", batch, true), device.Mixed)
		if len(s.Launches) != 69 {
			t.Errorf("batch %d: %d launches, want 69\n%v", batch, len(s.Launches), s)
		}
	}
}

// A loss takes at most 3 launches more than softmax, with either divisor: row programs that are ready together share a launch.
func TestLaunchesOfLosses(t *testing.T) {
	for _, precision := range []device.Precision{device.FP32, device.Mixed} {
		plain := len(lowered(t, network(t, "resnet8", "avgpool", "softmax", 3, true), precision).Launches)
		for _, name := range loss.Names() {
			for _, divisor := range loss.Divisors() {
				n := programtest.Network("resnet8", "avgpool", name, 10, 1)
				n.Divisor = divisor
				p, _, err := n.Plan(3, plan.Options{Train: true, Samples: 100, Momentum: 0.9})
				if err != nil {
					t.Fatal(err)
				}
				if s := lowered(t, p, precision); len(s.Launches) > plain+3 {
					t.Errorf("%s with divisor %s takes %d launches, softmax %d\n%v", name, divisor, len(s.Launches), plain, s)
				}
			}
		}
	}
}

// Lowering twice gives the same schedule.
func TestSchedulesAreDeterministic(t *testing.T) {
	p := network(t, "resnet20", "projection", "focal", 4, true)
	if a, b := lowered(t, p, device.Mixed), lowered(t, p, device.Mixed); fmt.Sprint(*a) != fmt.Sprint(*b) {
		t.Error("two schedules of one program differ")
	}
}

// overlaps reports whether two buffers are alive at once and share bytes.
func overlaps(a, b *Buffer) bool {
	return a.First <= b.Last && b.First <= a.Last && a.Offset < b.Offset+b.Size && b.Offset < a.Offset+a.Size
}

// Buffers that are alive at once share no byte, lie in the block, and are alive wherever a launch refers to them.
func TestBuffersAreApart(t *testing.T) {
	eachSchedule(t, func(t *testing.T, s *Schedule) {
		for i := range s.Buffers {
			a := &s.Buffers[i]
			if a.Offset%alignment != 0 || a.Offset < 0 || int64(a.Offset+a.Size) > s.BlockBytes {
				t.Errorf("%+v in a block of %d bytes", a, s.BlockBytes)
			}
			for j := range i {
				if overlaps(a, &s.Buffers[j]) {
					t.Errorf("%+v and %+v overlap", a, s.Buffers[j])
				}
			}
		}
		for i := range s.Launches {
			s.eachRef(i, func(r Ref, _ access) {
				if b := s.bufferOf(r); b != nil && (b.First > i || b.Last < i || r.Offset < 0 || r.Offset >= int64(b.Size)) {
					t.Errorf("launch %d, %s, refers to %v of %+v", i, s.Launches[i].Why, r, b)
				}
			})
		}
	})
}

// bufferOf is the buffer of a reference, or nil.
func (s *Schedule) bufferOf(r Ref) *Buffer {
	if r.Space != InBlock {
		return nil
	}
	return &s.Buffers[r.Index]
}

// unread are buffers that no launch may read: what a kernel reads that wrote it, and what the kernels of the images and the average always
// write.
var unread = []string{"parts of sums", "target", "global-average", "registers of rows"}

// Every buffer is written by an earlier launch, or by the host, before a launch reads it, and every buffer that is written is read by a
// launch or the host.
func TestBuffersAreWrittenBeforeTheyAreRead(t *testing.T) {
	eachSchedule(t, func(t *testing.T, s *Schedule) {
		written, read := map[int]bool{}, map[int]bool{}
		for i := range s.Buffers {
			written[i], read[i] = s.Buffers[i].Kept, s.Buffers[i].Kept || s.Buffers[i].Result
		}
		for i := range s.Launches {
			stored := func(r Ref, how access) { written[r.Index] = written[r.Index] || r.Space == InBlock && how.write }
			if k := s.Launches[i].Kernel; k == "rows" || k == "rows_in_memory" {
				s.eachRef(i, stored) // it reads the logits behind its outputs, which they may be among
			}
			s.eachRef(i, func(r Ref, how access) {
				if r.Space == InBlock && how.read {
					read[r.Index] = true
					if !written[r.Index] {
						t.Errorf("launch %d, %s, reads %s, which nothing wrote", i, s.Launches[i].Why, s.Buffers[r.Index].Name)
					}
				}
			})
			s.eachRef(i, stored)
		}
		for i, b := range s.Buffers {
			if !written[i] {
				t.Errorf("nothing writes %s", b.Name)
			}
			if !read[i] && !slices.Contains(unread, b.Name) {
				t.Errorf("nothing reads %s", b.Name)
			}
		}
	})
}

// What the host writes has a table or is the control block, and every table fits its buffer.
func TestHostBuffersAreFilled(t *testing.T) {
	eachSchedule(t, func(t *testing.T, s *Schedule) {
		filled := map[int]bool{s.Control.Index: true}
		for _, table := range s.Tables {
			filled[table.To.Index] = true
			packed, err := Pack(func(Ref) uint64 { return 0 }, table.Content...)
			if b := s.bufferOf(table.To); err != nil || b == nil || len(packed) != b.Size || !b.Kept {
				t.Errorf("a table of %d bytes for %+v: %v", len(packed), b, err)
			}
		}
		for i, b := range s.Buffers {
			if b.Kept && !filled[i] {
				t.Errorf("%s has no first content", b.Name)
			}
		}
	})
}

// A program that the kernels do not cover is refused, and the error names what is missing.
func TestErrorsNameWhatIsMissing(t *testing.T) {
	for want, spoil := range map[string]func(p *plan.Program, s *plan.Step) bool{
		"row operation batch-mean": func(_ *plan.Program, s *plan.Step) bool {
			return s.Rows != nil && set(&s.Rows.Code[0].Kind, ops.KindBatchMean)
		},
		"no operation row": func(_ *plan.Program, s *plan.Step) bool { return s.Kind == ops.KindAdd && set(&s.Kind, ops.KindRow) },
		"conv of 18 channels": func(p *plan.Program, s *plan.Step) bool {
			return s.Kind == ops.KindConv && set(&p.Values[s.Out].Shape, tensor.Shape{4, 18, 32, 32})
		},
		"are no parameter": func(p *plan.Program, s *plan.Step) bool {
			return s.Kind == ops.KindConv && set(&p.Values[s.In[1]].Role, plan.FromInput)
		},
		"is not ready": func(p *plan.Program, s *plan.Step) bool {
			return s.Kind == ops.KindNormalize && set(&s.In[1], plan.ValueID(len(p.Values)-1))
		},
	} {
		p := network(t, "resnet8", "avgpool", "focal", 4, true)
		i := 0
		for !spoil(p, &p.Steps[i]) {
			i++
		}
		_, err := Lower(p, Options{Precision: device.FP32})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("step %d", i)) {
			t.Errorf("%s at step %d: the error is %v", want, i, err)
		}
	}
	if _, err := Lower(&plan.Program{}, Options{Precision: "fp8"}); fail.Code(err) != fail.CodeUsage {
		t.Errorf("precision fp8: %v", err)
	}
}

// Channels that tensor cores do not take are refused in mixed precision, where the network has convolutions for the kernels of any size, and the
// error says which precision to use.
func TestErrorsOfMixedPrecisionNameFP32(t *testing.T) {
	for _, kind := range []ops.Kind{ops.KindConv, ops.KindConvGradInput, ops.KindConvGradWeights} {
		p := large(t, 4, true)
		i := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Kind == kind && s.Rows == nil })
		s := &p.Steps[i]
		v := activations(p, s)[0]
		p.Values[v].Shape = p.Values[v].Shape.Clone()
		p.Values[v].Shape[1] = 12
		_, err := Lower(p, Options{Precision: device.Mixed})
		want := fmt.Sprintf("step %d in precision mixed: %v of 12 channels: a multiple of 8 is wanted", firstWith(p, v), p.Steps[firstWith(p, v)].Kind)
		if err == nil || fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "use precision=fp32") {
			t.Errorf("%v: the error is %v, want %q", kind, err, want)
		}
	}
}

// firstWith is the number of the first step of a convolution that reads or makes a value.
func firstWith(p *plan.Program, v plan.ValueID) int {
	return slices.IndexFunc(p.Steps, func(s plan.Step) bool {
		_, isConv := convWeights(p, &s)
		return isConv && slices.Contains(activations(p, &s), v)
	})
}

// The convolutions of a network for large images are all on tensor cores in mixed precision, in tiles whose rows follow from the sizes alone; those
// of the networks for CIFAR are where they were, at any size.
func TestLargeNetworksAreOnTensorCores(t *testing.T) {
	uses := func(s *Schedule) map[string]int {
		n := map[string]int{}
		for _, l := range s.Launches {
			n[l.Kernel]++
		}
		return n
	}
	n := programtest.Network("resnet18", "projection", "softmax", 10, 1)
	n.Image.Height, n.Image.Width = 64, 64
	p, _, err := n.Plan(32, plan.Options{Train: true, Samples: 100, Momentum: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	got := uses(lowered(t, p, device.Mixed))
	convolutions := 0
	for kernel, count := range got {
		if strings.HasPrefix(kernel, "general_mma_") {
			convolutions += count
		}
		if strings.HasPrefix(kernel, "conv") || strings.HasPrefix(kernel, "general_conv") {
			t.Errorf("%d launches of %s, which is not for tensor cores", count, kernel)
		}
	}
	if want := 3*20 - 1; convolutions != want || got["general_mma_stem"] != 1 || got["general_mma_stem_weights"] != 1 || got["general_mma_weights_128"] == 0 || got["general_mma_conv_64"] == 0 {
		t.Errorf("%d convolutions on tensor cores, want %d: %v", convolutions, want, got)
	}
	n = programtest.Network("resnet8", "projection", "softmax", 10, 1)
	n.Image.Height, n.Image.Width = 96, 96
	if p, _, err = n.Plan(4, plan.Options{Train: true, Samples: 100, Momentum: 0.9}); err != nil {
		t.Fatal(err)
	}
	for kernel := range uses(lowered(t, p, device.Mixed)) {
		if strings.HasPrefix(kernel, "general") {
			t.Errorf("resnet8 at 96 pixels launches %s", kernel)
		}
	}
}

func set[T any](to *T, v T) bool {
	*to = v
	return true
}
