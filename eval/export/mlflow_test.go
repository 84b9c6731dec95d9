package export

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"longtail/internal/fail"

	"go.yaml.in/yaml/v3"
)

// read is a file below a folder of the store.
func read(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMLflowLayout holds what scripts/check_mlflow.py checks with MLflow itself.
func TestMLflowLayout(t *testing.T) {
	runs := load(t)
	root := filepath.Join(t.TempDir(), "ml runs")
	folder, err := MLflow(root, "long: tails", runs)
	if err != nil {
		t.Fatal(err)
	}
	var meta map[string]any
	if err := yaml.Unmarshal([]byte(read(t, folder, "meta.yaml")), &meta); err != nil {
		t.Fatal(err)
	}
	if meta["name"] != "long: tails" || meta["experiment_id"] != filepath.Base(folder) || meta["lifecycle_stage"] != "active" {
		t.Errorf("experiment %v", meta)
	}
	for i, r := range runs {
		dir := filepath.Join(folder, runID(r))
		var about map[string]any
		if err := yaml.Unmarshal([]byte(read(t, dir, "meta.yaml")), &about); err != nil {
			t.Fatal(err)
		}
		status := statusFinished
		if i == 2 {
			status = statusKilled
		}
		uri := "file://" + strings.ReplaceAll(filepath.ToSlash(dir), " ", "%20") + "/artifacts"
		if about["run_id"] != runID(r) || about["run_name"] != r.Name || about["status"] != status || about["artifact_uri"] != uri {
			t.Errorf("run %v, want %s and %s", about, r.Name, uri)
		}
		lines := strings.Split(strings.TrimSpace(read(t, dir, "metrics/test/error")), "\n")
		if len(lines) != len(r.History) {
			t.Errorf("%d values of test/error, %d epochs", len(lines), len(r.History))
		}
		last := r.History[len(r.History)-1]
		if want := fmt.Sprintf(" %s %d", number(last.Test.Error), last.Step); !regexp.MustCompile(`^\d+` + regexp.QuoteMeta(want) + "$").MatchString(lines[len(lines)-1]) {
			t.Errorf("the last value is %q, want TIME%s", lines[len(lines)-1], want)
		}
		if got := read(t, dir, "params/data.imbalance"); got != "100" {
			t.Errorf("data.imbalance %q", got)
		}
		if read(t, dir, "artifacts/config.yaml") != read(t, r.Dir, "config.yaml") {
			t.Error("the artifact is not the run's config")
		}
	}
	if _, err := os.Stat(filepath.Join(folder, runID(runs[2]), "metrics", "result_last")); err == nil {
		t.Error("a run that is not finished has a result")
	}
}

func TestExportingAgainReplaces(t *testing.T) {
	runs := load(t)
	root := filepath.Join(t.TempDir(), "mlruns")
	var folder string
	for range 2 {
		var err error
		if folder, err = MLflow(root, "x", runs); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1+len(runs) {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	if left, err := os.ReadDir(filepath.Dir(root)); err != nil || len(left) != 1 {
		t.Errorf("beside the store lies %v, %v", left, err)
	}
	// A run of MLflow's own in its place is left alone, and so are the other runs.
	dir := filepath.Join(folder, runID(runs[1]))
	if err := os.Remove(filepath.Join(dir, "tags", madeBy)); err != nil {
		t.Fatal(err)
	}
	if _, err := MLflow(root, "x", runs); fail.Code(err) != fail.CodeUsage {
		t.Errorf("a stranger's run: %v", err)
	}
}

func TestFoldersThatAreNoStoreAreRefused(t *testing.T) {
	runs := load(t)
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "thesis.tex"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := MLflow(root, "x", runs); fail.Code(err) != fail.CodeUsage {
		t.Errorf("a folder of other things: %v", err)
	}
	if entries, _ := os.ReadDir(root); len(entries) != 1 {
		t.Errorf("it holds %v now", entries)
	}
}

func TestAnErrorLeavesTheStoreAsItWas(t *testing.T) {
	runs := load(t)
	root := filepath.Join(t.TempDir(), "mlruns")
	if err := os.Remove(filepath.Join(runs[1].Dir, "config.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(runs[1].Dir, "config.yaml"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := MLflow(root, "x", runs); err == nil {
		t.Fatal("a config that cannot be read is no error")
	}
	if left, err := os.ReadDir(filepath.Dir(root)); err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestMetricFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"learning_rate": "learning_rate", "test/error": "test/error",
		"test_accuracy_by_class/000 ../../x y": "test_accuracy_by_class/000 .._.._x y",
		"test_accuracy_by_class/001 é<b>":      "test_accuracy_by_class/001 __b_",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q is the file %q, want %q", name, got, want)
		}
	}
}
