package export

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"longtail/eval"
	"longtail/internal/config"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// Status of runs in MLflow's entities/run_status.py: a run without a result is shown as killed, since no process reports for it to MLflow.
const (
	statusFinished = 3
	statusKilled   = 5
)

// Longest parameter value and tag that MLflow reads.
const (
	longestParam = 6000
	longestTag   = 8000
)

// writer writes the files of one run. The first error sticks.
type writer struct {
	dir string
	err error
}

// file writes a file below the run's folder.
func (w *writer) file(name, text string) {
	if w.err != nil {
		return
	}
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		w.err = disk.WriteError(path, err)
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		w.err = disk.WriteError(path, err)
	}
}

// run writes a run that will lie at place.
func (w *writer) run(r *Run, experiment, place string) {
	start, end := r.times()
	status := statusKilled
	if r.Finished != nil {
		status = statusFinished
	}
	w.file(metaFile, fmt.Sprintf(`artifact_uri: %s
end_time: %d
entry_point_name: ''
experiment_id: '%s'
lifecycle_stage: active
run_id: '%s'
run_name: %s
source_name: ''
source_type: 4
source_version: ''
start_time: %d
status: %d
tags: []
user_id: longtail
`, note(fileURI(filepath.Join(place, "artifacts"))), end, experiment, runID(r), note(r.Name), start, status))
	for name, text := range map[string]string{
		"mlflow.runName": r.Name, "mlflow.user": "longtail", "mlflow.source.name": "longtail", "mlflow.source.type": "LOCAL",
		"mlflow.note.content": r.command(), madeBy: version(), "longtail.folder": r.Dir,
	} {
		w.file("tags/"+name, shortened(text, longestTag))
	}
	w.params(r)
	w.metrics(r, start, end)
	w.artifacts(r)
}

func (w *writer) params(r *Run) {
	settings, err := config.Flatten(r.Config.YAML())
	if err != nil {
		w.err = cmp.Or(w.err, fmt.Errorf("parameters of %s: %w", r.Dir, err))
		return
	}
	for key, value := range settings {
		w.file("params/"+key, shortened(value, longestParam))
	}
}

// metrics writes a file for each metric. Runs record no time for an epoch, so that the times lie evenly, by steps, between the run's.
func (w *writer) metrics(r *Run, start, end int64) {
	lines := map[string]*strings.Builder{}
	steps := 1
	if n := len(r.History); n > 0 {
		steps = r.History[n-1].Step
	}
	add := func(name string, value float64, step int) {
		b := lines[name]
		if b == nil {
			b = new(strings.Builder)
			lines[name] = b
		}
		at := start + int64(float64(end-start)*float64(step)/float64(steps))
		fmt.Fprintf(b, "%d %s %d\n", at, number(value), step)
	}
	for _, e := range r.History {
		for _, m := range metricsOf(e, r.ClassNames) {
			add(m.name, m.value, e.Step)
		}
	}
	if r.Finished != nil {
		for _, which := range eval.Results() {
			for _, m := range eval.Metrics() {
				if v := r.Finished.Test(which, m); !math.IsNaN(v) {
					add(fmt.Sprintf("result_%s/%s", which, m), v/100, r.Finished.Result(which).Step)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		w.file("metrics/"+fileName(name), lines[name].String())
	}
}

// artifacts copies the small files of a run; its checkpoints stay where they are.
func (w *writer) artifacts(r *Run) {
	w.file("artifacts/README.txt", fmt.Sprintf("The run's folder, with its checkpoints: %s\nIts command: %s\n", r.Dir, r.command()))
	for _, name := range []string{run.ConfigFile, run.EnvironmentFile, run.SplitFile, run.SummaryFile} {
		path := filepath.Join(r.Dir, name)
		if w.err != nil || !run.Exists(path) {
			continue
		}
		text, err := disk.Read(path, run.MaxRecordBytes)
		if err != nil {
			w.err = fail.Data("reading a file of the run: %w\nlongtail verify %s checks its files", err, r.Dir)
			return
		}
		w.file("artifacts/"+name, string(text))
	}
}

// identity is everything that decides the run.
func (r *Run) identity() []byte {
	var b strings.Builder
	for _, key := range config.Keys() {
		if config.RoleOf(key) != config.Bookkeeping {
			fmt.Fprintf(&b, "%s=%s\n", key, r.Config.Value(key))
		}
	}
	return []byte(b.String())
}

// command makes the run again.
func (r *Run) command() string {
	return fail.CommandLine([]string{"longtail", "train", fail.Path(filepath.Join(r.Dir, run.ConfigFile))})
}

// times are the milliseconds since 1970 of the run's first file and of its last.
func (r *Run) times() (start, end int64) {
	modified := func(name string) int64 {
		if info, err := os.Stat(filepath.Join(r.Dir, name)); err == nil {
			return info.ModTime().UnixMilli()
		}
		return 0
	}
	start = cmp.Or(modified(run.ConfigFile), modified(run.SummaryFile))
	end = cmp.Or(modified(run.SummaryFile), modified(run.MetricsFile), start)
	return min(start, end), end
}

// fileName is a metric's name with only the characters that MLflow takes; a slash makes a folder.
func fileName(name string) string {
	clean := func(c rune) rune {
		if c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c)) || strings.ContainsRune("_-. ", c) {
			return c
		}
		return '_'
	}
	folder, rest, below := strings.Cut(name, "/")
	if !below {
		return strings.Map(clean, name)
	}
	return folder + "/" + strings.TrimSpace(strings.Map(clean, rest))
}

// shortened is text on one line and of at most so many bytes.
func shortened(text string, most int) string {
	text = strings.NewReplacer("\n", " ", "\r", " ").Replace(text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most-len("...")], "") + "..."
	}
	return text
}
