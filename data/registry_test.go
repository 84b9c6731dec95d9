package data_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"longtail/data"
	_ "longtail/data/cifar"
	_ "longtail/data/synthetic"
	"longtail/internal/fail"
)

func init() {
	data.Register(data.Set{
		Name: "flags3", Classes: []string{"left", "right", "both"}, Channels: 1, Height: 4, Width: 8,
		Train: []int{40, 10, 20}, Test: []int{4, 1, 2}, Drawn: true,
		Open: func(context.Context, data.Spec, bool) (data.Pool, error) { return flags{}, nil },
	})
}

// flags is a set with images of 1 x 4 x 8 bytes and classes that are not equal.
type flags struct{}

func (flags) Labels(test bool) []int32 {
	counts := []int{40, 10, 20}
	if test {
		counts = []int{4, 1, 2}
	}
	var labels []int32
	for class, n := range counts {
		labels = append(labels, slices.Repeat([]int32{int32(class)}, n)...)
	}
	return labels
}

func (f flags) Images(_ context.Context, test bool, indices []int32) (data.Images, error) {
	set, err := data.Lookup("flags3")
	if err != nil {
		return data.Images{}, err
	}
	m, labels := set.NewImages(len(indices)), f.Labels(test)
	for i, index := range indices {
		m.Labels[i] = labels[index]
		m.Image(i)[0] = byte(index)
	}
	return m, nil
}

// A set of another size with unequal classes is one value: loading, counting, capping and checking follow from it.
func TestSetOfAnySizeAndUnequalClasses(t *testing.T) {
	for _, c := range []struct {
		spec        data.Spec
		train, test []int
	}{
		{data.Spec{Dataset: "flags3", Imbalance: 1}, []int{40, 10, 20}, []int{4, 1, 2}},                  // no class has more than it has
		{data.Spec{Dataset: "flags3", Imbalance: 4}, []int{40, 10, 20}, []int{4, 1, 2}},                  // 40, 20, 10 by the formula, the most frequent class first
		{data.Spec{Dataset: "flags3", Imbalance: 16}, []int{40, 2, 10}, []int{4, 1, 2}},                  // 40, 10, 2.5
		{data.Spec{Dataset: "flags3", Imbalance: 2, Profile: "step"}, []int{40, 10, 20}, []int{4, 1, 2}}, // the rarer two of three have at most 20
		{data.Spec{Dataset: "flags3", Imbalance: data.Natural}, []int{40, 10, 20}, []int{4, 1, 2}},
		{data.Spec{Dataset: "flags3", Imbalance: data.Natural, MaxPerClass: 20}, []int{20, 10, 20}, []int{2, 1, 2}},
		{data.Spec{Dataset: "flags3", Imbalance: 1, MaxPerClass: 20}, []int{20, 10, 20}, []int{2, 1, 2}}, // half the test images of the class that is cut
	} {
		counts, err := data.Counts(c.spec)
		if err != nil || !slices.Equal(counts, c.train) {
			t.Errorf("%+v: counts %v, %v, want %v", c.spec, counts, err, c.train)
		}
		ds, err := data.Load(t.Context(), c.spec)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ds.Counts, c.train) || ds.Train.Len() != c.train[0]+c.train[1]+c.train[2] || ds.Train.Channels != 1 || ds.Train.Height != 4 || ds.Train.Width != 8 {
			t.Errorf("%+v: counts %v, %d images of %d x %d x %d", c.spec, ds.Counts, ds.Train.Len(), ds.Train.Channels, ds.Train.Height, ds.Train.Width)
		}
		test := make([]int, 3)
		for _, label := range ds.Test.Labels {
			test[label]++
		}
		if !slices.Equal(test, c.test) {
			t.Errorf("%+v: test images %v, want %v", c.spec, test, c.test)
		}
		if i := ds.Split.Indices[5]; ds.Train.Image(5)[0] != byte(i) {
			t.Errorf("image 5 is %d, want that of index %d", ds.Train.Image(5)[0], i)
		}
	}
	if err := data.Check(data.Spec{Dataset: "flags3", Imbalance: 1, MaxPerClass: 41}); fail.Code(err) != fail.CodeUsage {
		t.Errorf("more images than the most frequent class has: %v", err)
	}
	if !slices.Contains(data.Names(), "flags3") {
		t.Errorf("%v does not name the set", data.Names())
	}
}

func TestSetsThatDoNotFitPanic(t *testing.T) {
	open := func(context.Context, data.Spec, bool) (data.Pool, error) { return flags{}, nil }
	for name, s := range map[string]data.Set{
		"taken name":     {Name: "flags3", Classes: []string{"a", "b"}, Train: []int{1, 1}, Test: []int{1, 1}, Open: open},
		"one class":      {Name: "one", Classes: []string{"a"}, Train: []int{1}, Test: []int{1}, Open: open},
		"missing counts": {Name: "two", Classes: []string{"a", "b"}, Train: []int{1}, Test: []int{1, 1}, Open: open},
		"no pool":        {Name: "three", Classes: []string{"a", "b"}, Train: []int{1, 1}, Test: []int{1, 1}},
		"no size":        {Name: "four", Classes: []string{"a", "b"}, Train: []int{1, 1}, Test: []int{1, 1}, Open: open},
		"an empty class": {Name: "five", Classes: []string{"a", "b"}, Channels: 1, Height: 2, Width: 2, Train: []int{1, 0}, Test: []int{1, 1}, Open: open},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: was registered", name)
				}
			}()
			data.Register(s)
		}()
	}
}

// A pool whose labels do not fit its set is a data error that names the set.
func TestPoolThatDoesNotFitItsSet(t *testing.T) {
	data.Register(data.Set{
		Name: "toomany", Classes: []string{"left", "right", "both"}, Channels: 1, Height: 4, Width: 8,
		Train: []int{40, 11, 20}, Test: []int{4, 1, 2}, Drawn: true,
		Open: func(context.Context, data.Spec, bool) (data.Pool, error) { return flags{}, nil },
	})
	_, err := data.Load(t.Context(), data.Spec{Dataset: "toomany", Imbalance: 1})
	if fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), "toomany has [40 10 20] training images of its classes, [40 11 20] are declared") {
		t.Errorf("%v", err)
	}
}

// The long tail of ten classes of 5000 images at imbalance factor 100, as of CIFAR-10.
func ExampleCounts() {
	counts, err := data.Counts(data.Spec{Dataset: "cifar10", Imbalance: 100})
	fmt.Println(counts, err)
	// Output: [5000 2997 1796 1077 645 387 232 139 83 50] <nil>
}

// The samples of a run over four images: each epoch shows every image once, in an order of its own.
func ExampleStream() {
	stream, err := data.NewStream(data.Sampling{Sampler: data.Instance}, data.Epoch{Seed: 1, Labels: make([]int32, 4), Classes: 2}, data.Files{})
	if err != nil {
		panic(err)
	}
	order, err := stream.Take(0, 12)
	if err != nil {
		panic(err)
	}
	for epoch := range 3 {
		seen := slices.Sorted(slices.Values(order[4*epoch:][:4]))
		fmt.Println("epoch", epoch, "shows", seen)
	}
	// Output:
	// epoch 0 shows [0 1 2 3]
	// epoch 1 shows [0 1 2 3]
	// epoch 2 shows [0 1 2 3]
}
