package slurm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"longtail/internal/config/grid"
)

// program is what the scripts of these tests run: it says what it was called with, waits for TERM up to a time, and ends with a code.
const program = `#!/bin/bash
trap 'echo warned >>"$FAKE/said"; sleep 0.3; exit "$ON_TERM"' TERM
printf '<%s>' "$@" >>"$FAKE/said"
echo >>"$FAKE/said"
for _ in $(seq "$TENTHS"); do sleep 0.1; done
exit "$AT_END"
`

// newBatch is a script of two elements, whose program is that of these tests.
func newBatch(t *testing.T, f *fake) *batch {
	path := filepath.Join(t.TempDir(), "the program")
	if err := os.WriteFile(path, []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	return &batch{
		Grid:    &grid.Grid{Path: "sweep.yaml", Slurm: grid.Slurm{Setup: []string{`export SET="a b"`, `echo "$SET" >>"$FAKE/said"`}}},
		Program: []string{path, "sweep"}, Elements: [][]string{{"runs/a"}, {"runs/b's", "./-c"}}, Jobs: 2, Runs: 3,
		Name: "longtail-runs", Path: "runs/slurm/x.sbatch", Full: "/w/runs/slurm/x.sbatch", Dir: "/w/runs/slurm", Cwd: "/w",
	}
}

// start runs element 1 of a script as Slurm would.
func start(t *testing.T, b *batch, environment ...string) *exec.Cmd {
	t.Helper()
	text, err := b.script()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", path)
	cmd.Env = append(os.Environ(), append([]string{"SLURM_ARRAY_TASK_ID=1", "SLURM_JOB_ID=12", "SLURM_CPUS_ON_NODE=3", "TENTHS=100", "AT_END=0", "ON_TERM=130"}, environment...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// waitFor waits until the program has said something.
func waitFor(t *testing.T, f *fake, text string) {
	t.Helper()
	for range 200 {
		if strings.Contains(f.read("said"), text) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%q is waited for in vain: %s", text, f.read("said"))
}

func TestElementRunsSetupAndProgramAndEndsWithItsCode(t *testing.T) {
	for _, code := range []int{0, 1, 130} {
		f := newFake(t)
		f.write("queue", "RUNNING\n")
		cmd := start(t, newBatch(t, f), "TENTHS=0", fmt.Sprintf("AT_END=%d", code))
		cmd.Wait() // the code is looked at
		if got := cmd.ProcessState.ExitCode(); got != code {
			t.Errorf("code %d, want %d", got, code)
		}
		if said := f.read("said"); said != "a b\n<sweep><runs/b's><./-c><--jobs><2><--threads><3>\n" {
			t.Errorf("said %q", said)
		}
		if f.read("requeued") != "" {
			t.Errorf("code %d without a warning: requeued", code)
		}
	}
}

func TestWarnedElementSavesAndRequeuesItself(t *testing.T) {
	for name, c := range map[string]struct {
		queue, onTerm string
		want          string
	}{
		"warned":                 {"RUNNING\n", "130", "requeue 12\n"},
		"killed by the warning":  {"RUNNING\n", "143", "requeue 12\n"},
		"done in time":           {"RUNNING\n", "0", ""},
		"failed":                 {"RUNNING\n", "1", ""},
		"cancelled or requeued":  {"COMPLETING\n", "130", ""},
		"not in the queue":       {"", "130", ""},
		"ended by the scheduler": {"PREEMPTED\n", "130", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.write("queue", c.queue)
			cmd := start(t, newBatch(t, f), "ON_TERM="+c.onTerm)
			waitFor(t, f, "--threads")
			for range 2 { // the second one is Slurm's for the end of a job that requeued itself
				if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond)
			}
			cmd.Wait() // the code is looked at
			if got := fmt.Sprint(cmd.ProcessState.ExitCode()); got != c.onTerm {
				t.Errorf("code %s, want %s", got, c.onTerm)
			}
			if got := f.read("requeued"); got != c.want || !strings.Contains(f.read("said"), "warned") {
				t.Errorf("requeued %q, want %q; said %q", got, c.want, f.read("said"))
			}
		})
	}
}

func TestWarningDuringTheSetupReachesTheProgram(t *testing.T) {
	f := newFake(t)
	f.write("queue", "RUNNING\n")
	b := newBatch(t, f)
	b.Grid.Slurm.Setup = []string{`echo begins >>"$FAKE/said"`, "sleep 0.5"}
	cmd := start(t, b)
	waitFor(t, f, "begins")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cmd.Wait() // what it ends with depends on how far the program was
	if took := time.Since(began); took > 5*time.Second || f.read("requeued") != "requeue 12\n" {
		t.Errorf("after %v: requeued %q", took, f.read("requeued"))
	}
}

func TestOptionsAreWordsOfSbatch(t *testing.T) {
	b := newBatch(t, newFake(t))
	b.Dir, b.Full = `/my "runs" 50%\x`, `/my "runs" 50%\x/s.sbatch`
	b.Grid.Slurm = grid.Slurm{Partition: "gpu", Time: "1-0", Gres: "gpu:1", CPUs: 4, Mem: "8G", Account: "a", QOS: "q", Constraint: "[a|b]", Limit: 5, Extra: []string{"--nice 3"}}
	want := []string{
		"--job-name=longtail-runs", `--comment="/my \"runs\" 50%\\x/s.sbatch"`, "--array=0-1%5", "--chdir=/w", `--output="/my \"runs\" 50%%\\x/%A_%a.log"`,
		"--open-mode=append", "--requeue", "--signal=B:TERM@120",
		"--partition=gpu", "--time=1-0", "--gres=gpu:1", "--cpus-per-task=4", "--mem=8G", "--account=a", "--qos=q", `--constraint="[a|b]"`, "--nice 3",
	}
	if got := b.Options(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("options\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
