package house

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

// floors has the floor of every room. A new top-level folder needs a line here, and a reason.
var floors = map[string]int{
	"internal/house": 0, // tests alone
	"internal/ops":   1, "internal/rng": 1, "internal/fail": 1, "internal/build": 1, "internal/disk": 1, "internal/metrics": 1,
	"internal/effective": 1, "internal/mt19937": 1, "internal/options": 1,
	"models": 2, "loss": 2, "data": 2, "internal/posthoc": 2,
	"data/picture": 2, "data/cifar": 3, "data/synthetic": 3, "data/pack": 3, "data/mix": 4,
	"internal/plan": 3, "internal/onnx": 3,
	"internal/device":  4,
	"internal/program": 5, "internal/cpu": 5, "cuda": 5, "cuda/lower": 5,
	"internal/config": 5, "internal/run": 5,
	"train": 6, "train/bench": 6, "train/curves": 6, "train/known": 6, "train/portable": 6, "train/sweep": 6, "eval": 6,
	"cmd": 7, "internal/adding": 7,
}

// sideDoors are the imports that the floors forbid and the design wants.
var sideDoors = map[string][]string{
	"cuda":        {"cuda/lower"},    // a session runs a schedule
	"train/sweep": {"train", "eval"}, // a grid of runs trains them and reads their results
	"train/bench": {"train"},         // a measured step is a step of a run

	"train/portable": {"train"}, // a network is read from a run
}

// testDoors are further imports, of test files and of packages that help them.
var testDoors = map[string][]string{
	// the CPU backend is the reference of every kernel, program draws the graphs to run, and train splits a run into calls
	"cuda":          {"internal/cpu", "internal/program", "train", "train/curves", "train/known"},
	"cuda/lower":    {"cuda", "internal/program"}, // the kernels' parameters are compared with the PTX
	"internal/cpu":  {"internal/program"},         // the graphs to run
	"internal/plan": {"internal/program"},
	"train/curves":  {"train"},
	"data":          {"data/cifar", "data/synthetic"},
	"loss":          {"data"},                   // weights are checked on the counts of the data sets
	"eval":          {"train", "internal/plan"}, // run folders to read are made by training
}

// ignorance is what a room must not know although it lies on a lower floor, or outside the module.
var ignorance = map[string][]string{
	"internal/ops":     {"longtail/internal/rng"},
	"models":           {"gorgonia.org/cu"},
	"data":             {"longtail/internal/ops", "gorgonia.org/gorgonia"},
	"data/mix":         {"longtail/loss", "longtail/models", "longtail/internal/ops", "gorgonia.org/gorgonia"},
	"internal/posthoc": {"longtail/internal/disk", "longtail/internal/ops", "gorgonia.org/gorgonia"},
	"internal/plan":    {"longtail/data", "longtail/models", "longtail/loss"},
	"internal/device":  {"longtail/models", "longtail/loss", "longtail/internal/ops", "gorgonia.org/gorgonia"},
	"internal/program": {"longtail/data"},
	"internal/cpu":     {"longtail/models", "longtail/loss", "longtail/internal/program", "C"},
	"cuda":             {"longtail/models", "longtail/loss", "longtail/internal/program"},
	"cuda/lower":       {"longtail/data", "longtail/models", "longtail/loss", "longtail/internal/program", "longtail/cuda/driver", "C"},
	"internal/config":  {"longtail/internal/plan", "gorgonia.org/gorgonia"},
	"internal/run":     {"longtail/models", "longtail/loss", "longtail/internal/cpu", "longtail/cuda"},
	"eval":             {"longtail/models", "longtail/internal/plan", "longtail/internal/cpu", "longtail/cuda", "gorgonia.org/gorgonia"},
	"train":            {"longtail/internal/cpu", "longtail/cuda"},
	"train/bench":      {"longtail/internal/cpu", "longtail/cuda"},
	"train/curves":     {"longtail/internal/cpu", "longtail/cuda"},
	"train/known":      {"longtail/internal/cpu", "longtail/cuda"},
	"train/sweep":      {"longtail/internal/cpu", "longtail/cuda"},
}

// onlyIn names imports that belong to one room.
var onlyIn = map[string]string{
	"C":               "cuda",
	"gorgonia.org/cu": "cuda",
}

// shipped are rooms that register themselves: only the program and tests import them, so that no other room depends on what is shipped.
var shipped = []string{"longtail/data/cifar", "longtail/data/pack", "longtail/data/synthetic", "longtail/internal/cpu", "longtail/cuda", "longtail/internal/adding"}

// randomness is what only tests may import: all else draws from internal/rng.
var randomness = []string{"math/rand", "math/rand/v2", "crypto/rand"}

// secret is what must not follow from a seed, and the packages that make some: tokens that a page asks for.
const secret = "crypto/rand"

var secretive = []string{"eval/serve"}

const module = "longtail"

// roomOf is the room of a folder of the module: the longest name in floors that it lies under.
func roomOf(folder string) (room string, ok bool) {
	for ; folder != "."; folder = path.Dir(folder) {
		if _, ok := floors[folder]; ok {
			return folder, true
		}
	}
	return "", false
}

// checkImports holds the rules of floors and doors.
func checkImports(s sources) []string {
	var faults faults
	for _, f := range s.goFiles {
		room, ok := roomOf(path.Dir(f.name))
		if !ok {
			faults.add("%s: its folder is in no room: name it in the table of floors", f.name)
			continue
		}
		for _, imported := range imports(f.syntax) {
			faults.addAll(f.name, room, imported, isTest(f.name) || forTests(path.Dir(f.name)))
		}
	}
	return faults
}

// addAll adds what is wrong with one import, by a test or by code.
func (fs *faults) addAll(file, room, imported string, test bool) {
	if home, ok := onlyIn[imported]; ok && home != room {
		fs.add("%s: only %s imports %q", file, home, imported)
	}
	if !test && slices.Contains(randomness, imported) && !(imported == secret && slices.Contains(secretive, path.Dir(file))) {
		fs.add("%s: imports %s; random numbers come from internal/rng", file, imported)
	}
	if !test && slices.ContainsFunc(ignorance[room], func(no string) bool { return within(imported, no) }) {
		fs.add("%s: %s must not know %s", file, room, imported)
	}
	if !test && room != "cmd" && slices.Contains(shipped, imported) {
		fs.add("%s: only the program and tests import %s, which registers itself", file, imported)
		return
	}
	if !within(imported, module) {
		return
	}
	folder := strings.TrimPrefix(imported, module+"/")
	other, ok := roomOf(folder)
	switch {
	case !ok:
		fs.add("%s: imports %s, which is in no room", file, imported)
	case !test && forTests(folder):
		fs.add("%s: imports %s, which is for tests", file, imported)
	case other == room || floors[other] < floors[room]:
	case slices.Contains(sideDoors[room], other):
	case test && slices.Contains(testDoors[room], other):
	default:
		fs.add("%s: %s on floor %d imports %s on floor %d", file, room, floors[room], other, floors[other])
	}
}

// within reports whether a path is another or lies under it.
func within(inner, outer string) bool { return inner == outer || strings.HasPrefix(inner, outer+"/") }

func isTest(file string) bool { return strings.HasSuffix(file, "_test.go") }

// forTests reports whether a package helps tests only, as net/http/httptest does.
func forTests(folder string) bool { return strings.HasSuffix(folder, "test") }

func imports(f *ast.File) []string {
	var paths []string
	for _, i := range f.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

// checkRooms finds rooms of the table that are not there, once the top of the house is.
func checkRooms(s sources) []string {
	found := make(map[string]bool)
	for _, f := range s.goFiles {
		if room, ok := roomOf(path.Dir(f.name)); ok {
			found[room] = true
		}
	}
	var faults faults
	for room := range floors {
		if found["cmd"] && !found[room] {
			faults.add("%s: is in the table of floors and not in the tree", room)
		}
	}
	return faults
}
