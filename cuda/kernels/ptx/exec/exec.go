// Package exec translates PTX to C++ that runs under the driver emulator, so that the code which ships is executed without a GPU. The
// meaning of instructions follows NVIDIA's "PTX ISA"; comments name its sections. cuda/emulator/ptx has the run-time part.
//
// Every instruction becomes one C++ statement, every register a local variable, a kernel a function that each thread of a block runs as a
// fiber. An instruction, modifier or operand that is not known is an error: nothing is guessed.
package exec

import (
	"fmt"
	"hash/fnv"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

// Module translates a whole module. The name appears in messages only; the library that holds the result accepts this text from
// cuModuleLoadData.
func Module(name, text string) (string, error) {
	m, err := syntax.Parse(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	var out strings.Builder
	begin(&out, m)
	for _, k := range m.Kernels {
		if err := writeKernel(&out, m, k); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	hash := fnv.New64a()
	hash.Write([]byte(text))
	fmt.Fprintf(&out, "static int known = ptx::add_module(%#xull);\n", hash.Sum64())
	return out.String(), nil
}

// Kernel translates one kernel of a module alone, with faults of which none or one is in force. Linked behind the whole modules it takes the place
// of the kernel of its name.
func Kernel(name string, m *syntax.Module, k *syntax.Kernel, faults ...Fault) (string, error) {
	var out strings.Builder
	begin(&out, m)
	if err := writeKernel(&out, m, k, faults...); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return out.String(), nil
}

func begin(out *strings.Builder, m *syntax.Module) {
	out.WriteString("#include \"ptx/runtime.h\"\n")
	for _, c := range m.Constants {
		fmt.Fprintf(out, "alignas(%d) static const uint8_t %s[] = {", c.Align, constantName(c.Name))
		for _, b := range c.Bytes {
			fmt.Fprintf(out, "%d,", b)
		}
		out.WriteString("};\n")
	}
}
