package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// exits is the script command "exits CODE PROGRAM ARG...": the program must end with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// swap is the script command "swap A B": two files change places.
func swap(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: swap A B")
	}
	a, b := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	ts.Check(os.Rename(a, a+".swap"))
	ts.Check(os.Rename(b, a))
	ts.Check(os.Rename(a+".swap", b))
}

// change is the script command "change FILE OLD NEW": a text that is in a file becomes another one, once; without OLD and NEW a bit in
// its middle is flipped.
func change(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 && len(args) != 3 {
		ts.Fatalf("usage: change FILE [OLD NEW]")
	}
	path := ts.MkAbs(args[0])
	content, err := os.ReadFile(path)
	ts.Check(err)
	if len(args) == 1 {
		content[len(content)/2] ^= 4
	} else {
		changed := bytes.Replace(content, []byte(args[1]), []byte(args[2]), 1)
		if bytes.Equal(changed, content) {
			ts.Fatalf("%s has no %q", args[0], args[1])
		}
		content = changed
	}
	ts.Check(os.WriteFile(path, content, 0o666))
}
