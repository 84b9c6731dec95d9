// Command sass compiles the PTX of the kernels of training with ptxas for every architecture from its target on and compares registers, spills and shared memory with
// the table docs/sass.txt; -write makes the table anew. It also checks that shared memory is as large as package exec lays it out. ptxas comes
// with a CUDA toolkit or the Python package nvidia-cuda-nvcc; PTXAS names it.
//
//	go run ./cuda/kernels/ptx/sass [-write] [-arch sm_90]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	ptxexec "longtail/cuda/kernels/ptx/exec"
	"longtail/cuda/kernels/ptx/syntax"
)

const (
	table   = "docs/sass.txt"
	heading = "kernel" // of the table's first column
	none    = "-"      // the cell of an architecture below a kernel's target
)

// ptxas 13 knows none below sm_75.
var architectures = []string{"sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"}

// usage is what one kernel takes on one architecture; nothing on those below its module's target.
type usage struct{ registers, spills, shared int }

func main() {
	write := flag.Bool("write", false, "write the table")
	only := flag.String("arch", "", "compare one architecture alone")
	flag.Parse()
	if *only != "" && !slices.Contains(architectures, *only) {
		fmt.Fprintf(os.Stderr, "sass: unknown architecture %s\n", *only)
		os.Exit(2)
	}
	if err := run(*write, *only); err != nil {
		fmt.Fprintln(os.Stderr, "sass:", err)
		os.Exit(1)
	}
}

func run(write bool, only string) error {
	files, err := filepath.Glob("cuda/kernels/*.ptx")
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no PTX in cuda/kernels: run from the repository's root")
	}
	chosen := architectures
	if only != "" && !write {
		chosen = []string{only}
	}
	found := map[string]map[string]usage{} // by kernel and architecture
	for _, file := range files {
		lowest, err := target(file)
		if err != nil {
			return err
		}
		for _, architecture := range chosen {
			if capability(architecture) < lowest {
				continue
			}
			if err := compile(file, architecture, found); err != nil {
				return err
			}
		}
		if err := checkLayout(file, found); err != nil {
			return err
		}
	}
	if write {
		return os.WriteFile(table, []byte(format(found)), 0o644)
	}
	return compare(found, chosen)
}

var (
	targeted = regexp.MustCompile(`(?m)^\.target (sm_\d+)`)
	entry    = regexp.MustCompile(`Compiling entry function '(\w+)'`)
	spill    = regexp.MustCompile(`(\d+) bytes spill stores, (\d+) bytes spill loads`)
	used     = regexp.MustCompile(`Used (\d+) registers(?:.*?(\d+) bytes smem)?`)
)

// capability is that of an architecture such as sm_90, times 10.
func capability(architecture string) int { return number(strings.TrimPrefix(architecture, "sm_")) }

// target is the least compute capability, times 10, that a module is for.
func target(file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	m := targeted.FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%s names no target", file)
	}
	return capability(string(m[1])), nil
}

// compile reads what "ptxas -v" says of a module.
func compile(file, architecture string, found map[string]map[string]usage) error {
	ptxas := os.Getenv("PTXAS")
	if ptxas == "" {
		ptxas = "ptxas"
	}
	var out bytes.Buffer
	command := exec.Command(ptxas, "-v", "-arch="+architecture, file, "-o", os.DevNull)
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", ptxas, file, err, out.String())
	}
	kernel, u := "", usage{}
	for line := range strings.Lines(out.String()) {
		if m := entry.FindStringSubmatch(line); m != nil {
			kernel, u = m[1], usage{}
		}
		if m := spill.FindStringSubmatch(line); m != nil {
			u.spills = number(m[1]) + number(m[2])
		}
		if m := used.FindStringSubmatch(line); m != nil {
			u.registers, u.shared = number(m[1]), number(m[2])
			if found[kernel] == nil {
				found[kernel] = map[string]usage{}
			}
			found[kernel][architecture] = u
		}
	}
	return nil
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // of digits, or "" for none
	return n
}

// checkLayout compares the size of shared memory with the layout that the emulator of the PTX gives it.
func checkLayout(file string, found map[string]map[string]usage) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	m, err := syntax.Parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, k := range m.Kernels {
		for architecture, u := range found[k.Name] {
			if want := ptxexec.Natural(m, k).Bytes; u.shared != want {
				return fmt.Errorf("%s on %s takes %d bytes of shared memory, package exec lays out %d", k.Name, architecture, u.shared, want)
			}
		}
	}
	return nil
}

func cell(u usage) string {
	if u == (usage{}) {
		return none
	}
	if u.spills > 0 {
		return fmt.Sprintf("%d+%d", u.registers, u.spills)
	}
	return strconv.Itoa(u.registers)
}

func format(found map[string]map[string]usage) string {
	var b strings.Builder
	b.WriteString("# Registers a thread of each kernel, by ptxas (make sass); 40+8 means 8 bytes of spills, - that the target is higher. shared: bytes of static shared memory a block.\n")
	fmt.Fprintf(&b, "%-28s %7s", heading, "shared")
	for _, a := range architectures {
		fmt.Fprintf(&b, " %7s", a)
	}
	b.WriteString("\n")
	kernels := make([]string, 0, len(found))
	for k := range found {
		kernels = append(kernels, k)
	}
	slices.Sort(kernels)
	for _, k := range kernels {
		fmt.Fprintf(&b, "%-28s %7d", k, found[k][architectures[len(architectures)-1]].shared)
		for _, a := range architectures {
			fmt.Fprintf(&b, " %7s", cell(found[k][a]))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// compare fails where a kernel takes other registers than the table says; ptxas of another version may be right to.
func compare(found map[string]map[string]usage, chosen []string) error {
	text, err := os.ReadFile(table)
	if err != nil {
		return fmt.Errorf("%w\nrun `make sass SASS=-write`", err)
	}
	committed := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2+len(architectures) {
			committed[f[0]] = f[1:]
		}
	}
	var differences []string
	for kernel, byArchitecture := range found {
		row := committed[kernel]
		for _, a := range chosen {
			u, at := byArchitecture[a], 1+slices.Index(architectures, a)
			if row == nil || u.registers > 0 && row[0] != strconv.Itoa(u.shared) || row[at] != cell(u) {
				differences = append(differences, fmt.Sprintf("%s on %s: %d bytes shared, %s registers, the table has %v", kernel, a, u.shared, cell(u), row))
			}
		}
	}
	for kernel, row := range committed {
		if found[kernel] == nil && kernel != heading && slices.ContainsFunc(chosen, func(a string) bool { return row[1+slices.Index(architectures, a)] != none }) {
			differences = append(differences, kernel+" is in the table alone")
		}
	}
	if len(differences) > 0 {
		slices.Sort(differences)
		return fmt.Errorf("%s differs:\n%s\nrun `make sass SASS=-write` if that is wanted", table, strings.Join(differences, "\n"))
	}
	fmt.Printf("%d kernels as in %s\n", len(found), table)
	return nil
}
