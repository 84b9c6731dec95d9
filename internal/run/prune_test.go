package run

import (
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"
)

// finished is the folder of a finished run; its checkpoints are words.
func finished(t *testing.T) (*Folder, *Summary) {
	t.Helper()
	f := open(t, t.TempDir())
	for _, name := range append(Checkpoints(), ConfigFile, SplitFile, MetricsFile) {
		put(t, f.Path(name), name)
	}
	s := exampleSummary()
	s.Version = SummaryVersion
	if err := f.WriteSummary(s, ""); err != nil {
		t.Fatal(err)
	}
	read, err := ReadSummary(f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return f, read
}

func TestPrunedCheckpointsAreKnownAsRemoved(t *testing.T) {
	f, s := finished(t)
	freed, err := f.Prune(s)
	if want := int64(len(Best) + len(BestValidation)); err != nil || freed != want || !f.Has(Last) || f.Has(Best) || f.Has(BestValidation) {
		t.Errorf("%d bytes, want %d, %v", freed, want, err)
	}
	if problems := s.CheckFiles(f.Dir, ""); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	if missing, err := s.CheckNames(f.Dir); missing || err != nil {
		t.Errorf("%v, %v", missing, err)
	}
	if names, err := s.Removed(f.Dir); err != nil || !slices.Equal(names, []string{"best.safetensors", "best_validation.safetensors"}) {
		t.Errorf("%v, %v", names, err)
	}
	if freed, err := f.Prune(s); freed != 0 || err != nil {
		t.Errorf("a second time: %d, %v", freed, err)
	}
	// what was not removed by Prune is still missed
	if err := os.Remove(f.Path(Last)); err != nil {
		t.Fatal(err)
	}
	if problems := s.CheckFiles(f.Dir, ""); len(problems) != 1 || !strings.Contains(problems[0].Error(), "it is missing") {
		t.Errorf("%v", problems)
	}
}

func TestOnlyWhatFitsTheSealIsPruned(t *testing.T) {
	for _, name := range Checkpoints() {
		f, s := finished(t)
		put(t, f.Path(name), "another")
		if freed, err := f.Prune(s); fail.Code(err) != fail.CodeData || freed != 0 || !strings.Contains(err.Error(), f.Path(name)) {
			t.Errorf("%s: %d, %v", name, freed, err)
		}
		if !f.Has(Best) || !f.Has(BestValidation) || f.Has(PrunedFile) {
			t.Errorf("%s: something was removed", name)
		}
	}
	f, s := finished(t)
	s.Seal = nil
	if _, err := f.Prune(s); fail.Code(err) != fail.CodeData {
		t.Errorf("without a seal: %v", err)
	}
}

// A record says nothing of a file that it does not name by its hash.
func TestForgedRecordsOfRemovalsAreDamage(t *testing.T) {
	for _, text := range []string{`{"removed": {"best.safetensors": "` + hex.EncodeToString(make([]byte, 32)) + `"}}`, `{"removed": {}}`, `{`, `{"x": 1}`} {
		f, s := finished(t)
		put(t, f.Path(PrunedFile), text)
		if err := os.Remove(f.Path(Best)); err != nil {
			t.Fatal(err)
		}
		if problems := s.CheckFiles(f.Dir, ""); len(problems) == 0 {
			t.Errorf("%s: no problem", text)
		}
		if _, err := s.CheckNames(f.Dir); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
	// nor of the last checkpoint
	f, s := finished(t)
	put(t, f.Path(PrunedFile), `{"removed": {"last.safetensors": "`+s.Seal.Checkpoints["last.safetensors"]+`"}}`)
	if err := os.Remove(f.Path(Last)); err != nil {
		t.Fatal(err)
	}
	if problems := s.CheckFiles(f.Dir, ""); len(problems) != 1 {
		t.Errorf("%v", problems)
	}
}
