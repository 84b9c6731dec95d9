package slurm

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/train/sweep"
)

func states(results []sweep.Result) (all []sweep.State) {
	for _, r := range results {
		all = append(all, r.State)
	}
	return all
}

func wantStates(t *testing.T, s submission, want ...sweep.State) {
	t.Helper()
	if s.err != nil {
		t.Fatal(s.err)
	}
	if got := states(s.results); !slices.Equal(got, want) {
		t.Errorf("states %v, want %v", got, want)
	}
}

func TestOnlyWhatIsMissingIsSubmitted(t *testing.T) {
	f, out := newFake(t), filepath.Join(t.TempDir(), "a b")
	first := launchSweep(t, t.Context(), four, out, nil)
	wantStates(t, first, sweep.Queued, sweep.Queued, sweep.Queued, sweep.Queued)
	if first.Job != "1" || first.Elements != 4 || first.Runs != 4 || first.Queued != 0 {
		t.Errorf("first submission %+v", first.Submission)
	}
	if asked := f.read("asked"); !strings.Contains(asked, "--name=longtail-a_b ") {
		t.Errorf("squeue is asked for %s", asked)
	}

	again := launchSweep(t, t.Context(), four, out, nil)
	wantStates(t, again, sweep.Queued, sweep.Queued, sweep.Queued, sweep.Queued)
	if f.jobs() != 1 || again.Path != "" || again.Queued != 4 || !slices.Equal(again.Jobs, []string{"1"}) {
		t.Errorf("%d jobs, second submission %+v", f.jobs(), again.Submission)
	}

	// One run ends well, one ends without a result, another seed comes in: two runs are missing.
	trainFolders(t, foldersOf(t, first.Script, 0)...)
	f.end(1, 0)
	f.end(1, 1)
	more := launchSweep(t, t.Context(), four, out, nil, "grid.seed=[0, 1, 2]", "grid.loss=[{name: softmax}]")
	wantStates(t, more, sweep.Done, sweep.Queued, sweep.Queued)
	if f.jobs() != 2 || more.Job != "2" || more.Runs != 2 || more.Queued != 0 || more.results[0].Summary == nil {
		t.Errorf("%d jobs, third submission %+v", f.jobs(), more.Submission)
	}
}

func TestScriptSubmittedByHandIsKnown(t *testing.T) {
	f, out := newFake(t), t.TempDir()
	s := launchSweep(t, t.Context(), four, out, nil)
	f.write("queue", regexp.MustCompile(`(?m)^1\|`).ReplaceAllString(f.read("queue"), "77|"))
	again := launchSweep(t, t.Context(), four, out, nil)
	wantStates(t, again, sweep.Queued, sweep.Queued, sweep.Queued, sweep.Queued)
	if s.err != nil || f.jobs() != 1 || !slices.Equal(again.Jobs, []string{"77"}) {
		t.Errorf("%d jobs, %+v", f.jobs(), again.Submission)
	}
	// A job that lost its comment is known by its number.
	f.write("queue", "1|2|RUNNING|(null)\n")
	if again = launchSweep(t, t.Context(), four, out, func(o *sweep.Options) { o.Remote.DryRun = true }); again.results[2].State != sweep.Queued || again.Runs != 3 {
		t.Errorf("%+v, %v", again.Submission, again.err)
	}
	// The same name and another sweep's script: a job of another folder, of a cluster that counts anew.
	f.write("queue", "1|0|RUNNING|/elsewhere/slurm/x.sbatch\nslurm says hello\n79|N/A|RUNNING|(null)\n")
	if again = launchSweep(t, t.Context(), four, out, nil); again.Runs != 4 || again.err != nil {
		t.Errorf("%+v, %v", again.Submission, again.err)
	}
}

func TestElementsTrainTheRunsOfALocalSweep(t *testing.T) {
	newFake(t)
	t.Chdir(t.TempDir())
	s := launchSweep(t, t.Context(), four, "runs", nil)
	wantStates(t, s, sweep.Queued, sweep.Queued, sweep.Queued, sweep.Queued)
	for i := range 4 {
		trainFolders(t, foldersOf(t, s.Script, i)...)
	}
	if err := os.Rename("runs", "remote"); err != nil {
		t.Fatal(err)
	}
	if _, err := sweep.Execute(t.Context(), s.plans, sweep.Options{Jobs: 2, Open: openCPU}); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.plans {
		for _, name := range []string{run.ConfigFile, run.SplitFile, run.MetricsFile, run.SummaryFile, run.Last, run.Best, run.BestValidation} {
			a, errA := os.ReadFile(filepath.Join("runs", p.Name, name))
			b, errB := os.ReadFile(filepath.Join("remote", p.Name, name))
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				t.Errorf("%s of %s differs from that of a local sweep (%v, %v)", name, p.Name, errA, errB)
			}
		}
	}
}

func TestElementsHoldSeveralRunsAndSecondStagesBehindTheirFirst(t *testing.T) {
	newFake(t)
	names := func(s submission, element int) (all []string) {
		for _, dir := range foldersOf(t, s.Script, element) {
			all = append(all, strings.TrimPrefix(filepath.Base(dir), "synthetic10-if2-resnet8-"))
		}
		return all
	}
	three := func(o *sweep.Options) { o.Jobs = 3 }
	s := launchSweep(t, t.Context(), four, t.TempDir(), three)
	if got := names(s, 0); s.Elements != 2 || !slices.Equal(got, []string{"softmax-s0", "softmax-s1", "focal-g1-b0.9-s0"}) || !strings.Contains(s.Script, " --jobs 3 ") {
		t.Errorf("%d elements, the first one has %v\n%s", s.Elements, got, s.Script)
	}

	out := t.TempDir()
	s = launchSweep(t, t.Context(), stages, out, nil)
	if got := names(s, 1); s.Elements != 2 || s.Runs != 6 || !slices.Equal(got, []string{"first-s1", "second-s1", "third-s1"}) {
		t.Errorf("%d elements, %d runs, the second one has %v", s.Elements, s.Runs, got)
	}
	trainFolders(t, foldersOf(t, s.Script, 1)...)
	if again := launchSweep(t, t.Context(), stages, out, nil); again.results[5].State != sweep.Done || again.results[1].State != sweep.Done {
		t.Errorf("states %v after the second element", states(again.results))
	}
}

func TestSecondStageOfAQueuedRunWaits(t *testing.T) {
	f, out := newFake(t), t.TempDir()
	onlyFirst := strings.Replace(stages, "  third: {train: {init_from: second}}\n", "", 1)
	onlyFirst = onlyFirst[:strings.Index(onlyFirst, "  second")]
	launchSweep(t, t.Context(), onlyFirst, out, nil)
	s := launchSweep(t, t.Context(), stages, out, nil)
	if s.err != nil || f.jobs() != 1 || s.Waiting != 4 || s.Queued != 2 {
		t.Errorf("%d jobs, %+v, %v", f.jobs(), s.Submission, s.err)
	}
}

func TestRefusedJobLeavesNothingThatLooksSubmitted(t *testing.T) {
	f, out := newFake(t), t.TempDir()
	words := "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified\n"
	f.write("refuse", words)
	s := launchSweep(t, t.Context(), four, out, nil)
	if s.err == nil || !strings.Contains(s.err.Error(), "  "+strings.Split(words, "\n")[1]) || !strings.Contains(s.err.Error(), "nothing was submitted: correct the section slurm of ") {
		t.Error(s.err)
	}
	if records, _ := filepath.Glob(filepath.Join(out, Folder, "*.json")); len(records) > 0 || s.Job != "" {
		t.Errorf("records %v, job %q", records, s.Job)
	}
	f.write("refuse", "sbatch: error: Batch job submission failed: Invalid job array specification\n")
	if s = launchSweep(t, t.Context(), four, out, nil); s.err == nil || !strings.Contains(s.err.Error(), "4 elements may be more than this cluster takes") {
		t.Error(s.err)
	}
	f.remove("refuse")
	wantStates(t, launchSweep(t, t.Context(), four, out, nil), sweep.Queued, sweep.Queued, sweep.Queued, sweep.Queued)
}

func TestNothingIsSubmittedWhereTheQueueIsUnknown(t *testing.T) {
	f, out := newFake(t), t.TempDir()
	f.write("deaf", "")
	s := launchSweep(t, t.Context(), four, out, nil)
	if s.err == nil || f.jobs() != 0 || !strings.Contains(s.err.Error(), "Unable to contact slurm controller") {
		t.Errorf("%d jobs, %v", f.jobs(), s.err)
	}
	f.remove("deaf")
	launchSweep(t, t.Context(), four, out, nil)
	records, err := filepath.Glob(filepath.Join(out, Folder, "*.json"))
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	if err := os.WriteFile(records[0], []byte("{}x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if s = launchSweep(t, t.Context(), four, out, nil); fail.Code(s.err) != fail.CodeData || f.jobs() != 1 {
		t.Errorf("with a damaged record: %d jobs, %v", f.jobs(), s.err)
	}
}

func TestMachineWithoutSlurmIsAnErrorThatSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	out := filepath.Join(t.TempDir(), "runs")
	s := launchSweep(t, t.Context(), four, out, nil)
	if fail.Code(s.err) != fail.CodeUsage || !strings.Contains(s.err.Error(), "sbatch") || !strings.Contains(s.err.Error(), "login node") {
		t.Error(s.err)
	}
	if run.Exists(out) {
		t.Error("folders were made")
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	f, out := newFake(t), filepath.Join(t.TempDir(), "runs")
	dry := func(o *sweep.Options) { o.Remote.DryRun = true }
	s := launchSweep(t, t.Context(), four, out, dry, "slurm.limit=2", "slurm.mem=4G")
	wantStates(t, s, sweep.New, sweep.New, sweep.New, sweep.New)
	if !strings.Contains(s.Script, "#SBATCH --array=0-3%2\n") || !strings.Contains(s.Script, "#SBATCH --mem=4G\n") || run.Exists(out) || f.jobs() != 0 {
		t.Errorf("%d jobs, script\n%s", f.jobs(), s.Script)
	}
	t.Setenv("PATH", "")
	if s = launchSweep(t, t.Context(), four, out, dry); s.err != nil || s.Script == "" {
		t.Errorf("without Slurm: %v", s.err)
	}
}

func TestRunOfAnotherProcessIsLeftToIt(t *testing.T) {
	f, out := newFake(t), t.TempDir()
	folder, err := run.Open(filepath.Join(out, "synthetic10-if2-resnet8-softmax-s1"))
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	s := launchSweep(t, t.Context(), four, out, nil)
	if s.results[1].State != sweep.Elsewhere || s.Elsewhere != 1 || s.Runs != 3 || f.jobs() != 1 || s.err != nil {
		t.Errorf("states %v, %+v, %v", states(s.results), s.Submission, s.err)
	}
	unlock, err := lock(t.Context(), filepath.Join(out, Folder))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if s = launchSweep(t, t.Context(), four, out, nil); s.err == nil || !strings.Contains(s.err.Error(), "another process is at work") {
		t.Error(s.err)
	}
}
