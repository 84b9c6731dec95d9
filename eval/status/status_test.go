package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "longtail/data/cifar" // which the configs name

	"longtail/eval/evaltest"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/internal/run/lease"
)

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// half is a config of 4 epochs of 12406 images, 387 steps.
const half = "data: {dataset: cifar10, imbalance: 100}\nmodel: {name: resnet32}\ntrain: {epochs: 4, batch: 128}\n"

// lines are so many epochs; only the first has a test.
func lines(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		test := ""
		if i == 1 {
			test = `, "test": {"error": 0.5}`
		}
		fmt.Fprintf(&b, `{"epoch": %d, "step": %d, "lr": 0.1, "train": {"loss": %g, "per_class": [%s1]}%s}`+"\n", i, 97*i, 1/float64(i), strings.Repeat("0.25, ", 2000), test)
	}
	return b.String()
}

// lock writes a lock of another machine.
func lock(t testing.TB, dir string, beat int, at time.Time) {
	t.Helper()
	r := lease.Record{Token: "t1", Host: "elsewhere", Boot: "another", PID: 7, Job: "12_3", Beat: beat, Progress: &lease.Progress{
		Step: 200, Steps: 387, Epoch: 2.06, Epochs: 4, Loss: 0.75, Rate: 1000, Extra: 0.5,
	}}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, lease.File)
	put(t, path, string(text))
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func reader(t testing.TB, dir string, o Options) *Reader {
	t.Helper()
	if o.CacheDir == "" {
		o.CacheDir = t.TempDir()
	}
	r, err := NewReader(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t testing.TB, r *Reader) Snapshot {
	t.Helper()
	s, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rows(s Snapshot) map[string]Row {
	all := map[string]Row{}
	for _, r := range s.Rows {
		all[r.Name] = r
	}
	return all
}

// example makes a run of every state.
func example(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	if _, err := evaltest.Write(filepath.Join(root, "below"), evaltest.Spec{Sealed: true}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"new", "queued", "running", "failed", "interrupted", "stale", "damaged-config", "damaged-metrics", "damaged-summary"} {
		put(t, filepath.Join(root, name, run.ConfigFile), half)
		if name != "new" && name != "queued" {
			put(t, filepath.Join(root, name, run.MetricsFile), lines(3))
		}
	}
	lock(t, filepath.Join(root, "running"), 1, time.Now())
	lock(t, filepath.Join(root, "stale"), 1, time.Now().Add(-time.Hour))
	put(t, filepath.Join(root, "failed", run.FailureFile), `{"time": "", "host": "a", "code": 5, "error": "the loss is NaN\nlower it"}`)
	put(t, filepath.Join(root, "damaged-config", run.ConfigFile), "train: [\x1b\n")
	put(t, filepath.Join(root, "damaged-metrics", run.MetricsFile), "{}x\n")
	put(t, filepath.Join(root, "damaged-summary", run.SummaryFile), `{"version": 2}`)
	return root
}

func TestStates(t *testing.T) {
	root := example(t)
	queue := func(context.Context) ([]Job, error) {
		return []Job{{ID: "9_1", Folder: filepath.Join(root, "queued"), Waiting: true}, {ID: "9_2", Folder: "elsewhere"}}, nil
	}
	s := read(t, reader(t, root, Options{Queue: queue}))
	got := rows(s)
	for name, want := range map[string]State{
		"below/cifar10-if100-softmax-g0-b0-s0": Done, "new": New, "queued": Queued, "running": Running, "failed": Failed, "interrupted": Interrupted,
		"stale": Stale, "damaged-config": Damaged, "damaged-metrics": Damaged, "damaged-summary": Damaged,
	} {
		if got[name].State != want {
			t.Errorf("%s is %s, want %s: %+v", name, got[name].State, want, got[name])
		}
	}
	if len(s.Rows) != 10 || s.Totals.Runs != 10 || s.Totals.States[Damaged] != 3 {
		t.Errorf("%d rows, totals %+v", len(s.Rows), s.Totals)
	}
	if r := got["interrupted"]; r.Epoch != 3 || r.Step != 291 || r.Steps != 387 || *r.Loss != 1.0/3 || *r.Error != 0.5 || r.Epochs != 4 {
		t.Errorf("interrupted: %+v", r)
	}
	if r := got["running"]; r.Step != 200 || r.Host != "elsewhere" || r.Job != "12_3" || *r.Loss != 0.75 || math.Abs(r.Left-187*128/1000.0*1.5) > 1e-9 {
		t.Errorf("running: %+v", r)
	}
	if r := got["below/cifar10-if100-softmax-g0-b0-s0"]; r.Step != r.Steps || *r.Error < 0.2 || r.Host != "example" || r.Epoch != 8 {
		t.Errorf("done: %+v", r)
	}
	if r := got["failed"]; !strings.Contains(r.Problem, "NaN") || r.Host != "a" {
		t.Errorf("failed: %+v", r)
	}
	if r := got["damaged-summary"]; !strings.Contains(r.Problem, run.SummaryFile) {
		t.Errorf("damaged: %+v", r)
	}
	if r := got["queued"]; r.Job != "9_1" || r.Steps != 387 {
		t.Errorf("queued: %+v", r)
	}
	if s.Totals.Rate != 1000 || s.Totals.Left <= got["running"].Left {
		t.Errorf("totals: %+v", s.Totals)
	}
}

// Configs of versions that called another network resnet50 tell what it is called now.
func TestFormerNamesOfNetworks(t *testing.T) {
	root := t.TempDir()
	for name, model := range map[string]string{"former": "{name: resnet50, shortcut: avgpool}", "today": "{name: resnet50}"} {
		put(t, filepath.Join(root, name, run.ConfigFile), strings.Replace(half, "{name: resnet32}", model, 1))
	}
	got := rows(read(t, reader(t, root, Options{})))
	if got["former"].Model != "cifar_resnet50" || got["today"].Model != "resnet50" {
		t.Errorf("%q, %q", got["former"].Model, got["today"].Model)
	}
}

func TestFolderMayBeARunOrEmptyOrMissing(t *testing.T) {
	root := example(t)
	if s := read(t, reader(t, filepath.Join(root, "new"), Options{})); len(s.Rows) != 1 || s.Rows[0].Name != "new" {
		t.Errorf("a run's folder: %+v", s)
	}
	if s := read(t, reader(t, t.TempDir(), Options{})); s.Rows == nil || len(s.Rows) != 0 {
		t.Errorf("an empty folder: %+v", s)
	}
	for _, path := range []string{filepath.Join(root, "none"), filepath.Join(root, "new", run.ConfigFile)} {
		if _, err := NewReader(path, Options{}); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// The clocks of this machine and of the file system differ by an hour, either way: what is watched is judged by its changes.
func TestWatchedHeartbeatsNeedNoClock(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		dir := filepath.Join(t.TempDir(), "a")
		put(t, filepath.Join(dir, run.ConfigFile), half)
		now := time.Now()
		r := reader(t, dir, Options{Now: func() time.Time { return now }})
		state := func(beat int) State {
			lock(t, dir, beat, now.Add(skew))
			return read(t, r).Rows[0].State
		}
		state(1) // by the clock: wrong for one of them
		now = now.Add(5 * time.Second)
		if got := state(2); got != Running {
			t.Errorf("skew %v, after a heartbeat: %s", skew, got)
		}
		now = now.Add(silence / 2)
		if got := state(2); got != Running {
			t.Errorf("skew %v, between heartbeats: %s", skew, got)
		}
		now = now.Add(silence)
		if got := state(2); got != Stale {
			t.Errorf("skew %v, without a heartbeat: %s", skew, got)
		}
	}
}

func TestMetricsAreReadAsTheyGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), run.MetricsFile)
	put(t, path, "")
	var m metrics
	for _, c := range []struct {
		text string
		step int
		end  int
	}{{"", 0, 0}, {lines(3), 291, len(lines(3))}, {lines(3) + `{"ep`, 291, len(lines(3))}, {lines(4), 388, len(lines(4))}, {lines(2), 194, len(lines(2))}, {lines(3), 291, len(lines(3))}} {
		put(t, path, c.text)
		if err := m.read(path); err != nil {
			t.Fatal(err)
		}
		if m.last.Step != c.step || int(m.end) != c.end || c.step > 0 && (m.err == nil || *m.err != 0.5) {
			t.Errorf("after %d bytes: %+v", len(c.text), m)
		}
	}
	// lines of other lengths took the place of those that were read
	put(t, path, `{"epoch": 1, "step": 97}`+"\n"+lines(4))
	if err := m.read(path); err != nil || m.last.Step != 388 {
		t.Errorf("%+v, %v", m, err)
	}
	put(t, path, strings.Repeat("x", 3*firstWindow)+"\n")
	if err := m.read(path); err == nil {
		t.Error("a damaged line is taken")
	}
}

func TestFinishedRunsAreReadOnce(t *testing.T) {
	root, caches := example(t), t.TempDir()
	first := read(t, reader(t, root, Options{CacheDir: caches}))
	done := filepath.Join(root, "below", "cifar10-if100-softmax-g0-b0-s0")
	text, err := os.ReadFile(filepath.Join(done, run.SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(done, run.SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	// other bytes of the same size and time: whoever reads them sees damage
	put(t, filepath.Join(done, run.SummaryFile), strings.Repeat("x", len(text)))
	if err := os.Chtimes(filepath.Join(done, run.SummaryFile), info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	again := read(t, reader(t, root, Options{CacheDir: caches}))
	if a, b := rows(first)["below/cifar10-if100-softmax-g0-b0-s0"], rows(again)["below/cifar10-if100-softmax-g0-b0-s0"]; b.State != Done || *a.Error != *b.Error || !a.Changed.Equal(b.Changed) {
		t.Errorf("from the cache %+v, at first %+v", b, a)
	}
	later := info.ModTime().Add(time.Second)
	if err := os.Chtimes(filepath.Join(done, run.SummaryFile), later, later); err != nil {
		t.Fatal(err)
	}
	if s := read(t, reader(t, root, Options{CacheDir: caches})); s.Totals.States[Damaged] != 4 {
		t.Errorf("a summary that changed: %+v", s.Totals)
	}
}

func TestCacheMayBeDamagedOrUnwritable(t *testing.T) {
	root, caches := example(t), t.TempDir()
	want := read(t, reader(t, root, Options{CacheDir: caches})).Totals
	files, err := filepath.Glob(filepath.Join(caches, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, "")
	for _, damage := range []string{"", "{", "null", `{"version": 1}`, string(whole[:len(whole)/2]), strings.Replace(string(whole), `"folder":"`, `"folder":"x`, 1)} {
		put(t, files[0], damage)
		if got := read(t, reader(t, root, Options{CacheDir: caches})).Totals; got.States[Done] != want.States[Done] || got.Runs != want.Runs {
			t.Errorf("cache %.20q: %+v", damage, got)
		}
	}
	if got := read(t, reader(t, root, Options{CacheDir: filepath.Join(file, "none")})).Totals; got.States[Done] != 1 {
		t.Errorf("no cache folder: %+v", got)
	}
}

func TestNothingIsWrittenIntoTheFolder(t *testing.T) {
	root := example(t)
	list := func() (all []string) {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			all = append(all, fmt.Sprint(path, info.ModTime(), info.Size()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := fmt.Sprint(list())
	read(t, reader(t, root, Options{}))
	if after := fmt.Sprint(list()); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

func TestSilentSchedulerIsARemark(t *testing.T) {
	s := read(t, reader(t, example(t), Options{Queue: func(context.Context) ([]Job, error) { return nil, errors.New("squeue: no\nmore") }}))
	if len(s.Remarks) != 1 || s.Remarks[0] != "squeue: no more" || len(s.Rows) != 10 {
		t.Errorf("%+v", s.Remarks)
	}
}

func TestCancelledReadIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader(t, example(t), Options{}).Read(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// thousand makes 1000 runs: 600 of 100 classes that are done, 200 at work, 100 interrupted, 100 new.
func thousand(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	done, err := evaltest.Write(t.TempDir(), evaltest.Spec{Dataset: "cifar100", Classes: 100, Epochs: 200, Sealed: true})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{run.ConfigFile, run.SummaryFile, run.EnvironmentFile} {
		text, err := os.ReadFile(filepath.Join(done, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	for i := range 200 {
		score := `{"loss": 1.25, "error": 0.5, "accuracy": 0.5, "per_class": [` + strings.Repeat("0.12345678901234, ", 99) + "1]}"
		files[run.MetricsFile] += fmt.Sprintf(`{"epoch": %d, "step": %d, "lr": 0.1, "train": %s, "test": %[3]s}`+"\n", i+1, 97*(i+1), score)
	}
	for i := range 1000 {
		dir := filepath.Join(root, fmt.Sprintf("run-%04d", i))
		put(t, filepath.Join(dir, run.ConfigFile), half)
		switch {
		case i < 600:
			for name, text := range files {
				put(t, filepath.Join(dir, name), text)
			}
		case i < 800:
			lock(t, dir, i, time.Now())
			fallthrough
		case i < 900:
			put(t, filepath.Join(dir, run.MetricsFile), files[run.MetricsFile])
		}
	}
	return root
}

// processor is the processor time of this process: unlike time, it does not depend on what runs beside it.
func processor(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// The bounds are several times what a machine with nothing else to do takes.
func TestThousandRunsInASecond(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector makes it slow")
	}
	root, caches := thousand(t), t.TempDir()
	for _, limit := range []time.Duration{4 * time.Second, time.Second} { // without a cache, and with one
		start, began := time.Now(), processor(t)
		s := read(t, reader(t, root, Options{CacheDir: caches}))
		took := processor(t) - began
		t.Logf("%v, %v of processors, for %+v", time.Since(start), took, s.Totals.States)
		if s.Totals.States[Done] != 600 || s.Totals.States[Running] != 200 || s.Totals.States[Interrupted] != 100 || s.Totals.States[New] != 100 {
			t.Errorf("%+v", s.Totals)
		}
		if took > limit {
			t.Errorf("%v of processors, at most %v are wanted", took, limit)
		}
	}
}
