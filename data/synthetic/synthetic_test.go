package synthetic

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"longtail/data"
	"runtime"
	"slices"
	"testing"
)

func loadSynthetic(t testing.TB, dataset string, seed uint64, limit int) *data.Dataset {
	t.Helper()
	d, err := data.Load(context.Background(), data.Spec{Dataset: dataset, Imbalance: 1, MaxPerClass: limit, SplitSeed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The synthetic sets have the sizes of CIFAR-10 and CIFAR-100, and as many images of each class as they say.
func TestSyntheticSetsHaveTheSizesOfCIFAR(t *testing.T) {
	for name, want := range map[string]struct{ classes, train, test int }{"synthetic10": {10, 5000, 1000}, "synthetic100": {100, 500, 100}} {
		set, err := data.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		d := newDrawer(0, *set)
		for _, test := range []bool{false, true} {
			each := want.train
			if test {
				each = want.test
			}
			counts := make([]int, want.classes)
			for _, label := range d.Labels(test) {
				counts[label]++
			}
			for class, n := range counts {
				if n != each || !test && set.Train[class] != n || test && set.Test[class] != n {
					t.Errorf("%s, test %v: class %d has %d images, want %d", name, test, class, n, each)
				}
			}
		}
	}
}

func TestClassNamesAreDistinct(t *testing.T) {
	for _, name := range []string{"synthetic10", "synthetic100"} {
		names, err := data.ClassNames(name)
		if err != nil {
			t.Fatal(err)
		}
		sorted := slices.Compact(slices.Sorted(slices.Values(names)))
		if len(sorted) != len(names) || slices.Contains(names, "") {
			t.Errorf("%s: %d distinct names of %d", name, len(sorted), len(names))
		}
	}
}

func TestSyntheticImagesAreTheSameForAnyNumberOfThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := loadSynthetic(t, "synthetic10", 5, 50)
	runtime.GOMAXPROCS(3)
	if three := loadSynthetic(t, "synthetic10", 5, 50); !bytes.Equal(one.Train.Pixels, three.Train.Pixels) || !bytes.Equal(one.Test.Pixels, three.Test.Pixels) {
		t.Error("pixels differ between 1 and 3 threads")
	}
}

func TestAnImageDoesNotDependOnWhichOthersAreDrawn(t *testing.T) {
	set, err := data.Lookup("synthetic100")
	if err != nil {
		t.Fatal(err)
	}
	d := newDrawer(9, *set)
	alone, err := d.Images(t.Context(), true, []int32{777})
	if err != nil {
		t.Fatal(err)
	}
	among, err := d.Images(t.Context(), true, []int32{3, 777, 0})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(alone.Image(0), among.Image(1)) || alone.Labels[0] != 77 {
		t.Error("image 777 is another among others, or not of class 77")
	}
}

func TestEveryImageIsItsOwn(t *testing.T) {
	seen := map[[32]byte]string{}
	for _, seed := range []uint64{0, 1} {
		d := loadSynthetic(t, "synthetic10", seed, 20)
		for _, part := range []data.Images{d.Train, d.Test} {
			for i := range part.Len() {
				sum := sha256.Sum256(part.Image(i))
				if where, twice := seen[sum]; twice {
					t.Fatalf("image %d of seed %d equals one of %s", i, seed, where)
				}
				seen[sum] = d.Name
			}
		}
	}
}

// The pixels belong to the seed for good: results on the synthetic sets are quoted. On other processors than amd64 the
// compiler may round products and sums once instead of twice.
func TestSyntheticPixelsStay(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the checksums are those of amd64")
	}
	for dataset, want := range map[string]string{"synthetic10": "f7e8725be1dd8034", "synthetic100": "25e1d5066fb9d10b"} {
		d := loadSynthetic(t, dataset, 1, 2)
		if sum := sha256.Sum256(d.Train.Pixels); hex.EncodeToString(sum[:8]) != want {
			t.Errorf("%s: pixels have checksum %x, want %s", dataset, sum[:8], want)
		}
	}
}

// No statistic of all pixels may give a class away: its mean brightness differs little from the others'.
func TestClassesAreNotToldByBrightness(t *testing.T) {
	d := loadSynthetic(t, "synthetic10", 0, 200)
	means := make([]float64, 10)
	for i := range d.Train.Len() {
		for _, v := range d.Train.Image(i) {
			means[d.Train.Labels[i]] += float64(v) / (channels * side * side) / 200
		}
	}
	if spread := slices.Max(means) - slices.Min(means); spread > 12 {
		t.Errorf("class means spread over %.1f grey levels: %.1f", spread, means)
	}
}

func TestDrawingStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := data.Load(ctx, data.Spec{Dataset: "synthetic10", Imbalance: 100}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func BenchmarkSynthetic(b *testing.B) {
	set, err := data.Lookup("synthetic10")
	if err != nil {
		b.Fatal(err)
	}
	d, indices := newDrawer(0, *set), make([]int32, 2000)
	for i := range indices {
		indices[i] = int32(i)
	}
	for b.Loop() {
		if _, err := d.Images(b.Context(), false, indices); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(indices))/b.Elapsed().Seconds(), "images/s")
}
