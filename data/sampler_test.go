package data

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// labelled is a run over classes of those counts, the images of a class side by side.
func labelled(counts []int) Epoch {
	e := Epoch{Epochs: 10, Classes: len(counts), Beta: 0.999}
	for class, n := range counts {
		e.Labels = append(e.Labels, slices.Repeat([]int32{int32(class)}, n)...)
	}
	return e
}

// What every registered sampler owes: N images that there are, the same whenever it is asked, others for another seed or epoch.
func TestEverySamplerKeepsItsContract(t *testing.T) {
	for _, name := range Samplers() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				e := labelled(rapid.SliceOfN(rapid.IntRange(0, 30), 1, 8).Draw(t, "counts"))
				e.Labels = append(e.Labels, 0)
				e.Seed, e.Number = rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 9).Draw(t, "epoch")
				once, err := samplers[name](e)
				if err != nil {
					t.Fatal(err)
				}
				if err := checkOrder(once, name, e); err != nil {
					t.Fatal(err)
				}
				if again, _ := samplers[name](e); !slices.Equal(once, again) {
					t.Fatal("the same epoch is drawn in two ways")
				}
			})
			e := labelled([]int{50, 20, 5})
			first, err := samplers[name](e)
			if err != nil {
				t.Fatal(err)
			}
			for what, other := range map[string]Epoch{"seed": {Seed: 1}, "epoch": {Number: 1}} {
				f := e
				f.Seed, f.Number = other.Seed, other.Number
				if got, _ := samplers[name](f); slices.Equal(got, first) {
					t.Errorf("another %s gives the same order", what)
				}
			}
		})
	}
}

// Over many epochs the classes of the draws are as frequent as the rule says, and so is every image of a class.
func TestDrawsFollowTheProbabilities(t *testing.T) {
	counts := []int{0, 400, 90, 9, 1}
	for kind := range classRules {
		if kind == Instance {
			continue // its epochs are permutations
		}
		for _, number := range []int{0, 9} {
			e := labelled(counts)
			p, err := ClassProbabilities(kind, ClassDraw{counts, number, e.Epochs, e.Beta})
			if err != nil {
				t.Fatal(err)
			}
			seen, draws := make([]int, len(e.Labels)), 0
			for seed := range uint64(200) {
				e.Seed, e.Number = seed, number
				order, err := samplers[kind](e)
				if err != nil {
					t.Fatal(err)
				}
				for _, image := range order {
					seen[image]++
				}
				draws += len(order)
			}
			for image, n := range seen {
				each := p[e.Labels[image]] / float64(counts[e.Labels[image]])
				want := each * float64(draws)
				if math.Abs(float64(n)-want) > 5*math.Sqrt(want)+1 {
					t.Errorf("%s, epoch %d: image %d of class %d was drawn %d times, want about %.1f", kind, number, image, e.Labels[image], n, want)
				}
			}
		}
	}
}

// Deferred re-sampling: the permutations of the sampler instance up to the epoch, the sampler's own draws from there on.
func TestDeferredResampling(t *testing.T) {
	e := labelled([]int{40, 8, 2})
	n := len(e.Labels)
	take := func(s Sampling) []int32 {
		stream, err := NewStream(s, e, Files{})
		if err != nil {
			t.Fatal(err)
		}
		order, err := stream.Take(0, 6*n)
		if err != nil {
			t.Fatal(err)
		}
		return order
	}
	instance, class, deferred := take(Sampling{Sampler: Instance}), take(Sampling{Sampler: "class"}), take(Sampling{Sampler: "class", From: 4})
	if !slices.Equal(deferred[:4*n], instance[:4*n]) {
		t.Error("the first four epochs are not those of the sampler instance")
	}
	if !slices.Equal(deferred[4*n:], class[4*n:]) {
		t.Error("the fifth epoch and those after it are not the sampler's own")
	}
	for s, want := range map[Sampling]struct {
		from int
		ever bool
	}{
		{Sampler: Instance}:                                   {0, false},
		{Sampler: "class"}:                                    {0, true},
		{Sampler: "class", From: 4}:                           {4, true},
		{Sampler: Instance, Order: AuthorsOrder, Batch: 1}:    {0, true},
		{Sampler: Instance, Order: UniformOrder, Batch: 1234}: {0, false},
	} {
		if from, ever := s.Repeats(); from != want.from || ever != want.ever {
			t.Errorf("%+v repeats from %d on (%v), want %+v", s, from, ever, want)
		}
	}
}
