package mutate

import (
	"os"
	"slices"
	"strings"
	"testing"

	"longtail/cuda/kernels/ptx/exec"
	"longtail/cuda/kernels/ptx/syntax"
)

// Every class has mutants somewhere, and they can be translated: they fail by being executed, not by being refused.
func TestClassesMakeRunnableMutants(t *testing.T) {
	seen := map[string]bool{}
	for module, kernels := range map[string][]string{
		"../../mma_gradients.ptx":     {"mma_conv_32_gradients"},
		"../../mma_forward.ptx":       {"mma_conv_32"},
		"../../rows.ptx":              {"rows"},
		"../../statistics.ptx":        {"statistics_f32"},
		"../../testkernels/basic.ptx": {"copy_sizes", "mma_layout", "block_sum"},
	} {
		text, err := os.ReadFile(module)
		if err != nil {
			t.Fatal(err)
		}
		m, err := syntax.Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range m.Kernels {
			if !slices.Contains(kernels, k.Name) {
				continue
			}
			for class, mutants := range All(m, k, strings.Split(string(text), "\n")) {
				seen[class] = true
				mutant := mutants[len(mutants)/2]
				if mutant.Old == mutant.New || mutant.Class != class || !strings.Contains(string(text), mutant.Old) {
					t.Errorf("%v", mutant)
				}
				code, err := exec.Kernel(module, m, k, mutant.Fault(7))
				if err != nil || !strings.Contains(code, "mutant_reached[7]") || !strings.Contains(code, "mutant == 7") {
					t.Errorf("%v: %v", mutant, err)
				}
			}
		}
	}
	for _, c := range append(Classes, Class{Name: Align}) {
		if !seen[c.Name] {
			t.Errorf("no mutant of %s", c.Name)
		}
	}
}
