package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"longtail/internal/run"
)

// tampering is a run, of which a hostile or careless user changes something, beside another one.
type tampering struct {
	t          *testing.T
	dir, other string
}

func (x *tampering) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *tampering) path(name string) string { return filepath.Join(x.dir, name) }

// edit changes a file of the run.
func (x *tampering) edit(name string, change func(text string) string) {
	x.t.Helper()
	old, err := os.ReadFile(x.path(name))
	x.must(err)
	text := change(string(old))
	if text == string(old) {
		x.t.Fatalf("%s is as it was", name)
	}
	x.must(os.WriteFile(x.path(name), []byte(text), 0o666))
}

// swap exchanges a file with that of the other run.
func (x *tampering) swap(name string) {
	theirs := filepath.Join(x.other, name)
	x.must(errors.Join(os.Rename(x.path(name), "swapped"), os.Rename(theirs, x.path(name)), os.Rename("swapped", theirs)))
}

// replace puts something else in the place of a file.
func (x *tampering) replace(name string, put func(path string) error) {
	x.must(errors.Join(os.RemoveAll(x.path(name)), put(x.path(name))))
}

// lines changes the lines of metrics.jsonl.
func (x *tampering) lines(change func(lines []string) []string) {
	x.edit(run.MetricsFile, func(text string) string { return strings.Join(change(slices.Collect(strings.Lines(text))), "") })
}

// What notices a tampering: everything, or only what reads that file.
const (
	all         = "verify compare table report eval train sweep"
	checkpoint  = "verify eval train"
	environment = "verify compare table report"
	harmless    = ""
)

var confusionRow = regexp.MustCompile(`(?s)"confusion": \[\s*\[.*?\]`)

// tamperings change a run in ways that someone might try or that just happen.
var tamperings = []struct {
	name    string
	do      func(x *tampering)
	noticed string // by which commands
}{
	{"an error", func(x *tampering) {
		x.edit(run.SummaryFile, func(s string) string { return strings.Replace(s, `"error": 0.`, `"error": 0.0`, 1) })
	}, all},
	{"a metric and its hash", func(x *tampering) {
		hash := func() string {
			text, err := os.ReadFile(x.path(run.MetricsFile))
			x.must(err)
			sum := sha256.Sum256(text)
			return hex.EncodeToString(sum[:])
		}
		old := hash()
		x.edit(run.MetricsFile, func(s string) string { return strings.Replace(s, `"loss":`, `"loss":1`, 1) })
		x.edit(run.SummaryFile, func(s string) string { return strings.Replace(s, old, hash(), 1) })
	}, all},
	{"two cells of the confusion matrix", func(x *tampering) {
		x.edit(run.SummaryFile, func(s string) string {
			return confusionRow.ReplaceAllStringFunc(s, func(row string) string {
				cells := regexp.MustCompile(`\d+`).FindAllString(row, -1)
				slices.Reverse(cells)
				return `"confusion": [[` + strings.Join(cells, ", ") + `]`
			})
		})
	}, all},
	{"metrics of another run", func(x *tampering) { x.swap(run.MetricsFile) }, all},
	{"summary of another run", func(x *tampering) { x.swap(run.SummaryFile) }, all},
	{"split of another run", func(x *tampering) { x.swap(run.SplitFile) }, all},
	{"last checkpoint of another run", func(x *tampering) { x.swap(run.Last) }, checkpoint},
	{"best checkpoint of another run", func(x *tampering) { x.swap(run.Best) }, checkpoint},
	{"environment of another run", func(x *tampering) { x.swap(run.EnvironmentFile) }, environment},
	{"no last line", func(x *tampering) { x.lines(func(l []string) []string { return l[:len(l)-1] }) }, all},
	{"half a last line", func(x *tampering) { x.edit(run.MetricsFile, func(s string) string { return s[:len(s)-30] }) }, all},
	{"no last line end", func(x *tampering) { x.edit(run.MetricsFile, func(s string) string { return s[:len(s)-1] }) }, all},
	{"a line twice", func(x *tampering) { x.lines(func(l []string) []string { return append(l, l[len(l)-1]) }) }, all},
	{"lines in another order", func(x *tampering) { x.lines(func(l []string) []string { l[0], l[1] = l[1], l[0]; return l }) }, all},
	{"a setting", func(x *tampering) {
		x.edit(run.ConfigFile, func(s string) string { return strings.Replace(s, "momentum: 0.9", "momentum: 0.8", 1) })
	}, all},
	{"the folder's name in the config", func(x *tampering) {
		x.edit(run.ConfigFile, func(s string) string { return strings.Replace(s, "out: ", "out: elsewhere/", 1) })
	}, harmless},
	{"half a checkpoint", func(x *tampering) { x.edit(run.Last, func(s string) string { return s[:len(s)/2] }) }, checkpoint},
	{"an empty checkpoint", func(x *tampering) { x.edit(run.Last, func(string) string { return "" }) }, checkpoint},
	{"one checkpoint gone", func(x *tampering) { x.must(os.Remove(x.path(run.Best))) }, "verify compare table report eval train"},
	{"all checkpoints gone", func(x *tampering) { x.must(os.RemoveAll(x.path(filepath.Dir(run.Last)))) }, checkpoint},
	{"times", func(x *tampering) {
		for _, name := range recorded {
			if run.Exists(x.path(name)) {
				x.must(os.Chtimes(x.path(name), time.Unix(0, 0), time.Unix(0, 0)))
			}
		}
	}, harmless},
	{"line ends of metrics", func(x *tampering) { x.edit(run.MetricsFile, crlf) }, all},
	{"line ends of the split", func(x *tampering) { x.edit(run.SplitFile, crlf) }, all},
	{"line ends of the config", func(x *tampering) { x.edit(run.ConfigFile, crlf) }, harmless},
	{"line ends of the summary", func(x *tampering) { x.edit(run.SummaryFile, crlf) }, harmless},
	{"a link to the summary", func(x *tampering) {
		x.must(errors.Join(os.Rename(x.path(run.SummaryFile), "moved"), os.Symlink("../../moved", x.path(run.SummaryFile))))
	}, harmless},
	{"a link to another summary", func(x *tampering) {
		theirs, err := filepath.Abs(filepath.Join(x.other, run.SummaryFile))
		x.must(err)
		x.replace(run.SummaryFile, func(path string) error { return os.Symlink(theirs, path) })
	}, all},
}

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

// strangers are things that stand where a file should.
var strangers = map[string]func(path string) error{
	"a pipe":            func(path string) error { return syscall.Mkfifo(path, 0o600) },
	"/dev/zero":         func(path string) error { return os.Symlink("/dev/zero", path) },
	"a folder":          func(path string) error { return os.Mkdir(path, 0o700) },
	"a link to nowhere": func(path string) error { return os.Symlink("nowhere", path) },
	"a link to itself":  func(path string) error { return os.Symlink(filepath.Base(path), path) },
	"a long word":       func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("x"), 20<<20), 0o600) },
	"a long key": func(path string) error {
		return os.WriteFile(path, []byte(`{"`+strings.Repeat("x", 20<<20)+"\": 1}\n"), 0o600)
	},
	"a terabyte of none": func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<40)) },
}

// tamperedFiles are the files in whose place the strangers are put, and what notices.
var tamperedFiles = map[string]string{
	run.SummaryFile: all, run.MetricsFile: all, run.ConfigFile: all, run.SplitFile: all, run.EnvironmentFile: environment, run.Last: checkpoint, run.TimingFile: harmless,
}

// TestTampering changes a run in every way and looks at what each command that reads runs makes of it: what does not fit ends with an error
// that names the run, and nothing waits, fills the memory or the screen.
func TestTampering(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Chdir(t.TempDir())
	sweep := `{base: {data: {dataset: synthetic10, max_per_class: 30, imbalance: 10}, model: {name: resnet8}, train: {batch: 32, epochs: 3}, device: cpu, out: runs}, grid: {data.split_seed: [0, 1]}}`
	if err := os.WriteFile("sweep.yaml", []byte(sweep), 0o666); err != nil {
		t.Fatal(err)
	}
	if p := execute("sweep", "sweep.yaml", "--quiet"); p.code != 0 {
		t.Fatal(p)
	}
	dirs, err := filepath.Glob("runs/*/" + run.SummaryFile)
	if err != nil || len(dirs) != 2 {
		t.Fatal(dirs, err)
	}
	if err := os.Rename("runs", "good"); err != nil {
		t.Fatal(err)
	}
	x := &tampering{dir: filepath.Dir(dirs[0]), other: filepath.Dir(dirs[1])}
	clean := map[string]printed{}
	x.fresh(t)
	for name, command := range x.commands() {
		if clean[name] = execute(command...); clean[name].code != 0 {
			t.Fatalf("%s: %+v", name, clean[name])
		}
	}
	for _, c := range tamperings {
		t.Run(c.name, func(t *testing.T) { x.look(t, c.do, c.noticed, clean) })
	}
	for kind, put := range strangers {
		for file, noticed := range tamperedFiles {
			t.Run(kind+" as "+filepath.Base(file), func(t *testing.T) {
				x.look(t, func(x *tampering) { x.replace(file, put) }, noticed, clean)
			})
		}
	}
}

// commands are those that read runs.
func (x *tampering) commands() map[string][]string {
	return map[string][]string{
		"verify":  {"verify", "runs", "--json"},
		"compare": {"compare", "runs", "--out", "none", "--quiet"},
		"table":   {"table", "runs", "--quiet"},
		"report":  {"report", "runs", "--out", "page.html", "--quiet"},
		"eval":    {"eval", x.dir, "--device", "cpu", "--out", "pictures", "--quiet"},
		"train":   {"train", x.path(run.ConfigFile), "--quiet"},
		"sweep":   {"sweep", "sweep.yaml", "--quiet"},
	}
}

// fresh makes the runs what they were.
func (x *tampering) fresh(t *testing.T) {
	x.t = t
	x.must(errors.Join(os.RemoveAll("runs"), os.RemoveAll("moved"), os.CopyFS("runs", os.DirFS("good"))))
}

func (x *tampering) look(t *testing.T, do func(*tampering), noticed string, clean map[string]printed) {
	for name, command := range x.commands() {
		x.fresh(t)
		do(x)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		done := make(chan printed, 1)
		go func() { done <- execute(command...) }()
		var p printed
		select {
		case p = <-done:
		case <-time.After(time.Minute):
			t.Fatalf("%s waits", name)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<30 {
			t.Errorf("%s takes %d MB", name, took>>20)
		}
		if n := len(p.messages) + len(p.out); n > 4*(len(clean[name].out)+20_000) {
			t.Errorf("%s prints %d bytes", name, n)
		}
		switch should := slices.Contains(strings.Fields(noticed), name); {
		case should && (p.code == 0 || !strings.Contains(p.messages, x.dir)):
			t.Errorf("%s does not notice it, or not where: code %d, %s", name, p.code, p.messages)
		case !should && (p.code != 0 || p.out != clean[name].out && name != "report"): // the page shows config.yaml as it is
			t.Errorf("%s prints something else: code %d, %s", name, p.code, p.messages)
		}
	}
}

// TestCopiesAndMoves moves a run, copies it beside itself and over another one: it counts once.
func TestCopiesAndMoves(t *testing.T) {
	c := newCampaign(t)
	if err := errors.Join(os.RemoveAll("runs/i"), os.RemoveAll("runs/b"), os.CopyFS("runs/b", os.DirFS("runs/a")), os.Rename("runs/a", "runs/moved")); err != nil {
		c.t.Fatal(err)
	}
	if p := execute("verify", "runs"); p.code != 0 || strings.Count(p.out, "\n") != 2 {
		t.Errorf("%+v", p)
	}
	for _, command := range [][]string{{"compare", "runs", "--out", "none"}, {"table", "runs"}, {"report", "runs", "--out", "page.html"}} {
		if p := execute(command...); p.code != 0 || !strings.Contains(p.messages, "the same run as runs/b, so it is counted once") {
			t.Errorf("%v: code %d, %s", command, p.code, p.messages)
		}
	}
	if p := execute("report", "runs", "--out", "page.html", "--json"); !strings.HasPrefix(p.out, `{"file":"page.html","runs":1,`) {
		t.Errorf("not one run: %.200s", p.out)
	}
}

// A file without permission is a problem of permission, named.
func TestFilesWithoutPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	newCampaign(t)
	for file, commands := range tamperedFiles {
		path := filepath.Join("runs/a", file)
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(commands) {
			args := map[string][]string{
				"verify": {"verify", "runs"}, "compare": {"compare", "runs", "--out", "none"}, "table": {"table", "runs"}, "report": {"report", "runs", "--out", "page.html"},
				"eval": {"eval", "runs/a", "--device", "cpu"}, "train": {"train", "runs/a/config.yaml"},
			}[name]
			if args == nil {
				continue
			}
			if p := execute(args...); p.code == 0 || !strings.Contains(p.messages, path) || !strings.Contains(p.messages, fs.ErrPermission.Error()) {
				t.Errorf("%s, %s: %+v", file, name, p)
			}
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
