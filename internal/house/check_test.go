package house

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestChecksFail gives every check small trees that break its rule, and neighbours that do not.
func TestChecksFail(t *testing.T) {
	long := strings.Repeat("// line\n", mostLines+1)
	for name, c := range map[string]struct {
		check string
		file  string
		text  string
		fault string // part of the only fault, empty for none
	}{
		"lower floor":               {"imports", "train/a.go", `package train; import "longtail/models"`, ""},
		"higher floor":              {"imports", "models/a.go", `package models; import "longtail/train"`, "models on floor 2 imports train on floor 6"},
		"own floor":                 {"imports", "models/a.go", `package models; import "longtail/loss"`, "floor 2 imports loss"},
		"own room":                  {"imports", "eval/plots/a.go", `package plots; import "longtail/eval/tables"`, ""},
		"deep folder":               {"imports", "cuda/kernels/ptx/a.go", `package ptx; import "longtail/internal/run"`, "cuda on floor 5 imports internal/run"},
		"another build":             {"imports", "models/a.go", "//go:build gpu && windows\n\npackage models\n\nimport _ \"longtail/train\"", "models on floor 2 imports train"},
		"named import":              {"imports", "data/a.go", `package data; import x "longtail/internal/plan"`, "data on floor 2"},
		"sweep imports train":       {"imports", "train/sweep/a.go", `package sweep; import "longtail/train"`, ""},
		"train imports sweep":       {"imports", "train/a.go", `package train; import "longtail/train/sweep"`, "imports train/sweep"},
		"eval imports train":        {"imports", "eval/a.go", `package eval; import "longtail/train"`, "eval on floor 6"},
		"shipped with the program":  {"imports", "cmd/longtail/a.go", `package main; import _ "longtail/data/cifar"`, ""},
		"shipped, in a test":        {"imports", "eval/a_test.go", `package eval; import _ "longtail/data/cifar"`, ""},
		"shipped, in code":          {"imports", "train/a.go", `package train; import "longtail/data/synthetic"`, "registers itself"},
		"plan knows data":           {"imports", "internal/plan/a.go", `package plan; import "longtail/data"`, "must not know"},
		"config and backends":       {"imports", "internal/config/a.go", `package config; import "longtail/internal/cpu"`, "registers itself"},
		"no room":                   {"imports", "util/a.go", `package util`, "in no room"},
		"file at the root":          {"imports", "a.go", `package longtail`, "in no room"},
		"import of no room":         {"imports", "train/a.go", `package train; import "longtail/util"`, "in no room"},
		"name like a room":          {"imports", "modelsextra/a.go", `package modelsextra`, "in no room"},
		"test through a door":       {"imports", "cuda/a_test.go", `package cuda; import "longtail/internal/cpu"`, ""},
		"no test, that door":        {"imports", "cuda/a.go", `package cuda; import "longtail/internal/cpu"`, "only the program and tests import longtail/internal/cpu"},
		"test without a door":       {"imports", "internal/cpu/a_test.go", `package cpu; import "longtail/cuda"`, "internal/cpu on floor 5 imports cuda"},
		"test of higher floor":      {"imports", "internal/ops/a_test.go", `package ops; import "longtail/models"`, "internal/ops on floor 1"},
		"must not know":             {"imports", "internal/cpu/a.go", `package cpu; import "longtail/loss"`, "must not know longtail/loss"},
		"its test may":              {"imports", "internal/cpu/a_test.go", `package cpu; import "longtail/loss"`, ""},
		"data knows graphs":         {"imports", "data/a.go", `package data; import "gorgonia.org/gorgonia"`, "must not know gorgonia"},
		"driver outside of cuda":    {"imports", "cmd/longtail/a.go", `package main; import "gorgonia.org/cu"`, "only cuda imports"},
		"cgo outside of cuda":       {"imports", "internal/run/a.go", `package run; import "C"`, "only cuda imports"},
		"cgo in cuda":               {"imports", "cuda/driver/a.go", `package driver; import "C"`, ""},
		"own randomness":            {"imports", "train/a.go", `package train; import "math/rand/v2"`, "internal/rng"},
		"secrets of a page":         {"imports", "eval/serve/a.go", `package serve; import "crypto/rand"`, ""},
		"secrets elsewhere":         {"imports", "eval/a.go", `package eval; import "crypto/rand"`, "internal/rng"},
		"randomness of tests":       {"imports", "train/a_test.go", `package train; import "math/rand/v2"`, ""},
		"helpers of tests":          {"imports", "eval/evaltest/a.go", `package evaltest; import "math/rand/v2"`, ""},
		"test helper in code":       {"imports", "models/a.go", `package models; import "longtail/internal/ops/opstest"`, "which is for tests"},
		"test helper in tests":      {"imports", "models/a_test.go", `package models; import "longtail/internal/ops/opstest"`, ""},
		"package without doc":       {"docs", "loss/a.go", "package loss", "package has no doc"},
		"only a test has doc":       {"docs", "loss/a_test.go", "// Package loss is.\npackage loss", "package has no doc"},
		"package with doc":          {"docs", "loss/a.go", "// Package loss is.\npackage loss", ""},
		"function":                  {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\nfunc F() {}", "F is exported"},
		"function with doc":         {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\n// F does.\nfunc F() {}", ""},
		"private function":          {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\nfunc f() {}", ""},
		"method":                    {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\n// T is.\ntype T[A any] int\n\nfunc (t *T[A]) M() {}", "M is exported"},
		"method of a private type":  {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\ntype t int\n\nfunc (*t) M() {}", ""},
		"type":                      {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\ntype T int", "T is exported"},
		"type in a group":           {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\n// Types.\ntype (\n\tT int\n)", "T is exported"},
		"constant":                  {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\nconst C = 1", "C is exported"},
		"constants under a comment": {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\n// The kinds.\nconst (\n\tC = 1\n\tD = 2\n)", ""},
		"constant beside a comment": {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\nconst (\n\tC = 1 // one\n)", ""},
		"variable":                  {"docs", "loss/a.go", "// Package loss is.\npackage loss\n\nvar V, w int", "V is exported"},
		"long file":                 {"text", "loss/a.go", "package loss\n" + long, "has 502 lines"},
		"long kernel":               {"text", "cuda/kernels/a.cu", long, "has 501 lines"},
		"long test":                 {"text", "loss/a_test.go", "package loss\n" + long, ""},
		"long page":                 {"text", "README.md", long, ""},
		"left open":                 {"text", "loss/a.go", "package loss\n// TO" + "DO: later", "loss/a.go:2: is left open"},
		"left open in a kernel":     {"text", "cuda/a.cu", "// FIX" + "ME", "is left open"},
		"part of a word":            {"text", "loss/a.go", "package loss // TO" + "DOS", ""},
		"path of one machine":       {"text", "scripts/a.sh", "cd /ho" + "me/me/longtail", "path of one machine"},
		"quoted path":               {"text", "configs/a.yaml", `dir: "/wo` + `rk/data"`, "path of one machine"},
		"part of a path":            {"text", "scripts/a.sh", "cd build/wo" + "rk/x", ""},
		"general path":              {"text", "scripts/a.sh", "cat /proc/cpuinfo", ""},
		"folder beside the tree":    {"text", "scripts/a.sh", "ls ../sha" + "red/cifar", "only .ci/run"},
		"continuous integration":    {"text", ".ci/run", "ls ../sha" + "red/cifar", ""},
		"habit":                     {"text", "loss/a.go", "package loss\n\n// f says whe" + "ther it is.", "plain English"},
		"habit, another case":       {"text", "docs/a.md", "No" + "body knows.", "plain English"},
		"no habit":                  {"text", "docs/a.md", "It goes one step further.", ""},
		"data set in training":      {"text", "train/a.go", "package train // of CIFAR-10", "know no data set"},
		"data set in evaluation":    {"text", "eval/tables/a.go", "package tables // of cifar10", "know no data set"},
		"published table":           {"text", "eval/paper/a.go", "package paper // of CIFAR-10", ""},
		"data set of a test":        {"text", "train/a_test.go", "package train // of CIFAR-10", ""},
		"formatted":                 {"format", "loss/a.go", "package loss\n\nfunc f() {}\n", ""},
		"not formatted":             {"format", "loss/a.go", "package loss\nfunc f( ) {}\n", "run gofmt"},
		"not a source":              {"text", "bin/notes.md", "TO" + "DO", ""},
		"missing rooms":             {"rooms", "models/a.go", "package models", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := read(fstest.MapFS{c.file: {Data: []byte(c.text)}})
			if err != nil {
				t.Fatal(err)
			}
			got := checks[c.check](s)
			switch {
			case c.fault == "" && len(got) > 0:
				t.Errorf("finds %v", got)
			case c.fault != "" && (len(got) != 1 || !strings.Contains(got[0], c.fault)):
				t.Errorf("finds %v, want %q", got, c.fault)
			}
		})
	}
}

// TestRoomsMustExist looks at a house with a top floor and one room.
func TestRoomsMustExist(t *testing.T) {
	s, err := read(fstest.MapFS{
		"cmd/longtail/main.go": {Data: []byte("package main")},
		"models/a.go":          {Data: []byte("package models")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(checkRooms(s), "\n")
	for room := range floors {
		if there := room == "cmd" || room == "models"; strings.Contains("\n"+got, "\n"+room+":") == there {
			t.Errorf("%s: is there %v, faults are\n%s", room, there, got)
		}
	}
}

func TestBrokenSourceIsAnError(t *testing.T) {
	if _, err := read(fstest.MapFS{"models/a.go": {Data: []byte("package")}}); err == nil {
		t.Error("a file that does not parse is accepted")
	}
}
