package export

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"longtail/eval"
	"longtail/eval/evaltest"
	"longtail/internal/fail"
)

// hostile is a name of a folder that a spreadsheet takes for a formula and a page for a tag.
const hostile = `=HYPERLINK("x")<b>,'`

// load makes a finished run, one with held-out images and a hostile name, and one that is not finished.
func load(t *testing.T) []*Run {
	t.Helper()
	root := t.TempDir()
	for _, s := range []evaltest.Spec{{Epochs: 3}, {Epochs: 2, Validation: 28, Loss: "focal", Gamma: 1}, {Epochs: 4, Seed: 7}} {
		dir, err := evaltest.Write(root, s)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case s.Validation > 0:
			err = os.Rename(dir, filepath.Join(root, hostile))
		case s.Seed == 7:
			err = os.Remove(filepath.Join(dir, "summary.json"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	set, err := eval.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	runs := Load(&set)
	if len(runs) != 3 || len(set.Problems) != 0 || runs[2].Finished != nil {
		t.Fatalf("%d runs, problems %v", len(runs), set.Problems)
	}
	return runs
}

func TestCSVHasARowForEachEpoch(t *testing.T) {
	runs := load(t)
	text, err := CSV.Encode(runs)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 1+3+2+4 {
		t.Fatalf("%d lines", len(records))
	}
	at := map[string]int{}
	for i, name := range records[0] {
		at[name] = i
	}
	names := map[string]int{}
	for _, r := range records[1:] {
		names[r[at["run"]]]++
		if held := r[at["validation/error"]]; (held == "") == strings.Contains(r[0], "HYPERLINK") {
			t.Errorf("%s: validation/error is %q", r[0], held)
		}
	}
	if names["'"+hostile] != 2 {
		t.Errorf("runs %v: the formula is not made inert", names)
	}
	if got, _ := strconv.ParseFloat(records[5][at["test/error"]], 64); got != runs[1].History[2].Test.Error {
		t.Errorf("test/error of the third epoch is %v, want %v", got, runs[1].History[2].Test.Error)
	}
}

func TestJSONLinesHoldTheSameNumbers(t *testing.T) {
	runs := load(t)
	text, err := JSONL.Encode(runs)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 9 {
		t.Fatalf("%d lines", len(lines))
	}
	var first struct {
		Run   string
		Step  int
		Error float64 `json:"train/error"`
	}
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if want := runs[0].History[0]; first.Run != runs[0].Name || first.Step != want.Step || first.Error != want.Train.Error {
		t.Errorf("the first line is %s", lines[0])
	}
}

func TestFilesOfOthersAreNotOverwritten(t *testing.T) {
	runs := load(t)
	path := filepath.Join(t.TempDir(), "out")
	for _, table := range []Table{CSV, JSONL} {
		if err := os.WriteFile(path, []byte("dear diary"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := table.WriteFile(path, runs); fail.Code(err) != fail.CodeUsage {
			t.Errorf("a stranger's file: %v", err)
		}
		if text, _ := os.ReadFile(path); string(text) != "dear diary" {
			t.Error("it was overwritten")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		for _, part := range [][]*Run{runs[:1], runs} { // the second time its own file
			if err := table.WriteFile(path, part); err != nil {
				t.Fatal(err)
			}
			want, _ := table.Encode(part)
			if text, _ := os.ReadFile(path); string(text) != string(want) {
				t.Error("the file is not the table")
			}
		}
	}
}

func TestRunsWithOneNameHaveTheirPaths(t *testing.T) {
	runs := []*Run{{Dir: "x/a"}, {Dir: "y/a"}, {Dir: "x/b"}}
	name(runs)
	if runs[0].Name != "x/a" || runs[1].Name != "y/a" || runs[2].Name != "b" {
		t.Errorf("names %q, %q, %q", runs[0].Name, runs[1].Name, runs[2].Name)
	}
}
