package mix

import (
	"math"
	"slices"
	"testing"

	"longtail/internal/plan"

	"pgregory.net/rapid"
)

// set are 10 classes of a long tail.
func set(seed uint64) Set {
	return Set{Seed: seed, Counts: []int{500, 300, 180, 108, 65, 39, 23, 14, 8, 5}, Height: 32, Width: 24}
}

// draw is a mixture of a rule with given options.
func draw(t interface{ Fatal(...any) }, rule string, o Options, s Set, step int, labels []int32) plan.Mixture {
	m, err := New(rule, o, s)
	if err != nil {
		t.Fatal(err)
	}
	return m.Draw(step, labels)
}

// Whatever the rule, a step's mixture is one of its batch, follows from seed and step alone, and permutes the batch.
func TestMixturesAreOfTheirBatch(t *testing.T) {
	for _, rule := range Names() {
		rapid.Check(t, func(t *rapid.T) {
			s := set(rapid.Uint64().Draw(t, "seed"))
			labels := rapid.SliceOfN(rapid.Int32Range(0, 9), 1, 40).Draw(t, "labels")
			step := rapid.IntRange(0, 1<<30).Draw(t, "step")
			m := draw(t, rule, nil, s, step, slices.Clone(labels))
			if err := m.Check(len(labels), s.Height, s.Width); err != nil {
				t.Fatal(err)
			}
			partners := slices.Sorted(slices.Values(m.Partners))
			for i, j := range partners {
				if int(j) != i {
					t.Fatalf("%s: the partners %v are no permutation", rule, m.Partners)
				}
			}
			again := draw(t, rule, nil, s, step, labels)
			if !same(m, again) {
				t.Fatalf("%s: %+v, and %+v the second time", rule, m, again)
			}
			if other := draw(t, rule, nil, s, step+1, labels); len(labels) > 20 && slices.Equal(m.Partners, other.Partners) {
				t.Fatalf("%s: step %d has the partners of the step before", rule, step+1)
			}
		})
	}
}

func same(a, b plan.Mixture) bool {
	return a.Share == b.Share && a.Box == b.Box && slices.Equal(a.Partners, b.Partners) && slices.Equal(a.First, b.First)
}

// A step of seed 1, so that no change of the draws goes unseen: it would change what runs that have begun would compute.
func TestDrawsStayWhatTheyWere(t *testing.T) {
	labels := []int32{0, 9, 3, 5, 1}
	partners := []int32{3, 2, 1, 4, 0}
	for rule, want := range map[string]plan.Mixture{
		"mixup":  {Partners: partners, Share: 0.6368494, First: []float32{0.6368494, 0.6368494, 0.6368494, 0.6368494, 0.6368494}},
		"remix":  {Partners: partners, Share: 0.6368494, First: []float32{0.6368494, 1, 0.6368494, 1, 0.6368494}},
		"cutmix": {Partners: partners, Share: 1, Box: plan.Box{Top: 9, Left: 1, Bottom: 28, Right: 15}, First: []float32{0.6536459, 0.6536459, 0.6536459, 0.6536459, 0.6536459}},
	} {
		if got := draw(t, rule, nil, set(1), 4, labels); !same(got, want) {
			t.Errorf("%s: %#v, want %#v", rule, got, want)
		}
	}
}

// Mixup mixes labels as it mixes pixels.
func TestMixupHasOneFactor(t *testing.T) {
	for step := range 50 {
		m := draw(t, "mixup", Options{"alpha": 0.4}, set(3), step, []int32{1, 2, 3})
		if m.Box != (plan.Box{}) || slices.ContainsFunc(m.First, func(f float32) bool { return f != m.Share }) {
			t.Fatalf("step %d: %+v", step, m)
		}
	}
}

// The golden cases of the rule: kappa 3 and tau 1/2.
func TestRemixOfTheGoldenCases(t *testing.T) {
	for _, c := range []struct {
		n1, n2  int
		l, want float64
	}{
		{5000, 50, 0.3, 0}, {5000, 50, 0.7, 0.7}, {50, 5000, 0.7, 1}, {50, 5000, 0.3, 0.3},
		{100, 100, 0.2, 0.2}, {300, 100, 0.25, 0}, {100, 300, 0.75, 1}, {299, 100, 0.1, 0.1},
	} {
		if got := Remix(c.n1, c.n2, c.l, 3, 0.5); got != c.want {
			t.Errorf("%d and %d images, factor %v: %v, want %v", c.n1, c.n2, c.l, got, c.want)
		}
	}
}

// The label factors of remix are those of the pairs' classes; the pixels keep the batch's factor.
func TestRemixOfABatch(t *testing.T) {
	s, labels := set(5), []int32{0, 9, 0, 9, 4, 5, 1, 0}
	seen := map[float32]int{}
	for step := range 200 {
		o := Options{"alpha": 0.7, "kappa": 2, "tau": 0.75}
		m := draw(t, "remix", o, s, step, labels)
		for i, j := range m.Partners {
			n1, n2 := float64(s.Counts[labels[i]]), float64(s.Counts[labels[j]])
			want := m.Share
			switch {
			case n1/n2 >= 2 && m.Share < 0.75:
				want = 0
			case n2/n1 >= 2 && 1-float64(m.Share) < 0.75:
				want = 1
			}
			if m.First[i] != want {
				t.Fatalf("step %d, image %d: label factor %v at factor %v and %v and %v images, want %v", step, i, m.First[i], m.Share, n1, n2, want)
			}
			seen[want]++
		}
	}
	if seen[0] < 100 || seen[1] < 100 || len(seen) < 100 {
		t.Errorf("%d pairs lost the first label and %d the second", seen[0], seen[1])
	}
}

// The box of cutmix has sides of sqrt(1 - l) of the image's where it is not cut off, and the label factor is what it leaves of the image.
func TestCutmix(t *testing.T) {
	s, whole, cut := set(6), 0, 0
	rule := cutmix{alpha: 1}
	for step := range 2000 {
		b := &Batch{s, []int32{1, 2}, uint32(step)}
		m := rule.Mix(b)
		height, width := m.Box.Bottom-m.Box.Top, m.Box.Right-m.Box.Left
		left := 0
		for y := range int32(s.Height) {
			for x := range int32(s.Width) {
				if y < m.Box.Top || y >= m.Box.Bottom || x < m.Box.Left || x >= m.Box.Right {
					left++
				}
			}
		}
		if got := float64(m.First[0]); math.Abs(got-float64(left)/float64(s.Height*s.Width)) > 1e-7 || m.First[1] != m.First[0] || m.Share != 1 {
			t.Fatalf("step %d: %+v leaves %d pixels", step, m, left)
		}
		side := math.Sqrt(1 - float64(b.Factor(1)))
		wantH, wantW := int32(side*float64(s.Height)), int32(side*float64(s.Width))
		if height > wantH || width > wantW {
			t.Fatalf("step %d: a box of %d x %d, larger than %d x %d", step, height, width, wantH, wantW)
		}
		if touches := m.Box.Top == 0 || m.Box.Left == 0 || int(m.Box.Bottom) == s.Height || int(m.Box.Right) == s.Width; !touches {
			whole++
			if height != wantH || width != wantW {
				t.Fatalf("step %d: a box of %d x %d inside the image, want %d x %d", step, height, width, wantH, wantW)
			}
		} else if height < wantH || width < wantW {
			cut++
		}
	}
	if whole < 100 || cut < 100 {
		t.Errorf("%d boxes lie inside, and %d are cut off", whole, cut)
	}
}

// Every pixel is in a box of cutmix at times, and at the image's corners less often than in its middle.
func TestCutmixReachesEveryPixel(t *testing.T) {
	s := set(8)
	count := make([]int, s.Height*s.Width)
	for step := range 3000 {
		m := draw(t, "cutmix", nil, s, step, []int32{0, 1})
		for y := m.Box.Top; y < m.Box.Bottom; y++ {
			for x := m.Box.Left; x < m.Box.Right; x++ {
				count[int(y)*s.Width+int(x)]++
			}
		}
	}
	corner, middle := count[0], count[s.Height/2*s.Width+s.Width/2]
	if slices.Min(count) < 200 || middle < corner*3/2 {
		t.Errorf("the rarest pixel is in %d boxes, the corner in %d, the middle in %d", slices.Min(count), corner, middle)
	}
}
