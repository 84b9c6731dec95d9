// Command ptx2cpp translates a PTX module to C++ for the driver emulator; package exec says how.
//
//	go run ./cuda/kernels/ptx/ptx2cpp IN.ptx OUT.cpp
package main

import (
	"fmt"
	"os"

	"longtail/cuda/kernels/ptx/exec"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ptx2cpp IN.ptx OUT.cpp")
		os.Exit(2)
	}
	if err := translate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "ptx2cpp:", err)
		os.Exit(1)
	}
}

func translate(in, out string) error {
	text, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	code, err := exec.Module(in, string(text))
	if err != nil {
		return err
	}
	if err := os.WriteFile(out+".new", []byte(code), 0o644); err != nil {
		return err
	}
	return os.Rename(out+".new", out)
}
