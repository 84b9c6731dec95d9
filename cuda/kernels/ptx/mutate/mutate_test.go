package mutate

import (
	"os"
	"strings"
	"testing"

	"longtail/cuda/kernels/ptx/exec"
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
		for _, kernel := range kernels {
			all, err := All(string(text), kernel)
			if err != nil {
				t.Fatal(err)
			}
			for class, mutants := range all {
				seen[class] = true
				m := mutants[len(mutants)/2]
				if m.Old == m.New || m.Class != class || !strings.Contains(string(text), m.Old) {
					t.Errorf("%v", m)
				}
				if _, err := exec.Kernel(module, Apply(string(text), m), kernel); err != nil {
					t.Errorf("%v: %v", m, err)
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
