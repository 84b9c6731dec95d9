package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/train"
)

var (
	faults    = flag.Int("faults", 200, "faults that TestFaults injects")
	kills     = flag.Int("kills", 20, "kills of TestKilledRunsEndWithTheSameBytes")
	faultSeed = flag.Uint64("faultseed", 1, "of the faults that TestFaults injects")
)

// TestFaults flips bits in files of finished and interrupted runs, cuts them, takes them away, and exchanges them with those of another
// run, one fault at a time, and looks at what every command that reads runs makes of it:
//
//	noticed   a command ended with an error, or with a message that it has not for an undamaged run
//	harmless  all commands printed what they print of an undamaged run; an interrupted run ended with the same bytes
//	silent    a command printed something else and said nothing
//	lost      a file changed that the command should have left alone
//
// scripts/faults.sh injects as many as wanted.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	c := newCampaign(t)
	for i := range *faults {
		c.inject(i)
	}
	logCounts(t, "faults", *faults, c.counts)
	if c.counts["noticed"] == 0 || c.counts["harmless"] == 0 {
		t.Error("the faults are no test: all have the same outcome")
	}
}

// logCounts logs a line of the table that scripts/faults.sh prints.
func logCounts(t *testing.T, kind string, n int, counts map[string]int) {
	t.Helper()
	t.Logf("counts: %-6s %6d %8d %9d %7d %5d", kind, n, counts["noticed"], counts["harmless"], counts["silent"], counts["lost"])
}

// recorded are the files of a run that a fault can strike.
var recorded = []string{
	run.ConfigFile, run.SplitFile, run.MetricsFile, run.TimingFile, run.EnvironmentFile, run.SummaryFile, run.Last, run.Best, run.BestValidation,
}

// campaign has runs a and b, which differ in the learning rate, and i, which is a killed half-way, in the folder runs.
type campaign struct {
	t      *testing.T
	random *rand.Rand
	good   map[string]map[string][]byte // the files of each run
	clean  map[string]printed           // by each command about undamaged runs
	counts map[string]int
}

func newCampaign(t *testing.T) *campaign {
	t.Chdir(t.TempDir())
	c := &campaign{t: t, random: rand.New(rand.NewPCG(*faultSeed, 0)), good: map[string]map[string][]byte{}, clean: map[string]printed{}, counts: map[string]int{}}
	c.train("runs/a", 0)
	c.train("runs/b", 0, "train.lr=0.2")
	c.train("runs/i", 7)
	for _, name := range []string{"a", "b", "i"} {
		c.good[name] = readRun(t, "runs/"+name)
	}
	for _, command := range append(quick, slow...) {
		p := execute(command...)
		if p.code != 0 {
			t.Fatalf("%v of undamaged runs: %+v", command, p)
		}
		c.clean[fmt.Sprint(command)] = p
	}
	return c
}

// settings are those of run a, in another folder.
func settings(dir string) []string {
	return []string{
		"data.dataset=synthetic10", "data.max_per_class=30", "data.imbalance=10", "data.validation=0.1", "model.name=resnet8",
		"train.batch=32", "train.epochs=4", "train.checkpoint_every=2", "device=cpu", "out=" + dir,
	}
}

// train makes a run that is interrupted at a step; 0 ends it.
func (c *campaign) train(dir string, step int, overrides ...string) {
	c.t.Helper()
	cfg, err := config.Load("", append(settings(dir), overrides...))
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := func(e train.Event) error {
		if p, ok := e.(train.Progress); ok && p.Step == step {
			cancel()
		}
		return nil
	}
	_, err = train.Run(ctx, train.Job{Config: cfg, Open: new(options).opener(io.Discard), Observers: []train.Observer{stop}})
	if step > 0 && fail.Code(err) != fail.CodeInterrupted || step == 0 && err != nil {
		c.t.Fatalf("training %s to step %d: %v", dir, step, err)
	}
}

// readRun reads the files of a run that are there.
func readRun(t *testing.T, dir string) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range recorded {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			files[name] = text
		} else if run.Exists(filepath.Join(dir, name)) {
			t.Fatal(err)
		}
	}
	return files
}

// restore makes a run what it was.
func (c *campaign) restore(name string) {
	dir := filepath.Join("runs", name)
	if err := os.RemoveAll(dir); err != nil {
		c.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(run.Last)), 0o777); err != nil {
		c.t.Fatal(err)
	}
	for file, text := range c.good[name] {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o666); err != nil {
			c.t.Fatal(err)
		}
	}
}

// The commands that look at a fault of a finished run; the slow ones look at some.
var (
	quick = [][]string{
		{"verify", "runs/a", "--json"}, {"compare", "runs/a", "runs/b", "--out", "none", "--json"}, {"table", "runs", "--json"},
		{"train", "runs/a/config.yaml", "--json"},
	}
	slow = [][]string{{"eval", "runs/a", "--json", "--device", "cpu", "--out", "pictures"}, {"report", "runs/a", "--out", "page.html"}}
)

const slowEvery = 6 // faults

// printed is what a command did.
type printed struct {
	code          int
	out, messages string
}

// execute runs a command in this process; of report the page is its output.
func execute(args ...string) printed {
	var out, messages bytes.Buffer
	code := Execute(context.Background(), args, &out, &messages)
	if args[0] == "report" {
		page, _ := os.ReadFile("page.html")
		out.Write(page)
	}
	return printed{code, out.String(), messages.String()}
}

// inject strikes one file, of an interrupted run every third time, and judges what comes of it.
func (c *campaign) inject(i int) {
	name := "a"
	if i%3 == 2 {
		name = "i"
	}
	dir := filepath.Join("runs", name)
	what := c.strike(name)
	before := readRun(c.t, dir)
	outcome := ""
	if name == "i" {
		outcome = c.resume(dir, before)
	} else {
		outcome = c.look(dir, i, before)
	}
	c.counts[outcome]++
	if outcome == "silent" || outcome == "lost" {
		c.t.Errorf("fault %d, %s: %s", i, what, outcome)
	}
	c.restore(name)
}

// strike damages a file of a run in one way, and returns which.
func (c *campaign) strike(name string) string {
	files := c.good[name]
	file := slices.Sorted(maps.Keys(files))[c.random.IntN(len(files))]
	path, content := filepath.Join("runs", name, file), slices.Clone(files[file])
	at := c.random.IntN(len(content))
	var how string
	switch kind := c.random.IntN(20); {
	case kind < 12:
		bit := c.random.IntN(8)
		content[at] ^= 1 << bit
		how = fmt.Sprintf("bit %d of byte %d", bit, at)
	case kind < 16:
		content = content[:at]
		how = fmt.Sprintf("cut at byte %d", at)
	case kind < 18:
		content = c.good["b"][file]
		how = "that of another run"
	case kind < 19:
		others := []string{run.Last, run.Best, run.BestValidation}
		other := others[c.random.IntN(len(others))]
		content = files[other]
		how = "replaced by " + other
	default:
		how, content = "removed", nil
	}
	var err error
	if content == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, content, 0o666)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return path + ": " + how
}

// look lets the commands read a finished run, which must stay as it is.
func (c *campaign) look(dir string, i int, before map[string][]byte) string {
	commands := quick
	if i%slowEvery == 0 {
		commands = append(commands[:len(commands):len(commands)], slow...)
	}
	outcome := "harmless"
	for _, command := range commands {
		p, clean := execute(command...), c.clean[fmt.Sprint(command)]
		switch {
		case p.code != 0 || p.messages != clean.messages:
			outcome = "noticed"
		case p.out != clean.out:
			c.t.Logf("%v prints something else", command)
			return "silent"
		}
	}
	if after := readRun(c.t, dir); before[run.SummaryFile] != nil && !same(before, after) {
		return "lost"
	} else if before[run.SummaryFile] == nil && !same(c.good["a"], after) {
		return "silent" // train makes the result again
	}
	return outcome
}

// resume ends an interrupted run: with the bytes of a, which was not interrupted, or not at all.
func (c *campaign) resume(dir string, before map[string][]byte) string {
	p := execute("train", filepath.Join(dir, run.ConfigFile), "--device", "cpu")
	after := readRun(c.t, dir)
	if p.code != 0 {
		if !same(before, after) {
			return "lost"
		}
		return "noticed"
	}
	for _, file := range []string{run.SplitFile, run.MetricsFile, run.SummaryFile, run.Last, run.Best, run.BestValidation} {
		if !bytes.Equal(after[file], c.good["a"][file]) {
			c.t.Logf("%s is another one", file)
			return "silent"
		}
	}
	return "harmless"
}

func same(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }
