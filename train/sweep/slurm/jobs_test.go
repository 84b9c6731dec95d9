package slurm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/eval/status"
	"longtail/train/sweep"
)

func TestJobsAreFoundByTheirScripts(t *testing.T) {
	f := newFake(t)
	if jobs, err := Jobs(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("an empty queue: %v, %v", jobs, err)
	}
	out := filepath.Join(t.TempDir(), "runs")
	plans := launchSweep(t, t.Context(), four, out, func(o *sweep.Options) { o.Jobs = 2 }).plans
	f.write("queue", strings.Replace(f.read("queue"), "|1|RUNNING|", "|1|PENDING|", 1)+"8|0|RUNNING|\n9|0|RUNNING|/none/slurm/x.sbatch\n")
	jobs, err := Jobs(t.Context())
	if err != nil || len(jobs) != len(plans) {
		t.Fatalf("%+v, %v", jobs, err)
	}
	for i, j := range jobs {
		if want := (status.Job{ID: fmt.Sprintf("1_%d", i/2), Folder: filepath.Join(real(t, out), plans[i].Name), Waiting: i >= 2}); j != want {
			t.Errorf("%+v, want %+v", j, want)
		}
	}
	r, err := status.NewReader(out, status.Options{Queue: Jobs, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Read(t.Context())
	if err != nil || s.Totals.States[status.Queued] != 4 || s.Rows[0].Job == "" {
		t.Errorf("%+v, %v", s, err)
	}
	f.write("deaf", "")
	if _, err := Jobs(t.Context()); err == nil || !strings.Contains(err.Error(), "Unable to contact") {
		t.Errorf("%v", err)
	}
	f.remove("deaf")
	records, err := filepath.Glob(filepath.Join(out, Folder, "*"+recordEnding))
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	if err := os.WriteFile(records[0], []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if jobs, err := Jobs(t.Context()); err == nil || !strings.Contains(err.Error(), records[0]) || len(jobs) != 0 {
		t.Errorf("a damaged record: %v, %v", jobs, err)
	}
}

func real(t *testing.T, dir string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
