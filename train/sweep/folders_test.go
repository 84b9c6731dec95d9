package sweep

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/fail"
	"longtail/internal/run"
)

func TestPreparedRunsAreNewAndTrainedFromTheirFolders(t *testing.T) {
	plans := mustPlan(t, t.TempDir())
	var folders []string
	for i := range plans {
		if err := Prepare(t.Context(), &plans[i]); err != nil {
			t.Fatal(err)
		}
		folders = append(folders, plans[i].Config.Out)
	}
	if again := mustPlan(t, filepath.Dir(folders[0])); again[0].State != New {
		t.Errorf("state %s of a run that was only planned", again[0].State)
	}
	g, err := FromFolders(folders[1:])
	if err != nil {
		t.Fatal(err)
	}
	if g.Out != filepath.Dir(folders[0]) || g.Runs[0].Name != plans[1].Name || len(g.Runs) != 3 {
		t.Errorf("%+v", g)
	}
	fromFolders, err := NewPlans(g, "")
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, mustExecute(t, fromFolders, options(2)), Done, Done, Done)

	// What was planned before another process trained it is not written again.
	before, err := os.ReadFile(filepath.Join(folders[1], run.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := Prepare(t.Context(), &plans[1]); err != nil || plans[1].State != Done {
		t.Errorf("state %s of a run that was done meanwhile, %v", plans[1].State, err)
	}
	if after, err := os.ReadFile(filepath.Join(folders[1], run.ConfigFile)); err != nil || string(after) != string(before) {
		t.Errorf("its config changed: %v", err)
	}
	compareWithAlone(t, plans[1:])
}

func TestPrepareLeavesARunToTheProcessThatTrainsIt(t *testing.T) {
	plans := mustPlan(t, t.TempDir())
	folder, err := run.Open(plans[0].Config.Out)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := Prepare(t.Context(), &plans[0]); !errors.Is(err, run.ErrBusy) {
		t.Error(err)
	}
}

func TestMovedFoldersAreTrainedWhereTheyAre(t *testing.T) {
	plans := mustPlan(t, t.TempDir())
	if err := Prepare(t.Context(), &plans[0]); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(plans[0].Config.Out, moved); err != nil {
		t.Fatal(err)
	}
	g, err := FromFolders([]string{moved + "/"})
	if err != nil || g.Runs[0].Config.Out != moved || g.Runs[0].Name != "moved" {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestFoldersWithoutARunAreRefused(t *testing.T) {
	plans := mustPlan(t, t.TempDir())
	if err := Prepare(t.Context(), &plans[0]); err != nil {
		t.Fatal(err)
	}
	dir := plans[0].Config.Out
	for want, folders := range map[string][]string{
		"holds no run":   {t.TempDir()},
		"is named twice": {dir, dir + "/"},
	} {
		if _, err := FromFolders(folders); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", folders, err)
		}
	}
}
