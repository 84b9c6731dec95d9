package train

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// copyOf is a new folder with the files of a run.
func copyOf(t testing.TB, dir string) string {
	t.Helper()
	again := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(again, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return again
}

// edit changes a file of a run.
func edit(t testing.TB, dir, name string, change func(string) string) {
	t.Helper()
	path := filepath.Join(dir, name)
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := change(string(old))
	if text == string(old) {
		t.Fatalf("%s is as it was", name)
	}
	put(t, path, text)
}

// reseal forges a result and seals it as a run does.
func reseal(t testing.TB, dir string, forge func(*run.Summary)) {
	t.Helper()
	s, err := run.ReadSummary(dir)
	if err != nil {
		t.Fatal(err)
	}
	forge(s)
	f, err := run.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.WriteSummary(*s, fingerprintOf(t, dir)); err != nil {
		t.Fatal(err)
	}
}

func flipMiddle(text string) string {
	return text[:len(text)/2] + string([]byte{text[len(text)/2] ^ 4}) + text[len(text)/2+1:]
}

func cutThird(text string) string { return text[:len(text)*2/3] }

func replace(old, new string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, new, 1) }
}

func TestVerifyNamesWhatDoesNotFit(t *testing.T) {
	finished, interrupted := filepath.Join(t.TempDir(), "f"), filepath.Join(t.TempDir(), "i")
	steps := mustRun(t, job(t, finished, fake())).Summary.Steps
	interrupt(t, interrupted, 20)
	for dir, want := range map[string]Verdict{finished: {Finished: true, Sealed: true, Step: steps}, interrupted: {Step: 20}} {
		v := Verify(copyOf(t, dir)) // a copy lies elsewhere than its config says
		if len(v.Problems) > 0 || v.Finished != want.Finished || v.Sealed != want.Sealed || v.Step != want.Step {
			t.Errorf("%s: %+v", dir, v)
		}
	}
	copyBest := func(t testing.TB, dir string) {
		edit(t, dir, run.Best, func(string) string { text, _ := os.ReadFile(filepath.Join(dir, run.Last)); return string(text) })
	}
	for name, c := range map[string]struct {
		from  string
		file  string
		spoil func(t testing.TB, dir string)
	}{
		"summary":           {finished, run.SummaryFile, func(t testing.TB, dir string) { edit(t, dir, run.SummaryFile, replace(`"seed": 0`, `"seed": 1`)) }},
		"summary cut":       {finished, run.SummaryFile, func(t testing.TB, dir string) { edit(t, dir, run.SummaryFile, cutThird) }},
		"metrics":           {finished, run.MetricsFile, func(t testing.TB, dir string) { edit(t, dir, run.MetricsFile, replace(`"loss":`, `"loss":1`)) }},
		"metrics gone":      {finished, run.MetricsFile, func(t testing.TB, dir string) { os.Remove(filepath.Join(dir, run.MetricsFile)) }},
		"split":             {finished, run.SplitFile, func(t testing.TB, dir string) { edit(t, dir, run.SplitFile, replace("[", "[ ")) }},
		"config":            {finished, run.ConfigFile, func(t testing.TB, dir string) { edit(t, dir, run.ConfigFile, replace("lr: 0.1", "lr: 0.2")) }},
		"config gone":       {finished, run.ConfigFile, func(t testing.TB, dir string) { os.Remove(filepath.Join(dir, run.ConfigFile)) }},
		"environment":       {finished, run.EnvironmentFile, func(t testing.TB, dir string) { edit(t, dir, run.EnvironmentFile, cutThird) }},
		"environment value": {finished, run.EnvironmentFile, func(t testing.TB, dir string) { edit(t, dir, run.EnvironmentFile, replace(`"host": "`, `"host": "x`)) }},
		"last":              {finished, run.Last, func(t testing.TB, dir string) { edit(t, dir, run.Last, flipMiddle) }},
		"last is best":      {finished, run.Best, copyBest},
		"best gone":         {finished, run.Best, func(t testing.TB, dir string) { os.Remove(filepath.Join(dir, run.Best)) }},
		"all gone":          {finished, run.Last, func(t testing.TB, dir string) { os.RemoveAll(filepath.Join(dir, filepath.Dir(run.Last))) }},
		"forged loss":       {finished, run.Last, func(t testing.TB, dir string) { reseal(t, dir, func(s *run.Summary) { s.Last.Loss /= 2 }) }},
		"forged seal, best": {finished, run.Best, func(t testing.TB, dir string) { copyBest(t, dir); reseal(t, dir, func(*run.Summary) {}) }},
		"forged metrics": {finished, run.Last, func(t testing.TB, dir string) {
			edit(t, dir, run.MetricsFile, replace(`"lr":0`, `"lr":1`))
			reseal(t, dir, func(*run.Summary) {})
		}},
		"forged config": {finished, run.Last, func(t testing.TB, dir string) {
			edit(t, dir, run.ConfigFile, replace("lr: 0.1", "lr: 0.2"))
			reseal(t, dir, func(*run.Summary) {})
		}},
		"seal taken off":     {finished, run.SummaryFile, unseal},
		"forged setting":     {finished, run.SummaryFile, func(t testing.TB, dir string) { reseal(t, dir, func(s *run.Summary) { s.Beta = 0.9 }) }},
		"interrupted, lines": {interrupted, run.Last, func(t testing.TB, dir string) { edit(t, dir, run.MetricsFile, replace(`"loss":`, `"loss":1`)) }},
		"interrupted, fewer": {interrupted, run.Last, func(t testing.TB, dir string) { edit(t, dir, run.MetricsFile, func(string) string { return "" }) }},
		"interrupted, seed":  {interrupted, run.Last, func(t testing.TB, dir string) { edit(t, dir, run.ConfigFile, replace("\nseed: 0", "\nseed: 1")) }},
		"interrupted, flip":  {interrupted, run.Last, func(t testing.TB, dir string) { edit(t, dir, run.Last, flipMiddle) }},
	} {
		dir := copyOf(t, c.from)
		c.spoil(t, dir)
		v := Verify(dir)
		if len(v.Problems) == 0 {
			t.Errorf("%s: not noticed", name)
			continue
		}
		if p := v.Problems[0]; fail.Code(p) != fail.CodeData || !strings.Contains(p.Error(), filepath.Join(dir, c.file)) {
			t.Errorf("%s: %v, want one that names %s", name, v.Problems, c.file)
		}
	}
}

// unseal makes a sealed result look like one of before there were seals.
func unseal(t testing.TB, dir string) {
	t.Helper()
	edit(t, dir, run.SummaryFile, func(text string) string {
		end := strings.Index(text, ",\n  \"seal\"")
		return strings.Replace(text[:end]+"\n}\n", `"version": 2`, `"version": 1`, 1)
	})
}

// TestAResultIsNotSealedAnewOverChangedFiles removes a summary and changes a file: the run does not end, so that nothing wrong is
// sealed.
func TestAResultIsNotSealedAnewOverChangedFiles(t *testing.T) {
	finished := filepath.Join(t.TempDir(), "f")
	mustRun(t, job(t, finished, fake()))
	for _, name := range []string{run.MetricsFile, run.Last} {
		dir := copyOf(t, finished)
		if err := os.Remove(filepath.Join(dir, run.SummaryFile)); err != nil {
			t.Fatal(err)
		}
		edit(t, dir, name, flipMiddle)
		if _, err := Run(context.Background(), job(t, dir, fake())); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFilesThatVanishDuringARunAreWrittenAgain takes files away or changes them at the second epoch.
func TestFilesThatVanishDuringARunAreWrittenAgain(t *testing.T) {
	want := whole(t)
	for _, name := range []string{run.MetricsFile, run.ConfigFile, run.SplitFile} {
		for _, spoil := range []func(path string) error{os.Remove, func(path string) error { return os.WriteFile(path, []byte("{}\n"), 0o666) }} {
			dir := filepath.Join(t.TempDir(), "r")
			j := job(t, dir, fake())
			j.Observers = []Observer{func(e Event) error {
				if done, ok := e.(EpochDone); ok && done.Record.Epoch == 2 {
					return spoil(filepath.Join(dir, name))
				}
				return nil
			}}
			mustRun(t, j)
			sameFiles(t, name, want, files(t, dir))
		}
	}
}

// TestAConfigThatLacksKeysIsCompleted cuts config.yaml of an interrupted run behind the keys that are not defaults: the run is the same.
func TestAConfigThatLacksKeysIsCompleted(t *testing.T) {
	want := whole(t)
	dir := filepath.Join(t.TempDir(), "r")
	interrupt(t, dir, 9)
	edit(t, dir, run.ConfigFile, func(text string) string { return text[:strings.Index(text, "\nseed: 0")+1] })
	edit(t, dir, run.SplitFile, replace(`"validation"`, `"Validation"`))
	mustRun(t, job(t, dir, fake()))
	sameFiles(t, "after the config was cut", want, files(t, dir))
}

// TestARunDoesNotResumeWithADamagedBestCheckpoint: at its end it would be sealed.
func TestARunDoesNotResumeWithADamagedBestCheckpoint(t *testing.T) {
	interrupted := filepath.Join(t.TempDir(), "i")
	interrupt(t, interrupted, 20)
	for name, spoil := range map[string]func(t testing.TB, dir string){
		"flipped": func(t testing.TB, dir string) { edit(t, dir, run.Best, flipMiddle) },
		"missing": func(t testing.TB, dir string) { os.Remove(filepath.Join(dir, run.Best)) },
		"another": func(t testing.TB, dir string) {
			other := filepath.Join(t.TempDir(), "i")
			interrupt(t, other, 4)
			edit(t, dir, run.Best, func(string) string { text, _ := os.ReadFile(filepath.Join(other, run.Last)); return string(text) })
		},
	} {
		dir := copyOf(t, interrupted)
		spoil(t, dir)
		before := files(t, dir)
		if _, err := Run(context.Background(), job(t, dir, fake())); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), filepath.Join(dir, run.Best)) {
			t.Errorf("%s: %v", name, err)
		}
		sameFiles(t, name, before, files(t, dir))
	}
}

// fingerprintOf is that of the config of a run.
func fingerprintOf(t testing.TB, dir string) string {
	t.Helper()
	fingerprint, err := config.FingerprintFile(filepath.Join(dir, run.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	return fingerprint
}
