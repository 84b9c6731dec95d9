package data

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawn is the split of a spec of a procedural set.
func drawn(t interface{ Fatal(...any) }, s Spec) (*Split, []int32) {
	set, err := check(s)
	if err != nil {
		t.Fatal(err)
	}
	labels := poolOf(t, set, Spec{SplitSeed: s.SplitSeed}).Labels(false)
	split, err := choose(s, set, labels)
	if err != nil {
		t.Fatal(err)
	}
	return split, labels
}

func write(t testing.TB, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

// poolOf opens a set that needs no file.
func poolOf(t interface{ Fatal(...any) }, set *Set, s Spec) Pool {
	p, err := set.Open(context.Background(), s, true)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSplitHasTheCountsOfItsSpec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Spec{
			Dataset: "synthetic100", Imbalance: rapid.Float64Range(1, 200).Draw(t, "imbalance"),
			Profile: rapid.SampledFrom(Profiles()).Draw(t, "profile"), SplitSeed: rapid.Uint64().Draw(t, "seed"),
			Validation: rapid.SampledFrom([]float64{0, 0.1, 0.9}).Draw(t, "validation"),
		}
		split, labels := drawn(t, s)
		want, err := Counts(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := count(labels, split.Indices, 100); !slices.Equal(got, want) || !slices.Equal(split.Counts, want) {
			t.Fatalf("indices have %v, the split says %v, Counts says %v", got, split.Counts, want)
		}
		if err := split.checkIndices(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSubsetsAreNested(t *testing.T) {
	base := Spec{Dataset: "synthetic10", Imbalance: 1, SplitSeed: 7}
	larger, _ := drawn(t, base)
	for _, change := range []func(*Spec){
		func(s *Spec) { s.Imbalance = 10 },
		func(s *Spec) { s.Imbalance = 100 },
		func(s *Spec) { s.MaxPerClass = 300 },
	} {
		s := base
		change(&s)
		smaller, _ := drawn(t, s)
		for _, i := range smaller.Indices {
			if _, found := slices.BinarySearch(larger.Indices, i); !found {
				t.Fatalf("%+v: image %d is not in the larger subset", s, i)
			}
		}
		larger, base = smaller, s
	}
}

func TestSubsetFollowsFromTheSeed(t *testing.T) {
	s := Spec{Dataset: "synthetic10", Imbalance: 100, SplitSeed: 7}
	a, _ := drawn(t, s)
	b, _ := drawn(t, s)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
	s.SplitSeed = 8
	if c, _ := drawn(t, s); slices.Equal(a.Indices, c.Indices) {
		t.Error("another seed gives the same subset")
	}
}

func TestLargerHeldOutPartHoldsTheSmaller(t *testing.T) {
	s := Spec{Dataset: "synthetic10", Imbalance: 100}
	whole, _ := drawn(t, s)
	s.Validation = 0.1
	tenth, _ := drawn(t, s)
	s.Validation = 0.3
	third, _ := drawn(t, s)
	for _, i := range tenth.Validation {
		if _, found := slices.BinarySearch(third.Validation, i); !found {
			t.Fatalf("image %d is held out at 0.1 and not at 0.3", i)
		}
	}
	for _, split := range []*Split{tenth, third} {
		both := append(slices.Clone(split.Indices), split.Validation...)
		slices.Sort(both)
		if !slices.Equal(both, whole.Indices) {
			t.Error("training and held-out images together are not the subset")
		}
	}
}

func TestSplitFileGivesTheSameImages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "split.json")
	s := Spec{Dataset: "synthetic10", Imbalance: 10, MaxPerClass: 20, Validation: 0.2, SplitSeed: 3}
	a, err := Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Split.Write(path); err != nil {
		t.Fatal(err)
	}
	b, err := Load(t.Context(), Spec{Dataset: "synthetic10", Imbalance: 1, MaxPerClass: 20, SplitSeed: 3, SplitFile: path})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
	counts, err := Counts(Spec{Dataset: "synthetic10", Imbalance: 1, SplitSeed: 3, SplitFile: path})
	if err != nil || !slices.Equal(counts, a.Counts) {
		t.Errorf("Counts = %v, %v, want %v", counts, err, a.Counts)
	}
}

func TestPlainListMayComeInAnyOrder(t *testing.T) {
	want := &Split{
		Version: SplitVersion, Dataset: "synthetic10", Profile: "list",
		Counts: []int{2, 1, 1, 0, 0, 0, 0, 0, 0, 0}, Indices: []int32{0, 2, 11, 30},
	}
	for _, text := range []string{" [30, 0, 11, 2]\n", "30\n0\n11\n2\n", "30, 0,11 2", "30\r\n0\r\n11\r\n2"} {
		path := filepath.Join(t.TempDir(), "list")
		write(t, path, []byte(text))
		split, _ := drawn(t, Spec{Dataset: "synthetic10", Imbalance: 1, SplitFile: path})
		if diff := cmp.Diff(want, split); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestBadSplitFilesAreErrors(t *testing.T) {
	const head = `{"version":1,"dataset":"synthetic10","profile":"exp","imbalance":1,"seed":0,`
	for _, c := range []struct {
		text, want string
		code       int
	}{
		{"", "it is empty", fail.CodeData},
		{"{", "unexpected EOF", fail.CodeData},
		{"[1, 2", "unexpected EOF", fail.CodeData},
		{"[1, 2] 3", "text after the end", fail.CodeData},
		{"[]", "lists no training image", fail.CodeData},
		{"1\n2 x\n", `line 2: "x" is no index`, fail.CodeData},
		{"1\n1.5\n", `line 2: "1.5" is no index`, fail.CodeData},
		{"1\n99999999999\n", "is no index", fail.CodeData},
		{"[1.5]", "cannot unmarshal", fail.CodeData},
		{"[-1, 4]", "index -1 is negative", fail.CodeData},
		{"[4, 1, 4]", "index 4 is there twice", fail.CodeData},
		{"[50000]", "index 50000 is beyond the 50000 training images of synthetic10", fail.CodeData},
		{`{"version":2,"indices":[1]}`, "version 2, expected 1", fail.CodeData},
		{`{"version":1,"indexes":[1]}`, "unknown field", fail.CodeData},
		{head + `"counts":[0,0,1,0,0,0,0,0,0,0],"indices":[3]}`, "its counts are", fail.CodeData},
		{head + `"counts":[1,1,0,0,0,0,0,0,0,0],"indices":[1,0]}`, "index 0 comes after 1", fail.CodeData},
		{head + `"counts":[1,1,0,0,0,0,0,0,0,0],"indices":[0,1],"validation":[1]}`, "both trained on and held out", fail.CodeData},
		{strings.Replace(head, "synthetic10", "cifar10", 1) + `"counts":[1],"indices":[0]}`, "is a split of cifar10", fail.CodeUsage},
		{strings.Replace(head, `"seed":0`, `"seed":5`, 1) + `"counts":[1],"indices":[0]}`, "data.split_seed=5", fail.CodeUsage},
	} {
		path := filepath.Join(t.TempDir(), "split.json")
		write(t, path, []byte(c.text))
		_, err := Load(t.Context(), Spec{Dataset: "synthetic10", Imbalance: 1, SplitFile: path})
		if fail.Code(err) != c.code || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want code %d, %q and the file's name", c.text, err, c.code, c.want)
		}
	}
	if _, err := ReadSplit(filepath.Join(t.TempDir(), "none.json")); fail.Code(err) != fail.CodeData {
		t.Errorf("a missing file: %v", err)
	}
}

func TestWriteReplacesWholeFilesOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "split.json")
	split, _ := drawn(t, Spec{Dataset: "synthetic10", Imbalance: 1, MaxPerClass: 3})
	for range 2 {
		if err := split.Write(path); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d files, error %v: a temporary file stayed behind", len(left), err)
	}
	if err := split.Write(filepath.Join(dir, "none", "split.json")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("error %v, want one that names the folder", err)
	}
}

func TestMaxPerClassCapsTheTestImagesInProportion(t *testing.T) {
	for _, c := range []struct{ limit, want int }{{0, 1000}, {500, 100}, {5000, 1000}, {7, 1}, {1, 1}} {
		set, err := Lookup("synthetic10")
		if err != nil {
			t.Fatal(err)
		}
		indices := testIndices(Spec{MaxPerClass: c.limit}, set, poolOf(t, set, Spec{SplitSeed: 0}).Labels(true))
		if len(indices) != 10*c.want {
			t.Errorf("max_per_class %d: %d test images, want %d a class", c.limit, len(indices), c.want)
		}
	}
}

// What parses is valid and comes back the same.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`[3, 1, 2]`))
	f.Add([]byte(`{"version":1,"dataset":"cifar10","profile":"exp","imbalance":50,"seed":1,"counts":[2],"indices":[1,5],"validation":[2]}`))
	f.Add([]byte(`{"version":1,"indices":[-1]}`))
	f.Add([]byte(`[`))
	f.Add([]byte("3\n1, 2\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseSplit(text)
		if err != nil {
			return
		}
		if err := s.checkIndices(); err != nil {
			t.Fatal(err)
		}
		s.Version = SplitVersion
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseSplit(again)
		if err != nil {
			t.Fatalf("%s does not read back: %v", again, err)
		}
		if third, err := json.Marshal(back); err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%s became %s (%v)", again, third, err)
		}
	})
}
