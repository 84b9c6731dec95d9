package slurm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "longtail/data/synthetic"
	"longtail/internal/config/grid"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/train/sweep"
)

// fake is a Slurm of shell programs: sbatch takes scripts and lists their elements in a file, which squeue prints. What it has submitted
// nothing runs but the test.
type fake struct {
	t     *testing.T
	state string // folder: queue (squeue's lines), jobs (scripts, one a line), refuse (words of sbatch), deaf (squeue fails), requeued
}

const fakeSbatch = `#!/bin/bash
if [ -e "$FAKE/refuse" ]; then cat "$FAKE/refuse" >&2; exit 1; fi
script=${!#}
echo "$script" >>"$FAKE/jobs"
job=$(wc -l <"$FAKE/jobs")
last=$(sed -n 's/^#SBATCH --array=0-\([0-9]*\).*/\1/p' "$script")
comment=$(sed -n 's/^#SBATCH --comment=//p' "$script")
for i in $(seq 0 "$last"); do echo "$job|$i|RUNNING|$comment"; done >>"$FAKE/queue"
echo "$job;cluster"
`

const fakeSqueue = `#!/bin/bash
if [ -e "$FAKE/deaf" ]; then echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1; fi
echo "$*" >>"$FAKE/asked"
[ ! -e "$FAKE/queue" ] || cat "$FAKE/queue"
`

const fakeScontrol = `#!/bin/bash
echo "$*" >>"$FAKE/requeued"
`

// newFake puts the programs first on PATH.
func newFake(t *testing.T) *fake {
	bin, state := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"sbatch": fakeSbatch, "squeue": fakeSqueue, "scontrol": fakeScontrol} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("FAKE", state)
	return &fake{t, state}
}

func (f *fake) read(name string) string {
	text, err := os.ReadFile(filepath.Join(f.state, name))
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	return string(text)
}

func (f *fake) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.state, name), []byte(text), 0o666); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) remove(name string) {
	if err := os.Remove(filepath.Join(f.state, name)); err != nil {
		f.t.Fatal(err)
	}
}

// jobs are how many scripts sbatch took.
func (f *fake) jobs() int { return strings.Count(f.read("jobs"), "\n") }

// end takes an element out of the queue.
func (f *fake) end(job, index int) {
	begins := fmt.Sprintf("%d|%d|", job, index)
	var kept strings.Builder
	for line := range strings.Lines(f.read("queue")) {
		if !strings.HasPrefix(line, begins) {
			kept.WriteString(line)
		}
	}
	f.write("queue", kept.String())
}

// four is a sweep of 2 losses x 2 seeds, 12 steps each.
const four = `
base:
  data: {dataset: synthetic10, max_per_class: 10, imbalance: 2, validation: 0.2}
  model: {name: resnet8}
  train: {epochs: 2, batch: 8, checkpoint_every: 3}
grid:
  loss: [{name: softmax}, {name: focal, gamma: 1, beta: 0.9}]
  seed: [0, 1]
`

// stages is a sweep of 2 runs with 2 second stages, one of which a third stage starts from.
const stages = `
base:
  data: {dataset: synthetic10, max_per_class: 10, imbalance: 2}
  model: {name: resnet8}
  train: {epochs: 1, batch: 8}
grid:
  seed: [0, 1]
rows:
  third: {train: {init_from: second}}
  first:
  second: {train: {init_from: first, fresh: classifier}}
`

// submission is a call of Launch and what it said.
type submission struct {
	grid    *grid.Grid
	plans   []sweep.Plan
	results []sweep.Result
	sweep.Submission
	err error
}

// launchSweep plans a sweep anew and launches it.
func launchSweep(t *testing.T, ctx context.Context, text, out string, change func(*sweep.Options), overrides ...string) (s submission) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sweep.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	g, err := grid.Load(path, append(overrides, "out="+out))
	if err != nil {
		t.Fatal(err)
	}
	s.grid = g
	if s.plans, err = sweep.NewPlans(g, ""); err != nil {
		t.Fatal(err)
	}
	o := sweep.Options{Jobs: 1, Remote: sweep.Remote{
		Grid: g, Program: []string{"longtail", "sweep"}, Submitted: func(got sweep.Submission) { s.Submission = got },
	}}
	if change != nil {
		change(&o)
	}
	s.results, s.err = Launch(ctx, s.plans, o)
	return s
}

func openCPU(_, _ string) (*device.Device, error) {
	return &device.Device{Backend: cpu.New(1), Precision: device.FP32}, nil
}

// trainFolders does what an element does.
func trainFolders(t *testing.T, folders ...string) {
	t.Helper()
	g, err := sweep.FromFolders(folders)
	if err != nil {
		t.Fatal(err)
	}
	plans, err := sweep.NewPlans(g, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sweep.Execute(t.Context(), plans, sweep.Options{Jobs: 2, Open: openCPU}); err != nil {
		t.Fatal(err)
	}
}

// foldersOf has bash say which folders an element of a script trains.
func foldersOf(t *testing.T, script string, index int) []string {
	t.Helper()
	from, to := strings.Index(script, "case $SLURM"), strings.Index(script, "esac")
	cmd := exec.Command("bash", "-c", script[from:to+4]+"\nprintf '%s\\n' \"${runs[@]}\"")
	cmd.Env = append(os.Environ(), fmt.Sprintf("SLURM_ARRAY_TASK_ID=%d", index))
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}
