package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"longtail/internal/config"
	"longtail/internal/config/grid"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/train"
	"longtail/train/sweep"
)

// fourRuns is a sweep of 2 losses x 2 seeds of about a second each.
const fourRuns = `
base:
  data: {dataset: synthetic10, max_per_class: 40, imbalance: 8, validation: 0.1}
  model: {name: resnet8}
  train: {epochs: 4, batch: 16, checkpoint_every: 2}
grid:
  loss: [{name: softmax}, {name: focal, gamma: 1, beta: 0.99}]
  seed: [0, 1]
`

// sweepCommand writes the sweep and gives its command, two runs at once on one thread each.
func sweepCommand(t *testing.T, out string, args ...string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sweep.yaml")
	if err := os.WriteFile(path, []byte(fourRuns), 0o666); err != nil {
		t.Fatal(err)
	}
	return longtail(append([]string{"sweep", path, "out=" + out, "--device", "cpu", "--jobs", "2", "--threads", "2"}, args...)...)
}

// sameAsAlone trains every run of a finished sweep alone, from its own config.yaml, and compares.
func sameAsAlone(t *testing.T, out string, runs int) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil || len(folders) != runs {
		t.Fatalf("%d folders, want %d (%v)", len(folders), runs, err)
	}
	if testing.Short() {
		folders = folders[:1]
	}
	for _, folder := range folders {
		alone := filepath.Join(t.TempDir(), "alone")
		mustSucceed(t, longtail("train", filepath.Join(folder, run.ConfigFile), "out="+alone, "--device", "cpu"))
		sameRun(t, folder, alone)
	}
}

func TestKilledSweepsEndWithTheBytesOfRunsAlone(t *testing.T) {
	out := filepath.Join(t.TempDir(), "runs")
	for i := range 4 {
		cmd := sweepCommand(t, out)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(300+i*200) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // its error is the kill
	}
	mustSucceed(t, sweepCommand(t, out))
	sameAsAlone(t, out, 4)
}

func TestCtrlCSavesAllRunsOfASweep(t *testing.T) {
	out := filepath.Join(t.TempDir(), "runs")
	cmd := sweepCommand(t, out, "--json")
	stdout, messages := start(t, cmd)
	interrupted, sent := 0, false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.Contains(line, `"event":"epoch"`) && !sent: // the first of a run; the other is at work too
			sent = true
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		case strings.Contains(line, `"event":"ended"`) && strings.Contains(line, `"state":"interrupted"`):
			interrupted++
		}
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != fail.CodeInterrupted || interrupted != 2 {
		t.Errorf("exit code %d with %d runs interrupted\n%s", code, interrupted, messages.String())
	}
	if want := "to resume: " + fail.CommandLine(cmd.Args); !strings.Contains(messages.String(), want) {
		t.Errorf("%q is not in\n%s", want, messages.String())
	}
	mustSucceed(t, sweepCommand(t, out))
	sameAsAlone(t, out, 4)
}

// TestASlurmJobSavesHoweverOftenItIsTold sends what Slurm sends to the processes of a job, and the batch script passes on.
func TestASlurmJobSavesHoweverOftenItIsTold(t *testing.T) {
	out := filepath.Join(t.TempDir(), "runs")
	cmd := sweepCommand(t, out, "--json")
	cmd.Env = append(os.Environ(), "SLURM_JOB_ID=1")
	stdout, _ := start(t, cmd)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.Contains(lines.Text(), `"event":"epoch"`) {
			for range 4 {
				cmd.Process.Signal(syscall.SIGTERM) // the last one may come after the end
				time.Sleep(time.Millisecond)
			}
		}
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != fail.CodeInterrupted {
		t.Errorf("%v, want code 130", cmd.ProcessState)
	}
}

func TestTwoSweepsAtOnceShareTheRuns(t *testing.T) {
	out := filepath.Join(t.TempDir(), "runs")
	first, second := sweepCommand(t, out), sweepCommand(t, out)
	for _, cmd := range []*exec.Cmd{first, second} {
		cmd.Stderr = new(bytes.Buffer)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	complete := 0
	for _, cmd := range []*exec.Cmd{first, second} {
		switch err := cmd.Wait(); {
		case err == nil:
			complete++
		case !strings.Contains(cmd.Stderr.(*bytes.Buffer).String(), "another process is at work on them"):
			t.Errorf("%v\n%s", err, cmd.Stderr)
		}
	}
	if complete == 0 {
		t.Error("neither sweep found all runs done")
	}
	sameAsAlone(t, out, 4)
}

// reportOf is a report of two runs of 10 steps of 8 images, the first at work.
func reportOf(t *testing.T, messages *bytes.Buffer) *sweepReport {
	t.Helper()
	c := config.Defaults()
	c.Train.Batch, c.Train.Epochs = 8, 2
	plans := []sweep.Plan{{Run: grid.Run{Name: "one", Config: c}, Steps: 10, State: sweep.New}, {Run: grid.Run{Name: "two", Config: c}, Steps: 10, State: sweep.New}}
	r := newSweepReport(plans, new(bytes.Buffer), messages, false)
	r.observe(sweep.Event{Run: 0})
	r.observe(sweep.Event{Run: 0, Train: train.Started{Steps: 10, Images: 40, Batch: 8, Epochs: 2}})
	for step := range 3 {
		r.observe(sweep.Event{Run: 0, Train: train.Progress{Step: step + 1, Epoch: 0.6, Loss: 1.25, Samples: 8}})
	}
	return r
}

func TestSweepSaysTheTimeLeftOfAllRuns(t *testing.T) {
	r := reportOf(t, new(bytes.Buffer))
	r.speed.began = time.Now().Add(-16 * time.Second) // 16 images after the first step: 1 a second, 136 to come
	if left := r.left().Round(time.Second); left != 136*time.Second {
		t.Errorf("%v left, want 2m16s", left)
	}
	if text := r.overall(""); text != "0 of 2 runs done, 1 images/s, 2m16s left" {
		t.Errorf("%q", text)
	}
	r.observe(sweep.Event{Run: 0, Result: &sweep.Result{State: sweep.Elsewhere}})
	if left := r.left().Round(time.Second); left != 80*time.Second {
		t.Errorf("%v left without the first run, want 1m20s", left)
	}
}

func TestSweepLinesFitTheTerminal(t *testing.T) {
	r := reportOf(t, new(bytes.Buffer))
	r.views[0].speed = speed{time.Now().Add(-time.Second), 8}
	const text = "  epoch 0.6 / 2  loss 1.250  8 images/s"
	for limit, bar := range map[int]string{120: "━━━━━━──────────────", len("one  ") + 10 + len(text): "━━━───────", 10: ""} {
		if lines := r.lines(limit); lines[0] != "one  "+bar+text {
			t.Errorf("in %d characters: %q", limit, lines[0])
		}
	}
}

func TestSweepSaysWhatEnds(t *testing.T) {
	var messages bytes.Buffer
	r := reportOf(t, &messages)
	r.observe(sweep.Event{Run: 0, Result: &sweep.Result{State: sweep.Failed, Err: fail.Data("no images\nget some")}})
	r.observe(sweep.Event{Run: 1})
	done := &run.Summary{Last: run.Result{Score: run.Score{Error: 0.5}}, Best: run.Result{Score: run.Score{Error: 0.25}}}
	r.observe(sweep.Event{Run: 1, Result: &sweep.Result{State: sweep.Done, Summary: done}})
	for _, want := range []string{"one begins\n", "one failed: no images: 0 of 2 runs done, 1 failed", "two done, test error last 50.00 %, best 25.00 %: 1 of 2 runs done, 1 failed"} {
		if !strings.Contains(messages.String(), want) {
			t.Errorf("%q is not in\n%s", want, messages.String())
		}
	}
}

func TestLiveBlockReplacesItsLines(t *testing.T) {
	t.Setenv("COLUMNS", "6")
	var out bytes.Buffer
	b := &liveBlock{w: &out}
	b.show([]string{"too long", "b"})
	b.show([]string{"c"})
	b.clear()
	b.clear()
	if want := "too l\x1b[K\nb\x1b[K\n" + "\x1b[2A\x1b[J" + "c\x1b[K\n" + "\x1b[1A\x1b[J"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
