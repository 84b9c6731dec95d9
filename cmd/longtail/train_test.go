package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/train"
)

// short is a training of a few seconds: a small network, 253 images, a checkpoint every 2 steps.
func short(dir, epochs string) []string {
	return []string{
		"train", "data.dataset=synthetic10", "data.max_per_class=100", "data.imbalance=50", "data.validation=0.1", "model.name=resnet8",
		"train.batch=64", "train.epochs=" + epochs, "train.checkpoint_every=2", "out=" + dir, "--device", "cpu",
	}
}

// longtail is the program, which TestMain puts into the path.
func longtail(args ...string) *exec.Cmd { return exec.Command("longtail", args...) }

func mustSucceed(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

// start starts a command whose messages are kept, and returns its output.
func start(t *testing.T, cmd *exec.Cmd) (output io.ReadCloser, messages *bytes.Buffer) {
	t.Helper()
	messages = &bytes.Buffer{}
	cmd.Stderr = messages
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return output, messages
}

// sameRun compares everything that two equal runs have in common.
func sameRun(t *testing.T, a, b string) {
	t.Helper()
	for _, name := range []string{run.Last, run.Best, run.BestValidation, run.MetricsFile, run.SplitFile, run.SummaryFile} {
		x, errX := os.ReadFile(filepath.Join(a, name))
		y, errY := os.ReadFile(filepath.Join(b, name))
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs (%v, %v)", name, errX, errY)
		}
	}
}

func TestKilledRunsEndWithTheSameBytes(t *testing.T) {
	kills, epochs := *kills, strconv.Itoa(*kills*5/4)
	if testing.Short() {
		kills, epochs = 3, "2"
	}
	killOften(t, kills, epochs)
	if t.Failed() {
		logCounts(t, "kills", kills, map[string]int{"lost": kills})
	} else {
		logCounts(t, "kills", kills, map[string]int{"harmless": kills})
	}
}

// The same of a run whose second epoch on is drawn with replacement.
func TestKilledResampledRunsEndWithTheSameBytes(t *testing.T) {
	killOften(t, 3, "3", "data.sampler=class", "data.resample_from=1", "data.input=standard", "data.augment=cutout", "data.crop=random_resized", "train.nesterov=true")
}

// killOften kills a training again and again, and compares its end with that of one that was left alone.
func killOften(t *testing.T, kills int, epochs string, overrides ...string) {
	t.Helper()
	whole, killed := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "killed")
	mustSucceed(t, longtail(append(short(whole, epochs), overrides...)...))
	for i := range kills {
		cmd := longtail(append(short(killed, epochs), overrides...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+i*173%400) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // its error is the kill
	}
	mustSucceed(t, longtail(append(short(killed, epochs), overrides...)...))
	sameRun(t, whole, killed)
}

func TestCtrlCSavesAndSaysHowToGoOn(t *testing.T) {
	whole, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "my run")
	mustSucceed(t, longtail(short(whole, "2")...))
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE} {
		cmd := longtail(append(short(dir, "2"), "--json")...)
		out, messages := start(t, cmd)
		lines := bufio.NewScanner(out)
		if !lines.Scan() || !strings.Contains(lines.Text(), `"started"`) {
			t.Fatalf("first line %q\n%s", lines.Text(), messages)
		}
		var err error
		if signal == syscall.SIGPIPE { // the system sends it when the reader is gone
			err = out.Close()
		} else {
			err = cmd.Process.Signal(signal)
		}
		if err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
		}
		cmd.Wait() // its error is the exit code
		if code := cmd.ProcessState.ExitCode(); code != fail.CodeInterrupted {
			t.Fatalf("exit code %d\n%s", code, messages)
		}
		if want := "to resume: longtail train data.dataset=synthetic10"; !strings.Contains(messages.String(), want) || !strings.Contains(messages.String(), "'out="+dir+"'") {
			t.Errorf("no command to resume:\n%s", messages)
		}
		if !run.Exists(filepath.Join(dir, run.Last)) {
			t.Error("nothing was saved")
		}
	}
	mustSucceed(t, longtail(short(dir, "2")...))
	sameRun(t, whole, dir)
}

func TestJSONLinesOfATraining(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	var events []string
	for range 2 {
		out, err := longtail(append(short(dir, "2"), "--json")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			var e struct {
				Event   string
				Epoch   float64
				Train   run.Score
				Summary *run.Summary
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			switch e.Event {
			case "epoch":
				if e.Epoch == 0 || len(e.Train.PerClass) != 10 {
					t.Errorf("an epoch without its numbers: %s", line)
				}
			case "finished", "done":
				if e.Summary == nil || len(e.Summary.Last.Confusion) != 10 {
					t.Errorf("no result: %s", line)
				}
			}
			events = append(events, e.Event)
		}
	}
	if got := strings.Join(events, " "); got != "started epoch epoch finished done" {
		t.Errorf("events %s", got)
	}
}

func TestMeterLeavesTheFirstCallOut(t *testing.T) {
	m := meter{steps: 100}
	m.add(train.Progress{Step: 10, Samples: 1000, Seconds: 50})
	if m.rate() != 0 || m.left() != 0 {
		t.Errorf("after the first call: %v images/s, %v left", m.rate(), m.left())
	}
	m.began = m.began.Add(-10 * time.Second)
	m.add(train.Progress{Step: 20, Samples: 1000, Seconds: 5})
	if m.rate() != 200 {
		t.Errorf("%v images/s, want 200", m.rate())
	}
	if left := m.left(); left < 80*time.Second || left > 81*time.Second {
		t.Errorf("%v left, want 80 s: 10 steps took 10 s and 80 remain", left)
	}
}

func TestBarShowsEpochSpeedAndTimeLeft(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	var out bytes.Buffer
	b, m := &trainBar{w: &out, test: &run.Score{Error: 0.456}}, meter{steps: 100}
	m.add(train.Progress{Step: 10, Samples: 10, Seconds: 1})
	m.began = m.began.Add(-40 * time.Second)
	m.add(train.Progress{Step: 50, Samples: 4000, Seconds: 40})
	b.draw(2, train.Progress{Step: 50, Epoch: 1, Loss: 1.5}, &m)
	b.end()
	want := "\repoch 1.0 / 2 ━━━━━━━━━━━━━━━───────────────  loss 1.500  test error 45.60 %  100 images/s  50s left\x1b[K\n"
	if out.String() != want {
		t.Errorf("%q, want\n%q", out.String(), want)
	}
}

func TestLinesAreCutToTheTerminalColoursAside(t *testing.T) {
	for _, c := range []struct {
		line  string
		limit int
		want  string
	}{
		{"epoch ━━──", 10, "epoch ━━──"},
		{"epoch ━━──", 7, "epoch ━"},
		{"\x1b[36m━━\x1b[0m── 12", 3, "\x1b[36m━━\x1b[0m─"},
		{"\x1b[36m━━\x1b[0m──", 1, "\x1b[36m━\x1b[0m"},
		{"abc", 0, ""},
	} {
		if got := fit(c.line, c.limit); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.line, c.limit, got, c.want)
		}
	}
}

func TestCommandLineIsWhatAShellReads(t *testing.T) {
	args := []string{"longtail", "train", "out=my run", "train.milestones=[1, 2]", "it's", "a=b"}
	out, err := exec.Command("sh", "-c", "printf '%s\\n' "+fail.CommandLine(args)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSuffix(string(out), "\n"); got != strings.Join(args, "\n") {
		t.Errorf("a shell reads %q", got)
	}
}
