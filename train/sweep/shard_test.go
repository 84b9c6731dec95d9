package sweep

import (
	"fmt"
	"slices"
	"testing"

	"longtail/internal/config"
	"longtail/internal/config/grid"
	"longtail/internal/fail"

	"pgregory.net/rapid"
)

// drawn are plans of any costs and chains.
func drawn(t *rapid.T) (plans []Plan, networks []Network) {
	for i := range rapid.IntRange(0, 40).Draw(t, "runs") {
		c := config.Defaults()
		c.Train.Batch = 1
		p := Plan{Run: grid.Run{Name: fmt.Sprint(i), Config: c}, Steps: rapid.IntRange(1, 1000).Draw(t, "steps")}
		if i > 0 && rapid.IntRange(0, 3).Draw(t, "stage") == 0 {
			p.After = fmt.Sprint(rapid.IntRange(0, i-1).Draw(t, "first"))
		}
		plans, networks = append(plans, p), append(networks, Network{Multiplications: float64(rapid.IntRange(1, 9).Draw(t, "size"))})
	}
	return plans, networks
}

func TestShardsAreDisjointCoveringAndBalanced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plans, networks := drawn(t)
		count := rapid.IntRange(1, 6).Draw(t, "parts")
		part, cost := map[string]int{}, make([]float64, count)
		most := 0.0
		for _, f := range newFamilies(plans, networks) {
			most = max(most, f.cost)
		}
		for k := range count {
			chosen := Shard{k + 1, count}.Choose(plans, networks)
			if again := (Shard{k + 1, count}).Choose(plans, networks); len(again) != len(chosen) {
				t.Fatal("another choice the second time")
			}
			last := -1
			for _, p := range chosen {
				i := slices.IndexFunc(plans, func(q Plan) bool { return q.Name == p.Name })
				if _, twice := part[p.Name]; twice || i <= last {
					t.Fatalf("%s is twice there, or out of order", p.Name)
				}
				part[p.Name], last = k, i
				cost[k] += p.Cost(networks[i])
			}
		}
		if len(part) != len(plans) {
			t.Fatalf("%d of %d runs", len(part), len(plans))
		}
		for _, p := range plans {
			if p.After != "" && part[p.After] != part[p.Name] {
				t.Fatalf("%s is in part %d, %s in part %d", p.Name, part[p.Name], p.After, part[p.After])
			}
		}
		if slices.Max(cost)-slices.Min(cost) > most {
			t.Fatalf("costs %v, the dearest family %v", cost, most)
		}
	})
}

func TestShardsAreBalancedByCostNotByCount(t *testing.T) {
	g := mustParse(t, `
base: {data: {dataset: synthetic10, max_per_class: 10, imbalance: 2}, train: {batch: 8}, model: {name: resnet8}}
grid: {train.epochs: [30, 10, 9, 11]}
`, "out="+t.TempDir())
	plans, err := NewPlans(g, "")
	if err != nil {
		t.Fatal(err)
	}
	networks, err := Networks(plans, "")
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range [][]float64{{30}, {10, 9, 11}} {
		var got []float64
		for _, p := range (Shard{k + 1, 2}).Choose(plans, networks) {
			got = append(got, p.Config.Train.Epochs)
		}
		if !slices.Equal(got, want) {
			t.Errorf("part %d: epochs %v, want %v", k+1, got, want)
		}
	}
}

func TestShardsMustBeParts(t *testing.T) {
	for _, text := range []string{"0/3", "4/3", "x", "", "1", "1/", "/2", "-1/2", "1/2/3", "1.5/2", "1/99999", "1/0"} {
		if s, err := ParseShard(text); fail.Code(err) != fail.CodeUsage {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	if s, err := ParseShard("2/3"); err != nil || s != (Shard{2, 3}) {
		t.Errorf("%v, %v", s, err)
	}
}

// ResNet-32 on CIFAR has 69 million multiplications forward (He et al. 2016 count them so); backward the first convolution has no gradient of
// its input.
func TestCostOfANetwork(t *testing.T) {
	g := mustParse(t, `
base: {data: {dataset: synthetic10, max_per_class: 10, imbalance: 2}, train: {epochs: 2, batch: 8}}
grid: {model.name: [resnet32, resnet8]}
`, "out="+t.TempDir())
	plans, err := NewPlans(g, "")
	if err != nil {
		t.Fatal(err)
	}
	n, err := Networks(plans, "")
	if err != nil {
		t.Fatal(err)
	}
	forward := 0.0
	add := func(in, out, size, count int) { forward += float64(9 * in * out * size * size * count) }
	add(3, 16, 32, 1)
	first := forward
	add(16, 16, 32, 10)
	add(16, 32, 16, 1)
	add(32, 32, 16, 9)
	add(32, 64, 8, 1)
	add(64, 64, 8, 9)
	if want := 3*forward - first; n[0].Multiplications != want {
		t.Errorf("%v, want %v", n[0].Multiplications, want)
	}
	if n[1].Multiplications >= n[0].Multiplications/3 || n[1].CheckpointBytes < 8*75290 || n[1].CheckpointBytes > 9*75290 {
		t.Errorf("resnet8: %+v", n[1])
	}
}

// The CIFAR network that was called resnet50 is not today's: their costs and checkpoints differ.
func TestCostOfTheFormerResNet50(t *testing.T) {
	base := `
base: {data: {dataset: synthetic10, max_per_class: 10, imbalance: 2}, model: {name: resnet50%s}, train: {epochs: 2, batch: 8}}
grid: {seed: [0]}
`
	var plans []Plan
	for _, shortcut := range []string{"", ", shortcut: avgpool"} {
		one, err := NewPlans(mustParse(t, fmt.Sprintf(base, shortcut), "out="+t.TempDir()), "")
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, one...)
	}
	n, err := Networks(plans, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(n) != 2 || n[0].CheckpointBytes < 20*n[1].CheckpointBytes {
		t.Errorf("%+v", n)
	}
}
