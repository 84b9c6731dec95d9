package cpu_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
	"longtail/internal/program"
)

// A training that computes activations twice rather than keeping them has the bits of one that keeps them, on small networks and on large ones.
func TestCheckpointsKeepTheBits(t *testing.T) {
	images := noise(7, 60, 10)
	for _, c := range []struct {
		model, shortcut string
		steps           int
	}{{"resnet8", "subsample", 3}, {"resnet20", "projection", 2}, {"resnet18", "projection", 1}} {
		t.Run(c.model, func(t *testing.T) {
			if c.model == "resnet18" && testing.Short() {
				t.Skip("takes a minute where other checks slow it down")
			}
			n := network(c.model, c.shortcut, "softmax", 10)
			p, net, err := n.Plan(6, plan.Options{Train: true, Augment: true, Seed: 5, Samples: images.Len(), Momentum: .9, WeightDecay: 2e-4, RunningKeep: .9})
			if err != nil {
				t.Fatal(err)
			}
			train := func(p *plan.Program) []byte {
				s, err := cpu.New(2).Open(p, device.FP32, images, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				order := make([]int32, 6*c.steps)
				for i := range order {
					order[i] = int32(i)
				}
				if err := s.Set(plan.LearningRates, []float32{.05, .05, .05}); err != nil {
					t.Fatal(err)
				}
				if err := s.Load(program.InitialState(net, 3)); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Run(order, 0, c.steps); err != nil {
					t.Fatal(err)
				}
				return bits(t, s)
			}
			want := train(p)
			for every := 1; every <= 2; every++ {
				q := plan.Checkpoint(p, every)
				if q.Repeated() == 0 {
					t.Fatal("nothing is repeated")
				}
				if !bytes.Equal(train(q), want) {
					t.Errorf("checkpoints at every sum of %d change bits", every)
				}
			}
		})
	}
}

// In mixed precision values are rounded between levels, which a repetition within one level would not do.
func TestCheckpointsNeedFullPrecision(t *testing.T) {
	p, _, err := network("resnet8", "subsample", "softmax", 10).Plan(4, plan.Options{Train: true, Samples: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LONGTAIL_CPU", "generic") // which has mixed precision on every processor
	b := cpu.New(1)
	if err := b.Check(plan.Checkpoint(p, 1), device.Mixed); fail.Code(err) != fail.CodeUsage {
		t.Errorf("checked with %v", err)
	}
	for _, err := range []error{b.Check(p, device.Mixed), b.Check(plan.Checkpoint(p, 1), device.FP32)} {
		if err != nil {
			t.Error(err)
		}
	}
}

// What a session is said to need is what it holds after its first step, with and without checkpoints.
func TestMemoryIsWhatASessionHolds(t *testing.T) {
	images := noise(7, 60, 10)
	for _, c := range []struct {
		model        string
		batch, every int
	}{{"resnet20", 60, 0}, {"resnet20", 60, 1}, {"resnet18", 12, 0}, {"resnet18", 12, 1}} {
		t.Run(fmt.Sprintf("%s, every %d", c.model, c.every), func(t *testing.T) {
			p, net, err := network(c.model, "projection", "softmax", 10).Plan(c.batch, plan.Options{Train: true, Samples: images.Len(), RunningKeep: .9})
			if err != nil {
				t.Fatal(err)
			}
			if c.every > 0 {
				p = plan.Checkpoint(p, c.every)
			}
			b, initial := cpu.New(1), program.InitialState(net, 3)
			need, _ := b.Memory(p, device.FP32)
			before := heap()
			s, err := b.Open(p, device.FP32, images, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Set(plan.LearningRates, []float32{.05}); err != nil {
				t.Fatal(err)
			}
			if err := s.Load(initial); err != nil {
				t.Fatal(err)
			}
			order := make([]int32, c.batch)
			if _, err := s.Run(order, 0, 1); err != nil {
				t.Fatal(err)
			}
			if held := heap() - before; float64(held) > 1.05*float64(need) || float64(held) < 0.95*float64(need) {
				t.Errorf("a session holds %d bytes and is said to need %d", held, need)
			}
			runtime.KeepAlive(initial)
		})
	}
}

// heap is the memory that is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
