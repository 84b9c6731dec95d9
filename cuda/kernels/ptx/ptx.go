// Package ptx ties compiled kernels to their sources. A PTX file that is committed begins with the flags it was compiled with and a
// SHA-256 of flags and sources; a test finds the file whose source has changed since. The command mkptx makes the files.
package ptx

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Compiler is one that can make our PTX. PTX 7.8 loads on every driver since CUDA 11.8; a * b + c is never contracted, because bits must not
// depend on the compiler.
type Compiler struct {
	Command string
	Flags   []string // with "TARGET" for the target
}

// Compilers in order of preference: clang needs no CUDA toolkit.
var Compilers = []Compiler{
	{"clang++-19", strings.Fields("-x cuda --cuda-path=/nonexistent --cuda-device-only --cuda-gpu-arch=TARGET -nocudainc -nocudalib " +
		"--cuda-feature=+ptx78 -std=c++17 -O3 -ffp-contract=off -Wall -S")},
	{"nvcc", strings.Fields("-ptx -arch=TARGET -O3 -fmad=false -std=c++17")},
}

// For is the compiler with its flags for a target such as sm_80.
func (c Compiler) For(target string) Compiler {
	c.Flags = slices.Clone(c.Flags)
	for i, flag := range c.Flags {
		c.Flags[i] = strings.Replace(flag, "TARGET", target, 1)
	}
	return c
}

// String is the command line without files.
func (c Compiler) String() string { return c.Command + " " + strings.Join(c.Flags, " ") }

// leastTarget is the target of kernels that ask for no other; their PTX loads on every GPU since the V100.
const leastTarget = "sm_70"

var needs = regexp.MustCompile(`(?m)^// Needs (sm_\d\d):`)

// Target is the one that a kernel is compiled for: the highest of those that its sources ask for in a comment of the form "// Needs sm_80:
// why".
func Target(kernel string) (string, error) {
	files, err := Sources(kernel)
	if err != nil {
		return "", err
	}
	target := leastTarget
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		for _, m := range needs.FindAllStringSubmatch(string(text), -1) {
			target = max(target, m[1])
		}
	}
	return target, nil
}

var include = regexp.MustCompile(`^\s*#include\s+"([^"]+)"`)

// Sources are the kernel's file and all that it includes by name in quotes, in the order of inclusion, each once. Headers are looked
// up beside the file that includes them; what is not there belongs to the emulator and does not enter the PTX.
func Sources(kernel string) ([]string, error) {
	var found []string
	var visit func(string) error
	visit = func(name string) error {
		name = filepath.Clean(name)
		if slices.Contains(found, name) || strings.Contains(name, "emulator") {
			return nil
		}
		found = append(found, name)
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading the sources of %s: %w", kernel, err)
		}
		for line := range strings.Lines(string(text)) {
			if m := include.FindStringSubmatch(line); m != nil {
				if err := visit(filepath.Join(filepath.Dir(name), m[1])); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return found, visit(kernel)
}

// Sum is the SHA-256, in hexadecimal, of the flags and of the kernel's sources.
func Sum(kernel, flags string) (string, error) {
	files, err := Sources(kernel)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, flags)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n", filepath.Base(name), len(text))
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// WithoutComments is PTX without what compilers remark on it, a sixth of the text. Strings of our PTX have no slashes.
func WithoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "//")
		if code = strings.TrimRight(code, " \t\r\n"); code != "" {
			b.WriteString(code + "\n")
		}
	}
	return b.String()
}

// Header is what a PTX file of the kernel begins with.
func Header(kernel, flags string) (string, error) {
	sum, err := Sum(kernel, flags)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("// compiled: %s\n// sources: %s\n", flags, sum), nil
}

// Verify reports whether the PTX file was made from the kernel's present sources with flags that we know.
func Verify(kernel, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("%s has no PTX: %w\nrun `make ptx`", kernel, err)
	}
	defer f.Close()
	r := bufio.NewReader(f)
	compiled, _ := r.ReadString('\n')
	sources, _ := r.ReadString('\n')
	flags := strings.TrimSpace(strings.TrimPrefix(compiled, "// compiled: "))
	target, err := Target(kernel)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(Compilers, func(c Compiler) bool { return c.For(target).String() == flags }) {
		return fmt.Errorf("%s was compiled by %q, which is none of our command lines\nrun `make ptx`", file, flags)
	}
	want, err := Header(kernel, flags)
	if err != nil {
		return err
	}
	if compiled+sources != want {
		return fmt.Errorf("%s is not of the present sources of %s\nrun `make ptx`", file, kernel)
	}
	return nil
}

// VerifyFolder checks every .cu file of a folder against the .ptx file of its name beside it, and that no .ptx is left without one.
func VerifyFolder(folder string) error {
	kernels, err := filepath.Glob(filepath.Join(folder, "*.cu"))
	if err != nil {
		return err
	}
	compiled, err := filepath.Glob(filepath.Join(folder, "*.ptx"))
	if err != nil {
		return err
	}
	for _, name := range compiled {
		if !slices.Contains(kernels, strings.TrimSuffix(name, ".ptx")+".cu") {
			return fmt.Errorf("%s has no source: delete it", name)
		}
	}
	for _, name := range kernels {
		if err := Verify(name, strings.TrimSuffix(name, ".cu")+".ptx"); err != nil {
			return err
		}
	}
	return nil
}
