// Command mkptx compiles the .cu files of folders to PTX beside them, those whose sources or flags have changed.
//
//	go run ./cuda/kernels/ptx/mkptx FOLDER...
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"longtail/cuda/kernels/ptx"
)

func main() {
	for _, folder := range os.Args[1:] {
		if err := compileFolder(folder); err != nil {
			fmt.Fprintln(os.Stderr, "mkptx:", err)
			os.Exit(1)
		}
	}
}

func compileFolder(folder string) error {
	kernels, err := filepath.Glob(filepath.Join(folder, "*.cu"))
	if err != nil {
		return err
	}
	for _, kernel := range kernels {
		out := strings.TrimSuffix(kernel, ".cu") + ".ptx"
		if ptx.Verify(kernel, out) == nil {
			continue
		}
		if err := compile(kernel, out); err != nil {
			return err
		}
		fmt.Println(out)
	}
	return nil
}

func compile(kernel, out string) error {
	compiler, err := pick()
	if err != nil {
		return err
	}
	target, err := ptx.Target(kernel)
	if err != nil {
		return err
	}
	compiler = compiler.For(target)
	made := out + ".new"
	defer os.Remove(made)
	command := exec.Command(compiler.Command, append(compiler.Flags, kernel, "-o", made)...)
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("compiling %s with %s: %w", kernel, compiler.Command, err)
	}
	text, err := os.ReadFile(made)
	if err != nil {
		return err
	}
	header, err := ptx.Header(kernel, compiler.String())
	if err != nil {
		return err
	}
	if err := os.WriteFile(made, []byte(header+ptx.WithoutComments(string(text))), 0o644); err != nil {
		return err
	}
	return os.Rename(made, out)
}

func pick() (ptx.Compiler, error) {
	for _, c := range ptx.Compilers {
		if _, err := exec.LookPath(c.Command); err == nil {
			return c, nil
		}
	}
	return ptx.Compiler{}, fmt.Errorf("no compiler for CUDA kernels: install clang-19 (Debian: apt install clang-19) or nvcc")
}
